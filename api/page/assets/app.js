// The page: an image comes in, the service is asked, and what it says is shown.

import { find } from "./dom.js";
import * as model from "./model.js";
import { Pad } from "./pad.js";
import * as result from "./result.js";
import { Problem, ask, predict, signIn, signOut, signedIn } from "./service.js";

const SOON = 5; // seconds until the service is asked again
const NOTHING = "Give the model an image to see what it makes of it.";

let image = null; // the file that is asked about
let asking = null; // what ends the request that is under way
let largest = Infinity; // bytes of a request
let serving = ""; // the version whose card is shown
let later = 0; // the timer of the next look

const pad = new Pad(find("pad"), drawn);

// --- what the service is -------------------------------------------------------------------------

/** Look which model serves, and look again until one does. */
async function look() {
  clearTimeout(later);
  try {
    const info = await ask("info");
    serving = info.version;
    model.describe(info);
    say("ready", "Ready");
    if (!image && !asking) result.clear(NOTHING);
    await Promise.all([rate(), learnLimits()]);
  } catch (problem) {
    if (problem.status === 401) return askWho(problem);
    say(problem.status ? "waiting" : "away", problem.status ? "No model yet" : "Not reachable");
    if (!image) result.clear(`${problem.message} This page looks again by itself.`);
    later = setTimeout(look, 1000 * (problem.retryAfter || SOON));
  }
}

async function rate() {
  try {
    model.rate(await ask("performance"));
  } catch (problem) {
    model.rateNot(problem.message);
  }
}

async function learnLimits() {
  try {
    const { limits } = await ask("service-info");
    largest = limits.body;
    find("largest").textContent = `, up to ${mebibytes(largest)}`;
  } catch {
    largest = Infinity; // then the service says so itself
  }
}

function say(state, text) {
  find("status").dataset.state = state;
  find("status").textContent = text;
}

function mebibytes(bytes) {
  return `${Math.round((10 * bytes) / 2 ** 20) / 10}\u00a0MiB`;
}

// --- who asks ------------------------------------------------------------------------------------

/** Let people sign in, again if a token they had is good no longer. */
function askWho(problem) {
  const reason = signedIn() ? problem.message : "";
  signOut();
  say("waiting", "Signed out");
  find("sign-in").hidden = false;
  find("work").hidden = find("model").hidden = find("sign-out").hidden = true;
  refuseSignIn(reason);
}

function refuseSignIn(reason) {
  find("sign-in-problem").hidden = !reason;
  find("sign-in-problem").textContent = reason;
  find("sign-in").querySelector("input").focus();
}

find("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const fields = event.target.elements;
  try {
    await signIn(fields.name.value, fields.password.value);
  } catch (problem) {
    return refuseSignIn(problem.message);
  }
  event.target.reset();
  find("sign-in").hidden = true;
  find("work").hidden = find("sign-out").hidden = false;
  find("choose").focus();
  await look();
  if (image) classify(image);
});

// Nothing of one visitor is left for the next.
find("sign-out").addEventListener("click", () => location.reload());

// --- the image -----------------------------------------------------------------------------------

/** Ask what an image is; what was asked before no longer matters. */
async function classify(file) {
  forget();
  image = file;
  const mine = (asking = new AbortController());
  result.wait();
  const begun = performance.now();
  try {
    requireSmall(file);
    const asked = predict(file, find("explain").checked, mine.signal);
    const [data, picture] = await Promise.all([asked, createImageBitmap(file).catch(() => null)]);
    if (asking !== mine) return;
    result.show(file.name, picture, data, performance.now() - begun);
    if (data.version !== serving) look();
  } catch (error) {
    if (asking === mine) refuse(error);
  } finally {
    if (asking === mine) {
      asking = null;
      result.rest();
    }
  }
}

function forget() {
  asking?.abort();
  asking = image = null;
}

function refuse(error) {
  if (!(error instanceof Problem)) throw error;
  if (error.status === 401) return askWho(error);
  const passing = error.status === 0 || error.status === 429 || error.status >= 500;
  result.refuse(error.message, passing);
  if (passing) look();
}

function requireSmall(file) {
  if (file.size < largest - 1000) return; // the rest of the form
  const [size, most] = [file.size, largest].map(mebibytes);
  throw new Problem(`${file.name} has ${size}, and the service takes ${most}: choose a smaller one.`, 413);
}

async function take(files) {
  if (!files.length || find("work").hidden) return;
  find("ways").querySelector("[value=file]").click();
  await classify(files[0]);
  const shown = find("result");
  if (shown.getBoundingClientRect().top > innerHeight / 2) shown.scrollIntoView();
}

async function drawn() {
  find("undo").disabled = !pad.undoable;
  find("clear").disabled = pad.empty;
  const file = await pad.file();
  if (!pad.empty) return classify(file);
  forget();
  result.clear("Draw something to see what the model makes of it.");
}

find("again").addEventListener("click", () => image && classify(image));
find("choose").addEventListener("change", (event) => {
  take(event.target.files);
  event.target.value = ""; // so that the same file can be chosen again
});
find("explain").addEventListener("change", (event) => {
  const known = result.reveal(event.target.checked);
  if (event.target.checked && !known && image) classify(image);
});

find("ways").addEventListener("change", (event) => {
  const drawing = event.target.value === "drawing";
  find("file").hidden = drawing;
  find("drawing").hidden = !drawing;
});
find("grounds").addEventListener("change", (event) => {
  pad.ground = event.target.value;
});
find("undo").addEventListener("click", () => pad.undo());
find("clear").addEventListener("click", () => pad.clear());

document.addEventListener("paste", (event) => take(event.clipboardData.files));
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    find("file").classList.toggle("over", kind === "dragover");
    if (kind === "drop") take(event.dataTransfer.files);
  });
}
addEventListener("online", look);

look();
