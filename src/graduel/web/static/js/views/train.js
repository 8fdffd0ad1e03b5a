// Train, live: a network's batches and XGBoost's rounds on one axis, seconds of training.

import * as api from "../api.js";
import { histogram, lines, name } from "../charts.js";
import { check, choice, field, h, number, percent, put, toast, whole } from "../dom.js";
import { colour, picture } from "../paint.js";
import { refresh, setModel, state, notify } from "../state.js";

export const id = "train";
export const title = "Train";
export const usable = () => state.about.digits || !!state.about.table || !!state.info?.table;

const ACTIVATIONS = ["relu", "leaky_relu", "tanh", "sigmoid", "elu", "gelu", "silu", "selu", "mish", "softplus", "hard_swish", "identity"];
const OPTIMIZERS = [["adamw", "AdamW"], ["sgd", "SGD"], ["momentum", "SGD with momentum"], ["nesterov", "Nesterov"], ["adam", "Adam"], ["rmsprop", "RMSprop"], ["adagrad", "AdaGrad"], ["amsgrad", "AMSGrad"], ["lion", "Lion"], ["muon", "Muon"]];

let form, layersBox, data, optimizer, batch, epochs, rows, race, rate, dropout, rateShown, dropoutShown;
let startButton, pauseButton, stepButton, stopButton, resetButton, slow, stateShown, progress, meter, results, takeButton;
let curves, looks, weightsBox;
let layers = [[64, "relu"], [32, "relu"]];
let run = null; // the messages of the current training

const asRate = (x) => 10 ** Number(x);

export function mount(root) {
  layersBox = h("div", { class: "stack tight" });
  data = choice([["home", "MNIST’s digits"]], { onchange: fitRows });
  optimizer = choice(OPTIMIZERS, { value: "adamw" });
  batch = h("input", { type: "number", min: 1, max: 4096, value: 64 });
  epochs = h("input", { type: "number", min: 1, max: 200, value: 10 });
  rows = h("input", { type: "number", min: 10, max: 60000, value: 10000 });
  const [raceBox, raceInput] = check("Race against XGBoost", { checked: true });
  race = raceInput;
  rate = h("input", { type: "range", min: -4.5, max: 0, step: 0.05, value: -2.7, oninput: rateMoved, onchange: () => live("rate", asRate(rate.value)) });
  dropout = h("input", { type: "range", min: 0, max: 0.9, step: 0.05, value: 0, oninput: rateMoved, onchange: () => live("dropout", Number(dropout.value)) });
  rateShown = h("span", { class: "num" });
  dropoutShown = h("span", { class: "num" });
  startButton = h("button", { type: "button", class: "main", onclick: start }, "Start");
  pauseButton = h("button", { type: "button", onclick: () => command("pause") }, "Pause");
  stepButton = h("button", { type: "button", onclick: step }, "One batch");
  stopButton = h("button", { type: "button", onclick: () => command("stop") }, "Stop");
  resetButton = h("button", { type: "button", onclick: reset }, "Reset");
  const [slowBox, slowInput] = check("Slow motion", { onchange: () => live("slow", slow.checked ? 0.4 : 0) });
  slow = slowInput;
  stateShown = h("span", { class: "state", role: "status" }, "not begun");
  progress = h("p", { class: "num small" });
  meter = h("div", {});
  results = h("div", { class: "says" });
  takeButton = h("button", { type: "button", onclick: take }, "Look inside these two");
  curves = h("div", { class: "stack" });
  looks = h("div", { class: "cards" });
  weightsBox = h("div", {});
  form = h("fieldset", { class: "stack tight" }, h("legend", {}, "The network and its training"),
    field("Learn from", data), layersBox,
    h("div", { class: "row" }, h("button", { type: "button", onclick: () => { if (layers.length < 6) layers.push([32, "relu"]); showLayers(); } }, "Add a layer"),
      h("button", { type: "button", onclick: () => { if (layers.length > 1) layers.pop(); showLayers(); } }, "Remove the last")),
    h("div", { class: "pair" }, field("Optimizer", optimizer), field("Rows a batch", batch)),
    h("div", { class: "pair" }, field("Epochs", epochs), field("Rows to learn from", rows)), raceBox);
  put(root,
    h("h2", {}, "Train, and watch"),
    h("p", { class: "lead" }, "The network learns batch by batch, XGBoost round by round. Whoever has used less time goes next, so both curves grow on the same axis: seconds of their own training, on one core."),
    h("div", { class: "two narrow-left" },
      h("div", { class: "stack" },
        h("div", { class: "card stack tight" }, form),
        h("div", { class: "card stack tight" }, h("h3", {}, "Also in mid-run"),
          field("Learning rate", rate), rateShown, field("Dropout", dropout), dropoutShown, slowBox)),
      h("div", { class: "stack" },
        h("div", { class: "card stack tight" },
          h("div", { class: "row" }, startButton, pauseButton, stepButton, stopButton, resetButton),
          h("div", { class: "row" }, stateShown), h("div", { class: "meter", "aria-hidden": "true" }, meter), progress, results,
          h("div", {}, takeButton)),
        h("div", { class: "card" }, curves))),
    h("h3", { class: "part" }, "Inside the network, now"),
    h("p", { class: "note" }, "On 256 training rows: what each layer hands on, how large the gradients of its weights are (log₁₀ |dW|), and neurons that hand nothing on for any row: dead ones."),
    looks,
    h("h3", { class: "part" }, "The first layer’s weights"), weightsBox);
  showLayers();
  rateMoved();
  reset();
}

export function update() {
  const options = [];
  if (state.about.digits) options.push(["home", "MNIST’s digits"]);
  if (state.about.table) options.push(["home", state.about.table.name]);
  if (state.info?.table) options.push(["table", `Your table: ${state.info.table.name}`]);
  const before = data.value, had = data.options.length;
  put(data, options.map(([key, text]) => h("option", { value: key }, text)));
  data.value = options.length > had && state.info?.table ? "table" : options.some(([key]) => key === before) ? before : options.at(-1)[0];
  if (data.value !== before || had !== options.length) fitRows();
}

function fitRows() {
  const table = data.value === "table" ? state.info?.table : state.about.table;
  if (!table) {
    rows.value = 10000;
    return;
  }
  rows.value = Math.max(10, Math.min(10000, Math.floor(table.rows * 0.64)));
  batch.value = table.rows < 2000 ? 16 : 64;
  epochs.value = table.rows < 2000 ? 40 : 15;
}

function rateMoved() {
  rateShown.textContent = `α = ${number(asRate(rate.value), 5)}`;
  dropoutShown.textContent = `${percent(Number(dropout.value), 0)} of the hidden neurons, drawn anew in every batch`;
}

function showLayers() {
  put(layersBox, layers.map((layer, i) => {
    const units = h("input", { type: "number", min: 1, max: 1024, value: layer[0], onchange: () => { layer[0] = Math.max(1, Math.min(1024, Math.floor(Number(units.value) || 1))); units.value = layer[0]; } });
    const activation = choice(ACTIVATIONS.map((one) => [one, one]), { value: layer[1], onchange: () => { layer[1] = activation.value; } });
    return h("div", { class: "pair" }, field(`Layer ${i + 1}: neurons`, units), field(`Layer ${i + 1}: activation`, activation));
  }));
}

async function ready() {
  if (run && !run.over) return true;
  const settings = {
    data: data.value, layers: layers.map(([units]) => units), activations: layers.map(([, one]) => one), optimizer: optimizer.value,
    rate: asRate(rate.value), batch: Number(batch.value), dropout: Number(dropout.value), epochs: Number(epochs.value), rows: Number(rows.value), race: race.checked,
  };
  const cost = await api.post("training", settings);
  run?.source?.close();
  run = { over: false, net: [], xgboost: [], loss: [], state: cost.state, parameters: cost.parameters };
  draw();
  run.source = new EventSource(api.path("training/events"));
  const mine = run;
  run.source.onmessage = ({ data: text }) => hear(mine, JSON.parse(text));
  run.source.onerror = () => { if (!mine.over) { mine.source.close(); mine.over = true; mine.state = "stopped"; buttons(); } };
  await new Promise((resolve) => { run.source.onopen = resolve; setTimeout(resolve, 1000); });
  if (slow.checked) await api.post("training/command", { do: "slow", value: 0.4 });
  return true;
}

async function start() {
  try {
    if (await ready()) await command("run");
  } catch (error) {
    toast(error);
  }
}

async function step() {
  try {
    if (await ready()) await command("step");
  } catch (error) {
    toast(error);
  }
}

async function command(what, value = 0) {
  try {
    await api.post("training/command", { do: what, value });
  } catch (error) {
    toast(error);
  }
}

const live = (what, value) => { if (run && !run.over) command(what, value); };

function reset() {
  run?.source?.close();
  if (run && !run.over) command("stop");
  run = null;
  put(results);
  put(looks, h("p", { class: "note" }, "Start, or do one batch."));
  put(weightsBox);
  progress.textContent = "";
  meter.style.transform = "scaleX(0)";
  draw();
  buttons();
}

function hear(mine, message) {
  if (mine !== run) return;
  if (message.type === "state" || message.type === "end") {
    run.state = message.state;
    run.message = message.message;
    if (message.type === "end") {
      run.over = true;
      run.source.close();
    }
    buttons();
  } else if (message.type === "place") {
    run.message = message.place ? `${message.place} before it` : "next";
    buttons();
  } else if (message.type === "step") {
    run.last = message;
    if (message.loss !== null) run.loss.push([message.seconds, message.loss]);
    progress.textContent = `Batch ${whole(message.step)} of ${whole(message.steps)}, epoch ${Math.max(1, message.epoch)} of ${message.epochs}, loss ${number(message.loss)}; XGBoost round ${message.round}`;
    progress.dataset.step = message.step;
    meter.style.transform = `scaleX(${message.t})`;
  } else if (message.type === "point") {
    run[message.who === "net" ? "net" : "xgboost"].push(message);
    later();
  } else if (message.type === "layers") look(message);
}

let waiting = false;
function later() {
  if (waiting) return;
  waiting = true;
  setTimeout(() => { waiting = false; draw(); }, 150);
}

function thin(points, most = 400) {
  if (points.length <= most) return points;
  const every = Math.ceil(points.length / most);
  return points.filter((_, i) => i % every === 0 || i === points.length - 1);
}

function draw() {
  const series = (key) => ["net", "xgboost"].filter((who) => run?.[who].length).map((who) => ({ colour: who, name: who === "net" ? "NumPy network" : "XGBoost", points: thin(run[who].map((p) => [p.seconds, p[key]])) }));
  if (!run || (!run.net.length && !run.xgboost.length)) {
    put(curves, h("h3", {}, "The race"), h("p", { class: "note" }, "The curves of both appear here: errors and loss on validation rows."));
    return;
  }
  const loss = series("valid_loss");
  if (run.loss.length > 1) loss.push({ colour: "muted", name: "training loss, batch by batch", points: thin(run.loss), dash: "2 2" });
  put(curves, h("h3", {}, "Error on validation rows"), lines("Error of both over seconds of training", series("valid_error"), { x: "seconds of training", format: (v) => percent(v, v < 0.1 ? 1 : 0) }),
    h("h3", {}, "Loss"), lines("Loss of both over seconds of training, on a logarithmic scale", loss, { x: "seconds of training", log: true, format: (v) => number(v, 2) }));
  put(results, ["net", "xgboost"].map((who) => {
    const point = run[who].at(-1);
    return point && h("div", { "data-who": who }, h("div", { class: "who" }, name(who)), h("div", { class: `digit long ${who} num` }, percent(point.valid_error, 2)), h("div", { class: "sure num small" }, `error after ${who === "net" ? "batch" : "round"} ${whole(point.step)}, ${point.seconds.toFixed(1)} s`));
  }));
}

function look(message) {
  put(looks, message.layers.map((layer, i) => h("div", { class: "card" },
    h("h4", {}, layer.output ? "Output" : `Layer ${i + 1}: ${layer.units} neurons`),
    h("p", { class: "small num" }, layer.output ? "–" : layer.dead ? `${layer.dead} dead` : "none dead"),
    h("figure", {}, histogram(`Activations of layer ${i + 1}`, layer.activations, "net"), h("figcaption", {}, layer.output ? "Scores z" : "Activations")),
    h("figure", {}, histogram(`Gradients of layer ${i + 1}`, layer.gradients, "hue-3", (v) => number(v, 0)), h("figcaption", {}, `log₁₀ |dW|, norm ${number(layer.gradient_norm)}`)))));
  const { shape, values } = api.unpack(message.weights);
  const side = Math.round(Math.sqrt(shape[1]));
  if (side * side === shape[1] && side > 7) {
    put(weightsBox, h("div", { class: "filters" }, Array.from({ length: shape[0] }, (_, k) => picture(`Weights of neuron ${k}`, values.subarray(k * shape[1], (k + 1) * shape[1]), side, side, {}))));
  } else {
    put(weightsBox, h("figure", {}, picture("Weights of the first layer: a row for each neuron, a column for each input", values, shape[0], shape[1], {}), h("figcaption", {}, "A row for each neuron, a column for each input.")));
  }
}

const WORDS = { new: "not begun", queued: "waiting for its turn", running: "running", paused: "paused", done: "done", stopped: "stopped", failed: "failed" };

function buttons() {
  const now = run?.state ?? "new", active = run && !run.over && !["done", "stopped", "failed"].includes(now);
  stateShown.className = `state ${now}`;
  stateShown.textContent = WORDS[now] + (run?.message ? `: ${run.message}` : "");
  startButton.textContent = now === "paused" && active ? "Resume" : "Start";
  startButton.disabled = active && (now === "running" || now === "queued");
  pauseButton.disabled = !active || (now !== "running" && now !== "queued");
  stepButton.disabled = active && now === "running";
  stopButton.disabled = !active;
  resetButton.disabled = !run;
  form.disabled = !!active;
  takeButton.disabled = !run?.last;
}

async function take() {
  try {
    await api.post("training/adopt");
    await refresh();
    notify("models");
    await setModel("trained");
    location.hash = "#forward";
  } catch (error) {
    toast(error);
  }
}

export { colour };
