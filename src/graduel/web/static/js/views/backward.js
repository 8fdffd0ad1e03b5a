// Backward pass: loss, dZ = A − Y, gradients of all layers, one gradient step.

import * as api from "../api.js";
import { signed } from "../charts.js";
import { field, h, number, percent, put, table, formatInteger } from "../dom.js";
import { equation } from "../equation.js";
import { labelChoice } from "../example.js";
import { shade, picture } from "../paint.js";
import { requestBody, best, classes, currentModels, state } from "../state.js";

export const id = "backward";
export const title = "Backward";
export const example = true;
export const usable = () => state.about.ready || !!state.info?.trained || state.about.training;

let box, label, rate, rateText, stepBox, result = null, chosen = {};

export function mount(root) {
  label = labelChoice("True class", () => show());
  rate = h("input", { type: "range", min: -3, max: 1, step: 0.1, value: -1, oninput: () => { rateText.textContent = `α = ${number(10 ** rate.value)}`; later(); } });
  rateText = h("span", { class: "num" }, "α = 0.100");
  stepBox = h("div", { class: "card", "aria-live": "polite" });
  box = h("div", { class: "stack" });
  put(root,
    h("h2", {}, "Backward pass"),
    h("p", { class: "lead" }, "The loss measures how wrong the prediction is. The backward pass computes the gradient of the loss for every weight: the direction and the strength with which the weight changes the loss."),
    h("div", { class: "two" },
      h("div", { class: "card stack tight" }, label, field("Learning rate α of the step", rate), rateText),
      stepBox),
    h("div", { class: "part" }, box));
}

let timer;
const later = () => { clearTimeout(timer); timer = setTimeout(() => show(true), 120); };

export async function update(what) {
  if (!currentModels() || !state.example) return;
  label.show();
  await show();
}

async function show(stepOnly = false) {
  const net = currentModels().net;
  if (!net?.plain) {
    put(stepBox);
    put(box, h("p", { class: "note" }, net ? "This page shows only networks of dense layers, activations and dropout. Use graduel inspect for this network." : "No network available: XGBoost’s trees have no backward pass."));
    return;
  }
  const truth = state.label ?? best(state.predictions) ?? 0;
  result = await api.post("backward", requestBody({ label: truth, rate: 10 ** Number(rate.value) }));
  step(truth);
  if (!stepOnly) layers(truth);
}

function step(truth) {
  const names = classes(), { before, after, loss_before, loss_after, helped, expected } = result.step;
  const top = [...before.keys()].sort((a, b) => Math.max(before[b], after[b]) - Math.max(before[a], after[a])).slice(0, 4);
  if (!top.includes(truth)) top.push(truth);
  put(stepBox, h("h3", {}, "One gradient step on this example"), equation(result.step.equation),
    h("p", { class: `banner ${helped ? "good" : "bad"}`, "data-helped": helped ? "yes" : "no" }, helped ? "The step helped" : loss_after === loss_before ? "No change" : "The step did not help", `: the loss changed from ${number(loss_before, 4)} to ${number(loss_after, 4)}.`),
    table("Probabilities before and after the step", ["Class", "Before", "After"], top.map((k) => [k === truth ? `${names[k]} (true)` : names[k], percent(before[k], 2), percent(after[k], 2)]), { best: top.indexOf(truth) }),
    h("p", { class: "note small after" }, `Expected decrease of the loss to first order: α‖gradient‖² = ${number(expected, 4)}. ${loss_after > loss_before ? "The learning rate is too high: the step overshoots." : ""}`));
}

function layers(truth) {
  const names = classes();
  const output = h("div", { class: "card" }, h("h3", {}, "Output layer"),
    result.output.map(equation),
    h("p", { class: "num" }, `Loss: −log(${percent(result.columns.at(-1).a[truth], 2)}) = ${number(result.loss, 4)}`),
    h("div", { class: "half" }, table("Gradient dZ at the output", ["Class", "A", "Y", "dZ = A − Y", ""], names.map((text, k) => [text, number(result.columns.at(-1).a[k]), number(result.target[k], 0), number(result.dz[k]), signed(result.dz[k], 1)]).slice(0, 30), { best: truth })));
  put(box, h("p", { class: "note" }, "From the last layer to the first. If dZ is positive, the loss falls when the pre-activation Z decreases; if dZ is negative, the loss falls when Z increases."), output, result.layers.map(one));
}

function one(layer) {
  const { place } = layer;
  if (layer.gate) {
    const open = layer.gate.filter(Boolean).length;
    return h("div", { class: "card", "data-gate": place.path }, h("h3", {}, `ReLU gates of ${place.gives}: ${open} of ${layer.gate.length} open`),
      place.backward.map(equation),
      h("div", { class: "row gates", role: "img", "aria-label": `${open} neurons pass the gradient, ${layer.gate.length - open} block it` }, layer.gate.map((is) => h("span", { class: `gate ${is ? "open" : ""}` }))),
      h("p", { class: "note small after" }, "Where Z ≤ 0, the ReLU blocks the gradient: this example does not change that neuron’s weights."));
  }
  if (!layer.norms) return h("div", { class: "card" }, h("h3", {}, place.title), place.backward.map(equation));
  const norms = api.unpack(layer.norms).values;
  const unit = chosen[place.path] ?? norms.indexOf(Math.max(...norms));
  const detail = h("div", { class: "stack tight" });
  const pick = h("input", { type: "number", min: 0, max: norms.length - 1, value: unit, onchange: () => {
    chosen[place.path] = Math.max(0, Math.min(norms.length - 1, Math.floor(Number(pick.value) || 0)));
    pick.value = chosen[place.path];
    row(detail, place, chosen[place.path], layer);
  } });
  const most = Math.max(...layer.dy.map(Math.abs), 1e-12);
  const dW = layer.W && api.unpack(layer.W);
  const box = h("div", { class: "card" },
    h("h3", {}, `Layer ${place.number}: ${place.title}`),
    h("div", { class: "two" },
      h("div", {}, place.backward.map(equation),
        h("h4", {}, `dZ${sub(place.number)} of the ${layer.dy.length} neurons`),
        h("div", { class: "row gates", role: "img", "aria-label": `dZ of ${layer.dy.length} neurons, largest ${number(most)}` }, layer.dy.map((v, k) => {
          const cell = h("span", { class: "gate", title: `neuron ${k}: dZ = ${number(v)}` });
          cell.style.backgroundColor = `rgb(${shade(v, most, "signed").map(Math.round).join(" ")})`;
          return cell;
        })),
        dW && [h("h4", { class: "after" }, `dW${sub(place.number)}: one row per neuron, one column per input`),
          picture(`dW of layer ${place.number}, ${dW.shape[0]} by ${dW.shape[1]}`, dW.values, dW.shape[0], dW.shape[1], {})]),
      h("div", {}, h("div", { class: "narrow" }, field(`Neuron (0 to ${norms.length - 1})`, pick)), detail)));
  row(detail, place, unit, layer);
  return box;
}

const sub = (n) => [...String(n)].map((c) => "₀₁₂₃₄₅₆₇₈₉"[c]).join("");

async function row(box, place, unit, layer) {
  const truth = state.label ?? best(state.predictions) ?? 0;
  const result = await api.post("gradient", requestBody({ layer: place.path, unit, label: truth }));
  const most = Math.max(...result.terms.map((term) => Math.abs(term.product)), 1e-12);
  const size = currentModels().image;
  put(box, h("p", { class: "num small" }, `dz = ${number(result.dz, 4)}, db = ${number(result.db, 4)}, ‖dW row‖ = ${number(result.norm, 4)}`),
    result.image && h("figure", {}, picture(`dW of neuron ${unit} as an image`, api.unpack(result.image).values, size[0], size[1], { size: "w9" }), h("figcaption", {}, "Row of dW as an image: dz × pixels.")),
    table(`Row of dW of neuron ${unit}, largest entries first`, ["Input", "a", "dz", "dW = dz · a", ""], result.terms.slice(0, 8).map((term) => [term.name.match(/^\d+$/) ? `neuron ${term.name}` : term.name, number(term.x), number(result.dz), number(term.product, 4), signed(term.product, most)])));
}

export { formatInteger };
