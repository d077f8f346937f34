// What the model says of an image: its class, how sure it is, and what in the image counted.

import { bar, element, find, percent } from "./dom.js";

const FEW = 5; // classes that are shown unless all are asked for
const SIDE = 640; // pixels of the longer side at most, as the picture is shown

const METHODS = {
  gradient: "Computed from the gradient of the answer by the pixels.",
  rise: "Computed by hiding parts of the image at random and asking again.",
};

const BUSY = "The service had no time to explain this answer.";

let all = false;
let shares = []; // of the last answer: [class, probability], the likeliest first
let threshold = 0;

find("all").addEventListener("click", () => {
  all = !all;
  listClasses();
});
find("strength").addEventListener("input", fade);

/** Say that the model is asked about an image. */
export function wait() {
  find("result").setAttribute("aria-busy", "true");
  find("problem").hidden = true;
}

/** No longer say so. */
export function rest() {
  find("result").setAttribute("aria-busy", "false");
}

/** Show nothing but a sentence that says what to do. */
export function clear(sentence) {
  rest();
  find("problem").hidden = find("found").hidden = true;
  find("answer").replaceChildren();
  find("nothing").hidden = false;
  find("nothing").textContent = sentence;
}

/** Say why there is no answer. */
export function refuse(sentence, retriable) {
  clear("");
  find("nothing").hidden = true;
  find("problem").hidden = false;
  find("problem").querySelector("p").textContent = sentence;
  find("again").hidden = !retriable;
}

/** Show what the model says of an image; null for one that the service can read and the browser not. */
export function show(name, bitmap, data, milliseconds) {
  const [prediction] = data.predictions;
  find("problem").hidden = find("nothing").hidden = true;
  find("found").hidden = false;
  find("picture").hidden = !bitmap;
  if (bitmap) draw(name, bitmap);
  threshold = data.threshold;
  shares = Object.entries(prediction.probabilities).sort((one, other) => other[1] - one[1]);
  answer(prediction);
  listClasses();
  explain(prediction.explanation, shares[0][0]);
  const version = element("code", { title: data.version }, data.version.slice(0, 12));
  const duration = `${Math.max(1, Math.round(milliseconds))}\u00a0ms`;
  find("by").replaceChildren("Answered in ", duration, " by version ", version, ".");
}

/** Show or hide what counted; false if it has to be asked for first. */
export function reveal(wanted) {
  const known = find("overlay").hasAttribute("src");
  find("overlay").hidden = !(wanted && known);
  find("method").hidden = !wanted;
  find("fading").classList.toggle("off", !wanted);
  find("strength").disabled = !wanted;
  return known;
}

function answer(prediction) {
  const [likeliest, share] = shares[0];
  const parts = [
    element("strong", {}, prediction.label),
    element("span", {}, ` ${percent(share)} sure`),
  ];
  if (prediction.confidence < threshold) {
    const reason = `Likeliest is ${likeliest}, with ${percent(share)}. The model answers
      ${prediction.label} below ${percent(threshold)}.`;
    parts.splice(1, 1, element("span", {}, reason));
  }
  find("answer").classList.toggle("other", prediction.confidence < threshold);
  find("answer").replaceChildren(...parts);
}

function listClasses() {
  const listed = all ? shares : shares.slice(0, FEW);
  find("classes").replaceChildren(...listed.map(row));
  find("all").hidden = shares.length <= FEW;
  find("all").setAttribute("aria-expanded", all);
  find("all").textContent = all ? `The first ${FEW}` : `All ${shares.length}`;
}

function row([name, share]) {
  const marks = threshold > 0 ? [element("i")] : [];
  marks.forEach((mark) => mark.style.setProperty("--share", threshold));
  const number = element("span", { class: "number" }, percent(share));
  return element("li", {}, element("span", { class: "name" }, name), bar(share, ...marks), number);
}

function explain(explanation, name) {
  const overlay = find("overlay");
  overlay.removeAttribute("src");
  find("method").textContent = BUSY;
  if (explanation) {
    overlay.src = `data:image/png;base64,${explanation.overlay}`;
    overlay.alt = `Coloured where the image speaks for ${name}`;
    const spoke = explanation.heat.flat().some((heat) => heat > 0);
    const found = spoke ? `Yellow speaks most for ${name}.` : `No part speaks for ${name}.`;
    find("method").textContent = `${found} ${METHODS[explanation.method] ?? ""}`;
  }
  reveal(find("explain").checked);
  fade();
}

function fade() {
  find("overlay").style.opacity = find("strength").value / 100;
}

function draw(name, bitmap) {
  const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = find("shown");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  canvas.setAttribute("aria-label", name);
  find("picture").style.setProperty("--ratio", canvas.width / canvas.height);
  bitmap.close();
}
