// Training runs of this page: the current one with its stream of messages, and the curves of earlier ones.

import * as api from "./api.js";
import { keep } from "./work.js";

export const runs = { current: null, earlier: [] };
const MOST_EARLIER = 5;
let show = () => {};
export const onRun = (listener) => { show = listener; };

export const isActive = () => !!runs.current && !runs.current.over;
export const isRunning = () => isActive() && ["running", "queued"].includes(runs.current.state);

const plain = ({ source, ...rest }) => rest;
const save = () => keep("run", { current: runs.current && plain(runs.current), earlier: runs.earlier });

// Show the runs that the browser stored; one that was under way has ended with its session.
export function restoreRuns(stored) {
  if (!stored) return;
  runs.earlier = stored.earlier ?? [];
  runs.current = stored.current;
  if (runs.current && !runs.current.over) Object.assign(runs.current, { over: true, state: "stopped", message: "the page was closed or reloaded" });
}

// Keep the curves of the current run, thinner, behind those of the next one.
function shelve() {
  const run = runs.current;
  if (run && (run.net.length || run.xgboost.length)) {
    const { net, xgboost, number, settings } = run;
    runs.earlier = [...runs.earlier, { net, xgboost, number, settings }].slice(-MOST_EARLIER);
  }
}

export async function create(settings) {
  const number = (runs.current?.number ?? runs.earlier.at(-1)?.number ?? 0) + 1;
  const cost = await api.post("training", settings);
  runs.current?.source?.close();
  shelve();
  const run = { number, settings, over: false, net: [], xgboost: [], loss: [], state: cost.state, parameters: cost.parameters, message: "", last: null, layers: null, models: null };
  runs.current = run;
  await listen(run);
}

async function listen(run) {
  const source = new EventSource(api.path("training/events"));
  run.source = source;
  source.onmessage = ({ data }) => receive(run, JSON.parse(data));
  source.onerror = () => {
    if (run.over) return;
    source.close();
    end(run, "stopped", "the connection to the server ended; start the training again");
    api.get("").catch(() => {}); // a server that answers says what it dropped
  };
  await new Promise((resolve) => {
    source.onopen = resolve;
    setTimeout(resolve, 1000);
  });
}

function end(run, state, message) {
  Object.assign(run, { over: true, state, message });
  if (run === runs.current) {
    save();
    show("state");
  }
}

// After each pause and at the end, the models of the run are saved in the browser.
async function saveModels(run) {
  try {
    if (run.last) run.models = await api.bytes("training/models");
  } catch { /* too large, or the session ended: the curves are saved without models */ }
  if (run === runs.current) await save();
}

function receive(run, message) {
  if (run !== runs.current) return;
  if (message.type === "state" || message.type === "end") {
    Object.assign(run, { state: message.state, message: message.message });
    if (message.type === "end") {
      run.source.close();
      end(run, message.state, message.message);
    }
    if (message.type === "end" || message.state === "paused") saveModels(run);
    show("state");
  } else if (message.type === "position") {
    run.message = message.position ? `${message.position} ahead` : "next";
    show("state");
  } else if (message.type === "step") {
    run.last = message;
    if (message.loss !== null && run.loss.at(-1)?.[0] !== message.seconds) run.loss.push([message.seconds, message.loss]);
    show("step");
  } else if (message.type === "point") {
    if (message.contender === "trees") run.round = message.step;
    const points = run[message.contender === "net" ? "net" : "xgboost"];
    if (points.at(-1)?.step === message.step) points.pop(); // a pause repeats the last point
    points.push(message);
    show("point");
  } else if (message.type === "diverged") {
    run.diverged = message;
    show("point");
  } else if (message.type === "layers") {
    run.layers = message;
    show("layers");
  }
}

export async function command(what, value = 0) {
  await api.post("training/command", { do: what, value });
}

// Use the models of the current run: of the server's session, or as saved in the browser.
export async function adopt() {
  const run = runs.current;
  try {
    await api.post("training/adopt");
  } catch (error) {
    if (error.status !== 409 || !run.models) throw error;
    await api.upload("trained", run.models, "application/octet-stream");
  }
}

export function reset() {
  runs.current?.source?.close();
  if (isActive()) command("stop").catch(() => {});
  Object.assign(runs, { current: null, earlier: [] });
  save();
  show("state");
}
