// Export: the network as NumPy code, JSON or ONNX; one example as an HTML page.

import * as api from "../api.js";
import { h, put, showError, formatInteger } from "../dom.js";
import { labelChoice } from "../example.js";
import { body, isEdited, models, state, truth } from "../state.js";

export const id = "export";
export const title = "Export";
export const example = true;
export const usable = () => state.about.ready || !!state.info?.trained || state.about.training;

const FILES = [
  ["python", "NumPy code", "network.py", "One file that needs only NumPy: one line per layer with its equation, and the weights at the end."],
  ["json", "JSON", "network.json", "Layers, weights and the preparation of examples, as plain data for any language."],
  ["onnx", "ONNX", "network.onnx", "For onnxruntime and other ONNX tools; includes the scaling of pixels."],
];

let label, note;

export function mount(root) {
  label = labelChoice("True class for the backward pass");
  note = h("p", { class: "note" });
  put(root,
    h("h2", {}, "Export"),
    h("p", { class: "lead" }, "Save the current network, to read it or to run it elsewhere."), note,
    h("div", { class: "cards wide" },
      FILES.map(([kind, text, name, about]) => h("div", { class: "card stack tight" }, h("h3", {}, text), h("p", { class: "small" }, about), h("div", { class: "row" }, button(kind, `Save ${name}`)))),
      h("div", { class: "card stack tight" }, h("h3", {}, "This example as a page"),
        h("p", { class: "small" }, "The forward and backward pass of the current example in one HTML file that opens from disk."), label,
        h("div", { class: "row" }, button("page", "Save example.html")))));
}

function button(kind, text) {
  const button = h("button", { type: "button", onclick: async () => {
    button.disabled = true;
    try {
      const extra = kind === "page" ? { label: truth() } : {};
      const { name, content } = await api.file(`export/${kind}`, body(state.now, extra));
      const link = h("a", { href: URL.createObjectURL(content), download: name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    } catch (error) {
      showError(button, error);
    } finally {
      button.disabled = false;
    }
  } }, text);
  return button;
}

export function show(now) {
  label.show(now);
  const { net, about } = models(now);
  const size = net?.layers.reduce((sum, layer) => sum + (layer.inputs + 1) * layer.units, 0) ?? 0;
  note.textContent = net ? `${net.title}, ${net.layers.map((layer) => layer.units).join(" → ")}, ${formatInteger(size)} parameters; ${about}${isEdited(now) ? "; with your edits" : ""}.` : "No network available, only XGBoost.";
}
