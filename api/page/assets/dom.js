// Elements and numbers, as all parts of the page make them.

const PERCENT = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });
const TIME = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

/** The element of the page with this id. */
export const find = (id) => document.getElementById(id);

/** A new element; what `attributes` sets to undefined is left out. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** A share in per cent, which neither rounds doubt away nor a chance to nothing. */
export function percent(share) {
  if (share < 1 && share > 0.9995) return "> 99.9 %";
  if (share > 0 && share < 0.0005) return "< 0.1 %";
  return PERCENT.format(share).replace("%", "\u00a0%");
}

/** A bar as long as a share, beside a number that says the same. */
export function bar(share, ...children) {
  const made = element("span", { class: "bar", "aria-hidden": "true" }, ...children);
  made.style.setProperty("--share", share);
  return made;
}

/** A moment in the reader's own time. */
export function time(moment) {
  const date = new Date(moment);
  return Number.isNaN(date.valueOf())
    ? document.createTextNode(moment)
    : element("time", { datetime: moment, title: moment }, TIME.format(date));
}

/** The text as a sentence. */
export function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}
