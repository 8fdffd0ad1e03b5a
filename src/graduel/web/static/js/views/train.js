// Live training: a race of a network against XGBoost over seconds of training.

import * as api from "../api.js";
import { LIMITS, OPTIMIZERS, parseNumber } from "../address.js";
import { histogram, lines, matrix, name } from "../charts.js";
import { check, choice, clearError, field, h, number, percent, put, rebuild, setControl, showError, toast, formatInteger, useField } from "../dom.js";
import { picture } from "../paint.js";
import { adopt, command, create, isActive, isRunning, onRun, reset, restoreRuns, runs } from "../runs.js";
import { act, actLive, refresh, state } from "../state.js";
import { keepTrained, onNewSession, stored } from "../work.js";

export const id = "train";
export const title = "Train";
export const usable = () => state.about.digits || !!state.about.table || !!state.info?.table;
export { isRunning };

let form, layersBox, data, race, slow, rate, dropout, rateText, dropoutText, general, isMounted = false;
let startButton, pauseButton, stepButton, stopButton, resetButton, stateText, progress, meter, results, adoptButton;
let curves, summaries, weightsBox;
const inputs = {}; // the number fields of the form

const change = (part) => act((now) => ({ train: { ...now.train, ...part } }));

function numberInput(key) {
  const control = h("input", { type: "number", min: LIMITS[key].low, max: LIMITS[key].high,
    onchange: () => useField(control, (text) => parseNumber(text, LIMITS[key]), (value) => change({ [key]: value })) });
  inputs[key] = control;
  return control;
}

// Settings that suit the data: of a table, its size decides.
export function fitTraining(train, which) {
  const of = which === "table" ? state.info?.table : state.about.table;
  if (!of) return { ...train, data: which, rows: 10000 };
  return { ...train, data: which, rows: Math.max(10, Math.min(10000, Math.floor(of.rows * 0.64))), batch: of.rows < 2000 ? 16 : 64, epochs: of.rows < 2000 ? 40 : 15 };
}

const asRate = (x) => Number((10 ** Number(x)).toPrecision(3));

export function mount(root) {
  layersBox = h("div", { class: "stack tight" });
  data = choice([], { onchange: () => act((now) => ({ train: fitTraining(now.train, data.value) })).catch(toast) });
  inputs.optimizer = choice(OPTIMIZERS, { onchange: () => change({ optimizer: inputs.optimizer.value }).catch(toast) });
  const [raceBox, raceInput] = check("Race against XGBoost", { onchange: () => change({ race: race.checked }).catch(toast) });
  race = raceInput;
  const live = (what, value) => { if (isActive()) command(what, value).catch((error) => showError(rate, error)); };
  const slide = (part) => actLive({ train: { ...state.now.train, ...part } }).catch(toast);
  rate = h("input", { type: "range", min: -4.5, max: 0, step: 0.05, oninput: () => slide({ lr: asRate(rate.value) }), onchange: () => live("rate", asRate(rate.value)) });
  dropout = h("input", { type: "range", min: 0, max: 0.9, step: 0.05, oninput: () => slide({ dropout: Number(dropout.value) }), onchange: () => live("dropout", Number(dropout.value)) });
  inputs.rate = rate;
  inputs.dropout = dropout;
  rateText = h("span", { class: "num" });
  dropoutText = h("span", { class: "num" });
  startButton = h("button", { type: "button", class: "main", onclick: () => run("run") }, "Start");
  pauseButton = h("button", { type: "button", onclick: () => order("pause") }, "Pause");
  stepButton = h("button", { type: "button", onclick: () => run("step") }, "One batch");
  stopButton = h("button", { type: "button", onclick: () => order("stop") }, "Stop");
  resetButton = h("button", { type: "button", onclick: reset }, "Reset");
  const [slowBox, slowInput] = check("Slow motion", { onchange: () => { change({ slow: slow.checked }).catch(toast); live("slow", slow.checked ? 0.4 : 0); } });
  slow = slowInput;
  stateText = h("span", { class: "state", role: "status" }, "not started");
  progress = h("p", { class: "num small" });
  meter = h("div", {});
  results = h("div", { class: "predictions" });
  adoptButton = h("button", { type: "button", onclick: inspect }, "Inspect these models");
  general = h("div", { class: "field" });
  curves = h("div", { class: "stack" });
  summaries = h("div", { class: "cards" });
  weightsBox = h("div", {});
  const resize = (make) => change({ layers: make(state.now.train.layers) }).catch(toast);
  form = h("fieldset", { class: "stack tight" }, h("legend", {}, "Network and training"),
    field("Training data", data), layersBox,
    h("div", { class: "row" }, h("button", { type: "button", onclick: () => resize((all) => (all.length < 6 ? [...all, [32, "relu"]] : all)) }, "Add layer"),
      h("button", { type: "button", onclick: () => resize((all) => (all.length > 1 ? all.slice(0, -1) : all)) }, "Remove last layer")),
    h("div", { class: "pair" }, field("Optimizer", inputs.optimizer), field("Batch size", numberInput("batch"))),
    h("div", { class: "pair" }, field("Epochs", numberInput("epochs")), field("Training rows", numberInput("rows"))),
    h("div", { class: "pair" }, field("Seed", numberInput("seed")), raceBox));
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
          h("div", { class: "row" }, startButton, pauseButton, stepButton, stopButton, resetButton), general,
          h("div", { class: "row" }, stateText), h("div", { class: "meter", role: "progressbar", "aria-label": "Progress of the training", "aria-valuemin": 0, "aria-valuemax": 100 }, meter), progress, results,
          h("div", { class: "field" }, h("div", { class: "row" }, adoptButton))),
        h("div", { class: "card" }, curves))),
    h("h3", { class: "part" }, "Inside the network"),
    h("p", { class: "note" }, "Measured on 256 training rows: histograms of each layer’s activations and of its weight gradients (log₁₀ |dW|), and the number of dead neurons, whose activation is 0 for every row."),
    summaries,
    h("h3", { class: "part" }, "Weights of the first layer"), weightsBox);
  isMounted = true;
  onRun(receive);
  receive("state");
}

// A training that ended with its session can be started again from the notice.
onNewSession((lines, actions) => {
  if (!runs.current || runs.current.models || ["done", "failed"].includes(runs.current.state)) return;
  lines.push("The training under way ended with the session; its curves are kept.");
  actions.push(["Train again", () => act({ view: "train" }).then(() => run("run"))]);
});

let isRestored = false;
export function show(now) {
  if (!isRestored) {
    isRestored = true;
    restoreRuns(stored("run"));
    receive("state");
  }
  const options = [];
  if (state.about.digits) options.push(["server", "MNIST digits"]);
  if (state.about.table) options.push(["server", state.about.table.name]);
  if (state.info?.table) options.push(["table", `Your table: ${state.info.table.name}`]);
  rebuild(data, [JSON.stringify(options)], () => options.map(([key, text]) => h("option", { value: key }, text)));
  const { train } = now;
  setControl(data, options.some(([key]) => key === train.data) ? train.data : options.at(-1)?.[0]);
  for (const key of ["optimizer", "batch", "epochs", "rows", "seed"]) setControl(inputs[key], train[key]);
  setControl(race, train.race);
  setControl(slow, train.slow);
  setControl(rate, Math.log10(train.lr).toFixed(2));
  setControl(dropout, train.dropout);
  rateText.textContent = `α = ${number(train.lr, 5)}`;
  dropoutText.textContent = `${percent(train.dropout, 0)} of the hidden neurons, resampled in every batch`;
  rebuild(layersBox, [JSON.stringify(train.layers)], () => train.layers.map(([size, kind], i) => {
    const set = (part) => change({ layers: state.now.train.layers.map((one, k) => (k === i ? [part.units ?? one[0], part.kind ?? one[1]] : one)) });
    const units = h("input", { type: "number", min: 1, max: 1024, value: size, "data-key": `units ${i}`, onchange: () => useField(units, (text) => parseNumber(text, LIMITS.units), (value) => set({ units: value })) });
    const activation = choice(state.about.activations.map((one) => [one, one]), { value: kind, "data-key": `activation ${i}`, onchange: () => set({ kind: activation.value }).catch(toast) });
    return h("div", { class: "pair" }, field(`Layer ${i + 1}: neurons`, units), field(`Layer ${i + 1}: activation`, activation));
  }));
}

// Start a training, or run one that is paused; errors are shown at the field that they name.
async function run(what) {
  clearError(general);
  try {
    if (form.querySelector("[aria-invalid]")) throw new Error("correct the marked field first");
    if (!isActive()) {
      const { train } = state.now;
      await create({
        data: data.value, layers: train.layers.map(([units]) => units), activations: train.layers.map(([, kind]) => kind), optimizer: train.optimizer,
        rate: train.lr, batch: train.batch, dropout: train.dropout, epochs: train.epochs, rows: train.rows, seed: train.seed, race: train.race,
      });
      if (train.slow) await command("slow", 0.4);
      receive("point");
    }
    await command(what);
  } catch (error) {
    const named = /^(\w+)(\.\d+)?: /.exec(error.message ?? "");
    showError(inputs[named?.[1]] ?? general, error);
  }
}

const order = (what) => command(what).catch((error) => showError(general, error));

let waiting = false;
function receive(what) {
  if (!isMounted) return;
  if (what === "state") buttons();
  if (what === "layers") showLayerSummaries(runs.current.layers);
  showProgress();
  if (waiting && what !== "state") return;
  waiting = true;
  setTimeout(() => { waiting = false; draw(); }, what === "state" ? 0 : 150);
}

// The share of all work that is done: batches of the network and rounds of XGBoost.
function showProgress() {
  const { current } = runs, last = current?.last;
  if (!current) put(weightsBox);
  if (!current?.layers) put(summaries, h("p", { class: "note" }, "Start the training, or train one batch."));
  if (!last) {
    progress.textContent = "";
    delete progress.dataset.step;
    meter.style.transform = "scaleX(0)";
    return;
  }
  const round = Math.max(current.round ?? 0, last.round), rounds = current.settings.race ? last.rounds : 0;
  const share = rounds ? (last.t + round / rounds) / 2 : last.t;
  progress.textContent = `Batch ${formatInteger(last.step)} of ${formatInteger(last.steps)}, epoch ${Math.max(1, last.epoch)} of ${last.epochs}, training loss ${number(last.loss)}${rounds ? `; XGBoost round ${round} of ${rounds}` : ""}`;
  progress.dataset.step = last.step;
  meter.style.transform = `scaleX(${share})`;
  meter.parentElement.setAttribute("aria-valuenow", Math.round(100 * share));
}

function thin(points, most = 400) {
  if (points.length <= most) return points;
  const every = Math.ceil(points.length / most);
  return points.filter((_, i) => i % every === 0 || i === points.length - 1);
}

function draw() {
  const { current, earlier } = runs;
  const families = (one) => ["net", "xgboost"].filter((family) => one?.[family].length);
  const words = { net: "NumPy network", xgboost: "XGBoost" };
  const series = (key) => [
    ...earlier.flatMap((one) => families(one).map((family) => ({ color: family, name: `${words[family]}, run ${one.number}`, faint: true, points: thin(one[family].map((p) => [p.seconds, p[key]]), 100) }))),
    ...families(current).map((family) => ({ color: family, name: earlier.length ? `${words[family]}, run ${current.number}` : words[family], points: thin(current[family].map((p) => [p.seconds, p[key]])) })),
  ];
  const error = series("valid_error"), loss = series("valid_loss");
  if (current?.loss.length) loss.push({ color: "muted", name: "training loss by batch", points: thin(current.loss), dash: "2 2" });
  const at = current?.diverged?.seconds;
  if (!error.length && !loss.length) {
    put(curves, h("h3", {}, "Race"), current?.diverged ? divergence(current) : h("p", { class: "note" }, "Validation error and loss of both models appear here."));
  } else {
    put(curves, current?.diverged && divergence(current),
      h("h3", {}, "Validation error"), lines("Validation error over seconds of training", error, { x: "seconds of training", format: (v) => percent(v, v < 0.1 ? 1 : 0), at }),
      h("h3", {}, "Validation loss"), lines("Validation loss over seconds of training, logarithmic scale", loss, { x: "seconds of training", log: true, format: (v) => number(v, 2), at }));
  }
  put(results, families(current).map((family) => {
    const point = current[family].at(-1);
    return h("div", { "data-model": family }, h("div", { class: "model" }, name(family)), h("div", { class: `digit long ${family} num` }, percent(point.valid_error, 2)), h("div", { class: "probability num small" }, `error after ${family === "net" ? "batch" : "round"} ${formatInteger(point.step)}, ${point.seconds.toFixed(1)} s`));
  }));
}

const divergence = ({ diverged }) => h("div", { class: "banner bad", "data-diverged": diverged.step },
  h("p", {}, `The training diverged at batch ${formatInteger(diverged.step)}: the loss is not finite. Lower the learning rate (now ${number(diverged.rate, 5)}) and start again.`));

function showLayerSummaries(message) {
  put(summaries, message.layers.map((layer, i) => h("div", { class: "card" },
    h("h4", {}, layer.output ? "Output" : `Layer ${i + 1}: ${layer.units} neurons`),
    h("p", { class: "small num" }, layer.output ? "–" : layer.dead ? `${layer.dead} dead neurons` : "no dead neurons"),
    h("figure", {}, histogram(`Activations of layer ${i + 1}`, layer.activations, "net"), h("figcaption", {}, layer.output ? "Logits z" : "Activations")),
    h("figure", {}, histogram(`Gradients of layer ${i + 1}`, layer.gradients, "hue-3", (v) => number(v, 0)), h("figcaption", {}, `log₁₀ |dW|; norm of dW ${number(layer.gradient_norm)}`)))));
  const { shape, values } = api.unpack(message.weights);
  rebuild(weightsBox, [message.weights], () => showWeights(shape, values));
}

// The first layer's weights: images of pixels, or a matrix for a table.
function showWeights(shape, values) {
  const side = Math.round(Math.sqrt(shape[1]));
  if (side * side === shape[1] && side > 7) {
    return h("div", { class: "filters" }, Array.from({ length: shape[0] }, (_, k) => picture(`Weights of neuron ${k}`, values.subarray(k * shape[1], (k + 1) * shape[1]), side, side, {})));
  }
  return matrix("Weights of the first layer", values, shape[0], shape[1]);
}

const WORDS = { new: "not started", queued: "waiting in the queue", running: "running", paused: "paused", done: "done", stopped: "stopped", failed: "failed" };

function buttons() {
  const { current } = runs, now = current?.state ?? "new", active = isActive();
  stateText.className = `state ${now}`;
  stateText.textContent = WORDS[now] + (current?.message ? `: ${current.message}` : "");
  startButton.textContent = now === "paused" && active ? "Resume" : "Start";
  startButton.disabled = active && (now === "running" || now === "queued");
  pauseButton.disabled = !active || (now !== "running" && now !== "queued");
  stepButton.disabled = active && now === "running";
  stopButton.disabled = !active;
  resetButton.disabled = !current && !runs.earlier.length;
  form.disabled = !!active;
  adoptButton.disabled = !current?.last || (current.over && !current.models && current.state === "failed");
}

async function inspect() {
  try {
    clearError(adoptButton);
    await adopt();
    api.forget();
    await keepTrained();
    await refresh();
    await act({ model: "trained", view: "forward" });
  } catch (error) {
    showError(adoptButton, error);
  }
}
