// Requests to the server. Only this page knows the name of its session.

let session = null;

export class RequestError extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

async function checkStatus(response) {
  if (response.ok) return response;
  let detail = `the server responded with status ${response.status}`;
  try {
    detail = (await response.json()).detail ?? detail;
  } catch { /* not JSON: the status is shown */ }
  throw new RequestError(response.status, String(detail));
}

let pending = 0;

function count(change) {
  pending += change;
  document.documentElement.dataset.pending = pending; // number of requests in progress
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

export async function open() {
  const response = await send("api/sessions", { method: "POST" });
  session = (await response.json()).session;
}

export const path = (end) => `api/sessions/${session}${end ? `/${end}` : ""}`;

export async function about() {
  return (await send("api/about")).json();
}

export async function get(end, signal) {
  return (await send(path(end), { signal })).json();
}

export async function post(end, body, signal) {
  const options = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body ?? {}), signal };
  return (await send(path(end), options)).json();
}

export async function upload(end, content, kind) {
  const options = { method: "POST", headers: { "content-type": kind }, body: content };
  return (await send(path(end), options)).json();
}

export async function file(end, body) {
  const options = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await send(path(end), options);
  const name = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1];
  return { name: name ?? "file", content: await response.blob() };
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
