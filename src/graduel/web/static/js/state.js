// The state shared by all views: models, current example, edits of the network.

import * as api from "./api.js";

export const state = {
  about: null,
  info: null, // models, table and training of this session
  model: "ready",
  example: null, // {pixels: base64} or {row: {…}}, with index, label, from
  label: null, // the class used as the true one
  edits: { weights: [], ablations: [] },
  predictions: null,
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
export const edited = () => state.edits.weights.length + state.edits.ablations.length > 0;

export function requestBody(extra) {
  const { pixels, row } = state.example ?? {};
  const example = row ? { row } : { pixels };
  return { model: state.model, ...example, weights: state.edits.weights, ablations: state.edits.ablations, ...extra };
}

export async function refresh() {
  state.info = await api.get("");
  if (!state.info[state.model]) state.model = state.info.trained ? "trained" : "ready";
}

let lastRequest = 0;

export async function setExample(example, predictions) {
  state.example = example;
  state.label = example?.label ?? null;
  state.predictions = predictions ?? null;
  if (!predictions && example) await predict();
  else notify("example");
}

// Request both predictions after a change of the example, the models or the edits.
export async function predict() {
  if (!state.example || !currentModels()) return;
  const mine = ++lastRequest;
  const { predictions } = await api.post("predict", requestBody());
  if (mine !== lastRequest) return;
  state.predictions = predictions;
  state.label ??= best(predictions);
  notify("example");
}

export async function setModel(model) {
  const before = currentModels();
  state.model = model;
  state.edits = { weights: [], ablations: [] };
  const fits = before && currentModels() && JSON.stringify(before.fields) === JSON.stringify(currentModels().fields) && !!before.image === !!currentModels().image;
  if (!fits || !state.example) await pick(0);
  else await predict();
  notify("model");
}

export async function setEdits(edits) {
  state.edits = edits;
  await predict();
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
    await setExample({ row: {}, from: "form", label: null }); // a model without data: start with an empty form
    return;
  }
  const example = { index: result.index, count: result.count, label: result.label, from: "test" };
  if (result.row) example.row = result.row;
  else example.pixels = result.pixels.data;
  await setExample(example);
}

export function best(predictions) {
  const p = predictions?.net ?? predictions?.xgboost;
  return p ? p.indexOf(Math.max(...p)) : null;
}

export function pixelsOf(example) {
  return Uint8Array.from(atob(example.pixels), (c) => c.charCodeAt(0));
}
