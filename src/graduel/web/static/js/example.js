// The bar with the current example, and the selection of models and of the true class.

import { act, classes, isEdited, models, pixelsOf, state, truth } from "./state.js";
import { choice, field, h, notice, percent, rebuild, setControl, toast, useField } from "./dom.js";
import { MODELS } from "./charts.js";
import { parseNumber, write } from "./address.js";
import { digit } from "./paint.js";

const origin = (now) => ({ test: `Test example ${now.index}`, form: "Form values", drawing: now.example ? "Your drawing" : "Empty drawing" })[now.from] ?? "No example";

export function exampleBar() {
  const canvas = h("canvas", { class: "pixels", role: "img", "aria-label": "Current digit" });
  const summary = h("div", { class: "summary", "aria-live": "polite" });
  const index = h("input", { type: "number", min: 0, step: 1, "aria-label": "Index of the test example",
    onchange: () => useField(index, (text) => parseNumber(text, { low: 0, high: 1e7, integer: true }), (value) => act({ from: "test", index: value })) });
  const next = h("button", { type: "button", onclick: () => act((now) => ({ from: "test", index: now.from === "test" ? now.index + 1 : 0 })).catch(toast) }, "Next example");
  const undo = h("button", { type: "button", onclick: () => act({ weights: [], ablations: [] }).catch(toast) }, "Undo all edits");
  const root = h("div", { class: "example", role: "group", "aria-label": "Current example" }, canvas, summary, undo,
    h("div", { class: "row" }, h("div", { class: "field" }, index), next));
  root.show = (now) => {
    const { example } = now, image = models(now)?.image;
    canvas.hidden = !example?.pixels || !image;
    undo.hidden = !isEdited(now);
    if (!canvas.hidden) digit(canvas, pixelsOf(example), image[0], image[1]);
    const names = classes(now), label = now.label ?? example?.label;
    const text = `${origin(now)}${label !== null && label !== undefined ? `, true class ${names[label]}` : ""}${isEdited(now) ? ", edited network" : ""}`;
    rebuild(summary, [text, now.predictions], () => [h("div", {}, h("span", {}, text)), ["net", "xgboost"].map((family) => {
      const p = now.predictions?.[family];
      if (!p) return null;
      const k = p.indexOf(Math.max(...p));
      return h("div", { class: family, "data-summary": family }, `${MODELS[family][0]} ${MODELS[family][1]}: ${names[k]}, ${percent(p[k])}`);
    })]);
    setControl(index, now.from === "test" ? now.index : "");
  };
  return root;
}

export function modelSwitch() {
  const root = h("div", { class: "row" });
  root.show = (now) => {
    const { ready, trained } = state.info ?? {};
    rebuild(root, [!!ready && !!trained], () => ready && trained && [h("span", { class: "note small", "aria-hidden": "true" }, "Models"),
      choice([["ready", "Provided models"], ["trained", "Your trained models"]], {
        value: now.model, "aria-label": "Models to show", onchange: (event) => act({ model: event.target.value }).catch(toast),
      })]);
    const select = root.querySelector("select");
    if (select) setControl(select, now.model);
  };
  return root;
}

// A button that copies the address of what the page shows.
export function copyLink() {
  const status = h("span", { class: "hidden", role: "status" });
  const button = h("button", { type: "button", onclick: async () => {
    try {
      await navigator.clipboard.writeText(new URL(write(state.now), location.href).href);
      status.textContent = button.textContent = "Copied";
      setTimeout(() => { status.textContent = ""; button.textContent = "Copy link"; }, 3000);
    } catch { // no access to the clipboard: the address is selected for copying by hand
      notice("link", ["The browser does not allow this page to copy. Copy this address:"]);
      const text = h("input", { type: "text", readonly: true, value: new URL(write(state.now), location.href).href, "aria-label": "Address of this page" });
      document.querySelector("#notice [data-kind=link] p").after(text);
      text.select();
    }
  } }, "Copy link");
  return h("div", {}, button, status);
}

// The selection of the true class, shared by all views.
export function labelChoice(text) {
  const select = choice([], { onchange: () => act({ label: Number(select.value) }).catch(toast) });
  const root = field(text, select);
  root.show = (now) => {
    rebuild(select, [classes(now)], () => classes(now).map((name, k) => h("option", { value: k }, name)));
    select.value = truth(now);
  };
  return root;
}


