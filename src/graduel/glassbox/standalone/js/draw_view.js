// Draw a digit, or take a test digit; both models answer at once.

import { h, paintInk, percent, put } from "./dom.js";
import { FIELD, prepareDigit } from "./digit.js";
import { forward } from "./engine.js";
import { matrix } from "./matrix.js";
import { set, state } from "./store.js";
import { treeProbabilities } from "./trees.js";

const SIDE = 280, PEN = 22;
const argmax = (p) => p.indexOf(Math.max(...p));

export const inputOf = (pixels) => Float64Array.from(pixels, (v) => v / 255);

// The probabilities of both models.
export function predict(models, net, pixels) {
  const x = inputOf(pixels);
  return { net: [...forward(matrix(x.length, 1, x), net.W, net.b).A.at(-1).data], trees: treeProbabilities(models.forest, pixels) };
}

export function drawView(models) {
  const canvas = h("canvas", { width: SIDE, height: SIDE, class: "pad", role: "img", "aria-label": "Drawing area: draw a digit with the mouse, a finger or a pen" });
  const prepared = h("canvas", { class: "pixels", role: "img", "aria-label": "The digit as the models see it, 28 × 28 pixels" });
  const answer = h("p", { class: "answer", "aria-live": "polite" }), body = h("tbody"), note = h("p", { class: "note" });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  let last = null;

  const strokes = () => { context.lineWidth = PEN; context.lineCap = context.lineJoin = "round"; context.strokeStyle = context.fillStyle = "#000"; };
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * SIDE) / box.width, ((event.clientY - box.top) * SIDE) / box.height];
  };
  function readDrawing() {
    const { data } = context.getImageData(0, 0, SIDE, SIDE);
    const ink = Float32Array.from({ length: SIDE * SIDE }, (_, i) => data[4 * i + 3] / 255);
    const pixels = prepareDigit(ink, SIDE, SIDE);
    if (pixels) set({ pixels, example: null, label: argmax(predict(models, state.net, pixels).net) });
  }
  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    if (state.example !== null) context.clearRect(0, 0, SIDE, SIDE);
    strokes();
    last = place(event);
    context.beginPath(); context.arc(...last, PEN / 2, 0, 2 * Math.PI); context.fill();
    readDrawing();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) {
      const next = place(one);
      context.beginPath(); context.moveTo(...last); context.lineTo(...next); context.stroke();
      last = next;
    }
    readDrawing();
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { last = null; });

  // Show a test digit on the drawing area, as if it had been drawn.
  function showExample() {
    const small = document.createElement("canvas"), ink = [0, 0, 0];
    small.width = small.height = FIELD;
    const image = new ImageData(FIELD, FIELD);
    state.pixels.forEach((v, i) => image.data.set([...ink, v], 4 * i));
    small.getContext("2d").putImageData(image, 0, 0);
    context.clearRect(0, 0, SIDE, SIDE);
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, SIDE, SIDE);
  }

  const go = (by) => chooseExample(models, (((state.example ?? 0) + by) % models.n + models.n) % models.n);
  const root = h("section", { "aria-labelledby": "draw-title" },
    h("h2", { id: "draw-title" }, "Draw a digit"),
    h("p", { class: "lead" }, `A network of ${models.parameters.toLocaleString("en")} weights and ${models.forest.root.length} trees read it at every stroke. Everything is computed on this page.`),
    h("div", { class: "columns" },
      h("div", { class: "stack" }, canvas,
        h("div", { class: "row" },
          h("button", { type: "button", onclick: () => { context.clearRect(0, 0, SIDE, SIDE); set({ pixels: new Uint8Array(784), example: null }); } }, "Clear"),
          h("button", { type: "button", onclick: () => go(-1), "aria-label": "Previous test digit" }, "←"),
          h("button", { type: "button", onclick: () => go(1) }, "Next test digit →"))),
      h("div", { class: "stack" }, answer, h("figure", {}, prepared, h("figcaption", {}, "What the models see: cropped, scaled to 20 × 20, centered in 28 × 28")), note),
      h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Probabilities" },
        h("table", { class: "bars" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Class"), h("th", { scope: "col" }, "Network"), h("th", { scope: "col" }, "XGBoost"))), body))),
    h("p", {}, h("a", { class: "next", href: "#steps" }, "See how the network computes this →")));

  function bar(p, isBest) {
    const fill = h("span", { class: "fill" });
    fill.style.width = `${100 * p}%`;
    return h("td", { class: isBest ? "best" : undefined }, h("span", { class: "track" }, fill), h("span", { class: "value" }, percent(p)));
  }
  function update() {
    if (state.example !== null) showExample();
    paintInk(prepared, inputOf(state.pixels), FIELD, FIELD);
    const isEmpty = !state.pixels.some((v) => v > 0), p = predict(models, state.net, state.pixels);
    const best = { net: argmax(p.net), trees: argmax(p.trees) };
    put(body, p.net.map((_, k) => h("tr", {}, h("th", { scope: "row" }, String(k)), bar(p.net[k], best.net === k), bar(p.trees[k], best.trees === k))));
    const agree = best.net === best.trees ? `Both models say ${best.net}` : `The network says ${best.net}, XGBoost ${best.trees}`;
    answer.textContent = isEmpty ? "Draw a digit in the square." : `${agree}.`;
    note.textContent = (state.example !== null ? `Test digit ${state.example + 1} of ${models.n}, in truth ${state.label}. ` : "")
      + `On ${models.testRows.toLocaleString("en")} test digits the network is wrong ${percent(models.net.error)} of the time, XGBoost ${percent(models.forest.error)}.`
      + (state.steps ? ` The weights have your ${state.steps} steps; these shares are of the trained ones.` : "");
  }
  return { root, update };
}

export function chooseExample(models, example) {
  set({ example, pixels: models.pixels.subarray(784 * example, 784 * example + 784), label: models.labels[example] });
}
