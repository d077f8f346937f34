// The card of the model that serves: what it is, since when, and how good it has been shown to be.

import { bar, element, find, percent, time } from "./dom.js";

const RUNTIMES = { onnx: "ONNX Runtime", tensorflow: "TensorFlow" };

/** Show what the service says of the model. */
export function describe(info) {
  find("model").hidden = false;
  find("warning").hidden = !info.problem;
  find("warning").textContent = `No other model can serve now: ${info.problem}`;
  find("facts").replaceChildren(
    ...fact("Version", version(info.version)),
    ...fact("Serves since", time(info.since)),
    ...promotion(info.production),
    ...fact("Runs on", `${RUNTIMES[info.runtime] ?? info.runtime}, ${info.precision}, ${info.device}`),
    ...fact("Answers other", info.threshold > 0 ? `below ${percent(info.threshold)}` : "never"),
    ...fact(`${info.classes.length} classes`, classes(info.classes)),
  );
}

/** Show the gate's figures on the model. */
export function rate({ judged, metrics }) {
  const accuracy = estimate(metrics.accuracy);
  const rows = Object.entries(metrics.per_class ?? {});
  find("performance").replaceChildren(...(accuracy ? headline(accuracy, metrics, judged) : []));
  find("per-class").replaceChildren(...(rows.length ? [table(rows)] : []));
}

/** Say why there are no figures. */
export function rateNot(reason) {
  find("performance").replaceChildren(element("p", { class: "note" }, reason));
  find("per-class").replaceChildren();
}

function fact(name, ...value) {
  return [element("dt", {}, name), element("dd", {}, ...value)];
}

function version(name) {
  const code = element("code", { title: name }, name.slice(0, 12));
  const said = element("span", { class: "note", role: "status" });
  const copy = element("button", { type: "button", class: "quiet" }, "Copy");
  copy.setAttribute("aria-label", "Copy the whole version");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(name);
      said.textContent = "Copied";
    } catch {
      code.textContent = name; // browsers keep the clipboard from pages without TLS
      getSelection().selectAllChildren(code);
    }
  });
  return element("span", { class: "version" }, code, copy, said);
}

function promotion(record) {
  if (!record) return fact("Promoted", "no: this version is pinned");
  return fact("Promoted", time(record.when), ` by ${record.who}: ${record.why}`);
}

function classes(names) {
  const list = element("ul", { class: "names" });
  list.append(...names.map((name) => element("li", {}, name)));
  return list;
}

/** A share with its interval; earlier gates gave the share alone. */
function estimate(figure) {
  return typeof figure === "number" ? { value: figure } : (figure ?? undefined);
}

function headline(accuracy, metrics, judged) {
  const notes = [
    ...bounds(accuracy, metrics.level ?? 0.95),
    ...(metrics.images ? [`on ${metrics.images} images that it never learnt from`] : []),
  ];
  const damaged = estimate(metrics.robustness_summary?.mean);
  return [
    element("p", { class: "accuracy" }, element("strong", {}, percent(accuracy.value)), " accuracy"),
    interval(accuracy),
    element("p", { class: "note" }, `${notes.join(", ")}; judged `, time(judged)),
    ...(damaged ? [note(`${percent(damaged.value)} on images that were damaged on purpose`)] : []),
  ];
}

function note(text) {
  return element("p", { class: "note" }, text);
}

function bounds({ low, high }, level) {
  if (low === undefined) return [];
  return [`${percent(low)} to ${percent(high)} with ${percent(level)} confidence`];
}

function table(rows) {
  const heads = ["Class", "Images", "Recall", "Precision"];
  const head = heads.map((name) => element("th", { scope: "col" }, name));
  const label = "Figures of each class";
  const made = element(
    "table",
    {},
    element("caption", { class: "unseen" }, label),
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...rows.map(([name, figures]) => row(name, figures))),
  );
  return element("div", { class: "table", tabindex: "0", role: "region", "aria-label": label }, made);
}

function row(name, { images, recall, precision }) {
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, name),
    element("td", {}, String(images ?? "")),
    element("td", { class: "recall" }, ...share(estimate(recall), interval)),
    element("td", {}, ...share(estimate(precision))),
  );
}

function share(figure, draw) {
  if (!figure) return [];
  const number = element("span", { class: "number" }, percent(figure.value));
  return draw ? [draw(figure), number] : [number];
}

/** A bar for a share, which shows its interval if it has one. */
function interval({ value, low, high }) {
  if (low === undefined) return bar(value);
  const made = bar(value, element("i"));
  made.classList.add("interval");
  made.title = `${percent(low)} to ${percent(high)}`;
  made.style.setProperty("--low", low);
  made.style.setProperty("--high", high);
  return made;
}
