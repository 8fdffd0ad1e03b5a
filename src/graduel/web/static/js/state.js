// The store: one state, changed only by act(); the page is drawn from it, and its address names it.

import * as api from "./api.js";
import * as address from "./address.js";

export const state = {
  about: null,
  info: null, // models, table and training of this session
  now: { ...address.DEFAULTS, view: "draw", example: null, predictions: null, steps: [] },
};

let latest = 0, chain = Promise.resolve(), waiting = null;
let draw = async () => {}, rasterize = null;
const saved = new Set();

// draw(isCurrent) shows state.now; rasterize(marks) returns the ink of a drawing, {pixels, size}.
export function connect(page) {
  ({ draw, rasterize } = page);
}

export const onCommit = (listener) => saved.add(listener);

export const models = (now = state.now) => state.info?.[now.model] ?? null;
export const classes = (now = state.now) => models(now)?.classes ?? [];
export const layers = (now = state.now) => models(now)?.net?.layers ?? [];
export const isEdited = (now = state.now) => now.weights.length + now.ablations.length > 0;
export const best = (predictions) => {
  const p = predictions?.net ?? predictions?.xgboost;
  return p ? p.indexOf(Math.max(...p)) : null;
};
export const truth = (now = state.now) => now.label ?? now.example?.label ?? best(now.predictions) ?? 0;
export const explained = (now = state.now) => now.explained ?? best(now.predictions) ?? 0;

const path = (layer, now) => layers(now)[layer - 1]?.path ?? String(layer);

export function edits(now) {
  return {
    weights: now.weights.map((edit) => ({ ...edit, layer: path(edit.layer, now) })),
    ablations: now.ablations.map((edit) => ({ ...edit, layer: path(edit.layer, now) })),
  };
}

// The body of a request on the current example.
export function body(now, extra) {
  const { pixels, row } = now.example ?? {};
  return { model: now.model, ...(row ? { row } : { pixels }), ...edits(now), ...extra };
}

export async function refresh() {
  state.info = await api.get("");
}

const isDigits = (now) => models(now)?.image?.join() === "28,28,1";
const NAMES = { ready: "provided models", trained: "trained models" };

// Correct what does not fit the models of this session; return one line for each correction.
function fit(next) {
  const problems = [];
  if (!state.info[next.model]) {
    const other = next.model === "ready" ? "trained" : "ready";
    if (state.info[other]) {
      problems.push(`model: this page has no ${NAMES[next.model]}; it shows the ${NAMES[other]}`);
      next.model = other;
    }
  }
  const of = models(next), rows = layers(next);
  const drop = (key, to, text) => {
    problems.push(text);
    Object.assign(next, { [key]: to });
  };
  if (!of) return problems;
  const count = of.classes.length;
  for (const [key, name] of [["label", "label"], ["explained", "class"]]) {
    if (next[key] !== null && next[key] >= count) drop(key, null, `${name}: expected a class from 0 to ${count - 1}; got ${next[key]}`);
  }
  if (next.layer !== null && rows.length && (next.layer > rows.length || (next.unit ?? 0) >= rows[next.layer - 1].units)) {
    const units = rows[next.layer - 1]?.units;
    drop("layer", null, units === undefined ? `layer: expected a layer from 1 to ${rows.length}; got ${next.layer}` : `unit: expected a neuron from 0 to ${units - 1} of layer ${next.layer}; got ${next.unit}`);
    next.unit = null;
  }
  const inputs = rows[(next.layer ?? 1) - 1]?.inputs ?? 0;
  if (next.input && next.input >= inputs) drop("input", 0, `input: expected an input from 0 to ${inputs - 1}; got ${next.input}`);
  const exists = (edit) => edit.layer <= rows.length && edit.unit < rows[edit.layer - 1].units && !(edit.index >= rows[edit.layer - 1].inputs);
  for (const key of ["weights", "ablations"]) {
    if (!next[key].every(exists)) drop(key, next[key].filter(exists), `${key === "weights" ? "weights" : "ablate"}: an edit names no weight of this network and is left out`);
  }
  if (next.ablations.some((edit) => edit.layer === rows.length)) {
    drop("ablations", next.ablations.filter((edit) => edit.layer < rows.length), "ablate: an output is no hidden neuron and is left out");
  }
  const limits = address.KINDS[next.kind];
  if (next.strength !== null && (next.strength < limits.low || next.strength > limits.high)) {
    drop("strength", null, `strength: expected a number from ${limits.low} to ${limits.high}; got ${next.strength}`);
  }
  const suits = { "": true, test: true, drawing: isDigits(next), form: of.fields.length > 0 }[next.from];
  if (!suits) drop("from", "", `the example does not suit these models: they take ${of.fields.length ? "rows of a table" : "images"}`);
  return problems;
}

// The example and the predictions of a state, computed by the server.
async function derive(next) {
  Object.assign(next, { example: null, predictions: null, steps: [] });
  if (!models(next)) return;
  if (!next.from && wantsExample(next)) next.from = "test";
  if (next.from === "test") {
    try {
      const result = await api.ask(`test?${new URLSearchParams({ index: next.index, model: next.model })}`);
      next.index = result.index;
      next.example = { index: result.index, count: result.count, label: result.label, ...(result.row ? { row: result.row } : { pixels: result.pixels.data }) };
    } catch (error) {
      if (error.status !== 409 || !models(next).fields.length) throw error;
      Object.assign(next, { from: "form", row: {} }); // models without data: an empty form
    }
  }
  if (next.from === "form") next.example = { row: next.row };
  if (next.from === "drawing" && next.marks.length) {
    const start = performance.now();
    const result = await api.ask("draw", { model: next.model, prepare: next.prepare, ...rasterize(next.marks), ...edits(next) });
    result.milliseconds ??= performance.now() - start;
    Object.assign(next, { steps: result.steps, milliseconds: result.milliseconds });
    if (!result.empty) {
      next.example = { pixels: result.pixels.data };
      next.predictions = result.predictions;
    }
  } else if (next.example) next.predictions = (await api.ask("predict", body(next))).predictions;
}

let wantsExample = () => false;
export const setExampleViews = (test) => { wantsExample = test; };

const exampleKey = (s) => (s.from === "test" ? `test ${s.index}` : s.from);
const modelKey = (s) => JSON.stringify([models(s)?.fields, models(s)?.image, models(s)?.net?.layers]);
// A change of these gets an entry in the history; sliders and strokes replace the last one.
const entry = (s) => JSON.stringify([s.view, s.model, exampleKey(s), s.layer, s.unit, s.weights, s.ablations, s.marks.length ? 1 : 0]);

function reduce(before, change, forced) {
  const next = { ...before, ...change };
  if (!forced) {
    if (exampleKey(next) !== exampleKey(before)) {
      if (!("label" in change)) next.label = null;
      if (!("explained" in change)) next.explained = null;
    }
    if (next.model !== before.model && modelKey(next) !== modelKey(before)) Object.assign(next, { layer: null, unit: null, input: 0 });
    if (next.model !== before.model) {
      Object.assign(next, { weights: [], ablations: [] }); // edits are of one network
      if (modelKey(next) !== modelKey(before) && !(next.from === "drawing" && isDigits(next))) Object.assign(next, { from: "", index: 0 });
    }
    if (next.layer !== before.layer && !("input" in change)) next.input = 0;
    if (next.kind !== before.kind && !("strength" in change)) next.strength = null;
  }
  return next;
}

// Change the state; if the server refuses the new state, nothing changes and the error is thrown.
// options: forced, a complete state, of an address; lenient, keep what can be kept; quiet, show no
// corrections; problems, lines to show with them.
export function act(change, options = {}) {
  const mine = ++latest;
  waiting = null;
  api.count(1);
  const result = chain.then(() => step(change, options));
  chain = result.catch(() => {});
  return result.then(() => draw(() => mine === latest), async (error) => {
    if (mine === latest) await draw(() => mine === latest);
    throw error;
  }).finally(() => setTimeout(api.count, 0, -1));
}

// Of changes by a slider or a pen, only the last one that waits is made.
export function actLive(change) {
  if (waiting) {
    Object.assign(waiting.change, change);
    return waiting.result;
  }
  const mine = { change: { ...change } };
  const result = act(() => {
    if (waiting === mine) waiting = null;
    return mine.change;
  });
  waiting = mine;
  mine.result = result;
  return result;
}

async function step(change, { forced, lenient, quiet, problems: found = [] }) {
  const before = state.now;
  const next = reduce(before, typeof change === "function" ? await change(before) : change, forced);
  const problems = [...found, ...fit(next)];
  try {
    await derive(next);
  } catch (error) {
    if (!lenient || !(error.status >= 400)) throw error;
    problems.push(error.message);
    Object.assign(next, { from: "", index: 0, weights: [], ablations: [] });
    await derive(next);
  }
  const text = address.write(next), isNew = text !== (late?.text ?? location.hash);
  if (isNew || !history.state?.complete) {
    const push = isNew && entry(next) !== entry(before) && !forced && document.body.dataset.ready;
    if (push) pushAddress(text);
    else replaceAddress(text);
  }
  state.now = next;
  for (const listener of saved) listener(next);
  if (!quiet) report(problems);
}

// Browsers refuse more than about 100 changes of the address in 30 seconds: strokes and sliders
// replace it at once after a pause, and otherwise at the end of each interval.
const INTERVAL = 350;
let late = null, lastReplace = -INTERVAL;

function flushAddress() {
  if (!late) return;
  clearTimeout(late.timer);
  setTimeout(api.count, 0, -1);
  if (location.hash === late.from) history.replaceState({ complete: true }, "", late.text);
  late = null;
  lastReplace = performance.now();
}

function replaceAddress(text) {
  const wait = lastReplace + INTERVAL - performance.now();
  if (late) late.text = text;
  else if (wait > 0) {
    api.count(1);
    late = { text, from: location.hash, timer: setTimeout(flushAddress, wait) };
  } else {
    history.replaceState({ complete: true }, "", text);
    lastReplace = performance.now();
  }
}

function pushAddress(text) {
  flushAddress();
  history.pushState({ complete: true }, "", text);
}

addEventListener("pagehide", flushAddress);

let report = () => {};
// The function that shows the corrections of a state, a list of lines.
export const onProblems = (show) => { report = show; };

// Compute and draw the present state again, after a change of the session's models.
export function redraw() {
  return act({}, { quiet: true, lenient: true });
}

export function pixelsOf(example) {
  return Uint8Array.from(atob(example.pixels), (c) => c.charCodeAt(0));
}
