// Layers as grids of neurons: one tab stop per layer, arrow keys within, Enter or Space to select.

import { h, percent, put } from "./dom.js";
import { shade } from "./paint.js";

const across = (n) => (n <= 16 ? Math.min(n, 8) : n <= 64 ? 8 : 16);

// columns: those of glassbox.forward without the input. `choose(number, unit)` is called on selection;
// `pressed(number, unit)` and `ablated(number, unit)` return the state of a neuron of a layer.
export function layerGrids(columns, { choose, pressed, role = "radio", ablated, outputs = true }) {
  const most = Math.max(1e-9, ...columns.slice(0, -1).flatMap((c) => c.a.map(Math.abs)));
  const root = h("div", { class: "layers" });
  columns.forEach((column, position) => {
    const last = position === columns.length - 1;
    if (last && !outputs) return;
    const title = last ? `Output: ${column.title}` : `Layer ${column.number}: ${column.a.length} neurons, ${column.title}`;
    const small = !last && column.a.length > 256;
    const grid = h("div", { class: last ? "outputs" : `units ${small ? "small" : ""}`, role: role === "radio" ? "radiogroup" : "group", "aria-label": title });
    const n = small ? 32 : across(column.a.length);
    if (!last) grid.style.setProperty("--across", n);
    const cells = column.a.map((a, unit) => {
      const name = last ? column.names[unit] ?? `${unit}` : "";
      const words = last ? `${name}: ${percent(a)}` : `Neuron ${unit}: ${a.toFixed(3)}`;
      const cell = h("button", { type: "button", class: "unit", role: role === "radio" ? "radio" : null, "aria-label": words, title: words, tabindex: -1, "data-key": `${column.number}.${unit}`,
        onclick: () => choose(column.number, unit) });
      if (last) {
        const fillBar = h("i", {});
        fillBar.style.width = `${100 * (a ?? 0)}%`;
        cell.append(fillBar, h("span", {}, name), h("span", { class: "num" }, percent(a)));
      } else {
        cell.style.backgroundColor = `rgb(${shade(a, most, "signed").map(Math.round).join(" ")})`;
        if (ablated?.(column.number, unit)) cell.classList.add("ablated");
      }
      return cell;
    });
    const mark = () => {
      let chosen = -1;
      cells.forEach((cell, unit) => {
        const on = pressed(column.number, unit);
        if (on) chosen = unit;
        cell.setAttribute(role === "radio" ? "aria-checked" : "aria-pressed", on);
      });
      cells.forEach((cell, unit) => { cell.tabIndex = unit === Math.max(0, chosen) ? 0 : -1; });
    };
    grid.addEventListener("keydown", (event) => {
      const here = cells.indexOf(document.activeElement);
      const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: last ? 1 : n, ArrowUp: last ? -1 : -n, Home: -here, End: cells.length - 1 - here }[event.key];
      if (here < 0 || step === undefined) return;
      event.preventDefault();
      const there = cells[Math.max(0, Math.min(cells.length - 1, here + step))];
      cells.forEach((cell) => { cell.tabIndex = cell === there ? 0 : -1; });
      there.focus();
    });
    mark();
    grid.mark = mark;
    put(grid, cells);
    root.append(h("div", { class: "layer" }, h("h4", {}, title), grid));
  });
  root.mark = () => root.querySelectorAll(".units, .outputs").forEach((grid) => grid.mark());
  return root;
}
