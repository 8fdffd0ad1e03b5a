// The page: views by address, progress of the demo models, one state shown by all views.

import * as address from "./address.js";
import * as api from "./api.js";
import { h, notice, put, toast } from "./dom.js";
import { copyLink, exampleBar, modelSwitch } from "./example.js";
import { act, connect, models, onProblems, redraw, refresh, setExampleViews, state } from "./state.js";
import { keepWork, restoreWork } from "./work.js";
import * as backward from "./views/backward.js";
import * as data from "./views/data.js";
import * as draw from "./views/draw.js";
import * as forward from "./views/forward.js";
import * as exporting from "./views/export.js";
import * as robustness from "./views/robustness.js";
import * as train from "./views/train.js";

const VIEWS = [draw, forward, backward, train, robustness, data, exporting];
const sections = new Map();
let bar, choice, shown = null, controller = null;

const usable = () => VIEWS.filter((view) => !view.usable || view.usable());
const find = (id) => usable().find((view) => view.id === id);

function tabs(current) {
  put(document.getElementById("tabs"), usable().map((view) =>
    h("a", { href: `#${view.id}`, "aria-current": view === current ? "page" : null, "data-key": view.id,
      onclick: (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        go({ view: view.id });
      } }, view.title)));
}

const go = (change, options) => act(change, options).catch((error) => { if (error.name !== "AbortError") toast(error); });

// Show the state: first the requests of the view, then everything at once.
async function show(isCurrent) {
  if (!isCurrent()) return;
  controller?.abort();
  controller = new AbortController();
  const now = state.now, view = find(now.view) ?? usable()[0];
  let content = null, failure = null;
  try {
    if (!view.example || now.example) content = await view.load?.(now, controller.signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    failure = error;
  }
  if (!isCurrent()) return;
  if (!sections.has(view)) {
    const section = h("section", { "aria-label": view.title });
    const body = h("div", {}), empty = h("div", { class: "banner", hidden: true });
    sections.set(view, { section, body, empty });
    put(section, empty, body);
    document.getElementById("views").append(section);
    view.mount(body);
  }
  for (const [other, { section }] of sections) section.hidden = other !== view;
  const { body, empty } = sections.get(view);
  const isMissing = !!view.example && !now.example;
  body.hidden = isMissing || !!failure;
  empty.hidden = !body.hidden;
  if (failure) put(empty, h("p", {}, failure.message), h("button", { type: "button", onclick: () => go({}) }, "Try again"));
  else if (isMissing) {
    put(empty, h("p", {}, models() ? "Nothing is drawn yet, so that there is nothing to show." : "There are no models yet; train them first."),
      models() ? h("button", { type: "button", onclick: () => go({ from: "test", index: 0 }) }, "Use test example 0") : h("a", { href: "#train" }, "Train"));
  }
  if (shown !== view) {
    const isFocused = document.getElementById("tabs").contains(document.activeElement);
    tabs(view);
    if (isFocused) document.querySelector("#tabs [aria-current]").focus();
    document.title = `${view.title} · graduel`;
    if (shown) {
      window.scrollTo(0, 0);
    }
    document.querySelector("#tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    shown = view;
  }
  bar.hidden = !view.example || !models();
  bar.show(now);
  choice.show(now);
  if (!body.hidden) view.show?.(now, content);
}

// Go to the address in the location bar; what is wrong with it is shown in one line each.
function follow() {
  const { state: next, problems, bare } = address.read(location.hash, state.about.activations);
  if (!find(next.view)) {
    if (next.view) problems.unshift(`“${next.view.slice(0, 40)}” is not a view of this page`);
    next.view = usable()[0].id;
  }
  if (bare && !history.state?.complete) return go({ view: next.view }, { problems });
  if (next.from !== "drawing") next.marks = state.now.marks; // the last drawing stays at hand
  return go(next, { forced: true, lenient: true, problems });
}

function waitForModels() {
  const box = document.getElementById("waiting");
  const bar = h("div", {}), progress = h("p", { "aria-live": "polite" }, "Training two small models on MNIST …");
  put(box, h("h2", {}, "First start"), h("p", { class: "note" },
    "Two small models, a NumPy network and XGBoost, are trained once and saved for later starts."),
    h("div", { class: "meter", role: "progressbar", "aria-label": "Training", "aria-valuemin": 0, "aria-valuemax": 100 }, bar), progress);
  box.hidden = false;
  return new Promise((resolve, reject) => {
    const source = new EventSource("api/ready");
    source.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      bar.style.transform = `scaleX(${message.share})`;
      bar.parentElement.setAttribute("aria-valuenow", Math.round(100 * message.share));
      progress.textContent = `${message.message} …`;
      if (message.network && resolve) {
        box.hidden = true;
        resolve();
        resolve = null;
        if (!("done" in message)) notice("training", ["The network is ready; XGBoost is still training and appears when it is ready."]);
      }
      if ("done" in message) {
        source.close();
        box.hidden = true;
        state.about.training = false;
        const failure = message.failed && `training the demo models failed: ${message.failed}`;
        notice("training", failure && !resolve ? [failure] : []);
        if (resolve && failure) reject(new Error(failure));
        else if (resolve) resolve();
        else refresh().then(() => { api.forget(); return redraw(); }).catch(toast);
      }
    };
  });
}

async function begin() {
  state.about = await api.about();
  document.getElementById("about").textContent =
    `graduel ${state.about.version} · this page communicates with this server only.`;
  if (state.about.table) Object.assign(address.TRAINING, train.fitTraining(address.TRAINING, "server"));
  await api.open();
  if (state.about.training) await waitForModels();
  await refresh();
  setExampleViews((now) => { const view = find(now.view); return view?.example || view?.wantsExample?.(now); });
  connect({ draw: show, rasterize: draw.rasterize });
  bar = exampleBar();
  choice = modelSwitch();
  put(document.getElementById("models"), choice, copyLink());
  put(document.getElementById("example"), bar);
  onProblems((problems) => notice("address", problems));
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("main").focus();
  });
  const last = await restoreWork();
  const [view, query] = location.hash.slice(1).split("?");
  if (last && query === undefined && !history.state?.complete) history.replaceState(null, "", view ? last.replace(/^#[^?]*/, `#${view}`) : last);
  addEventListener("hashchange", follow);
  await follow();
  keepWork();
  document.body.dataset.ready = "yes";
}

// Closing the page ends its session; a page restored from the browser's cache starts a new one.
addEventListener("pagehide", () => navigator.sendBeacon(api.path("end")));
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
addEventListener("beforeunload", (event) => { if (train.isRunning()) event.preventDefault(); });

addEventListener("unhandledrejection", (event) => {
  if (event.reason?.name === "AbortError") event.preventDefault();
  else if (event.reason instanceof api.RequestError) {
    event.preventDefault();
    toast(event.reason);
  }
});

begin().catch(toast);
