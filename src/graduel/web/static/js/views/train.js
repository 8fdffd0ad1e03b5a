// Live training: a race of a network against XGBoost over seconds of training.

import * as api from "../api.js";
import { histogram, lines, name } from "../charts.js";
import { check, choice, field, h, number, percent, put, toast, formatInteger } from "../dom.js";
import { color, picture } from "../paint.js";
import { refresh, setModel, state, notify } from "../state.js";

export const id = "train";
export const title = "Train";
export const usable = () => state.about.digits || !!state.about.table || !!state.info?.table;

const ACTIVATIONS = ["relu", "leaky_relu", "tanh", "sigmoid", "elu", "gelu", "silu", "selu", "mish", "softplus", "hard_swish", "identity"];
const OPTIMIZERS = [["adamw", "AdamW"], ["sgd", "SGD"], ["momentum", "SGD with momentum"], ["nesterov", "Nesterov"], ["adam", "Adam"], ["rmsprop", "RMSprop"], ["adagrad", "AdaGrad"], ["amsgrad", "AMSGrad"], ["lion", "Lion"], ["muon", "Muon"]];

let form, layersBox, data, optimizer, batch, epochs, rows, race, rate, dropout, rateText, dropoutText;
let startButton, pauseButton, stepButton, stopButton, resetButton, slow, stateText, progress, meter, results, adoptButton;
let curves, summaries, weightsBox;
let layers = [[64, "relu"], [32, "relu"]];
let run = null; // the messages of the current training

const asRate = (x) => 10 ** Number(x);

export function mount(root) {
  layersBox = h("div", { class: "stack tight" });
  data = choice([["server", "MNIST digits"]], { onchange: fitRows });
  optimizer = choice(OPTIMIZERS, { value: "adamw" });
  batch = h("input", { type: "number", min: 1, max: 4096, value: 64 });
  epochs = h("input", { type: "number", min: 1, max: 200, value: 10 });
  rows = h("input", { type: "number", min: 10, max: 60000, value: 10000 });
  const [raceBox, raceInput] = check("Race against XGBoost", { checked: true });
  race = raceInput;
  rate = h("input", { type: "range", min: -4.5, max: 0, step: 0.05, value: -2.7, oninput: rateMoved, onchange: () => live("rate", asRate(rate.value)) });
  dropout = h("input", { type: "range", min: 0, max: 0.9, step: 0.05, value: 0, oninput: rateMoved, onchange: () => live("dropout", Number(dropout.value)) });
  rateText = h("span", { class: "num" });
  dropoutText = h("span", { class: "num" });
  startButton = h("button", { type: "button", class: "main", onclick: start }, "Start");
  pauseButton = h("button", { type: "button", onclick: () => command("pause") }, "Pause");
  stepButton = h("button", { type: "button", onclick: step }, "One batch");
  stopButton = h("button", { type: "button", onclick: () => command("stop") }, "Stop");
  resetButton = h("button", { type: "button", onclick: reset }, "Reset");
  const [slowBox, slowInput] = check("Slow motion", { onchange: () => live("slow", slow.checked ? 0.4 : 0) });
  slow = slowInput;
  stateText = h("span", { class: "state", role: "status" }, "not started");
  progress = h("p", { class: "num small" });
  meter = h("div", {});
  results = h("div", { class: "predictions" });
  adoptButton = h("button", { type: "button", onclick: adopt }, "Inspect these models");
  curves = h("div", { class: "stack" });
  summaries = h("div", { class: "cards" });
  weightsBox = h("div", {});
  form = h("fieldset", { class: "stack tight" }, h("legend", {}, "Network and training"),
    field("Training data", data), layersBox,
    h("div", { class: "row" }, h("button", { type: "button", onclick: () => { if (layers.length < 6) layers.push([32, "relu"]); showLayers(); } }, "Add layer"),
      h("button", { type: "button", onclick: () => { if (layers.length > 1) layers.pop(); showLayers(); } }, "Remove last layer")),
    h("div", { class: "pair" }, field("Optimizer", optimizer), field("Batch size", batch)),
    h("div", { class: "pair" }, field("Epochs", epochs), field("Training rows", rows)), raceBox);
  put(root,
    h("h2", {}, "Train"),
    h("p", { class: "lead" }, "The network trains batch by batch, XGBoost round by round, on one core. The model with less training time runs next, so that both curves share one axis: seconds of training."),
    h("div", { class: "two narrow-left" },
      h("div", { class: "stack" },
        h("div", { class: "card stack tight" }, form),
        h("div", { class: "card stack tight" }, h("h3", {}, "Adjustable during training"),
          field("Learning rate", rate), rateText, field("Dropout", dropout), dropoutText, slowBox)),
      h("div", { class: "stack" },
        h("div", { class: "card stack tight" },
          h("div", { class: "row" }, startButton, pauseButton, stepButton, stopButton, resetButton),
          h("div", { class: "row" }, stateText), h("div", { class: "meter", "aria-hidden": "true" }, meter), progress, results,
          h("div", {}, adoptButton)),
        h("div", { class: "card" }, curves))),
    h("h3", { class: "part" }, "Inside the network"),
    h("p", { class: "note" }, "Measured on 256 training rows: histograms of each layer’s activations and of its weight gradients (log₁₀ |dW|), and the number of dead neurons, whose activation is 0 for every row."),
    summaries,
    h("h3", { class: "part" }, "Weights of the first layer"), weightsBox);
  showLayers();
  rateMoved();
  reset();
}

export function update() {
  const options = [];
  if (state.about.digits) options.push(["server", "MNIST digits"]);
  if (state.about.table) options.push(["server", state.about.table.name]);
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
  rateText.textContent = `α = ${number(asRate(rate.value), 5)}`;
  dropoutText.textContent = `${percent(Number(dropout.value), 0)} of the hidden neurons, resampled in every batch`;
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
  run.source.onmessage = ({ data: text }) => receive(mine, JSON.parse(text));
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
  put(summaries, h("p", { class: "note" }, "Start the training, or train one batch."));
  put(weightsBox);
  progress.textContent = "";
  meter.style.transform = "scaleX(0)";
  draw();
  buttons();
}

function receive(mine, message) {
  if (mine !== run) return;
  if (message.type === "state" || message.type === "end") {
    run.state = message.state;
    run.message = message.message;
    if (message.type === "end") {
      run.over = true;
      run.source.close();
    }
    buttons();
  } else if (message.type === "position") {
    run.message = message.position ? `${message.position} ahead` : "next";
    buttons();
  } else if (message.type === "step") {
    run.last = message;
    if (message.loss !== null) run.loss.push([message.seconds, message.loss]);
    progress.textContent = `Batch ${formatInteger(message.step)} of ${formatInteger(message.steps)}, epoch ${Math.max(1, message.epoch)} of ${message.epochs}, training loss ${number(message.loss)}; XGBoost round ${message.round}`;
    progress.dataset.step = message.step;
    meter.style.transform = `scaleX(${message.t})`;
  } else if (message.type === "point") {
    run[message.contender === "net" ? "net" : "xgboost"].push(message);
    later();
  } else if (message.type === "layers") showLayerSummaries(message);
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
  const series = (key) => ["net", "xgboost"].filter((family) => run?.[family].length).map((family) => ({ color: family, name: family === "net" ? "NumPy network" : "XGBoost", points: thin(run[family].map((p) => [p.seconds, p[key]])) }));
  if (!run || (!run.net.length && !run.xgboost.length)) {
    put(curves, h("h3", {}, "Race"), h("p", { class: "note" }, "Validation error and loss of both models appear here."));
    return;
  }
  const loss = series("valid_loss");
  if (run.loss.length > 1) loss.push({ color: "muted", name: "training loss by batch", points: thin(run.loss), dash: "2 2" });
  put(curves, h("h3", {}, "Validation error"), lines("Validation error over seconds of training", series("valid_error"), { x: "seconds of training", format: (v) => percent(v, v < 0.1 ? 1 : 0) }),
    h("h3", {}, "Validation loss"), lines("Validation loss over seconds of training, logarithmic scale", loss, { x: "seconds of training", log: true, format: (v) => number(v, 2) }));
  put(results, ["net", "xgboost"].map((family) => {
    const point = run[family].at(-1);
    return point && h("div", { "data-model": family }, h("div", { class: "model" }, name(family)), h("div", { class: `digit long ${family} num` }, percent(point.valid_error, 2)), h("div", { class: "probability num small" }, `error after ${family === "net" ? "batch" : "round"} ${formatInteger(point.step)}, ${point.seconds.toFixed(1)} s`));
  }));
}

function showLayerSummaries(message) {
  put(summaries, message.layers.map((layer, i) => h("div", { class: "card" },
    h("h4", {}, layer.output ? "Output" : `Layer ${i + 1}: ${layer.units} neurons`),
    h("p", { class: "small num" }, layer.output ? "–" : layer.dead ? `${layer.dead} dead neurons` : "no dead neurons"),
    h("figure", {}, histogram(`Activations of layer ${i + 1}`, layer.activations, "net"), h("figcaption", {}, layer.output ? "Logits z" : "Activations")),
    h("figure", {}, histogram(`Gradients of layer ${i + 1}`, layer.gradients, "hue-3", (v) => number(v, 0)), h("figcaption", {}, `log₁₀ |dW|; norm of dW ${number(layer.gradient_norm)}`)))));
  const { shape, values } = api.unpack(message.weights);
  const side = Math.round(Math.sqrt(shape[1]));
  if (side * side === shape[1] && side > 7) {
    put(weightsBox, h("div", { class: "filters" }, Array.from({ length: shape[0] }, (_, k) => picture(`Weights of neuron ${k}`, values.subarray(k * shape[1], (k + 1) * shape[1]), side, side, {}))));
  } else {
    put(weightsBox, h("figure", {}, picture("Weights of the first layer: one row per neuron, one column per input", values, shape[0], shape[1], {}), h("figcaption", {}, "One row per neuron, one column per input.")));
  }
}

const WORDS = { new: "not started", queued: "waiting in the queue", running: "running", paused: "paused", done: "done", stopped: "stopped", failed: "failed" };

function buttons() {
  const now = run?.state ?? "new", active = run && !run.over && !["done", "stopped", "failed"].includes(now);
  stateText.className = `state ${now}`;
  stateText.textContent = WORDS[now] + (run?.message ? `: ${run.message}` : "");
  startButton.textContent = now === "paused" && active ? "Resume" : "Start";
  startButton.disabled = active && (now === "running" || now === "queued");
  pauseButton.disabled = !active || (now !== "running" && now !== "queued");
  stepButton.disabled = active && now === "running";
  stopButton.disabled = !active;
  resetButton.disabled = !run;
  form.disabled = !!active;
  adoptButton.disabled = !run?.last;
}

async function adopt() {
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

export { color };
