// Forward: every neuron, one sum written out, the softmax; the trees' votes beside it.

import * as api from "../api.js";
import { name, signed } from "../charts.js";
import { choice, field, h, number, percent, put, table } from "../dom.js";
import { equation } from "../equation.js";
import { layerGrids } from "../neurons.js";
import { heat, picture } from "../paint.js";
import { requestBody, best, classes, currentModels, state } from "../state.js";

export const id = "forward";
export const title = "Forward";
export const example = true;
export const usable = () => state.about.ready || !!state.info?.trained || state.about.training;

let grids, neuronBox, softmaxBox, treesBox, whyBox, select;
let seen = null, chosen = null, label = null;

export function mount(root) {
  grids = h("div", { class: "layers" });
  neuronBox = h("div", { class: "card", "aria-live": "polite" });
  softmaxBox = h("div", { class: "card" });
  treesBox = h("div", { class: "stack" });
  whyBox = h("div", {});
  select = choice([], { onchange: () => { label = Number(select.value); why(); } });
  put(root,
    h("h2", {}, "Forward, number by number"),
    h("p", { class: "lead" }, "Each square is a neuron, coloured by what it hands on. Choose one, and its sum is written out."),
    h("div", { class: "two wide-left" },
      h("div", { class: "stack" }, h("div", { class: "card" }, grids), neuronBox),
      h("div", { class: "stack" }, softmaxBox)),
    h("h3", { class: "part" }, "Why? The network’s input gradient beside XGBoost’s SHAP values"),
    h("p", { class: "note" }, "What speaks for a class in ", h("span", { class: "adds" }, "green"), ", what speaks against it in ", h("span", { class: "takes" }, "magenta"),
      ". The gradient says how the class’s score z would move with each input; SHAP shares XGBoost’s score out among the inputs."),
    h("div", { class: "narrow" }, field("The class that is asked about", select)),
    whyBox,
    h("h3", { class: "part" }, "XGBoost: which trees voted, and how"),
    treesBox);
}

export async function update(what, query) {
  if (!currentModels() || !state.example) return;
  if (what === "view" && query?.get("layer")) chosen = [query.get("layer"), Number(query.get("unit") ?? 0)];
  if (what === "model" || what === "view" || what === "example" || what === "edits") await all();
}

async function all() {
  label = best(state.answers);
  put(select, classes().map((text, k) => h("option", { value: k }, text)));
  select.value = label;
  const net = currentModels().net;
  if (net?.plain) {
    seen = await api.post("forward", requestBody());
    const paths = seen.columns.map((column) => column.path);
    if (!chosen || !paths.includes(chosen[0]) || chosen[1] >= seen.columns[paths.indexOf(chosen[0])].a.length) {
      const first = seen.columns[1];
      chosen = [first.path, first.a.indexOf(Math.max(...first.a))];
    }
    const image = currentModels().image;
    put(grids, image && h("div", { class: "layer input" }, h("h4", {}, `Input: ${image[0]} × ${image[1]} pixels`), picture("The pixels that go in", seen.columns[0].a, image[0], image[1], { kind: "ink", most: 1, size: "w9" })), layerGrids(seen.columns.slice(1), {
      choose: (path, unit) => { chosen = [path, unit]; history.replaceState(null, "", `#forward?layer=${path}&unit=${unit}`); grids.lastChild.mark(); neuron(); },
      pressed: (path, unit) => chosen[0] === path && chosen[1] === unit,
    }));
    softmax();
    await neuron();
  } else {
    put(grids, h("p", { class: "note" }, net ? "This network has layers that are not shown here; graduel inspect shows them in the terminal." : "There is no network here, only XGBoost’s trees."));
    put(neuronBox);
    put(softmaxBox, h("p", { class: "note" }, "–"));
  }
  await Promise.all([trees(), why()]);
}

async function neuron() {
  const [layer, unit] = chosen;
  const result = await api.post("neuron", requestBody({ layer, unit }));
  if (chosen[0] !== layer || chosen[1] !== unit) return;
  const column = seen.columns.find((one) => one.path === layer);
  const last = column === seen.columns.at(-1);
  const most = Math.max(...result.terms.map((term) => Math.abs(term.product)), Math.abs(result.rest));
  const rows = result.terms.map((term) => [term.name.match(/^\d+$/) ? `neuron ${term.name}` : term.name, number(term.w), number(term.x), number(term.product), signed(term.product, most)]);
  if (result.n_rest) rows.push([`the other ${result.n_rest} terms`, "", "", number(result.rest), signed(result.rest, most)]);
  rows.push(["bias b", "", "", number(result.bias), signed(result.bias, most)], ["z, their sum", "", "", number(result.z), h("td", { class: "bar" })]);
  const size = currentModels().image;
  const pictures = result.weights_image && [["Its weights", result.weights_image], ["Weight × pixel", result.products_image]].map(([text, image]) => {
    const { values } = api.unpack(image);
    return h("figure", {}, picture(`${text} of neuron ${unit}`, values, size[0], size[1], { size: "w9" }), h("figcaption", {}, text));
  });
  put(neuronBox,
    h("h3", {}, last ? `The output for “${classes()[unit] ?? unit}”` : `Neuron ${unit} of layer ${column.number}`),
    equation(result.equation),
    pictures && h("div", { class: "pictures" }, pictures),
    table(`The sum of neuron ${unit}, the largest terms first`, ["Term", "w", "x", "w · x", ""], rows, { sum: rows.length - 1 }),
    h("p", { class: "after num" }, last ? `Softmax makes a probability of it: ${percent(result.a)}.` : `${activation(column)}(z) = ${number(result.a)} is handed on${result.a === 0 ? ": nothing. The gate is shut." : "."}`));
}

const activation = (column) => column.title.split(" · ")[0];

function softmax() {
  const steps = seen.softmax;
  if (!steps) {
    put(softmaxBox, h("h3", {}, "The answer"), h("p", { class: "note" }, "This network’s loss is not softmax cross-entropy."));
    return;
  }
  const names = classes();
  const order = steps.z.map((_, k) => k);
  if (names.length > 12) order.sort((a, b) => steps.a[b] - steps.a[a]).splice(12);
  const top = order.indexOf(steps.a.indexOf(Math.max(...steps.a)));
  put(softmaxBox, h("h3", {}, "Softmax, step by step"), equation(steps.equation),
    table("Softmax", ["Class", "z", "z − max", "exp", "p"], [
      ...order.map((k) => [names[k], number(steps.z[k], 2), number(steps.shifted[k], 2), number(steps.exponentials[k]), percent(steps.a[k], 2)]),
      ["sum Σ", "", "", number(steps.total), "100 %"]], { best: top, sum: order.length }),
    h("p", { class: "note small after" }, `The largest z, ${number(steps.largest, 2)}, is taken off first: the answer stays the same, and exp cannot overflow.`));
}

async function trees() {
  if (!currentModels().xgboost) {
    put(treesBox, h("p", { class: "note" }, "There are no trees here, only a network."));
    return;
  }
  const result = await api.post("trees", requestBody());
  const names = classes();
  const two = result.base.length === 1;
  const groups = result.groups.map((code) => names[code]);
  const most = Math.max(...result.margin.map(Math.abs), 1e-9);
  const rows = groups.map((text, k) => [text, number(result.base[k], 2), number(result.margin[k] - result.base[k], 2), number(result.margin[k], 2), signed(result.margin[k], most), ...(two ? [] : [percent(result.probabilities[k], 2)])]);
  const canvas = h("canvas", { class: "pixels", role: "img", "aria-label": `What each of ${result.rounds} rounds added to each class, in log-odds` });
  heat(canvas, Float32Array.from(result.rounds ? groups.flatMap((_, k) => result.by_round.map((round) => round[k])) : []), groups.length, result.rounds);
  canvas.classList.add("votes");
  const pathBox = h("div", { class: "cards" }, result.strongest.map((path) => h("div", { class: "card" },
    h("h4", {}, path.group === null ? `Round ${path.round + 1}, a tree for all classes` : `Round ${path.round + 1}, tree for “${groups[path.group]}”`),
    h("ol", { class: "path" }, path.splits.map((split) => h("li", {},
      h("span", {}, split.missing ? `${split.name} is missing` : `${split.name} = ${number(split.value, 1)}: `),
      split.missing ? "" : h("span", { class: "note" }, `${split.condition}? ${split.went === "left" ? "yes" : "no"}`))),
    h("li", { class: path.value >= 0 ? "adds" : "takes" }, `leaf: ${path.value >= 0 ? "+" : ""}${number(path.value)}${path.group === null ? ` for “${groups[path.values.indexOf(path.value)]}”, most of all` : ""}`)))));
  put(treesBox,
    h("p", {}, `${name("xgboost").textContent}, ${result.kind}, ${result.rounds} rounds. Each tree adds its leaf’s value to its class’s score, in log-odds; ${two ? "a sigmoid makes a probability of it." : "a softmax makes probabilities of the scores."}`),
    h("div", { class: "two" },
      h("div", { class: "card" }, h("h3", {}, "The votes, added up"), table("Votes by class", ["Class", "start", "trees", "score", "", ...(two ? [] : ["p"])], rows, { best: two ? -1 : result.margin.indexOf(Math.max(...result.margin)) })),
      h("div", { class: "card" }, h("h3", {}, "Round by round"), h("figure", {}, canvas, h("figcaption", {}, `A row for each class (${groups.join(", ")}), a column for each round from left to right.`)))),
    h("h4", {}, "The trees that said most, and the example’s way through them"),
    pathBox);
}

async function why() {
  const result = await api.post("attribution", requestBody({ label }));
  const size = currentModels().image;
  const boxes = [];
  const show = (who, text, values, names) => {
    if (size) return h("figure", { class: "card" }, h("h4", {}, name(who)), picture(text, values, size[0], size[1], { size: "w12 fit" }), h("figcaption", {}, text));
    const order = [...values.keys()].sort((a, b) => Math.abs(values[b]) - Math.abs(values[a])).slice(0, 12);
    const most = Math.abs(values[order[0]] ?? 1);
    return h("div", { class: "card" }, h("h4", {}, name(who)), table(text, ["Column", "", ""], order.map((k) => [names[k] ?? `${k}`, number(values[k]), signed(values[k], most)]), { names: true }));
  };
  if (result.net) {
    const gradient = api.unpack(result.net.gradient).values, times = api.unpack(result.net.times_input).values;
    boxes.push(show("net", "∂z/∂x: how the score moves with each input", gradient, result.net.names), show("net", "x · ∂z/∂x: what each input brings", times, result.net.names));
  }
  if (result.xgboost) boxes.push(show("xgboost", `SHAP values, in log-odds: ${number(result.xgboost.bias, 2)} + their sum = ${number(result.xgboost.margin, 2)}`, api.unpack(result.xgboost.values).values, result.xgboost.names));
  else if (currentModels().xgboost) boxes.push(h("div", { class: "card note" }, "These trees have vector leaves, for which there are no SHAP values."));
  put(whyBox, h("div", { class: size ? "pictures" : "cards wide" }, boxes));
}
