// Break it: disturb the example or the whole test set, switch neurons off, change a weight, attack.

import * as api from "../api.js";
import { answers, lines, name } from "../charts.js";
import { choice, field, h, number, percent, put, toast, whole } from "../dom.js";
import { labelChoice } from "../example.js";
import { layerGrids } from "../neurons.js";
import { digit, picture } from "../paint.js";
import { requestBody, best, classes, currentModels, edited, setEdits, setExample, state } from "../state.js";

export const id = "break";
export const title = "Break it";
export const example = true;
export const usable = () => state.about.ready || !!state.info?.trained || state.about.training;

const KINDS = {
  noise: ["Noise", 0, 1, 0.05, (v) => `${number(v, 2)} of a pixel’s range`],
  rotate: ["Rotation", -90, 90, 2.5, (v) => `${number(v, 1)}°`],
  shift: ["Shift", -12, 12, 1, (v) => `${v} pixels`],
  occlude: ["Occlusion", 0, 24, 1, (v) => `${v} × ${v} pixels`],
};

let kind, strength, strengthShown, broken, says, curve, all, allKind, allButton, neurons, weight, weightBox, label, epsilon, epsilonShown, attackBox, images, tables, field_, varyBox;
let chosen = null;

export function mount(root) {
  kind = choice(Object.entries(KINDS).map(([key, [text]]) => [key, text]), { onchange: () => { bounds(); one(); turn(); } });
  strength = h("input", { type: "range", oninput: () => { shown(); soon(); } });
  strengthShown = h("span", { class: "num" });
  broken = h("canvas", { class: "pixels w12", role: "img", "aria-label": "The disturbed digit" });
  says = answers({ live: false });
  curve = h("div", {});
  images = h("div", { class: "stack" },
    h("div", { class: "two" },
      h("div", { class: "card stack tight" }, h("h3", {}, "Disturb this example"),
        h("div", { class: "pair" }, field("How", kind), h("div", { class: "field" }, h("span", {}, "Strength"), strengthShown)),
        field("Strength of the disturbance", strength),
        h("div", { class: "pictures" }, broken), says),
      h("div", { class: "card" }, h("h3", {}, "Where does the decision turn?"), curve)));
  field_ = choice([], { onchange: vary });
  varyBox = h("div", {});
  tables = h("div", { class: "card" }, h("h3", {}, "Where does the decision turn?"), h("div", { class: "narrow" }, field("Vary the column", field_)), varyBox);
  allKind = choice([], {});
  allButton = h("button", { type: "button", onclick: whole_ }, "Disturb the whole test set");
  all = h("div", { "aria-live": "polite" });
  neurons = h("div", {});
  weight = { layer: choice([], { onchange: showWeight }), unit: h("input", { type: "number", min: 0, value: 0, onchange: showWeight }), index: h("input", { type: "number", min: 0, value: 0, onchange: showWeight }), value: h("input", { type: "number", step: "any", value: 0 }) };
  weightBox = h("p", { class: "num small", "aria-live": "polite" });
  label = labelChoice("The true class", attack);
  epsilon = h("input", { type: "range", min: 0, max: 0.5, step: 0.01, value: 0.1, oninput: () => { epsilonShown.textContent = `ε = ${number(Number(epsilon.value), 2)} of a pixel’s range`; soonAttack(); } });
  epsilonShown = h("span", { class: "num" }, "ε = 0.10 of a pixel’s range");
  attackBox = h("div", { class: "stack tight", "aria-live": "polite" });
  const adversarial = h("div", { class: "two part images-only" },
    h("div", { class: "card stack tight" }, h("h3", {}, "An adversarial step"),
      h("p", { class: "note small" }, "Every pixel moves by ε in the direction that raises the network’s loss: x + ε · sign(∂L/∂x) (Goodfellow et al., 2015). XGBoost has no gradient; does it fall for the network’s?"),
      label, field("How far each pixel moves", epsilon), epsilonShown),
    h("div", { class: "card" }, attackBox));
  images.append(adversarial);
  put(root,
    h("h2", {}, "Break it"),
    h("p", { class: "lead" }, "How far can an example be bent before each of the two gives it up?"),
    images, tables,
    h("div", { class: "card part stack tight" }, h("h3", {}, "The whole test set"),
      h("div", { class: "row end" }, field("How", allKind), allButton), all),
    h("h3", { class: "part" }, "Operate on the network"),
    h("p", { class: "note" }, "A neuron that is switched off hands nothing on. Changes last until you undo them, in all views."),
    h("div", { class: "two" },
      h("div", { class: "card" }, h("h3", {}, "Switch neurons off"), neurons),
      h("div", { class: "card stack tight" }, h("h3", {}, "Change a weight"),
        h("div", { class: "pair" }, field("Layer", weight.layer), field("Neuron", weight.unit)),
        h("div", { class: "pair" }, field("Its input number", weight.index), field("New value", weight.value)),
        weightBox, h("div", { class: "row" }, h("button", { type: "button", onclick: setWeight }, "Set this weight"))),
    ));
  bounds();
}

function bounds() {
  const [, low, high, step] = KINDS[kind.value];
  Object.assign(strength, { min: low, max: high, step });
  strength.value = { noise: 0.3, rotate: 30, shift: 4, occlude: 8 }[kind.value];
  shown();
}

const shown = () => { strengthShown.textContent = KINDS[kind.value][4](Number(strength.value)); };

let timer, timer2;
const soon = () => { clearTimeout(timer); timer = setTimeout(() => one().catch(toast), 60); };
const soonAttack = () => { clearTimeout(timer2); timer2 = setTimeout(() => attack().catch(toast), 100); };

export async function update() {
  if (!currentModels() || !state.example) return;
  const image = !!currentModels().image;
  images.hidden = !image;
  tables.hidden = image;
  label.show();
  const kinds = image ? Object.entries(KINDS).map(([key, [text]]) => [key, text]) : [["missing", "Missing cells"], ["scramble", "Scrambled columns"]];
  if (allKind.options.length !== kinds.length || allKind.options[0].value !== kinds[0][0]) put(allKind, kinds.map(([key, text]) => h("option", { value: key }, text)));
  allButton.disabled = !image && !currentModels().fields.length;
  if (image) await Promise.all([one(), turn(), attack(), grid()]);
  else {
    const numbers = currentModels().fields.filter((f) => f.low !== null && f.low !== f.high);
    const before = field_.value;
    put(field_, numbers.map((f) => h("option", { value: f.name }, f.name)));
    if (numbers.some((f) => f.name === before)) field_.value = before;
    await Promise.all([vary(), grid()]);
  }
}

async function one() {
  const result = await api.post("perturb", requestBody({ kind: kind.value, strength: Number(strength.value) }));
  digit(broken, api.unpack(result.pixels).values, currentModels().image[0], currentModels().image[1]);
  says.show(result.answers);
}

async function turn() {
  const result = await api.post("sweep", requestBody({ kind: kind.value }));
  turned(curve, result, KINDS[kind.value][0]);
  if (result.images) {
    const { shape, values } = api.unpack(result.images);
    const size = shape[1] * shape[2];
    const some = [0, 0.25, 0.5, 0.75, 1].map((t) => Math.round(t * (shape[0] - 1)));
    curve.append(h("div", { class: "strip" }, some.map((i) => picture(`${KINDS[kind.value][0]} ${number(result.strengths[i], 1)}`, values.subarray(i * size, (i + 1) * size), shape[1], shape[2], { kind: "ink", most: 255 }))));
  }
}

// The probability of the class that each answers to the example as it is.
function turned(box, result, what) {
  const series = [], words = [];
  for (const who of ["net", "xgboost"]) {
    const before = state.answers?.[who];
    if (!result[who] || !before) continue;
    const k = before.indexOf(Math.max(...before));
    const { shape, values } = api.unpack(result[who]);
    const p = result.strengths.map((_, i) => values[i * shape[1] + k]);
    const tops = result.strengths.map((_, i) => { const row = [...values.subarray(i * shape[1], (i + 1) * shape[1])]; return row.indexOf(Math.max(...row)); });
    series.push({ colour: who, name: `${who === "net" ? "NumPy network" : "XGBoost"}: “${classes()[k]}”`, points: result.strengths.map((s, i) => [s, p[i]]) });
    const kept = result.strengths.filter((_, i) => tops[i] === k);
    words.push(h("p", { class: "small" }, name(who), kept.length === result.strengths.length ? " holds its answer throughout." : kept.length ? ` answers “${classes()[k]}” in ${Math.round(100 * kept.length / result.strengths.length)} % of its range.` : " turns at once."));
  }
  put(box, lines(`Probability of each contender's answer over ${what}`, series, { x: what === result.unit ? what : `${what}: ${result.unit}`, high: 1, format: (v) => percent(v, 0) }), words);
}

async function vary() {
  if (!field_.value) {
    put(varyBox, h("p", { class: "note" }, "There is no column of numbers."));
    return;
  }
  turned(varyBox, await api.post("vary", requestBody({ field: field_.value })), field_.value);
}

async function whole_() {
  allButton.disabled = true;
  put(all, h("p", { class: "note" }, "Asking both …"));
  try {
    const result = await api.post("sweep-test", requestBody({ kind: allKind.value }));
    const series = ["net", "xgboost"].filter((who) => result.errors[who]).map((who) => ({ colour: who, name: who === "net" ? "NumPy network" : "XGBoost", points: result.strengths.map((s, i) => [s, result.errors[who][i]]) }));
    put(all, h("div", { class: "half" }, lines("Test error over strength", series, { x: result.unit, y: `error on ${whole(result.rows)} test rows`, format: (v) => percent(v, 0) })));
  } catch (error) {
    put(all);
    toast(error);
  } finally {
    allButton.disabled = false;
  }
}

async function attack() {
  if (!currentModels().net) {
    put(attackBox, h("p", { class: "note" }, "There is no network here whose gradient could be followed."));
    return;
  }
  const truth = state.label ?? best(state.answers) ?? 0;
  const result = await api.post("attack", requestBody({ label: truth, epsilon: Number(epsilon.value) }));
  const [height, width] = currentModels().image, names = classes();
  put(attackBox, h("h3", {}, "Who falls for it?"),
    h("div", { class: "pictures" },
      h("figure", {}, picture("The digit after the step", api.unpack(result.pixels).values, height, width, { kind: "ink", most: 255, size: "w9" }), h("figcaption", {}, "After the step")),
      h("figure", {}, picture("The direction of the step", api.unpack(result.direction).values, height, width, { size: "w9" }), h("figcaption", {}, "Its direction"))),
    Object.entries(result.verdicts).map(([who, v]) => h("div", { class: `banner ${v.falls ? "bad" : "good"}`, "data-who": who, "data-falls": v.falls ? "yes" : "no" },
      h("p", {}, name(who), v.answer_before !== truth ? ` was wrong before the step: “${names[v.answer_before]}”.` : v.falls ? ` falls for it: “${names[v.answer_before]}” became “${names[v.answer_after]}”, ${percent(v.after[v.answer_after])} sure.` : ` keeps to “${names[v.answer_after]}”, ${percent(v.after[v.answer_after])} sure.`),
      h("p", { class: "small num" }, result.turns[who] === null ? "Its answer does not turn up to ε = 1." : `Its answer turns at ε = ${number(result.turns[who])}.`))));
}

async function grid() {
  const net = currentModels().net;
  put(weight.layer, (net?.layers ?? []).map((layer, i) => h("option", { value: layer.path }, i === net.layers.length - 1 ? "Output" : `Layer ${i + 1}`)));
  if (chosen && net?.layers.some((layer) => layer.path === chosen)) weight.layer.value = chosen;
  if (!net?.plain) {
    put(neurons, h("p", { class: "note" }, net ? "This network has layers that are not shown here." : "There is no network here."));
    return;
  }
  const seen = await api.post("forward", requestBody());
  const isOff = (layer, unit) => state.edits.off.some((one) => one.layer === layer && one.unit === unit);
  const focus = document.activeElement?.getAttribute?.("data-key");
  const root = layerGrids(seen.columns.slice(1), {
    role: "button", outputs: false, off: isOff, pressed: isOff,
    choose: (layer, unit) => {
      const off = isOff(layer, unit) ? state.edits.off.filter((one) => one.layer !== layer || one.unit !== unit) : [...state.edits.off, { layer, unit }];
      setEdits({ ...state.edits, off }).catch(toast);
    },
  });
  root.querySelectorAll(".unit").forEach((cell, i) => cell.setAttribute("data-key", i));
  put(neurons, root, h("p", { class: "note small after" }, state.edits.off.length ? `${state.edits.off.length} switched off.` : "All are on. Choose one to switch it off."));
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
