// Draw: a canvas for mouse, pen, touch and keyboard; MNIST's preparation; both predictions.

import * as api from "../api.js";
import { predictionPanel } from "../charts.js";
import { check, field, h, put, toast } from "../dom.js";
import { color, css, onScheme, picture } from "../paint.js";
import { pick, pixelsOf, setExample, state, edited } from "../state.js";

export const id = "draw";
export const title = "Draw";
export const usable = () => state.about.digits;

const SIZE = 280; // of the canvas, in pixels
const SENT_SIZE = 140; // of the image sent to the server

let marks = []; // strokes {points, width} and images {image}
let pad, pen, prepare, panel, steps, thickness, hint, latency, origin;
let cursor = { x: SIZE / 2, y: SIZE / 2, down: null };

function paint(context, size, ink, paper) {
  const k = size / SIZE;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = paper;
  context.fillRect(0, 0, size, size);
  context.setTransform(k, 0, 0, k, 0, 0);
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = context.fillStyle = ink;
  for (const mark of marks) {
    if (mark.image) {
      context.imageSmoothingEnabled = mark.smooth;
      context.drawImage(tint(mark, ink), mark.x, mark.y, mark.w, mark.h);
      continue;
    }
    context.lineWidth = mark.width;
    context.beginPath();
    const [first, ...rest] = mark.points;
    context.moveTo(...first);
    if (!rest.length) context.lineTo(first[0] + 0.01, first[1]);
    for (const point of rest) context.lineTo(...point);
    context.stroke();
  }
}

// An image with the ink as alpha channel, in the ink color.
function tint({ image }, ink) {
  const canvas = document.createElement("canvas");
  canvas.width = image.width;
  canvas.height = image.height;
  const context = canvas.getContext("2d");
  const data = context.createImageData(image.width, image.height);
  const rgb = ink === "#fff" ? [255, 255, 255] : color("ink");
  image.values.forEach((v, i) => data.data.set([...rgb, v], 4 * i));
  context.putImageData(data, 0, 0);
  return canvas;
}

function repaint() {
  const context = pad.getContext("2d");
  paint(context, pad.width, css("ink"), css("paper"));
  if (document.activeElement === pad && pad.matches(":focus-visible")) {
    context.strokeStyle = css("hue-0");
    context.lineWidth = 2;
    context.beginPath();
    context.arc(cursor.x, cursor.y, 8, 0, 7);
    context.stroke();
  }
  hint.hidden = marks.length > 0;
}

function encodeCanvas() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SENT_SIZE;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  paint(context, SENT_SIZE, "#fff", "#000");
  const rgba = context.getImageData(0, 0, SENT_SIZE, SENT_SIZE).data;
  return api.base64(Uint8Array.from({ length: SENT_SIZE * SENT_SIZE }, (_, i) => rgba[4 * i]));
}

let busy = false, again = false;

// One request at a time; strokes drawn in the meantime are sent with the next one.
async function predictDrawing() {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  try {
    do {
      again = false;
      const start = performance.now();
      const result = await api.post("draw", {
        model: state.model, pixels: encodeCanvas(), size: SENT_SIZE, prepare: prepare.checked, weights: state.edits.weights, ablations: state.edits.ablations,
      });
      show(result, performance.now() - start);
    } while (again);
  } catch (error) {
    toast(error);
  } finally {
    busy = false;
  }
}

function show(result, milliseconds) {
  put(steps, result.steps.map((step) => {
    const { shape, values } = api.unpack(step.image);
    return h("li", {}, h("figure", {}, picture(step.text, values, shape[0], shape[1], { kind: "ink", most: 255 }), h("figcaption", {}, step.text)));
  }));
  steps.dataset.steps = result.steps.map((step) => step.name).join(" ");
  panel.show(result.predictions, result.empty);
  latency.textContent = milliseconds ? `Predicted in ${milliseconds.toFixed(0)} ms.` : "";
  latency.dataset.ms = milliseconds ?? "";
  state.example = result.empty ? null : { pixels: result.pixels.data, from: "drawing", label: null };
  state.label = null;
  state.predictions = result.predictions;
}

function position(event) {
  const box = pad.getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * SIZE, ((event.clientY - box.top) / box.height) * SIZE];
}

function listenToPointers() {
  pad.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    pad.setPointerCapture(event.pointerId);
    pen = { id: event.pointerId, mark: { points: [position(event)], width: Number(thickness.value) } };
    marks.push(pen.mark);
    repaint();
    event.preventDefault();
  });
  pad.addEventListener("pointermove", (event) => {
    if (pen?.id !== event.pointerId) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    for (const one of moves.length ? moves : [event]) pen.mark.points.push(position(one));
    repaint();
    predictDrawing();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    pad.addEventListener(end, (event) => {
      if (pen?.id !== event.pointerId) return;
      pen = null;
      predictDrawing();
    });
  }
  pad.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (step) {
      const far = event.shiftKey ? 2 : 8;
      cursor.x = Math.max(0, Math.min(SIZE, cursor.x + step[0] * far));
      cursor.y = Math.max(0, Math.min(SIZE, cursor.y + step[1] * far));
      if (cursor.down) {
        cursor.down.points.push([cursor.x, cursor.y]);
        predictDrawing();
      }
    } else if (event.key === " ") {
      if (cursor.down) cursor.down = null;
      else {
        cursor.down = { points: [[cursor.x, cursor.y]], width: Number(thickness.value) };
        marks.push(cursor.down);
        predictDrawing();
      }
    } else return;
    event.preventDefault();
    repaint();
  });
  pad.addEventListener("focus", repaint);
  pad.addEventListener("blur", () => { cursor.down = null; repaint(); });
}

async function readImage(event) {
  const [picked] = event.target.files;
  event.target.value = "";
  if (!picked) return;
  if (picked.size > state.about.upload_bytes) {
    toast(`expected a file of at most ${state.about.upload_bytes / 2 ** 20} MB; ${picked.name} has ${(picked.size / 2 ** 20).toFixed(1)} MB`);
    return;
  }
  try {
    const result = await api.upload(`image?model=${state.model}&prepare=true`, picked, picked.type || "application/octet-stream");
    const { shape, values } = api.unpack(result.steps[0].image);
    marks = [fitToCanvas(values, shape, true)];
    repaint();
    show(result);
  } catch (error) {
    toast(error);
  }
}

function fitToCanvas(values, [height, width], smooth) {
  const k = SIZE / Math.max(height, width);
  return { image: { values, height, width }, smooth, x: (SIZE - width * k) / 2, y: (SIZE - height * k) / 2, w: width * k, h: height * k };
}

async function drawTestDigit(label) {
  const index = Math.floor(Math.random() * 9000);
  await pick(index, label);
  marks = [fitToCanvas(pixelsOf(state.example), [28, 28], false)];
  repaint();
  const values = pixelsOf(state.example);
  const text = `Test digit ${state.example.index}, true class ${state.example.label}, already prepared by MNIST.`;
  put(steps, h("li", {}, h("figure", {}, picture(text, values, 28, 28, { kind: "ink", most: 255 }), h("figcaption", {}, text))));
  panel.show(state.predictions);
  latency.textContent = "";
}

function clear() {
  marks = [];
  cursor.down = null;
  repaint();
  panel.show(null);
  latency.textContent = "";
  put(steps, h("li", { class: "note" }, "The steps appear here when you draw."));
}

export function mount(root) {
  pad = h("canvas", { width: SIZE, height: SIZE, tabindex: 0, role: "application",
    "aria-label": "Drawing area. Draw with mouse, pen or finger, or with the keyboard: arrow keys move the pen (with Shift in small steps), Space lowers or lifts it." });
  hint = h("div", { class: "hint", "aria-hidden": "true" }, "Draw a digit");
  thickness = h("input", { type: "range", min: 8, max: 44, value: 22 });
  const [box, input] = check("Apply MNIST’s preparation", { checked: true, onchange: () => (marks.length ? predictDrawing() : null) });
  prepare = input;
  panel = predictionPanel();
  steps = h("ul", { class: "steps" });
  latency = h("p", { class: "note small num" });
  origin = h("p", { class: "note small" });
  const picker = h("input", { type: "file", accept: "image/png,image/jpeg,image/webp", "aria-label": "Photo or image of a digit", onchange: readImage });
  put(root,
    h("h2", {}, "Draw a digit"),
    h("p", { class: "lead" }, "Two models classify your digit while you draw: a neural network written in NumPy, and XGBoost. Both get the same 28 × 28 pixels."),
    h("div", { class: "drawing" },
      h("div", { class: "stack tight" },
        h("div", { class: "pad" }, pad, hint),
        h("div", { class: "row" },
          h("button", { type: "button", onclick: () => { marks.pop(); repaint(); if (marks.length) predictDrawing(); else clear(); } }, "Undo"),
          h("button", { type: "button", onclick: clear }, "Clear"),
          h("span", { class: "file" }, h("span", { "aria-hidden": "true" }, "Photo or image"), picker))),
      h("div", { class: "stack tight controls" },
        field("Pen thickness", thickness),
        h("fieldset", {}, h("legend", {}, "Or use a test digit, unseen in training"),
          h("div", { class: "ten" }, [..."0123456789"].map((name, k) => h("button", { type: "button", "aria-label": `Random test digit ${name}`, onclick: () => drawTestDigit(k).catch(toast) }, name)))),
        box, origin),
      h("div", { class: "stack predictions-column" },
        h("div", { class: "card" }, panel, latency),
        h("div", { class: "card" }, h("h3", {}, "Preparation, step by step"), steps,
          h("p", { class: "note small after" }, "MNIST’s digits were scaled to 20 × 20 pixels and centered in 28 × 28 by their center of mass. Switch the preparation off and draw in a corner: models trained on centered digits misclassify it.")))));
  origin.textContent = state.info?.ready ? `Models: ${state.info.ready.about}.` : "";
  listenToPointers();
  onScheme(repaint);
  clear();
}

export function update(what) {
  if (what === "view" || what === "model" || what === "edits") {
    repaint();
    if (marks.some((mark) => mark.points)) return predictDrawing();
  }
  if (what === "view") origin.textContent = state.info?.[state.model] ? `Models: ${state.info[state.model].about}${edited() ? "; network edited" : ""}.` : "";
  return undefined;
}

export { setExample };
