// An equation in the notation of docs/derivation.md, beside the line of textbook.py.

import { h } from "./dom.js";

export function equation(found) {
  if (!found) return null;
  return h("div", { class: "equation" },
    h("div", { class: "formula" }, found.text, found.number ? h("span", { class: "note" }, `   (${found.number})`) : null),
    found.line && h("div", { class: "line" }, `${found.line.file}:${found.line.number}  ${found.line.text}`));
}
