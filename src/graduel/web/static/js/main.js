// The page: tabs by URL hash, progress of the demo models, one example shared by all views.

import * as api from "./api.js";
import { h, put, toast } from "./dom.js";
import { exampleBar, modelSwitch } from "./example.js";
import { currentModels, listen, pick, refresh, state } from "./state.js";
import * as backward from "./views/backward.js";
import * as data from "./views/data.js";
import * as draw from "./views/draw.js";
import * as forward from "./views/forward.js";
import * as exporting from "./views/export.js";
import * as robustness from "./views/robustness.js";
import * as train from "./views/train.js";

const VIEWS = [draw, forward, backward, train, robustness, data, exporting];
const sections = new Map();
let current = null, quiet = false;

const usable = () => VIEWS.filter((view) => !view.usable || view.usable());

function route() {
  const [id, query] = location.hash.slice(1).split("?");
  return [usable().find((view) => view.id === id) ?? usable()[0], new URLSearchParams(query ?? "")];
}

function tabs() {
  put(document.getElementById("tabs"), usable().map((view) =>
    h("a", { href: `#${view.id}`, "aria-current": view === current ? "page" : null }, view.title)));
}

async function show() {
  const [view, query] = route();
  const before = current;
  current = view;
  tabs();
  document.title = `${view.title} · graduel`;
  for (const [other, element] of sections) element.hidden = other !== view;
  if (!sections.has(view)) {
    const section = h("section", { "aria-label": view.title });
    sections.set(view, section);
    document.getElementById("views").append(section);
    view.mount(section);
  }
  if (before && before !== view) {
    before.hide?.();
    window.scrollTo(0, 0);
  }
  document.querySelector("#tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  document.getElementById("example").hidden = !view.example || !currentModels();
  try {
    const test = query.get("test");
    quiet = true; // the view is updated once, below
    try {
      if (test !== null && currentModels() && Number(test) !== state.example?.index) await pick(Number(test));
      else if (view.example && currentModels() && !state.example) await pick(0);
    } finally {
      quiet = false;
    }
    await view.update?.("view", query);
  } catch (error) {
    toast(error);
  }
}

async function changed(what) {
  if (what === "models") {
    tabs();
    document.getElementById("example").hidden = !current?.example || !currentModels();
  }
  if (quiet) return;
  try {
    await current?.update?.(what, route()[1]);
  } catch (error) {
    if (error.name !== "AbortError") toast(error);
  }
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
      if ("done" in message) {
        source.close();
        box.hidden = true;
        if (message.failed) reject(new Error(`training the demo models failed: ${message.failed}`));
        else resolve();
      }
    };
  });
}

async function begin() {
  state.about = await api.about();
  document.getElementById("about").textContent =
    `graduel ${state.about.version} · this page communicates with this server only.`;
  await api.open();
  if (state.about.training) await waitForModels();
  await refresh();
  put(document.getElementById("models"), modelSwitch());
  put(document.getElementById("example"), exampleBar());
  listen(changed);
  addEventListener("hashchange", show);
  await show();
  document.body.dataset.ready = "yes";
}

// Closing the page ends its session; a page restored from the browser's cache starts a new one.
addEventListener("pagehide", () => navigator.sendBeacon(api.path("end")));
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

addEventListener("unhandledrejection", (event) => {
  if (event.reason?.name === "AbortError") event.preventDefault();
  else if (event.reason instanceof api.RequestError) {
    event.preventDefault();
    toast(event.reason);
  }
});

begin().catch(toast);
