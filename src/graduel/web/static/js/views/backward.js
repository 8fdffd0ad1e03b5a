// Backward pass: loss, dZ = A − Y, gradients of all layers, one gradient step.

import * as api from "../api.js";
import { matrix, signed } from "../charts.js";
import { field, h, number, percent, put, rebuild, setControl, table, toast, useField } from "../dom.js";
import { equation } from "../equation.js";
import { labelChoice } from "../example.js";
import { parseNumber } from "../address.js";
import { shade, picture } from "../paint.js";
import { act, actLive, body, classes, models, state, truth } from "../state.js";

export const id = "backward";
export const title = "Backward";
export const example = true;
export const usable = () => state.about.ready || !!state.info?.trained || state.about.training;

let box, label, rate, rateText, stepBox;

export function mount(root) {
  label = labelChoice("True class");
  rate = h("input", { type: "range", min: -3, max: 1, step: 0.1, oninput: () => actLive({ rate: Number((10 ** rate.value).toPrecision(3)) }).catch(toast) });
  rateText = h("span", { class: "num" });
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

// The neuron whose row of dW a layer shows: the selected one, or the one with the largest gradient.
const unitOf = (now, layer, norms) => (now.layer === layer.place.number ? now.unit ?? 0 : norms.indexOf(Math.max(...norms)));

export async function load(now, signal) {
  if (!models(now).net?.plain) return null;
  const result = await api.ask("backward", body(now, { label: truth(now), rate: now.rate }), signal);
  const rows = await Promise.all(result.layers.map((layer) => {
    if (!layer.norms) return null;
    const unit = unitOf(now, layer, api.unpack(layer.norms).values);
    return api.ask("gradient", body(now, { layer: layer.place.path, unit, label: truth(now) }), signal);
  }));
  return { result, rows };
}

export function show(now, content) {
  label.show(now);
  setControl(rate, Math.log10(now.rate).toFixed(1));
  rateText.textContent = `α = ${number(now.rate)}`;
  if (!content) {
    const net = models(now).net;
    put(stepBox);
    put(box, h("p", { class: "note" }, net ? "This page shows only networks of dense layers, activations and dropout. Use graduel inspect for this network." : "No network available: XGBoost’s trees have no backward pass."));
    return;
  }
  const { result, rows } = content;
  rebuild(stepBox, [result], () => showStep(result.step, truth(now)));
  rebuild(box, [JSON.stringify(body(now, { label: truth(now) })), ...rows], () => [
    h("p", { class: "note" }, "From the last layer to the first. If dZ is positive, the loss falls when the pre-activation Z decreases; if dZ is negative, the loss falls when Z increases."),
    showOutput(result, truth(now)), result.layers.map((layer, i) => showLayer(now, layer, rows[i]))]);
}

function showStep(step, truth) {
  const names = classes(), { before, after, loss_before, loss_after, helped, expected } = step;
  const top = [...before.keys()].sort((a, b) => Math.max(before[b], after[b]) - Math.max(before[a], after[a])).slice(0, 4);
  if (!top.includes(truth)) top.push(truth);
  return [h("h3", {}, "One gradient step on this example"), equation(step.equation),
    h("p", { class: `banner ${helped ? "good" : "bad"}`, "data-helped": helped ? "yes" : "no" }, helped ? "The step helped" : loss_after === loss_before ? "No change" : "The step did not help", `: the loss changed from ${number(loss_before, 4)} to ${number(loss_after, 4)}.`),
    table("Probabilities before and after the step", ["Class", "Before", "After"], top.map((k) => [k === truth ? `${names[k]} (true)` : names[k], percent(before[k], 2), percent(after[k], 2)]), { best: top.indexOf(truth) }),
    h("p", { class: "note small after" }, `Expected decrease of the loss to first order: α‖gradient‖² = ${number(expected, 4)}. ${loss_after > loss_before ? "The learning rate is too high: the step overshoots." : ""}`)];
}

function showOutput(result, truth) {
  const names = classes();
  return h("div", { class: "card" }, h("h3", {}, "Output layer"),
    result.output.map(equation),
    h("p", { class: "num" }, `Loss: −log(${percent(result.columns.at(-1).a[truth], 2)}) = ${number(result.loss, 4)}`),
    h("div", { class: "half" }, table("Gradient dZ at the output", ["Class", "A", "Y", "dZ = A − Y", ""], names.map((text, k) => [text, number(result.columns.at(-1).a[k]), number(result.target[k], 0), number(result.dz[k]), signed(result.dz[k], 1)]).slice(0, 30), { best: truth })));
}

function showLayer(now, layer, row) {
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
  const unit = unitOf(now, layer, norms);
  const pick = h("input", { type: "number", min: 0, max: norms.length - 1, value: unit, "data-key": `pick ${place.path}`,
    onchange: () => useField(pick, (text) => parseNumber(text, { low: 0, high: norms.length - 1, integer: true }), (value) => act({ layer: place.number, unit: value })) });
  const most = Math.max(...layer.dy.map(Math.abs), 1e-12);
  const dW = layer.W && api.unpack(layer.W);
  return h("div", { class: "card" },
    h("h3", {}, `Layer ${place.number}: ${place.title}`),
    h("div", { class: "two" },
      h("div", {}, place.backward.map(equation),
        h("h4", {}, `dZ${sub(place.number)} of the ${layer.dy.length} neurons`),
        h("div", { class: "row gates", role: "img", "aria-label": `dZ of ${layer.dy.length} neurons, largest ${number(most)}` }, layer.dy.map((v, k) => {
          const cell = h("span", { class: "gate", title: `neuron ${k}: dZ = ${number(v)}` });
          cell.style.backgroundColor = `rgb(${shade(v, most, "signed").map(Math.round).join(" ")})`;
          return cell;
        })),
        dW && [h("h4", { class: "after" }, `dW${sub(place.number)}`), matrix(`dW of layer ${place.number}`, dW.values, dW.shape[0], dW.shape[1])]),
      h("div", {}, h("div", { class: "narrow" }, field(`Neuron (0 to ${norms.length - 1})`, pick)), h("div", { class: "stack tight" }, showRow(now, row, unit)))));
}

const sub = (n) => [...String(n)].map((c) => "₀₁₂₃₄₅₆₇₈₉"[c]).join("");

function showRow(now, result, unit) {
  const most = Math.max(...result.terms.map((term) => Math.abs(term.product)), 1e-12);
  const size = models(now).image;
  return [h("p", { class: "num small" }, `dz = ${number(result.dz, 4)}, db = ${number(result.db, 4)}, ‖dW row‖ = ${number(result.norm, 4)}`),
    result.image && h("figure", {}, picture(`dW of neuron ${unit} as an image`, api.unpack(result.image).values, size[0], size[1], { size: "w9" }), h("figcaption", {}, "Row of dW as an image: dz × pixels.")),
    table(`Row of dW of neuron ${unit}, largest entries first`, ["Input", "a", "dz", "dW = dz · a", ""], result.terms.slice(0, 8).map((term) => [term.name.match(/^\d+$/) ? `neuron ${term.name}` : term.name, number(term.x), number(result.dz), number(term.product, 4), signed(term.product, most)]))];
}
