// Backward: the loss, dZ = A − Y, and its way back to every weight; one step; did it help?

import * as api from "../api.js";
import { signed } from "../charts.js";
import { field, h, number, percent, put, table, whole } from "../dom.js";
import { equation } from "../equation.js";
import { labelChoice } from "../example.js";
import { shade, picture } from "../paint.js";
import { requestBody, best, classes, currentModels, state } from "../state.js";

export const id = "backward";
export const title = "Backward";
export const example = true;
export const usable = () => state.about.ready || !!state.info?.trained || state.about.training;

let box, label, rate, rateShown, stepBox, result = null, chosen = {};

export function mount(root) {
  label = labelChoice("The true class", () => show());
  rate = h("input", { type: "range", min: -3, max: 1, step: 0.1, value: -1, oninput: () => { rateShown.textContent = `α = ${number(10 ** rate.value)}`; later(); } });
  rateShown = h("span", { class: "num" }, "α = 0.100");
  stepBox = h("div", { class: "card", "aria-live": "polite" });
  box = h("div", { class: "stack" });
  put(root,
    h("h2", {}, "Backward, number by number"),
    h("p", { class: "lead" }, "The loss says how wrong the answer is. Its gradient flows back from the output to every weight: which way, and how much."),
    h("div", { class: "two" },
      h("div", { class: "card stack tight" }, label, field("Learning rate of one step", rate), rateShown),
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
    put(box, h("p", { class: "note" }, net ? "This network has layers that are not shown here; graduel inspect shows them." : "Trees have no backward pass: there is no network here."));
    return;
  }
  const truth = state.label ?? best(state.answers) ?? 0;
  result = await api.post("backward", requestBody({ label: truth, rate: 10 ** Number(rate.value) }));
  step(truth);
  if (!stepOnly) layers(truth);
}

function step(truth) {
  const names = classes(), { before, after, loss_before, loss_after, helped, expected } = result.step;
  const top = [...before.keys()].sort((a, b) => Math.max(before[b], after[b]) - Math.max(before[a], after[a])).slice(0, 4);
  if (!top.includes(truth)) top.push(truth);
  put(stepBox, h("h3", {}, "One gradient step, and the same example again"), equation(result.step.equation),
    h("p", { class: `banner ${helped ? "good" : "bad"}`, "data-helped": helped ? "yes" : "no" }, helped ? "It helped" : loss_after === loss_before ? "Nothing moved" : "It did not help", `: the loss went from ${number(loss_before, 4)} to ${number(loss_after, 4)}.`),
    table("Probabilities before and after the step", ["Class", "before", "after"], top.map((k) => [k === truth ? `${names[k]} (true)` : names[k], percent(before[k], 2), percent(after[k], 2)]), { best: top.indexOf(truth) }),
    h("p", { class: "note small after" }, `On a plane the loss would have fallen by α‖gradient‖² = ${number(expected, 4)}. ${loss_after > loss_before ? "The step was too long: the loss bends." : ""}`));
}

function layers(truth) {
  const names = classes();
  const output = h("div", { class: "card" }, h("h3", {}, "At the output"),
    result.output.map(equation),
    h("p", { class: "num" }, `Loss: −log(${percent(result.columns.at(-1).a[truth], 2)}) = ${number(result.loss, 4)}`),
    h("div", { class: "half" }, table("The error at the output", ["Class", "A", "Y", "dZ = A − Y", ""], names.map((text, k) => [text, number(result.columns.at(-1).a[k]), number(result.target[k], 0), number(result.dz[k]), signed(result.dz[k], 1)]).slice(0, 30), { best: truth })));
  put(box, h("p", { class: "note" }, "From the output back to the input. A positive dZ wants its neuron’s sum smaller, a negative one larger."), output, result.layers.map(one));
}

function one(layer) {
  const { place } = layer;
  if (layer.gate) {
    const open = layer.gate.filter(Boolean).length;
    return h("div", { class: "card" }, h("h3", {}, `The gate of ${place.title}: ${open} of ${layer.gate.length} open`),
      place.backward.map(equation),
      h("div", { class: "row gates", role: "img", "aria-label": `${open} neurons let the gradient through, ${layer.gate.length - open} stop it` }, layer.gate.map((is) => h("span", { class: `gate ${is ? "open" : ""}` }))),
      h("p", { class: "note small after" }, "Where a neuron handed nothing on, nothing comes back: its weights learn nothing from this example."));
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
  const whole_ = layer.W && api.unpack(layer.W);
  const box = h("div", { class: "card" },
    h("h3", {}, `Layer ${place.number}: ${place.title}`),
    h("div", { class: "two" },
      h("div", {}, place.backward.map(equation),
        h("h4", {}, `dZ${sub(place.number)} of its ${layer.dy.length} neurons`),
        h("div", { class: "row gates", role: "img", "aria-label": `dZ of ${layer.dy.length} neurons, largest ${number(most)}` }, layer.dy.map((v, k) => {
          const cell = h("span", { class: "gate", title: `neuron ${k}: dZ = ${number(v)}` });
          cell.style.backgroundColor = `rgb(${shade(v, most, "signed").map(Math.round).join(" ")})`;
          return cell;
        })),
        whole_ && [h("h4", { class: "after" }, `dW${sub(place.number)}: a row for each neuron, a column for each input`),
          picture(`dW of layer ${place.number}, ${whole_.shape[0]} by ${whole_.shape[1]}`, whole_.values, whole_.shape[0], whole_.shape[1], {})]),
      h("div", {}, h("div", { class: "narrow" }, field(`Neuron, 0 to ${norms.length - 1}`, pick)), detail)));
  row(detail, place, unit, layer);
  return box;
}

const sub = (n) => [...String(n)].map((c) => "₀₁₂₃₄₅₆₇₈₉"[c]).join("");

async function row(box, place, unit, layer) {
  const truth = state.label ?? best(state.answers) ?? 0;
  const got = await api.post("gradient", requestBody({ layer: place.path, unit, label: truth }));
  const most = Math.max(...got.terms.map((term) => Math.abs(term.product)), 1e-12);
  const size = currentModels().image;
  put(box, h("p", { class: "num small" }, `dz = ${number(got.dz, 4)}, db = ${number(got.db, 4)}, ‖dW row‖ = ${number(got.norm, 4)}`),
    got.image && h("figure", {}, picture(`dW of neuron ${unit} as an image`, api.unpack(got.image).values, size[0], size[1], { size: "w9" }), h("figcaption", {}, "Its row of dW, as an image: dz times the pixels.")),
    table(`dW of neuron ${unit}, the largest first`, ["Input", "a", "dz", "dW = dz · a", ""], got.terms.slice(0, 8).map((term) => [term.name.match(/^\d+$/) ? `neuron ${term.name}` : term.name, number(term.x), number(got.dz), number(term.product, 4), signed(term.product, most)])));
}

export { whole };
