// The state that all views share: the models, the current example, the edits of the network.

import * as api from "./api.js";

export const state = {
  about: null,
  info: null, // the models, table and training of this session
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

export function notify(what) {
  for (const listener of listeners) listener(what);
}

export const currentModels = () => state.info?.[state.model] ?? null;
export const classes = () => currentModels()?.classes ?? [];
export const edited = () => state.edits.weights.length + state.edits.off.length > 0;

export function requestBody(extra) {
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
  else notify("example");
}

// Requests both predictions again, after a change of the example, the models or an edit.
export async function answer() {
  if (!state.example || !currentModels()) return;
  const mine = ++running;
  const { answers } = await api.post("predict", requestBody());
  if (mine !== running) return;
  state.answers = answers;
  state.label ??= best(answers);
  notify("example");
}

export async function setModel(model) {
  const before = currentModels();
  state.model = model;
  state.edits = { weights: [], off: [] };
  const fits = before && currentModels() && JSON.stringify(before.fields) === JSON.stringify(currentModels().fields) && !!before.image === !!currentModels().image;
  if (!fits || !state.example) await pick(0);
  else await answer();
  notify("model");
}

export async function setEdits(edits) {
  state.edits = edits;
  await answer();
  notify("edits");
}

export async function pick(index, label) {
  const query = new URLSearchParams({ index, model: state.model });
  if (label !== undefined && label !== null) query.set("label", label);
  let result;
  try {
    result = await api.get(`test?${query}`);
  } catch (error) {
    if (error.status !== 409 || !currentModels()?.fields.length) throw error;
    await setExample({ row: {}, from: "form", label: null }); // the server has a model without data: an empty form
    return;
  }
  const example = { index: result.index, count: result.count, label: result.label, from: "test" };
  if (result.row) example.row = result.row;
  else example.pixels = result.pixels.data;
  await setExample(example);
}

export function best(answers) {
  const p = answers?.net ?? answers?.xgboost;
  return p ? p.indexOf(Math.max(...p)) : null;
}

export function pixelsOf(example) {
  return Uint8Array.from(atob(example.pixels), (c) => c.charCodeAt(0));
}
