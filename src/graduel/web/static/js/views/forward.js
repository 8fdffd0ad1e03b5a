// Forward pass: all neurons, the terms of one sum, the softmax; the trees of XGBoost.

import * as api from "../api.js";
import { name, signed } from "../charts.js";
import { choice, field, h, number, percent, put, rebuild, table, toast } from "../dom.js";
import { equation } from "../equation.js";
import { layerGrids } from "../neurons.js";
import { heat, picture } from "../paint.js";
import { act, body, classes, explained, models, state } from "../state.js";

export const id = "forward";
export const title = "Forward";
export const example = true;
export const usable = () => state.about.ready || !!state.info?.trained || state.about.training;

let grids, neuronBox, softmaxBox, treesBox, attributionBox, select;

export function mount(root) {
  grids = h("div", { class: "layers" });
  neuronBox = h("div", { class: "card", "aria-live": "polite" });
  softmaxBox = h("div", { class: "card" });
  treesBox = h("div", { class: "stack" });
  attributionBox = h("div", {});
  select = choice([], { onchange: () => act({ explained: Number(select.value) }).catch(toast) });
  put(root,
    h("h2", {}, "Forward pass"),
    h("p", { class: "lead" }, "Each square is a neuron; its color shows its activation A. Choose a neuron to see how its pre-activation Z is computed: the sum of weights times inputs, plus a bias."),
    h("div", { class: "two wide-left" },
      h("div", { class: "stack" }, h("div", { class: "card" }, h("h3", { class: "hidden" }, "Neurons of all layers"), grids), neuronBox),
      h("div", { class: "stack" }, softmaxBox)),
    h("h3", { class: "part" }, "Saliency and SHAP values: which inputs matter"),
    h("p", { class: "note" }, "Inputs in ", h("span", { class: "adds" }, "green"), " raise the score of the class, inputs in ", h("span", { class: "takes" }, "magenta"),
      " lower it. The input gradient shows how the network’s score z changes with each input; SHAP values divide XGBoost’s score among the inputs."),
    h("div", { class: "narrow" }, field("Class to explain", select)),
    attributionBox,
    h("h3", { class: "part" }, "XGBoost: trees and their leaf values"),
    treesBox);
}

// The neuron that the state names, or the most active one of the first layer.
function selected(now, pass) {
  if (now.layer !== null) return [now.layer, now.unit ?? 0];
  const first = pass.columns[1];
  return [first.number, first.a.indexOf(Math.max(...first.a))];
}

export async function load(now, signal) {
  const of = models(now);
  const others = [of.xgboost && api.ask("trees", body(now), signal), api.ask("attribution", body(now, { label: explained(now) }), signal)];
  let pass = null, chosen = null, neuron = null;
  if (of.net?.plain) {
    pass = await api.ask("forward", body(now), signal);
    chosen = selected(now, pass);
    neuron = await api.ask("neuron", body(now, { layer: of.net.layers[chosen[0] - 1].path, unit: chosen[1] }), signal);
  }
  const [votes, attribution] = await Promise.all(others);
  return { pass, chosen, neuron, votes, attribution };
}

export function show(now, { pass, chosen, neuron, votes, attribution }) {
  const of = models(now), names = classes(now);
  rebuild(select, [names], () => names.map((text, k) => h("option", { value: k }, text)));
  select.value = explained(now);
  if (pass) {
    rebuild(grids, [pass, ...chosen], () => showLayers(of, pass, chosen));
    rebuild(neuronBox, [neuron, ...chosen], () => showNeuron(of, pass, chosen, neuron));
    rebuild(softmaxBox, [pass], () => showSoftmax(pass, names));
  } else {
    put(grids, h("p", { class: "note" }, of.net ? "This page shows only networks of dense layers, activations and dropout. Use graduel inspect for this network." : "No network available, only XGBoost."));
    put(neuronBox);
    put(softmaxBox, h("p", { class: "note" }, "–"));
  }
  rebuild(treesBox, [votes], () => (votes ? showTrees(votes, names) : h("p", { class: "note" }, state.about.training ? "XGBoost is still training." : "No XGBoost model available, only a network.")));
  rebuild(attributionBox, [attribution], () => showAttribution(of, attribution));
}

function showLayers(of, pass, chosen) {
  const { image } = of;
  const input = image ? h("div", { class: "layer input" }, h("h4", {}, `Input: ${image[0]} × ${image[1]} pixels`), picture("Input pixels", pass.columns[0].a, image[0], image[1], { kind: "ink", most: 1, size: "w9" }))
    : inputTable(pass.features);
  return [input, layerGrids(pass.columns.slice(1), {
    choose: (layer, unit) => act({ layer, unit }).catch(toast),
    pressed: (layer, unit) => chosen[0] === layer && chosen[1] === unit,
  })];
}

// Of a table: each cell of the row beside the numbers that the network gets for it.
function inputTable(features) {
  return h("div", { class: "layer input tall" }, table("Input: the row and its prepared values", ["Column", "Value", "Network’s input"],
    features.flatMap((one) => one.inputs.map((part, i) => [
      i ? "" : one.name, i ? "" : one.raw ?? "missing",
      part.name === one.name ? `x = ${number(part.value)}` : `${part.name}: ${number(part.value)}`])), { names: true }));
}

function showNeuron(of, pass, [layer, unit], result) {
  const column = pass.columns[layer];
  const last = column === pass.columns.at(-1);
  const most = Math.max(...result.terms.map((term) => Math.abs(term.product)), Math.abs(result.rest));
  const rows = result.terms.map((term) => [term.name.match(/^\d+$/) ? `neuron ${term.name}` : term.name, number(term.w), number(term.x), number(term.product), signed(term.product, most)]);
  if (result.n_rest) rows.push([`other ${result.n_rest} terms`, "", "", number(result.rest), signed(result.rest, most)]);
  rows.push(["bias b", "", "", number(result.bias), signed(result.bias, most)], ["z, the sum", "", "", number(result.z), h("td", { class: "bar" })]);
  const size = of.image;
  const pictures = result.weights_image && [["Weights", result.weights_image], ["Weights × pixels", result.products_image]].map(([text, image]) => {
    const { values } = api.unpack(image);
    return h("figure", {}, picture(`${text} of neuron ${unit}`, values, size[0], size[1], { size: "w9" }), h("figcaption", {}, text));
  });
  return [
    h("h3", {}, last ? `Output neuron “${classes()[unit] ?? unit}”` : `Neuron ${unit} of layer ${column.number}`),
    equation(result.equation),
    pictures && h("div", { class: "pictures" }, pictures),
    table(`Terms of neuron ${unit}, largest first`, ["Term", "w", "x", "w · x", ""], rows, { sum: rows.length - 1 }),
    h("p", { class: "after num" }, last ? `Softmax converts z to a probability: ${percent(result.a)}.` : `Activation a = ${activation(column)}(z) = ${number(result.a)}${result.a === 0 ? ": the neuron is inactive." : "."}`)];
}

const activation = (column) => column.title.split(" · ")[0];

function showSoftmax(pass, names) {
  const steps = pass.softmax;
  if (!steps) return [h("h3", {}, "Prediction"), h("p", { class: "note" }, "This network’s loss is not softmax cross-entropy.")];
  const order = steps.z.map((_, k) => k);
  if (names.length > 12) order.sort((a, b) => steps.a[b] - steps.a[a]).splice(12);
  const top = order.indexOf(steps.a.indexOf(Math.max(...steps.a)));
  return [h("h3", {}, "Softmax, step by step"), equation(steps.equation),
    table("Softmax", ["Class", "z", "z − max", "exp", "p"], [
      ...order.map((k) => [names[k], number(steps.z[k], 2), number(steps.shifted[k], 2), number(steps.exponentials[k]), percent(steps.a[k], 2)]),
      ["sum Σ", "", "", number(steps.total), "100 %"]], { best: top, sum: order.length }),
    h("p", { class: "note small after" }, `The largest z, ${number(steps.largest, 2)}, is subtracted first. The result is the same, and exp cannot overflow.`)];
}

function showTrees(result, names) {
  const two = result.base.length === 1;
  const groups = result.groups.map((code) => names[code]);
  const most = Math.max(...result.margin.map(Math.abs), 1e-9);
  const rows = groups.map((text, k) => [text, number(result.base[k], 2), number(result.margin[k] - result.base[k], 2), number(result.margin[k], 2), signed(result.margin[k], most), ...(two ? [] : [percent(result.probabilities[k], 2)])]);
  const canvas = h("canvas", { class: "pixels", role: "img", "aria-label": `Contribution of each of ${result.rounds} rounds to each class, in log-odds` });
  heat(canvas, Float32Array.from(result.rounds ? groups.flatMap((_, k) => result.by_round.map((round) => round[k])) : []), groups.length, result.rounds);
  canvas.classList.add("votes");
  const pathBox = h("div", { class: "cards" }, result.strongest.map((path) => h("div", { class: "card" },
    h("h4", {}, path.group === null ? `Round ${path.round + 1}, tree for all classes` : `Round ${path.round + 1}, tree for “${groups[path.group]}”`),
    h("ol", { class: "path" }, path.splits.map((split) => h("li", {},
      h("span", {}, split.missing ? `${split.name} is missing` : `${split.name} = ${number(split.value, 1)}: `),
      split.missing ? "" : h("span", { class: "note" }, `${split.condition}? ${split.went === "left" ? "yes" : "no"}`))),
    h("li", { class: path.value >= 0 ? "adds" : "takes" }, `leaf value ${path.value >= 0 ? "+" : ""}${number(path.value)}${path.group === null ? ` for “${groups[path.values.indexOf(path.value)]}” (largest)` : ""}`)))));
  return [
    h("p", {}, `${name("xgboost").textContent}, ${result.kind}, ${result.rounds} rounds. Each tree adds the value of one leaf to the score of its class (log-odds); ${two ? "the sigmoid converts the score to a probability." : "the softmax converts scores to probabilities."}`),
    h("div", { class: "two" },
      h("div", { class: "card" }, h("h3", {}, "Scores by class"), table("Scores by class", ["Class", "base", "trees", "score", "", ...(two ? [] : ["p"])], rows, { best: two ? -1 : result.margin.indexOf(Math.max(...result.margin)) })),
      h("div", { class: "card" }, h("h3", {}, "Contributions by round"), h("figure", {}, canvas, h("figcaption", {}, `One row per class (${groups.join(", ")}), one column per round, left to right.`)))),
    h("h4", {}, "Paths of the example through the trees with the largest leaf values"),
    pathBox];
}

function showAttribution(of, result) {
  const size = of.image;
  const boxes = [];
  const show = (family, text, values, names) => {
    if (size) return h("figure", { class: "card" }, h("h4", {}, name(family)), picture(text, values, size[0], size[1], { size: "w12 fit" }), h("figcaption", {}, text));
    const order = [...values.keys()].sort((a, b) => Math.abs(values[b]) - Math.abs(values[a])).slice(0, 12);
    const most = Math.abs(values[order[0]] ?? 1);
    return h("div", { class: "card" }, h("h4", {}, name(family)), table(text, ["Column", "", ""], order.map((k) => [names[k] ?? `${k}`, number(values[k]), signed(values[k], most)]), { names: true }));
  };
  if (result.net) {
    const gradient = api.unpack(result.net.gradient).values, times = api.unpack(result.net.times_input).values;
    boxes.push(show("net", "Input gradient ∂z/∂x", gradient, result.net.names), show("net", "Gradient × input x · ∂z/∂x", times, result.net.names));
  }
  if (result.xgboost) boxes.push(show("xgboost", `SHAP values, in log-odds: bias ${number(result.xgboost.bias, 2)} + sum of SHAP values = ${number(result.xgboost.margin, 2)}`, api.unpack(result.xgboost.values).values, result.xgboost.names));
  else if (of.xgboost) boxes.push(h("div", { class: "card note" }, "SHAP values are not available for trees with vector leaves."));
  return h("div", { class: size ? "pictures" : "cards wide" }, boxes);
}
