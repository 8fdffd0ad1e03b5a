// The page: its views, the address of each, and the keys.

import { h, put } from "./dom.js";
import { chooseExample, drawView } from "./draw_view.js";
import { playgroundView } from "./playground_view.js";
import { stepsView } from "./steps_view.js";
import { listen, set, state } from "./store.js";
import { mountTip } from "./symbols.js";
import { treesView } from "./trees_view.js";
import { unpack, unpackForest, unpackNet } from "./unpack.js";

const TITLES = { draw: "Draw", steps: "Step by step", trees: "Trees", playground: "Playground" };

function readModels() {
  const data = JSON.parse(document.getElementById("models").textContent), trained = unpackNet(data.net);
  const parameters = [...trained.W, ...trained.b].reduce((s, M) => s + M.data.length, 0);
  return { ...data, trained, parameters, forest: unpackForest(data.forest), pixels: unpack(data.digits.pixels), labels: data.digits.labels, n: data.digits.labels.length };
}

export function start() {
  const models = readModels(), main = document.querySelector("main"), nav = document.querySelector("nav");
  set({ net: models.trained });
  chooseExample(models, 0);
  const views = { draw: drawView(models), steps: stepsView(models), trees: treesView(models), playground: playgroundView() };
  const links = Object.entries(TITLES).map(([view, title]) => h("a", { href: `#${view}` }, title));
  put(nav, links);
  put(main, Object.values(views).map((view) => view.root));
  mountTip(document.body);
  const update = () => {
    Object.entries(views).forEach(([name, view]) => { view.root.hidden = name !== state.view; });
    links.forEach((link) => (link.hash === `#${state.view}` ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current")));
    views[state.view].update();
  };
  const follow = () => {
    const view = location.hash.slice(1);
    set({ view: view in TITLES ? view : "draw" });
    scrollTo(0, 0);
  };
  listen(update);
  addEventListener("hashchange", follow);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", update);
  follow();
  return { views, models };
}

export const page = start();
