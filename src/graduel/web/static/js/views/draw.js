// Draw: a canvas for mouse, pen, touch and keyboard; MNIST's preparation; both predictions.

import * as api from "../api.js";
import { predictionPanel } from "../charts.js";
import { check, field, h, put, rebuild, setControl, showError, toast } from "../dom.js";
import { color, css, onScheme, picture } from "../paint.js";
import { act, actLive, models, pixelsOf, state, isEdited } from "../state.js";
import { SIZE, imageMark, point } from "../strokes.js";

export const id = "draw";
export const title = "Draw";
export const usable = () => state.about.digits;

const SENT_SIZE = 140; // of the image sent to the server

let marks = []; // of the drawing: strokes {points, width} and images {width, height, levels}
let test = null; // the pixels of a test digit, shown in place of a drawing
let pad, pen, prepare, panel, steps, thickness, hint, latency, origin, picker, undoButton, backButton;
let cursor = { x: SIZE / 2, y: SIZE / 2, down: null };

function paint(context, size, all, ink, paper) {
  const k = size / SIZE;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = paper;
  context.fillRect(0, 0, size, size);
  context.setTransform(k, 0, 0, k, 0, 0);
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = context.fillStyle = ink;
  for (const mark of all) {
    if (mark.levels) {
      const scale = (SIZE * 0.8) / Math.max(mark.width, mark.height);
      const width = mark.width * scale, height = mark.height * scale;
      context.imageSmoothingEnabled = true;
      context.drawImage(tint(mark.levels.map((v) => 17 * v), mark, ink), (SIZE - width) / 2, (SIZE - height) / 2, width, height);
      continue;
    }
    context.lineWidth = mark.width;
    context.beginPath();
    const [first, ...rest] = mark.points;
    context.moveTo(...first);
    if (!rest.length) context.lineTo(first[0] + 0.01, first[1]);
    for (const at of rest) context.lineTo(...at);
    context.stroke();
  }
}

// An image with the ink as alpha channel, in the ink color.
function tint(values, { width, height }, ink) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const data = context.createImageData(width, height);
  const rgb = ink === "#fff" ? [255, 255, 255] : color("ink");
  values.forEach((v, i) => data.data.set([...rgb, v], 4 * i));
  context.putImageData(data, 0, 0);
  return canvas;
}

function repaint() {
  const context = pad.getContext("2d");
  paint(context, pad.width, marks, css("ink"), css("paper"));
  if (test) {
    context.imageSmoothingEnabled = false;
    context.drawImage(tint([...test], { width: 28, height: 28 }, css("ink")), 0, 0, SIZE, SIZE);
  }
  if (document.activeElement === pad && pad.matches(":focus-visible")) {
    context.strokeStyle = css("hue-0");
    context.lineWidth = 2;
    context.beginPath();
    context.arc(cursor.x, cursor.y, 8, 0, 7);
    context.stroke();
  }
  hint.hidden = marks.length > 0 || !!test;
}

// The ink of a drawing as the server takes it.
export function rasterize(all) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SENT_SIZE;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  paint(context, SENT_SIZE, all, "#fff", "#000");
  const rgba = context.getImageData(0, 0, SENT_SIZE, SENT_SIZE).data;
  return { pixels: api.base64(Uint8Array.from({ length: SENT_SIZE * SENT_SIZE }, (_, i) => rgba[4 * i])), size: SENT_SIZE };
}

const copy = () => marks.map((mark) => (mark.points ? { ...mark, points: [...mark.points] } : mark));

// Put the marks of the drawing area into the state.
const predictDrawing = () => actLive({ from: "drawing", marks: copy() }).catch(toast);

// A stroke on a test digit starts a new drawing.
function startStroke(at) {
  if (test) [marks, test] = [[], null];
  const mark = { points: [at], width: Number(thickness.value) };
  marks.push(mark);
  return mark;
}

function extend(mark, at) {
  const [x, y] = mark.points.at(-1);
  if (Math.abs(at[0] - x) + Math.abs(at[1] - y) >= 1.5) mark.points.push(at);
}

export function show(now) {
  if (!pen && !cursor.down) {
    marks = now.from === "drawing" ? now.marks.map((mark) => mark) : [];
    test = now.from === "test" && models(now)?.image?.[0] === 28 ? pixelsOf(now.example) : null;
  }
  repaint();
  const text = test && `Test digit ${now.example.index}, true class ${now.example.label}, already prepared by MNIST.`;
  const images = test ? [{ name: "test", text, shape: [28, 28], values: test }] : now.steps.map((step) => ({ ...step, ...api.unpack(step.image) }));
  rebuild(steps, [now.steps, text, now.from], () => images.length ? images.map((step) => h("li", {}, h("figure", {},
    picture(step.text, step.values, step.shape[0], step.shape[1], { kind: "ink", most: 255 }), h("figcaption", {}, step.text))))
    : h("li", { class: "note" }, "The steps appear here when you draw."));
  steps.dataset.steps = images.map((step) => step.name).join(" ");
  panel.show(now.predictions, !now.example);
  latency.textContent = now.steps.length ? `Predicted in ${now.milliseconds.toFixed(0)} ms.` : "";
  latency.dataset.ms = now.milliseconds ?? "";
  setControl(prepare, now.prepare);
  undoButton.disabled = now.from !== "drawing" || !now.marks.length;
  backButton.hidden = now.from === "drawing" || !now.marks.length;
  origin.textContent = models(now) ? `Models: ${models(now).about}${isEdited(now) ? "; network edited" : ""}.` : "";
}

function position(event) {
  const box = pad.getBoundingClientRect();
  return point(((event.clientX - box.left) / box.width) * SIZE, ((event.clientY - box.top) / box.height) * SIZE);
}

function listenToPointers() {
  pad.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    pad.setPointerCapture(event.pointerId);
    pen = { id: event.pointerId, mark: startStroke(position(event)) };
    repaint();
    event.preventDefault();
  });
  pad.addEventListener("pointermove", (event) => {
    if (pen?.id !== event.pointerId) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    for (const one of moves.length ? moves : [event]) extend(pen.mark, position(one));
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
        extend(cursor.down, point(cursor.x, cursor.y));
        predictDrawing();
      }
    } else if (event.key === " ") {
      if (cursor.down) cursor.down = null;
      else {
        cursor.down = startStroke(point(cursor.x, cursor.y));
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
  try {
    if (picked.size > state.about.upload_bytes) throw new Error(`expected a file of at most ${state.about.upload_bytes / 2 ** 20} MB; ${picked.name} has ${(picked.size / 2 ** 20).toFixed(1)} MB`);
    const result = await api.upload(`image?model=${state.now.model}&prepare=true`, picked, picked.type || "application/octet-stream");
    const { shape, values } = api.unpack(result.steps[0].image);
    const mark = imageMark(values, shape);
    if (!mark) throw new Error(`expected a photo with ink on paper; ${picked.name} shows none`);
    await act({ from: "drawing", marks: [mark] });
  } catch (error) {
    showError(picker, error);
  }
}

async function useTestDigit(label) {
  const index = Math.floor(Math.random() * 9000);
  const result = await api.get(`test?${new URLSearchParams({ index, label, model: state.now.model })}`);
  await act({ from: "test", index: result.index });
}

function clear() {
  cursor.down = null;
  return act({ from: "drawing", marks: [] });
}

export function mount(root) {
  pad = h("canvas", { width: SIZE, height: SIZE, tabindex: 0, role: "application",
    "aria-label": "Drawing area. Draw with mouse, pen or finger, or with the keyboard: arrow keys move the pen (with Shift in small steps), Space lowers or lifts it." });
  hint = h("div", { class: "hint", "aria-hidden": "true" }, "Draw a digit");
  thickness = h("input", { type: "range", min: 8, max: 44, value: 22 });
  const [box, input] = check("Apply MNIST’s preparation", { checked: true, onchange: () => act({ prepare: prepare.checked }).catch(toast) });
  prepare = input;
  panel = predictionPanel();
  undoButton = h("button", { type: "button", onclick: () => act((now) => ({ marks: now.marks.slice(0, -1) })).catch(toast) }, "Undo");
  backButton = h("button", { type: "button", hidden: true, onclick: () => act({ from: "drawing" }).catch(toast) }, "Back to your drawing");
  steps = h("ul", { class: "steps" });
  latency = h("p", { class: "note small num" });
  origin = h("p", { class: "note small" });
  picker = h("input", { type: "file", accept: "image/png,image/jpeg,image/webp", "aria-label": "Photo or image of a digit", onchange: readImage });
  put(root,
    h("h2", {}, "Draw a digit"),
    h("p", { class: "lead" }, "Two models classify your digit while you draw: a neural network written in NumPy, and XGBoost. Both get the same 28 × 28 pixels."),
    h("div", { class: "drawing" },
      h("div", { class: "stack tight" },
        h("div", { class: "pad" }, pad, hint),
        h("div", { class: "row" },
          undoButton, h("button", { type: "button", onclick: () => clear().catch(toast) }, "Clear"), backButton),
        h("div", { class: "field" }, h("span", { class: "file" }, h("span", { "aria-hidden": "true" }, "Photo or image"), picker))),
      h("div", { class: "stack tight controls" },
        field("Pen thickness", thickness),
        h("fieldset", {}, h("legend", {}, "Or use a test digit, unseen in training"),
          h("div", { class: "ten" }, [..."0123456789"].map((name, k) => h("button", { type: "button", "aria-label": `Random test digit ${name}`, onclick: () => useTestDigit(k).catch(toast) }, name)))),
        box, origin),
      h("div", { class: "stack predictions-column" },
        h("div", { class: "card" }, panel, latency),
        h("div", { class: "card" }, h("h3", {}, "Preparation, step by step"), steps,
          h("p", { class: "note small after" }, "MNIST’s digits were scaled to 20 × 20 pixels and centered in 28 × 28 by their center of mass. Switch the preparation off and draw in a corner: models trained on centered digits misclassify it.")))));
  listenToPointers();
  onScheme(repaint);
}
