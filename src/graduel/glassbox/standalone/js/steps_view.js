// The network as a machine: one operation at a time, forward, backward and the step.

import { css, format, h, paintInk, paintSigned, percent, put, signedColor, signedColors, subscript } from "./dom.js";
import { inputOf } from "./draw_view.js";
import { compute, describeStep, explain, listOperations } from "./operations.js";
import { set, state } from "./store.js";
import { equation, symbolList } from "./symbols.js";

const TERMS = 6, EDGES = 14;
const COLUMNS = { 64: 8, 32: 4, 10: 1 };

export function stepsView(models) {
  const operations = listOperations(models.trained), L = models.trained.W.length;
  let r = null, source = null;
  const current = () => operations[state.operation];

  // The layers as grids of cells; arrows move the neuron that is explained.
  const image = h("canvas", { class: "input", role: "img", "aria-label": "Input: 28 × 28 pixels" });
  const cells = models.trained.W.map((W, i) => Array.from({ length: W.rows }, (_, unit) =>
    h("button", { type: "button", class: "cell", tabindex: -1, onclick: () => set({ layer: i + 1, unit }) }, W.rows === 10 ? h("span", {}, String(unit)) : "")));
  const shares = cells.at(-1).map(() => h("span", { class: "share", "aria-hidden": "true" }));
  const grids = cells.map((list, i) => {
    const columns = COLUMNS[list.length] ?? Math.ceil(Math.sqrt(list.length));
    const isLast = i === cells.length - 1, inside = isLast ? list.flatMap((cell, k) => [cell, shares[k]]) : list;
    const grid = h("div", { class: "grid", role: "group", "aria-label": `Layer ${i + 1}, ${list.length} neurons; arrow keys move between them` }, inside);
    grid.style.gridTemplateColumns = isLast ? "var(--cell) auto" : `repeat(${columns}, var(--cell))`;
    grid.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
      if (move === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      const unit = Math.min(Math.max(list.indexOf(document.activeElement) + move, 0), list.length - 1);
      set({ layer: i + 1, unit });
      list[unit].focus();
    });
    return h("figure", {}, grid, h("figcaption", {}, `layer ${i + 1}`));
  });
  const edges = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  edges.setAttribute("class", "edges");
  edges.setAttribute("aria-hidden", "true");
  const machine = h("div", { class: "machine" }, edges, h("figure", {}, image, h("figcaption", {}, "input")), grids);

  const title = h("h3", { "aria-live": "polite" }), about = h("p"), formula = h("div"), code = h("p", { class: "code" });
  const inNumbers = h("div"), weightsFigure = h("div", { class: "row weights" }), result = h("p", { class: "answer", "aria-live": "polite" });
  const slider = h("input", { type: "range", min: 0, max: operations.length - 1, "aria-label": "Operation", oninput: () => go(Number(slider.value)) });
  const labels = h("select", { id: "label", onchange: () => set({ label: Number(labels.value) }) }, Array.from({ length: 10 }, (_, k) => h("option", { value: k }, String(k))));
  const rate = h("input", { id: "rate", type: "number", min: 0.001, max: 100, step: "any", value: state.rate, onchange: () => {
    const value = Number(rate.value);
    rate.setCustomValidity(value > 0 && value <= 100 ? "" : "Give a learning rate above 0 and at most 100");
    if (rate.reportValidity()) set({ rate: value });
  } });
  const take = (n) => {
    let net = state.net;
    for (let i = 0; i < n; i++) net = compute(net, inputOf(state.pixels), state.label, state.rate).next;
    set({ net, steps: state.steps + n });
  };
  function go(to) {
    const operation = Math.min(Math.max(to, 0), operations.length - 1), next = operations[operation];
    const n = models.trained.W[next.layer - 1].rows;
    set({ operation, layer: next.layer, unit: next.layer === state.layer && state.unit < n ? state.unit : pickUnit(next.layer) });
  }
  // The most active neuron of a layer; of the last one, the true class.
  const pickUnit = (layer) => (layer === L ? state.label : r.A[layer].data.indexOf(Math.max(...r.A[layer].data)));

  const root = h("section", { "aria-labelledby": "steps-title" },
    h("h2", { id: "steps-title" }, "Step by step"),
    h("div", { class: "row controls" },
      h("button", { type: "button", onclick: () => go(state.operation - 1) }, "← Back"),
      h("button", { type: "button", class: "primary", onclick: () => go(state.operation + 1) }, "Next →"), slider,
      h("label", { for: "label" }, "true class"), labels, h("label", { for: "rate" }, "learning rate α"), rate),
    h("p", { class: "note" }, "Keys: ← → and space. Select a neuron to see its numbers; every symbol explains itself."),
    machine,
    h("div", { class: "columns two" },
      h("div", { class: "card" }, title, formula, code, about, result),
      h("div", { class: "card" }, inNumbers, weightsFigure)),
    h("div", { class: "row" },
      h("button", { type: "button", onclick: () => take(1) }, "Take this step"), h("button", { type: "button", onclick: () => take(20) }, "Take 20 steps"),
      h("button", { type: "button", onclick: () => set({ net: models.trained, steps: 0 }) }, "Back to the trained weights")),
    h("details", {}, h("summary", {}, "All symbols"), symbolList()));

  document.addEventListener("keydown", (event) => {
    if (state.view !== "steps" || event.target.closest("input, select, textarea, summary") || event.ctrlKey || event.metaKey || event.altKey) return;
    const isButton = event.target.closest("button, a");
    if (event.key === "ArrowRight" || (event.key === " " && !isButton)) { event.preventDefault(); go(state.operation + 1); }
    if (event.key === "ArrowLeft") { event.preventDefault(); go(state.operation - 1); }
  });
  addEventListener("resize", () => { if (state.view === "steps") drawEdges(); });

  // The numbers that the cells of each layer show at an operation; null before they are computed.
  function shown(l) {
    const { kind, layer } = current(), passed = (k, at) => operations.findIndex((o) => o.kind === k && o.layer === at) <= state.operation;
    if (kind === "after") return r.after.A[l].data;
    if (["dZ", "dW", "db", "step"].includes(kind) && passed("dZ", l)) return r.dZ[l - 1].data;
    if (kind === "Z" && layer === l) return r.Z[l - 1].data;
    return passed("A", l) ? r.A[l].data : null;
  }
  function drawCells() {
    const colors = signedColors();
    cells.forEach((list, i) => {
      const values = shown(i + 1), top = values ? Math.max(...values.map(Math.abs)) : 0;
      list.forEach((cell, unit) => {
        cell.style.background = values ? css(signedColor(values[unit], top, colors)) : "transparent";
        const isSelected = state.layer === i + 1 && state.unit === unit;
        cell.classList.toggle("selected", isSelected);
        cell.setAttribute("aria-pressed", String(isSelected));
        cell.tabIndex = isSelected || (state.layer !== i + 1 && unit === 0) ? 0 : -1;
        const name = `layer ${i + 1}, neuron ${unit}${values ? `: ${format(values[unit])}` : ", not computed yet"}`;
        cell.setAttribute("aria-label", name);
        cell.title = name;
      });
    });
  }
  // The numbers of the ten outputs as text: sums, probabilities or errors.
  function drawShares() {
    const values = shown(L), isShare = values === r.A[L].data || values === r.after.A[L].data;
    shares.forEach((span, k) => { span.textContent = !values ? "" : isShare ? percent(values[k]) : format(values[k], 2); });
  }
  // Lines from the largest terms of the neuron's sum: blue adds, orange subtracts.
  function drawEdges() {
    const frame = machine.getBoundingClientRect(), middle = (box) => [(box.left + box.right) / 2 - frame.left, (box.top + box.bottom) / 2 - frame.top];
    const back = current().kind === "dZ" && current().layer < L, terms = source?.terms?.slice(0, EDGES) ?? [];
    const top = Math.max(...terms.map((t) => Math.abs(t.value)), 1e-30), to = middle(cells[state.layer - 1][state.unit].getBoundingClientRect());
    edges.replaceChildren(...terms.filter((t) => t.value !== 0).map((term) => {
      let from;
      if (back) from = middle(cells[state.layer][term.input].getBoundingClientRect());
      else if (state.layer > 1) from = middle(cells[state.layer - 2][term.input].getBoundingClientRect());
      else {
        const box = image.getBoundingClientRect(), side = box.width / 28;
        from = [box.left - frame.left + (term.input % 28 + 0.5) * side, box.top - frame.top + (Math.floor(term.input / 28) + 0.5) * side];
      }
      const line = document.createElementNS("http://www.w3.org/2000/svg", "line"), size = Math.abs(term.value) / top;
      Object.entries({ x1: from[0], y1: from[1], x2: to[0], y2: to[1], "stroke-width": 0.6 + 2.4 * size, class: term.value > 0 ? "plus" : "minus" }).forEach(([k, v]) => line.setAttribute(k, v));
      return line;
    }));
  }
  const inputName = (i) => {
    const back = current().kind === "dZ";
    if (back) return `neuron ${i} of layer ${state.layer + 1}`;
    return state.layer > 1 ? `neuron ${i} of layer ${state.layer - 1}` : `pixel row ${Math.floor(i / 28)}, column ${i % 28}`;
  };
  function showNumbers() {
    const name = current().kind === "L" || current().kind === "after" ? "In numbers" : `Neuron ${state.unit} of layer ${state.layer} in numbers`;
    const parts = [h("h3", {}, name), h("p", { class: "numbers" }, source.line), source.note && h("p", {}, source.note)];
    if (source.terms) {
      const first = source.terms.slice(0, TERMS), rest = source.terms.slice(TERMS), sum = (list) => list.reduce((s, t) => s + t.value, 0);
      const rows = first.map((t) => h("tr", {}, h("th", { scope: "row" }, inputName(t.input)), t.factors.map((x) => h("td", {}, format(x))), h("td", {}, format(t.value))));
      const total = (text, x) => h("tr", { class: "total" }, h("th", { scope: "row", colspan: 3 }, text), h("td", {}, format(x)));
      if (source.sum !== undefined) {
        if (rest.length) rows.push(total(`the other ${rest.length}`, sum(rest)));
        if (source.bias !== undefined) rows.push(total("bias", source.bias));
        rows.push(total("sum", source.sum));
      }
      parts.push(h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Largest terms" },
        h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "input"), source.headings.map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, rows))));
    }
    put(inNumbers, parts);
  }
  // The neuron's weights and their gradients as images, in the shape of its inputs.
  function showWeights() {
    const W = state.net.W[state.layer - 1], n = W.columns, width = n === 784 ? 28 : COLUMNS[n] ?? Math.ceil(Math.sqrt(n)), height = Math.ceil(n / width);
    const row = (M) => M.data.subarray(state.unit * n, state.unit * n + n), isBack = state.operation > operations.findIndex((o) => o.kind === "dW" && o.layer === state.layer) - 1;
    const figure = (values, text) => {
      const canvas = h("canvas", { class: "map", role: "img", "aria-label": text });
      paintSigned(canvas, values, width, height);
      return h("figure", {}, canvas, h("figcaption", {}, text));
    };
    const l = subscript(state.layer);
    put(weightsFigure, figure(row(W), `weights W${l}[${state.unit}]`), isBack && figure(row(r.dW[state.layer - 1]), `gradients dW${l}[${state.unit}]`));
  }
  function update() {
    r = compute(state.net, inputOf(state.pixels), state.label, state.rate);
    if (state.unit === null) state.unit = pickUnit(state.layer);
    const op = current(), line = op.line && models.lines[op.line];
    source = explain(state.net, r, { ...op, layer: op.kind === "L" || op.kind === "after" ? op.layer : state.layer }, state.unit);
    paintInk(image, inputOf(state.pixels), 28, 28);
    slider.value = state.operation;
    slider.setAttribute("aria-valuetext", `operation ${state.operation + 1} of ${operations.length}`);
    labels.value = state.label;
    title.textContent = `${state.operation + 1} of ${operations.length}: ${NAMES[op.kind](op.layer, L)}`;
    put(formula, equation(op.text));
    put(code, line ? [h("code", {}, line.text), ` line ${line.number} of textbook.py, equation (${op.line})`] : "");
    about.textContent = op.about;
    result.textContent = op.kind === "after" || op.kind === "step" ? describeStep(r) : "";
    drawCells();
    drawShares();
    showNumbers();
    showWeights();
    drawEdges();
  }
  return { root, update };
}

const NAMES = {
  Z: (l) => `forward, sums of layer ${l}`,
  A: (l, L) => (l === L ? "forward, probabilities" : `forward, activations of layer ${l}`),
  L: () => "the loss",
  dZ: (l, L) => (l === L ? "backward, the error" : `backward, the error of layer ${l}`),
  dW: (l) => `backward, gradients of the weights of layer ${l}`,
  db: (l) => `backward, gradients of the biases of layer ${l}`,
  step: () => "the step",
  after: () => "did it help?",
};
