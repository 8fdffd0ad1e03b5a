// The current example, above the views that show it; and the choice of models.

import { best, classes, currentModels, edited, listen, pick, setEdits, setExample, setModel, state, answer } from "./state.js";
import { choice, field, h, percent, put } from "./dom.js";
import { WHO } from "./charts.js";
import { digit } from "./paint.js";

export function exampleBar() {
  const canvas = h("canvas", { class: "pixels", role: "img", "aria-label": "The digit in hand" });
  const told = h("div", { class: "told", "aria-live": "polite" });
  const note = h("span", {});
  const index = h("input", { type: "number", min: 0, step: 1, "aria-label": "Number of the test example", onchange: () => pick(Math.max(0, Math.floor(Number(index.value) || 0))) });
  const next = h("button", { type: "button", onclick: () => pick((state.example?.index ?? -1) + 1) }, "Next example");
  const undo = h("button", { type: "button", onclick: () => setEdits({ weights: [], off: [] }) }, "Undo all changes");
  const root = h("div", { class: "example", role: "group", "aria-label": "The example in hand" }, canvas, told, undo,
    h("div", { class: "row" }, index, next));
  const show = () => {
    const example = state.example;
    canvas.hidden = !example?.pixels;
    undo.hidden = !edited();
    if (example?.pixels) digit(canvas, Uint8Array.from(atob(example.pixels), (c) => c.charCodeAt(0)));
    const names = classes();
    const from = example?.from === "test" ? `Test example ${example.index}` : example?.from === "form" ? "From the form" : "Your drawing";
    const truth = example?.label !== null && example?.label !== undefined ? `, in truth ${names[example.label]}` : "";
    put(note, from, truth, edited() ? ", with a changed network" : "");
    put(told, h("div", {}, note), ["net", "xgboost"].map((who) => {
      const p = state.answers?.[who];
      if (!p) return null;
      const k = p.indexOf(Math.max(...p));
      return h("div", { class: who }, `${WHO[who][0]} ${WHO[who][1]}: ${names[k]}, ${percent(p[k])}`);
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
    const select = choice([["ready", "The ready-trained ones"], ["trained", "The ones you trained"]], {
      value: state.model, "aria-label": "Which models are looked at", onchange: () => setModel(select.value),
    });
    put(root, h("span", { class: "note small", "aria-hidden": "true" }, "Models"), select);
  };
  listen(show);
  show();
  return root;
}

// A choice of the true class, which all views share.
export function labelChoice(text, changed) {
  const select = choice([], { onchange: () => { state.label = Number(select.value); changed(); } });
  const root = field(text, select);
  root.show = () => {
    put(select, classes().map((name, k) => h("option", { value: k }, name)));
    select.value = state.label ?? best(state.answers) ?? 0;
  };
  return root;
}

export { answer, currentModels, setExample };
