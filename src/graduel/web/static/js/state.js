// What all views share: the models, the example in hand, what was done to the network.

import * as api from "./api.js";

export const state = {
  about: null,
  info: null, // what there is in this session
  model: "ready",
  example: null, // {pixels: base64} or {row: {…}}, with index, label, from
  label: null, // the class that is taken as true
  edits: { weights: [], off: [] },
  answers: null,
};

const listeners = new Set();

export function listen(listener) {
  listeners.add(listener);
}

export function tell(what) {
  for (const listener of listeners) listener(what);
}

export const contest = () => state.info?.[state.model] ?? null;
export const classes = () => contest()?.classes ?? [];
export const edited = () => state.edits.weights.length + state.edits.off.length > 0;

export function asked(extra) {
  const { pixels, row } = state.example ?? {};
  const example = row ? { row } : { pixels };
  return { model: state.model, ...example, weights: state.edits.weights, off: state.edits.off, ...extra };
}

export async function refresh() {
  state.info = await api.get("");
  if (!state.info[state.model]) state.model = state.info.trained ? "trained" : "ready";
}

let running = 0;

export async function setExample(example, answers) {
  state.example = example;
  state.label = example?.label ?? null;
  state.answers = answers ?? null;
  if (!answers && example) await answer();
  else tell("example");
}

// Asks both again: after a change of the example, of the model, of an edit.
export async function answer() {
  if (!state.example || !contest()) return;
  const mine = ++running;
  const { answers } = await api.post("answer", asked());
  if (mine !== running) return;
  state.answers = answers;
  state.label ??= best(answers);
  tell("example");
}

export async function setModel(model) {
  const before = contest();
  state.model = model;
  state.edits = { weights: [], off: [] };
  const fits = before && contest() && JSON.stringify(before.fields) === JSON.stringify(contest().fields) && !!before.image === !!contest().image;
  if (!fits || !state.example) await pick(0);
  else await answer();
  tell("model");
}

export async function setEdits(edits) {
  state.edits = edits;
  await answer();
  tell("edits");
}

export async function pick(index, label) {
  const query = new URLSearchParams({ index, model: state.model });
  if (label !== undefined && label !== null) query.set("label", label);
  let found;
  try {
    found = await api.get(`test?${query}`);
  } catch (error) {
    if (error.status !== 409 || !contest()?.fields.length) throw error;
    await setExample({ row: {}, from: "form", label: null }); // only a model was given: an empty form
    return;
  }
  const example = { index: found.index, count: found.count, label: found.label, from: "test" };
  if (found.row) example.row = found.row;
  else example.pixels = found.pixels.data;
  await setExample(example);
}

export function best(answers) {
  const p = answers?.net ?? answers?.xgboost;
  return p ? p.indexOf(Math.max(...p)) : null;
}

export function pixelsOf(example) {
  return Uint8Array.from(atob(example.pixels), (c) => c.charCodeAt(0));
}
