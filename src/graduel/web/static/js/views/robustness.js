// Robustness: perturb the example or the test rows, ablate neurons, change a weight, FGSM.

import * as api from "../api.js";
import { predictionPanel, lines, name } from "../charts.js";
import { choice, field, h, number, percent, put, toast, formatInteger } from "../dom.js";
import { labelChoice } from "../example.js";
import { layerGrids } from "../neurons.js";
import { digit, picture } from "../paint.js";
import { requestBody, best, classes, currentModels, edited, setEdits, setExample, state } from "../state.js";

export const id = "robustness";
export const title = "Robustness";
export const example = true;
export const usable = () => state.about.ready || !!state.info?.trained || state.about.training;

const KINDS = {
  noise: ["Noise", 0, 1, 0.05, (v) => `${number(v, 2)} of the pixel range`],
  rotate: ["Rotation", -90, 90, 2.5, (v) => `${number(v, 1)}°`],
  shift: ["Shift", -12, 12, 1, (v) => `${v} pixels`],
  occlude: ["Occlusion", 0, 24, 1, (v) => `${v} × ${v} pixels`],
};

let kind, strength, strengthText, perturbed, panel, curve, testCurve, testKind, testButton, neurons, weight, weightBox, label, epsilon, epsilonText, attackBox, images, tables, column, varyBox;
let chosen = null;

export function mount(root) {
  kind = choice(Object.entries(KINDS).map(([key, [text]]) => [key, text]), { onchange: () => { bounds(); perturb(); sweep(); } });
  strength = h("input", { type: "range", oninput: () => { showStrength(); soonPerturb(); } });
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
  column = choice([], { onchange: vary });
  varyBox = h("div", {});
  tables = h("div", { class: "card" }, h("h3", {}, "Where does the prediction change?"), h("div", { class: "narrow" }, field("Column to vary", column)), varyBox);
  testKind = choice([], {});
  testButton = h("button", { type: "button", onclick: sweepTest }, "Evaluate on the test rows");
  testCurve = h("div", { "aria-live": "polite" });
  neurons = h("div", {});
  weight = { layer: choice([], { onchange: showWeight }), unit: h("input", { type: "number", min: 0, value: 0, onchange: showWeight }), index: h("input", { type: "number", min: 0, value: 0, onchange: showWeight }), value: h("input", { type: "number", step: "any", value: 0 }) };
  weightBox = h("p", { class: "num small", "aria-live": "polite" });
  label = labelChoice("True class", attack);
  epsilon = h("input", { type: "range", min: 0, max: 0.5, step: 0.01, value: 0.1, oninput: () => { epsilonText.textContent = `ε = ${number(Number(epsilon.value), 2)} of the pixel range`; soonAttack(); } });
  epsilonText = h("span", { class: "num" }, "ε = 0.10 of the pixel range");
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
        weightBox, h("div", { class: "row" }, h("button", { type: "button", onclick: setWeight }, "Set weight"))),
    ));
  bounds();
}

function bounds() {
  const [, low, high, step] = KINDS[kind.value];
  Object.assign(strength, { min: low, max: high, step });
  strength.value = { noise: 0.3, rotate: 30, shift: 4, occlude: 8 }[kind.value];
  showStrength();
}

const showStrength = () => { strengthText.textContent = KINDS[kind.value][4](Number(strength.value)); };

let timer, timer2;
const soonPerturb = () => { clearTimeout(timer); timer = setTimeout(() => perturb().catch(toast), 60); };
const soonAttack = () => { clearTimeout(timer2); timer2 = setTimeout(() => attack().catch(toast), 100); };

export async function update() {
  if (!currentModels() || !state.example) return;
  const image = !!currentModels().image;
  images.hidden = !image;
  tables.hidden = image;
  label.show();
  const kinds = image ? Object.entries(KINDS).map(([key, [text]]) => [key, text]) : [["missing", "Missing values"], ["scramble", "Scrambled columns"]];
  if (testKind.options.length !== kinds.length || testKind.options[0].value !== kinds[0][0]) put(testKind, kinds.map(([key, text]) => h("option", { value: key }, text)));
  testButton.disabled = !image && !currentModels().fields.length;
  if (image) await Promise.all([perturb(), sweep(), attack(), grid()]);
  else {
    const numbers = currentModels().fields.filter((f) => f.low !== null && f.low !== f.high);
    const before = column.value;
    put(column, numbers.map((f) => h("option", { value: f.name }, f.name)));
    if (numbers.some((f) => f.name === before)) column.value = before;
    await Promise.all([vary(), grid()]);
  }
}

async function perturb() {
  const result = await api.post("perturb", requestBody({ kind: kind.value, strength: Number(strength.value) }));
  digit(perturbed, api.unpack(result.pixels).values, currentModels().image[0], currentModels().image[1]);
  panel.show(result.predictions);
}

async function sweep() {
  const result = await api.post("sweep", requestBody({ kind: kind.value }));
  showSweep(curve, result, KINDS[kind.value][0]);
  if (result.images) {
    const { shape, values } = api.unpack(result.images);
    const size = shape[1] * shape[2];
    const some = [0, 0.25, 0.5, 0.75, 1].map((t) => Math.round(t * (shape[0] - 1)));
    curve.append(h("div", { class: "strip" }, some.map((i) => picture(`${KINDS[kind.value][0]} ${number(result.strengths[i], 1)}`, values.subarray(i * size, (i + 1) * size), shape[1], shape[2], { kind: "ink", most: 255 }))));
  }
}

// The probability of each model's prediction for the unperturbed example.
function showSweep(box, result, what) {
  const series = [], words = [];
  for (const family of ["net", "xgboost"]) {
    const before = state.predictions?.[family];
    if (!result[family] || !before) continue;
    const k = before.indexOf(Math.max(...before));
    const { shape, values } = api.unpack(result[family]);
    const p = result.strengths.map((_, i) => values[i * shape[1] + k]);
    const tops = result.strengths.map((_, i) => { const row = [...values.subarray(i * shape[1], (i + 1) * shape[1])]; return row.indexOf(Math.max(...row)); });
    series.push({ color: family, name: `${family === "net" ? "NumPy network" : "XGBoost"}: “${classes()[k]}”`, points: result.strengths.map((s, i) => [s, p[i]]) });
    const same = result.strengths.filter((_, i) => tops[i] === k);
    words.push(h("p", { class: "small" }, name(family), same.length === result.strengths.length ? ` predicts “${classes()[k]}” over the full range.` : same.length ? ` predicts “${classes()[k]}” in ${Math.round(100 * same.length / result.strengths.length)} % of the range.` : " changes its prediction at every strength."));
  }
  put(box, lines(`Probability of each model's original prediction over ${what}`, series, { x: what === result.unit ? what : `${what}: ${result.unit}`, high: 1, format: (v) => percent(v, 0) }), words);
}

async function vary() {
  if (!column.value) {
    put(varyBox, h("p", { class: "note" }, "This table has no numeric column."));
    return;
  }
  showSweep(varyBox, await api.post("vary", requestBody({ field: column.value })), column.value);
}

async function sweepTest() {
  testButton.disabled = true;
  put(testCurve, h("p", { class: "note" }, "Evaluating both models …"));
  try {
    const result = await api.post("sweep-test", requestBody({ kind: testKind.value }));
    const series = ["net", "xgboost"].filter((family) => result.errors[family]).map((family) => ({ color: family, name: family === "net" ? "NumPy network" : "XGBoost", points: result.strengths.map((s, i) => [s, result.errors[family][i]]) }));
    put(testCurve, h("div", { class: "half" }, lines("Test error over strength of the perturbation", series, { x: result.unit, y: `error on ${formatInteger(result.rows)} test rows`, format: (v) => percent(v, 0) })));
  } catch (error) {
    put(testCurve);
    toast(error);
  } finally {
    testButton.disabled = false;
  }
}

async function attack() {
  if (!currentModels().net) {
    put(attackBox, h("p", { class: "note" }, "No network available: adversarial examples need its gradient."));
    return;
  }
  const truth = state.label ?? best(state.predictions) ?? 0;
  const result = await api.post("attack", requestBody({ label: truth, epsilon: Number(epsilon.value) }));
  const [height, width] = currentModels().image, names = classes();
  put(attackBox, h("h3", {}, "Is each model fooled?"),
    h("div", { class: "pictures" },
      h("figure", {}, picture("Adversarial example", api.unpack(result.pixels).values, height, width, { kind: "ink", most: 255, size: "w9" }), h("figcaption", {}, "Adversarial example")),
      h("figure", {}, picture("Sign of the gradient", api.unpack(result.direction).values, height, width, { size: "w9" }), h("figcaption", {}, "sign(∂L/∂x)"))),
    Object.entries(result.outcomes).map(([family, v]) => h("div", { class: `banner ${v.fooled ? "bad" : "good"}`, "data-model": family, "data-fooled": v.fooled ? "yes" : "no" },
      h("p", {}, name(family), v.class_before !== truth ? ` is wrong even without the change: “${names[v.class_before]}”.` : v.fooled ? ` is fooled: it predicts “${names[v.class_after]}” (${percent(v.after[v.class_after])}) instead of “${names[v.class_before]}”.` : ` still predicts “${names[v.class_after]}” (${percent(v.after[v.class_after])}).`),
      h("p", { class: "small num" }, result.smallest_eps[family] === null ? "Its prediction does not change up to ε = 1." : `Its prediction changes at ε = ${number(result.smallest_eps[family])}.`))));
}

async function grid() {
  const net = currentModels().net;
  put(weight.layer, (net?.layers ?? []).map((layer, i) => h("option", { value: layer.path }, i === net.layers.length - 1 ? "Output" : `Layer ${i + 1}`)));
  if (chosen && net?.layers.some((layer) => layer.path === chosen)) weight.layer.value = chosen;
  if (!net?.plain) {
    put(neurons, h("p", { class: "note" }, net ? "This page shows only networks of dense layers, activations and dropout." : "No network available."));
    return;
  }
  const pass = await api.post("forward", requestBody());
  const isAblated = (layer, unit) => state.edits.ablations.some((one) => one.layer === layer && one.unit === unit);
  const focus = document.activeElement?.getAttribute?.("data-key");
  const root = layerGrids(pass.columns.slice(1), {
    role: "button", outputs: false, ablated: isAblated, pressed: isAblated,
    choose: (layer, unit) => {
      const ablations = isAblated(layer, unit) ? state.edits.ablations.filter((one) => one.layer !== layer || one.unit !== unit) : [...state.edits.ablations, { layer, unit }];
      setEdits({ ...state.edits, ablations }).catch(toast);
    },
  });
  root.querySelectorAll(".unit").forEach((cell, i) => cell.setAttribute("data-key", i));
  put(neurons, root, h("p", { class: "note small after" }, state.edits.ablations.length ? `${state.edits.ablations.length} ablated.` : "No neuron is ablated. Choose a neuron to ablate it."));
  if (focus !== null && focus !== undefined) root.querySelector(`[data-key="${focus}"]`)?.focus();
  await showWeight();
}

async function showWeight() {
  const layer = currentModels().net?.layers.find((one) => one.path === weight.layer.value);
  if (!layer) return;
  chosen = layer.path;
  weight.unit.max = layer.units - 1;
  weight.index.max = layer.inputs - 1;
  const unit = Math.max(0, Math.min(layer.units - 1, Math.floor(Number(weight.unit.value) || 0)));
  const index = Math.max(0, Math.min(layer.inputs - 1, Math.floor(Number(weight.index.value) || 0)));
  weight.unit.value = unit;
  weight.index.value = index;
  const result = await api.post("neuron", requestBody({ layer: layer.path, unit }));
  weightBox.textContent = `The weight from input ${index} to neuron ${unit} is ${number(api.unpack(result.weights).values[index], 4)}.`;
}

async function setWeight() {
  const edit = { layer: weight.layer.value, unit: Number(weight.unit.value), index: Number(weight.index.value), value: Number(weight.value.value) };
  const others = state.edits.weights.filter((one) => one.layer !== edit.layer || one.unit !== edit.unit || one.index !== edit.index);
  try {
    await setEdits({ ...state.edits, weights: [...others, edit] });
  } catch (error) {
    state.edits = { ...state.edits, weights: others };
    toast(error);
  }
}

export { edited, setExample };
