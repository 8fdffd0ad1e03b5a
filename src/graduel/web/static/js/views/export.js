// Take it away: the network as code, JSON, ONNX; one example, forward and back, as a page.

import * as api from "../api.js";
import { h, put, toast, whole } from "../dom.js";
import { labelChoice } from "../example.js";
import { requestBody, best, currentModels, edited, state } from "../state.js";

export const id = "take";
export const title = "Take it away";
export const example = true;
export const usable = () => state.about.ready || !!state.info?.trained || state.about.training;

const FILES = [
  ["python", "NumPy code", "network.py", "One file that needs NumPy and nothing else: a line for each layer with its equation beside it, the numbers at the end."],
  ["json", "JSON", "network.json", "Layers, every weight, and how an example is prepared, as plain data for any language."],
  ["onnx", "ONNX", "network.onnx", "For onnxruntime and every other program that reads the format; the scaling of the pixels is part of it."],
];

let label, note;

export function mount(root) {
  label = labelChoice("The true class, for its way back", () => {});
  note = h("p", { class: "note" });
  put(root,
    h("h2", {}, "Take it away"),
    h("p", { class: "lead" }, "The network as it is now, to read and to run elsewhere."), note,
    h("div", { class: "cards wide" },
      FILES.map(([kind, text, name, about]) => h("div", { class: "card stack tight" }, h("h3", {}, text), h("p", { class: "small" }, about), h("div", { class: "row" }, button(kind, `Save ${name}`)))),
      h("div", { class: "card stack tight" }, h("h3", {}, "This example, as a page"),
        h("p", { class: "small" }, "Forward and backward of the example in hand, number by number, in one HTML file that opens from disk."), label,
        h("div", { class: "row" }, button("page", "Save example.html")))));
}

function button(kind, text) {
  const button = h("button", { type: "button", onclick: async () => {
    button.disabled = true;
    try {
      const extra = kind === "page" ? { label: state.label ?? best(state.answers) ?? 0 } : {};
      const { name, content } = await api.file(`export/${kind}`, requestBody(extra));
      const link = h("a", { href: URL.createObjectURL(content), download: name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    } catch (error) {
      toast(error);
    } finally {
      button.disabled = false;
    }
  } }, text);
  return button;
}

export function update() {
  if (!currentModels()) return;
  label.show();
  const net = currentModels().net;
  const size = net?.layers.reduce((sum, layer) => sum + (layer.inputs + 1) * layer.units, 0) ?? 0;
  note.textContent = net ? `${net.title}, ${net.layers.map((layer) => layer.units).join(" → ")}, ${whole(size)} weights; ${currentModels().about}${edited() ? "; with your changes" : ""}.` : "There is no network here, only XGBoost’s trees.";
}
