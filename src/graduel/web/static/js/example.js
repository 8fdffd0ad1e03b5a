// The bar with the current example, and the selection of models and of the true class.

import { best, classes, currentModels, edited, listen, pick, setEdits, setExample, setModel, state, predict } from "./state.js";
import { choice, field, h, percent, put } from "./dom.js";
import { MODELS } from "./charts.js";
import { digit } from "./paint.js";

export function exampleBar() {
  const canvas = h("canvas", { class: "pixels", role: "img", "aria-label": "Current digit" });
  const summary = h("div", { class: "summary", "aria-live": "polite" });
  const note = h("span", {});
  const index = h("input", { type: "number", min: 0, step: 1, "aria-label": "Index of the test example", onchange: () => pick(Math.max(0, Math.floor(Number(index.value) || 0))) });
  const next = h("button", { type: "button", onclick: () => pick((state.example?.index ?? -1) + 1) }, "Next example");
  const undo = h("button", { type: "button", onclick: () => setEdits({ weights: [], ablations: [] }) }, "Undo all edits");
  const root = h("div", { class: "example", role: "group", "aria-label": "Current example" }, canvas, summary, undo,
    h("div", { class: "row" }, index, next));
  const show = () => {
    const example = state.example;
    canvas.hidden = !example?.pixels;
    undo.hidden = !edited();
    if (example?.pixels) digit(canvas, Uint8Array.from(atob(example.pixels), (c) => c.charCodeAt(0)));
    const names = classes();
    const from = example?.from === "test" ? `Test example ${example.index}` : example?.from === "form" ? "Form values" : "Your drawing";
    const truth = example?.label !== null && example?.label !== undefined ? `, true class ${names[example.label]}` : "";
    put(note, from, truth, edited() ? ", edited network" : "");
    put(summary, h("div", {}, note), ["net", "xgboost"].map((family) => {
      const p = state.predictions?.[family];
      if (!p) return null;
      const k = p.indexOf(Math.max(...p));
      return h("div", { class: family }, `${MODELS[family][0]} ${MODELS[family][1]}: ${names[k]}, ${percent(p[k])}`);
    }));
    if (example?.from === "test") index.value = example.index;
  };
  listen(show);
  show();
  return root;
}

export function modelSwitch() {
  const root = h("div", { class: "row" });
  const show = (what) => {
    if (what && what !== "models" && what !== "model") return;
    const { ready, trained } = state.info ?? {};
    if (!ready || !trained) {
      put(root);
      return;
    }
    const select = choice([["ready", "Provided models"], ["trained", "Your trained models"]], {
      value: state.model, "aria-label": "Models to show", onchange: () => setModel(select.value),
    });
    put(root, h("span", { class: "note small", "aria-hidden": "true" }, "Models"), select);
  };
  listen(show);
  show();
  return root;
}

// The selection of the true class, shared by all views.
export function labelChoice(text, changed) {
  const select = choice([], { onchange: () => { state.label = Number(select.value); changed(); } });
  const root = field(text, select);
  root.show = () => {
    put(select, classes().map((name, k) => h("option", { value: k }, name)));
    select.value = state.label ?? best(state.predictions) ?? 0;
  };
  return root;
}

export { predict, currentModels, setExample };
