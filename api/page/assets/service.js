// What the page asks of the service, and how the service says no.

import { sentence } from "./dom.js";

const PATIENCE = 60_000; // milliseconds; the service itself answers in half of that
const UNREACHABLE =
  "The service cannot be reached. Look whether this device is connected, then try again.";

let token = ""; // in memory alone: who reloads the page signs in anew

/** Why there is no answer; `status` is 0 where the service was not reached. */
export class Problem extends Error {
  constructor(message, status = 0, retryAfter = 0) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter; // seconds
  }
}

/** The data of an answer; throws a Problem, or an AbortError if `signal` says so. */
export async function ask(path, options = {}) {
  const headers = { ...options.headers, ...(token && { Authorization: `Bearer ${token}` }) };
  const signals = [AbortSignal.timeout(PATIENCE), ...(options.signal ? [options.signal] : [])];
  let answer, document;
  try {
    answer = await fetch(path, { ...options, headers, signal: AbortSignal.any(signals) });
    document = await answer.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw answer ? unread(answer) : new Problem(UNREACHABLE);
  }
  if (!answer.ok) throw refused(answer, document);
  return document.data;
}

/** What the model says of an image file, and why if that is wanted and the service has the time. */
export async function predict(file, explained, signal) {
  const body = new FormData();
  body.append("image", file);
  const post = (query) => ask(`predict?${query}`, { method: "POST", body, signal });
  try {
    return await post(explained ? "proba=1&explain=1" : "proba=1");
  } catch (problem) {
    if (!explained || problem.status !== 503) throw problem;
    return post("proba=1");
  }
}

/** Let further requests carry the token of this account. */
export async function signIn(name, password) {
  const body = JSON.stringify({ name, password });
  const headers = { "Content-Type": "application/json" };
  token = "";
  const data = await ask("token", { method: "POST", headers, body });
  token = data.access_token;
}

/** Whether requests carry a token, good or not. */
export const signedIn = () => token !== "";

export function signOut() {
  token = "";
}

function refused(answer, problem) {
  const details = (problem.errors ?? []).map((each) => each.detail);
  const text = [...new Set(details.length ? details : [problem.detail])].map(sentence).join(" ");
  return new Problem(text, answer.status, Number(answer.headers.get("Retry-After")));
}

function unread(answer) {
  return new Problem(`The answer cannot be read (status ${answer.status}).`, answer.status);
}
