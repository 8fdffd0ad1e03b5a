// Work that outlives a session of the server: saved in the browser, restored after a reload, the end
// of a session or a restart of the server.

import * as api from "./api.js";
import { notice } from "./dom.js";
import { write } from "./address.js";
import { onCommit, redraw, refresh, state } from "./state.js";
import { decode, encode } from "./strokes.js";
import * as storage from "./storage.js";

const work = { table: null, trained: null, run: null }; // as in the browser's storage

export const stored = (part) => work[part];

// Save a part of the work; null forgets it.
export function keep(part, value) {
  work[part] = value;
  return storage.put(part, value);
}

// Fetch the trained models from the server and save them.
export async function keepTrained() {
  await keep("trained", await api.bytes("trained"));
}

let timer;
function savePage(now) {
  clearTimeout(timer);
  timer = setTimeout(() => writePage(now), 200);
}

const writePage = (now) => storage.put("page", { when: Date.now(), title: state.about.title, hash: write(now), drawing: encode(now.marks) });

export function keepWork() {
  onCommit(savePage);
  addEventListener("pagehide", () => writePage(state.now));
  savePage(state.now);
}

// Send the table and the trained models to a new session; return what could not be restored.
async function sendWork() {
  const restored = [], lost = [];
  const send = async (what, end, content, kind) => {
    try {
      await api.uploadAtOnce(end, content, kind);
      restored.push(what);
    } catch (error) {
      if (!error.status) throw error;
      lost.push(`${what} (${error.message})`);
    }
  };
  const { table, trained } = work;
  if (table) await send(`the table “${table.name}”`, `table?${new URLSearchParams({ target: table.target, name: table.name })}`, table.content, "text/csv");
  if (trained) await send("the trained models", "trained", trained, "application/octet-stream");
  return { restored, lost };
}

const sentence = (items) => (items.length > 1 ? `${items.slice(0, -1).join(", ")} and ${items.at(-1)}` : items[0] ?? "");
const capital = (text) => text[0].toUpperCase() + text.slice(1);

let listeners = [];
// Called after a session was replaced, with what could not be restored.
export const onNewSession = (listener) => { listeners.push(listener); };

// Replace a session that the server ended; the page says what was dropped and what is restored.
async function restoreSession(reason) {
  await api.open();
  const { restored, lost } = await sendWork();
  state.about = await api.about();
  state.info = await api.getAtOnce("");
  const lines = [capital(reason), restored.length ? `Restored from this browser: ${sentence(restored)}; your drawing, edits and settings are unchanged.` : "Your drawing, edits and settings are unchanged."];
  if (lost.length) lines.push(`Not restored: ${sentence(lost)}.`);
  const actions = [["Go on", () => redraw()]];
  for (const listener of listeners) listener(lines, actions);
  notice("session", lines, actions);
}

api.onSessionEnd(restoreSession);

// At the start of the page: read the browser's storage; return the last address, or null.
export async function restoreWork() {
  const saved = await storage.read(state.about.title);
  if (!saved) return null;
  for (const part of ["table", "trained", "run"]) work[part] = saved[part];
  try {
    state.now.marks = decode(saved.page.drawing);
  } catch { /* of another version of this page: no drawing */ }
  if (work.table || work.trained) {
    const { lost } = await sendWork();
    await refresh();
    if (lost.length) notice("session", [`Not restored: ${sentence(lost)}.`]);
  }
  return saved.page.hash;
}
