// Requests to the server. Only this page knows the name of its session.

let session = null;

export class RequestError extends Error {
  constructor(status, detail, ended = false) {
    super(detail);
    this.status = status;
    this.ended = ended; // the session is no longer there
  }
}

async function checkStatus(response) {
  if (response.ok) return response;
  let detail = `the server responded with status ${response.status}`, ended = false;
  try {
    const content = await response.json();
    detail = content.detail ?? detail;
    ended = content.session === "ended";
  } catch { /* not JSON: the status is shown */ }
  throw new RequestError(response.status, String(detail), ended);
}

let pending = 0;

// The number of requests and actions in progress.
export function count(change) {
  pending += change;
  document.documentElement.dataset.pending = pending;
}

async function send(path, options) {
  count(1);
  try {
    return await checkStatus(await fetch(path, options));
  } catch (error) {
    if (error instanceof RequestError || error.name === "AbortError") throw error;
    throw new RequestError(0, "no response from the server; check that graduel serve is still running");
  } finally {
    setTimeout(count, 0, -1); // delayed, so that an immediate follow-up request leaves no gap
  }
}

// After the end of a session, `restore(reason)` starts a new one; the request is sent again.
let restore = null, restoring = null;
export function onSessionEnd(handler) {
  restore = handler;
}

async function inSession(end, options) {
  await restoring;
  try {
    return await send(path(end), options);
  } catch (error) {
    if (!error.ended || !restore) throw error;
    restoring ??= restore(error.message).finally(() => { restoring = null; });
    await restoring;
    return send(path(end), options);
  }
}

export async function open() {
  const response = await send("api/sessions", { method: "POST" });
  session = (await response.json()).session;
  forget();
}

export const path = (end) => `api/sessions/${session}${end ? `/${end}` : ""}`;

export async function about() {
  return (await send("api/about")).json();
}

const json = (content) => ({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(content ?? {}) });
const binary = (content, kind) => ({ method: "POST", headers: { "content-type": kind }, body: content });

export async function get(end, signal) {
  return (await inSession(end, { signal })).json();
}

export async function post(end, content, signal) {
  return (await inSession(end, { ...json(content), signal })).json();
}

export async function upload(end, content, kind) {
  return (await inSession(end, binary(content, kind))).json();
}

export async function bytes(end) {
  return (await inSession(end, {})).arrayBuffer();
}

// For the function that restores a session: an upload that does not wait for it.
export async function uploadAtOnce(end, content, kind) {
  return (await send(path(end), binary(content, kind))).json();
}

export async function getAtOnce(end) {
  return (await send(path(end), {})).json();
}

export async function file(end, content) {
  const response = await inSession(end, json(content));
  const name = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1];
  return { name: name ?? "file", content: await response.blob() };
}

// Answers that depend on the request and the session's models only: equal requests are sent once.
const answers = new Map();
const MOST_ANSWERS = 60;

export async function ask(end, content, signal) {
  const key = `${end} ${JSON.stringify(content)}`;
  let answer = answers.get(key);
  answers.delete(key);
  answer ??= content === undefined ? await get(end, signal) : await post(end, content, signal);
  answers.set(key, answer);
  if (answers.size > MOST_ANSWERS) answers.delete(answers.keys().next().value);
  return answer;
}

// Forget all answers, after a change of the session's models.
export function forget() {
  answers.clear();
}

// Decode an array from base64.
export function unpack({ shape, dtype, data }) {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  return { shape, values: dtype === "uint8" ? bytes : new Float32Array(bytes.buffer) };
}

export function base64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}
