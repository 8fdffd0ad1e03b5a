// Robustness: perturb the example or the test rows, ablate neurons, change a weight, FGSM.

import * as api from "../api.js";
import { KINDS, VALUE, parseNumber } from "../address.js";
import { predictionPanel, lines, name } from "../charts.js";
import { choice, clearError, field, h, number, percent, put, rebuild, setControl, showError, toast, formatInteger, useField } from "../dom.js";
import { labelChoice } from "../example.js";
import { layerGrids } from "../neurons.js";
import { digit, heat, picture } from "../paint.js";
import { act, actLive, body, classes, edits, layers, models, state, truth } from "../state.js";

export const id = "robustness";
export const title = "Robustness";
export const example = true;
export const usable = () => state.about.ready || !!state.info?.trained || state.about.training;

const WORDS = {
  noise: (v) => `${number(v, 2)} of the pixel range`, rotate: (v) => `${number(v, 1)}°`,
  shift: (v) => `${v} pixels`, occlude: (v) => `${v} × ${v} pixels`,
};

let kind, strength, strengthText, perturbed, panel, curve, testCurve, testKind, testButton, neurons, weight, weightBox, label, epsilon, epsilonText, attackBox, images, tables, column, varyBox;
let evaluated = null; // the result on the test rows, with its request and models

export function mount(root) {
  kind = choice(Object.entries(KINDS).map(([key, { title: text }]) => [key, text]), { onchange: () => act({ kind: kind.value }).catch(toast) });
  strength = h("input", { type: "range", oninput: () => actLive({ strength: Number(strength.value) }).catch(toast) });
  strengthText = h("span", { class: "num" });
  perturbed = h("canvas", { class: "pixels w12", role: "img", "aria-label": "Perturbed digit" });
  panel = predictionPanel({ live: false });
  curve = h("div", {});
  images = h("div", { class: "stack" },
    h("div", { class: "two" },
      h("div", { class: "card stack tight" }, h("h3", {}, "Perturb this example"),
        h("div", { class: "pair" }, field("Perturbation", kind), h("div", { class: "field" }, h("span", {}, "Strength"), strengthText)),
        field("Strength of the perturbation", strength),
        h("div", { class: "pictures" }, perturbed), panel),
      h("div", { class: "card" }, h("h3", {}, "Where does the prediction change?"), curve)));
  column = choice([], { onchange: () => act({ column: column.value }).catch(toast) });
  varyBox = h("div", {});
  tables = h("div", { class: "card" }, h("h3", {}, "Where does the prediction change?"), h("div", { class: "narrow" }, field("Column to vary", column)), varyBox);
  testKind = choice([], { onchange: () => act({}).catch(toast) });
  testButton = h("button", { type: "button", onclick: sweepTest }, "Evaluate on the test rows");
  testCurve = h("div", { "aria-live": "polite" });
  neurons = h("div", {});
  const pick = (control, high, change) => useField(control, (text) => parseNumber(text, { low: 0, high: high(), integer: true }), (value) => act(change(value)));
  const place = () => layers()[Number(weight.layer.value) - 1];
  weight = {
    layer: choice([], { onchange: () => act({ layer: Number(weight.layer.value), unit: 0, input: 0 }).catch(toast) }),
    unit: h("input", { "data-edit": 0, type: "number", min: 0, onchange: () => pick(weight.unit, () => place().units - 1, (unit) => ({ layer: Number(weight.layer.value), unit })) }),
    index: h("input", { "data-edit": 1, type: "number", min: 0, onchange: () => pick(weight.index, () => place().inputs - 1, (input) => ({ layer: Number(weight.layer.value), unit: Number(weight.unit.value), input })) }),
    value: h("input", { "data-edit": 2, type: "number", step: "any", onkeydown: (event) => { if (event.key === "Enter") setWeight(); } }),
    image: h("div", {}),
  };
  weightBox = h("p", { class: "num small", "aria-live": "polite" });
  label = labelChoice("True class");
  epsilon = h("input", { type: "range", min: 0, max: 0.5, step: 0.01, oninput: () => actLive({ epsilon: Number(epsilon.value) }).catch(toast) });
  epsilonText = h("span", { class: "num" });
  attackBox = h("div", { class: "stack tight", "aria-live": "polite" });
  const adversarial = h("div", { class: "two part images-only" },
    h("div", { class: "card stack tight" }, h("h3", {}, "Adversarial example"),
      h("p", { class: "note small" }, "Every pixel changes by ε in the direction that raises the network’s loss: x + ε · sign(∂L/∂x) (fast gradient sign method, Goodfellow et al., 2015). XGBoost has no gradient, so it is tested on the network’s adversarial example."),
      label, field("Change per pixel ε", epsilon), epsilonText),
    h("div", { class: "card" }, attackBox));
  images.append(adversarial);
  put(root,
    h("h2", {}, "Robustness"),
    h("p", { class: "lead" }, "How much can an example change before each model’s prediction changes?"),
    images, tables,
    h("div", { class: "card part stack tight" }, h("h3", {}, "Test error under perturbation"),
      h("div", { class: "row end" }, field("Perturbation of all rows", testKind), testButton), testCurve),
    h("h3", { class: "part" }, "Edit the network"),
    h("p", { class: "note" }, "An ablated neuron outputs 0. Edits apply in all views until you undo them."),
    h("div", { class: "two" },
      h("div", { class: "card" }, h("h3", {}, "Ablate neurons"), neurons),
      h("div", { class: "card stack tight" }, h("h3", {}, "Change a weight"),
        h("div", { class: "pair" }, field("Layer", weight.layer), field("Neuron", weight.unit)),
        h("div", { class: "pair" }, field("Input index", weight.index), field("New value", weight.value)),
        weight.image, weightBox, h("div", { class: "row" }, h("button", { type: "button", onclick: setWeight }, "Set weight"))),
    ));
}

const strengthOf = (now) => now.strength ?? KINDS[now.kind].start;
const numericFields = (now) => models(now).fields.filter((f) => f.low !== null && f.low !== f.high);
const columnOf = (now) => (numericFields(now).find((f) => f.name === now.column) ?? numericFields(now)[0])?.name;
// The weight to edit: of the selected neuron, or of the first.
const selected = (now) => [now.layer ?? 1, now.unit ?? 0, now.input];
const testKinds = (now) => (models(now).image ? Object.entries(KINDS).map(([key, { title: text }]) => [key, text]) : [["missing", "Missing values"], ["scramble", "Scrambled columns"]]);
const testRequest = (now) => ({ model: now.model, ...edits(now), kind: testKinds(now).some(([key]) => key === testKind?.value) ? testKind.value : testKinds(now)[0][0] });

export async function load(now, signal) {
  const of = models(now), ask = (end, extra) => api.ask(end, body(now, extra), signal);
  const [layer, unit] = selected(now);
  const column = of.image ? null : columnOf(now);
  const [perturbed, swept, attacked, varied, pass, neuron] = await Promise.all([
    of.image && ask("perturb", { kind: now.kind, strength: strengthOf(now) }),
    of.image && ask("sweep", { kind: now.kind }),
    of.image && of.net && ask("attack", { label: truth(now), epsilon: now.epsilon }),
    column && ask("vary", { field: column }),
    of.net?.plain && ask("forward"),
    of.net?.plain && ask("neuron", { layer: of.net.layers[layer - 1].path, unit }),
  ]);
  return { perturbed, swept, attacked, varied, column, pass, neuron };
}

export function show(now, content) {
  const of = models(now), image = !!of.image;
  images.hidden = !image;
  tables.hidden = image;
  label.show(now);
  rebuild(testKind, [image], () => testKinds(now).map(([key, text]) => h("option", { value: key }, text)));
  testButton.disabled = !image && !of.fields.length;
  const result = evaluated?.key === JSON.stringify(testRequest(now)) && evaluated.info === state.info ? evaluated.result : undefined;
  rebuild(testCurve, [result], () => result && showTestErrors(result));
  if (image) {
    const { low, high, step } = KINDS[now.kind];
    setControl(kind, now.kind);
    Object.assign(strength, { min: low, max: high, step });
    setControl(strength, strengthOf(now));
    strengthText.textContent = WORDS[now.kind](strengthOf(now));
    setControl(epsilon, now.epsilon);
    epsilonText.textContent = `ε = ${number(now.epsilon, 2)} of the pixel range`;
    digit(perturbed, api.unpack(content.perturbed.pixels).values, of.image[0], of.image[1]);
    panel.show(content.perturbed.predictions);
    rebuild(curve, [content.swept, now.predictions, strengthOf(now)], () => showPerturbations(now, content.swept));
    rebuild(attackBox, [content.attacked, truth(now)], () => showAttack(of, content.attacked, truth(now)));
  } else {
    const numbers = numericFields(now);
    rebuild(column, [of.fields], () => numbers.map((f) => h("option", { value: f.name }, f.name)));
    column.value = content.column ?? "";
    const at = now.example.row[content.column];
    rebuild(varyBox, [content.varied, now.predictions, at], () => (content.varied ? showSweep(now, content.varied, content.column, typeof at === "number" ? at : undefined) : h("p", { class: "note" }, "This table has no numeric column.")));
  }
  showEdits(now, content);
}

function showPerturbations(now, result) {
  const what = KINDS[now.kind].title, parts = showSweep(now, result, what, strengthOf(now));
  if (result.images) {
    const { shape, values } = api.unpack(result.images);
    const size = shape[1] * shape[2];
    const some = [0, 0.25, 0.5, 0.75, 1].map((t) => Math.round(t * (shape[0] - 1)));
    parts.push(h("div", { class: "strip" }, some.map((i) => picture(`${what} ${number(result.strengths[i], 1)}`, values.subarray(i * size, (i + 1) * size), shape[1], shape[2], { kind: "ink", most: 255 }))));
  }
  return parts;
}

// The probability of each model's prediction for the unperturbed example.
function showSweep(now, result, what, at) {
  const series = [], words = [];
  for (const family of ["net", "xgboost"]) {
    const before = now.predictions?.[family];
    if (!result[family] || !before) continue;
    const k = before.indexOf(Math.max(...before));
    const { shape, values } = api.unpack(result[family]);
    const p = result.strengths.map((_, i) => values[i * shape[1] + k]);
    const tops = result.strengths.map((_, i) => { const row = [...values.subarray(i * shape[1], (i + 1) * shape[1])]; return row.indexOf(Math.max(...row)); });
    series.push({ color: family, name: `${family === "net" ? "NumPy network" : "XGBoost"}: “${classes()[k]}”`, points: result.strengths.map((s, i) => [s, p[i]]) });
    const same = result.strengths.filter((_, i) => tops[i] === k);
    words.push(h("p", { class: "small" }, name(family), same.length === result.strengths.length ? ` predicts “${classes()[k]}” over the full range.` : same.length ? ` predicts “${classes()[k]}” in ${Math.round(100 * same.length / result.strengths.length)} % of the range.` : " changes its prediction at every strength."));
  }
  return [lines(`Probability of each model's original prediction over ${what}`, series, { x: what === result.unit ? what : `${what}: ${result.unit}`, high: 1, format: (v) => percent(v, 0), at }), words];
}

function showTestErrors(result) {
  const series = ["net", "xgboost"].filter((family) => result.errors[family]).map((family) => ({ color: family, name: family === "net" ? "NumPy network" : "XGBoost", points: result.strengths.map((s, i) => [s, result.errors[family][i]]) }));
  return h("div", { class: "half" }, lines("Test error over strength of the perturbation", series, { x: result.unit, y: `error on ${formatInteger(result.rows)} test rows`, format: (v) => percent(v, 0) }));
}

// A result is shown as long as the models, edits and perturbation are those of its request.
async function sweepTest() {
  const request = testRequest(state.now);
  testButton.disabled = true;
  clearError(testKind);
  put(testCurve, h("p", { class: "note" }, "Evaluating both models …"));
  try {
    const { info } = state;
    evaluated = { key: JSON.stringify(request), info, result: await api.post("sweep-test", request) };
  } catch (error) {
    showError(testKind, error);
  } finally {
    testButton.disabled = false;
    testCurve.inputs = undefined;
    await act({}).catch(toast);
  }
}

function showAttack(of, result, truth) {
  if (!result) return h("p", { class: "note" }, "No network available: adversarial examples need its gradient.");
  const [height, width] = of.image, names = classes();
  return [h("h3", {}, "Is each model fooled?"),
    h("div", { class: "pictures" },
      h("figure", {}, picture("Adversarial example", api.unpack(result.pixels).values, height, width, { kind: "ink", most: 255, size: "w9" }), h("figcaption", {}, "Adversarial example")),
      h("figure", {}, picture("Sign of the gradient", api.unpack(result.direction).values, height, width, { size: "w9" }), h("figcaption", {}, "sign(∂L/∂x)"))),
    Object.entries(result.outcomes).map(([family, v]) => h("div", { class: `banner ${v.fooled ? "bad" : "good"}`, "data-model": family, "data-fooled": v.fooled ? "yes" : "no" },
      h("p", {}, name(family), v.class_before !== truth ? ` is wrong even without the change: “${names[v.class_before]}”.` : v.fooled ? ` is fooled: it predicts “${names[v.class_after]}” (${percent(v.after[v.class_after])}) instead of “${names[v.class_before]}”.` : ` still predicts “${names[v.class_after]}” (${percent(v.after[v.class_after])}).`),
      h("p", { class: "small num" }, result.smallest_eps[family] === null ? "Its prediction does not change up to ε = 1." : `Its prediction changes at ε = ${number(result.smallest_eps[family])}.`)))];
}

function showEdits(now, { pass, neuron }) {
  const of = models(now), rows = of.net?.layers ?? [], [layer, unit, input] = selected(now);
  rebuild(weight.layer, [of.net], () => rows.map((one, i) => h("option", { value: i + 1 }, i === rows.length - 1 ? "Output" : `Layer ${i + 1}`)));
  if (!pass) {
    put(neurons, h("p", { class: "note" }, of.net ? "This page shows only networks of dense layers, activations and dropout." : "No network available."));
    put(weight.image);
    weightBox.textContent = "";
    return;
  }
  rebuild(neurons, [pass, now.ablations], () => {
    const isAblated = (layer, unit) => now.ablations.some((one) => one.layer === layer && one.unit === unit);
    return [layerGrids(pass.columns.slice(1), {
      role: "button", outputs: false, ablated: isAblated, pressed: isAblated,
      choose: (layer, unit) => act(({ ablations }) => {
        const others = ablations.filter((one) => one.layer !== layer || one.unit !== unit);
        return { ablations: others.length < ablations.length ? others : [...ablations, { layer, unit }] };
      }).catch(toast),
    }), h("p", { class: "note small after" }, now.ablations.length ? `${now.ablations.length} ablated.` : "No neuron is ablated. Choose a neuron to ablate it.")];
  });
  const values = api.unpack(neuron.weights).values, isEdited = now.weights.some((one) => one.layer === layer && one.unit === unit && one.index === input);
  Object.assign(weight.unit, { max: rows[layer - 1].units - 1 });
  Object.assign(weight.index, { max: rows[layer - 1].inputs - 1 });
  setControl(weight.layer, layer);
  setControl(weight.unit, unit);
  setControl(weight.index, input);
  rebuild(weight.image, [neuron, input], () => weightPicker(of, layer, unit, values, input));
  const inputName = layer > 1 || (of.image && of.image[2] > 1) ? null : of.image ? `row ${Math.floor(input / of.image[1])}, column ${input % of.image[1]}` : pass.features.flatMap((one) => one.inputs)[input]?.name;
  weightBox.textContent = `The weight from input ${input}${inputName ? ` (${inputName})` : ""} to neuron ${unit} is ${number(values[input], 4)}${isEdited ? ", changed by you" : ""}.`;
}

// The weights of a neuron as an image, in which a click selects one of them.
function weightPicker(of, layer, unit, values, input) {
  const isPixels = layer === 1 && of.image && of.image[2] === 1;
  const width = isPixels ? of.image[1] : Math.min(values.length, 16), height = Math.ceil(values.length / width);
  if (!isPixels && values.length > 512) return null;
  const all = new Float32Array(width * height);
  all.set(values);
  const canvas = heat(h("canvas", { class: "pixels w12", "data-weights": unit, role: "img", "aria-label": `Weights of neuron ${unit}; input ${input} is selected` }), all, height, width, {});
  const mark = h("span", { class: "pixel-mark" });
  Object.assign(mark.style, { left: `${100 * (input % width) / width}%`, top: `${100 * Math.floor(input / width) / height}%`, width: `${100 / width}%`, height: `${100 / height}%` });
  const box = h("div", { class: "pixel-picker w12", onclick: (event) => {
    const rect = canvas.getBoundingClientRect();
    const x = Math.floor((event.clientX - rect.left) / rect.width * width), y = Math.floor((event.clientY - rect.top) / rect.height * height);
    const index = y * width + x;
    if (x >= 0 && x < width && index >= 0 && index < values.length) act({ layer, unit, input: index }).catch(toast);
  } }, canvas, mark);
  return h("figure", {}, box, h("figcaption", {}, isPixels ? "Weights of the neuron, one for each pixel: choose a pixel." : "Weights of the neuron, one for each input: choose one."));
}

// Set the selected weight; if the server refuses it, the other edits stay as they are.
const setWeight = () => useField(weight.value, (text) => parseNumber(text, VALUE), (value) => act((now) => {
  const [layer, unit, index] = selected(now);
  const others = now.weights.filter((one) => one.layer !== layer || one.unit !== unit || one.index !== index);
  return { layer, unit, weights: [...others, { layer, unit, index, value }] };
}));
