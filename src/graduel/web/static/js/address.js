// The state as an address (the part of the URL after #), and back. An address is complete: what it
// does not name has its default. Only an address without parameters keeps the state of the page.

import { decode, encode } from "./strokes.js";

export const TRAINING = {
  data: "server", layers: [[64, "relu"], [32, "relu"]], optimizer: "adamw", batch: 64, epochs: 10, rows: 10000,
  lr: 0.002, dropout: 0, seed: 0, race: true, slow: false,
};

export const DEFAULTS = {
  model: "ready",
  from: "", index: 0, marks: [], prepare: true, row: null, // the example: "", test, drawing or form
  label: null, // the class used as the true one; null: the example's own, or the predicted one
  explained: null, // the class to explain; null: the predicted one
  layer: null, unit: null, input: 0, // the selected neuron (layers numbered as shown) and its input
  weights: [], ablations: [], // edits of the network
  rate: 0.1, kind: "noise", strength: null, epsilon: 0.1, column: null,
  train: TRAINING,
};

export const KINDS = {
  noise: { title: "Noise", low: 0, high: 1, step: 0.05, start: 0.3 },
  rotate: { title: "Rotation", low: -90, high: 90, step: 2.5, start: 30 },
  shift: { title: "Shift", low: -12, high: 12, step: 1, start: 4 },
  occlude: { title: "Occlusion", low: 0, high: 24, step: 1, start: 8 },
};

export const OPTIMIZERS = [["adamw", "AdamW"], ["sgd", "SGD"], ["momentum", "SGD with momentum"], ["nesterov", "Nesterov"], ["adam", "Adam"], ["rmsprop", "RMSprop"], ["adagrad", "AdaGrad"], ["amsgrad", "AMSGrad"], ["lion", "Lion"], ["muon", "Muon"]];

const short = (text) => `${text === "" ? "nothing" : `“${text.length > 40 ? `${text.slice(0, 40)}…` : text}”`}`;

// Parse a number of a form or an address; the message names what was expected.
export function parseNumber(text, { low = -Infinity, high = Infinity, integer = false } = {}) {
  const value = Number(text);
  const range = Number.isFinite(high) ? ` from ${low} to ${high}` : Number.isFinite(low) ? ` from ${low}` : "";
  if (String(text).trim() === "" || !Number.isFinite(value) || value < low || value > high || (integer && !Number.isInteger(value))) {
    throw new Error(`expected a ${integer ? "whole number" : "number"}${range}; got ${short(String(text).trim())}`);
  }
  return value;
}

const numeric = (limits) => (text) => parseNumber(text, limits);
const whole = (low, high = 1e7) => numeric({ low, high, integer: true });
const oneOf = (names) => (text) => {
  if (!names.includes(text)) throw new Error(`expected one of ${names.join(", ")}; got ${short(text)}`);
  return text;
};
const list = (text, most, read) => {
  const parts = text.split(",");
  if (parts.length > most) throw new Error(`expected at most ${most} entries; got ${parts.length}`);
  return parts.map(read);
};
const triple = (edit) => [edit.layer, edit.unit, edit.index].filter((part) => part !== undefined).map((part) => part ?? "b").join(".");

function readEdit(text) {
  const match = /^(\d{1,3})\.(\d{1,6})\.(\d{1,6}|b)=(.+)$/.exec(text);
  if (!match) throw new Error(`expected LAYER.NEURON.INPUT=VALUE; got ${short(text)}`);
  const [, layer, unit, index, value] = match;
  return { layer: Number(layer), unit: Number(unit), index: index === "b" ? null : Number(index), value: parseNumber(value, VALUE) };
}

function readAblation(text) {
  const match = /^(\d{1,3})\.(\d{1,6})$/.exec(text);
  if (!match) throw new Error(`expected LAYER.NEURON; got ${short(text)}`);
  return { layer: Number(match[1]), unit: Number(match[2]) };
}

function readRow(text) {
  let row;
  try { row = JSON.parse(text); } catch { row = null; }
  if (!row || typeof row !== "object" || Array.isArray(row)) throw new Error(`expected a row as JSON; got ${short(text)}`);
  return row;
}

export const VALUE = { low: -1e6, high: 1e6 }; // of a weight
export const LIMITS = {
  batch: { low: 1, high: 4096, integer: true }, epochs: { low: 1, high: 200, integer: true },
  rows: { low: 10, high: 60000, integer: true }, seed: { low: 0, high: 2 ** 31 - 1, integer: true },
  units: { low: 1, high: 1024, integer: true },
};

// Name, how a value is written (null: left out), how it is read.
const STATE = [
  ["model", (s) => s.model, (text) => ({ model: oneOf(["ready", "trained"])(text) })],
  ["test", (s) => (s.from === "test" ? s.index : null), (text) => ({ from: "test", index: whole(0)(text) })],
  ["drawing", (s) => (s.from === "drawing" ? encode(s.marks) : null), (text) => ({ from: "drawing", marks: decode(text) })],
  ["row", (s) => (s.from === "form" ? JSON.stringify(s.row) : null), (text) => ({ from: "form", row: readRow(text) })],
  ["prepare", (s) => (s.prepare ? null : "no"), (text) => ({ prepare: oneOf(["yes", "no"])(text) === "yes" })],
  ["label", (s) => s.label, (text) => ({ label: whole(0, 1000)(text) })],
  ["class", (s) => s.explained, (text) => ({ explained: whole(0, 1000)(text) })],
  ["layer", (s) => s.layer, (text) => ({ layer: whole(1, 999)(text) })],
  ["unit", (s) => (s.layer === null ? null : s.unit), (text) => ({ unit: whole(0, 100000)(text) })],
  ["input", (s) => s.input || null, (text) => ({ input: whole(0, 100000)(text) })],
  ["weights", (s) => s.weights.map((edit) => `${triple(edit)}=${edit.value}`).join(",") || null, (text) => ({ weights: list(text, 200, readEdit) })],
  ["ablate", (s) => s.ablations.map(triple).join(",") || null, (text) => ({ ablations: list(text, 2000, readAblation) })],
  ["rate", (s) => s.rate, (text) => ({ rate: numeric({ low: 0.001, high: 10 })(text) })],
  ["kind", (s) => s.kind, (text) => ({ kind: oneOf(Object.keys(KINDS))(text) })],
  ["strength", (s) => s.strength, (text) => ({ strength: numeric({ low: -90, high: 90 })(text) })],
  ["epsilon", (s) => s.epsilon, (text) => ({ epsilon: numeric({ low: 0, high: 0.5 })(text) })],
  ["column", (s) => s.column, (text) => ({ column: text })],
];

const TRAIN = [
  ["data", (t) => t.data, (text) => ({ data: oneOf(["server", "table"])(text) })],
  ["net", (t) => t.layers.map((layer) => layer.join(".")).join(","), (text) => ({ layers: list(text, 6, (part) => {
    const [units, activation] = part.split(".");
    return [numeric(LIMITS.units)(units), activation ?? "relu"];
  }) })],
  ["optimizer", (t) => t.optimizer, (text) => ({ optimizer: oneOf(OPTIMIZERS.map(([key]) => key))(text) })],
  ["batch", (t) => t.batch, (text) => ({ batch: numeric(LIMITS.batch)(text) })],
  ["epochs", (t) => t.epochs, (text) => ({ epochs: numeric(LIMITS.epochs)(text) })],
  ["rows", (t) => t.rows, (text) => ({ rows: numeric(LIMITS.rows)(text) })],
  ["lr", (t) => t.lr, (text) => ({ lr: numeric({ low: 1e-5, high: 1 })(text) })],
  ["dropout", (t) => t.dropout, (text) => ({ dropout: numeric({ low: 0, high: 0.9 })(text) })],
  ["seed", (t) => t.seed, (text) => ({ seed: numeric(LIMITS.seed)(text) })],
  ["race", (t) => (t.race ? "yes" : "no"), (text) => ({ race: oneOf(["yes", "no"])(text) === "yes" })],
  ["slow", (t) => (t.slow ? "yes" : "no"), (text) => ({ slow: oneOf(["yes", "no"])(text) === "yes" })],
];

const parts = (table, values, defaults) => table.flatMap(([name, write]) => {
  const text = write(values);
  return text === null || text === undefined || String(text) === String(write(defaults)) ? [] : [[name, String(text)]];
});

export function write(state) {
  const query = [...parts(STATE, state, DEFAULTS), ...parts(TRAIN, state.train, TRAINING)]
    .map(([name, text]) => `${name}=${encodeURIComponent(text).replace(/%(2C|3D|3A)/g, decodeURIComponent)}`).join("&");
  return `#${state.view}${query ? `?${query}` : ""}`;
}

// The state of an address, and what is wrong with it, one line each.
export function read(hash, activations) {
  const [view, ...rest] = hash.replace(/^#/, "").split("?");
  const query = new URLSearchParams(rest.join("?").replaceAll("+", "%2B"));
  const state = { ...DEFAULTS, view }, train = { ...TRAINING }, problems = [];
  const known = new Map([...STATE.map(([name, , parse]) => [name, [parse, state]]), ...TRAIN.map(([name, , parse]) => [name, [parse, train]])]);
  for (const [name, text] of query) {
    if (!known.has(name)) {
      problems.push(`“${name.slice(0, 40)}” is not a parameter of an address of this page`);
      continue;
    }
    const [parse, target] = known.get(name);
    try {
      Object.assign(target, parse(text));
    } catch (error) {
      problems.push(`${name}: ${error.message}`);
    }
  }
  const unknown = train.layers.find(([, activation]) => !activations.includes(activation));
  if (unknown) {
    problems.push(`net: expected one of ${activations.join(", ")}; got ${short(unknown[1])}`);
    train.layers = TRAINING.layers;
  }
  return { state: { ...state, train }, problems, bare: !rest.length };
}
