// An equation in the notation of docs/derivation.md, with the line of textbook.py that computes it.

import { h } from "./dom.js";

export function equation(result) {
  if (!result) return null;
  return h("div", { class: "equation" },
    h("div", { class: "formula" }, result.text, result.number ? h("span", { class: "note" }, `   (${result.number})`) : null),
    result.line && h("div", { class: "line" }, `${result.line.file}:${result.line.number}  ${result.line.text}`));
}
