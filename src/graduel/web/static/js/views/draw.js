// Draw: a canvas for mouse, pen, touch and keys; MNIST's preparation, step by step; two answers.

import * as api from "../api.js";
import { answers } from "../charts.js";
import { check, field, h, put, toast } from "../dom.js";
import { colour, css, onScheme, picture } from "../paint.js";
import { pick, pixelsOf, setExample, state, edited } from "../state.js";

export const id = "draw";
export const title = "Draw";
export const usable = () => state.about.digits;

const SIZE = 280; // the canvas's own pixels
const SENT = 140; // what the server is sent

let marks = []; // strokes {points, width} and pictures {image}
let pad, pen, prepare, says, steps, thickness, hint, spent, pages;
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
      context.drawImage(tinted(mark, ink), mark.x, mark.y, mark.w, mark.h);
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

// A picture of ink as alpha, in the colour of the ink.
function tinted({ image }, ink) {
  const canvas = document.createElement("canvas");
  canvas.width = image.width;
  canvas.height = image.height;
  const context = canvas.getContext("2d");
  const data = context.createImageData(image.width, image.height);
  const rgb = ink === "#fff" ? [255, 255, 255] : colour("ink");
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

function sent() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SENT;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  paint(context, SENT, "#fff", "#000");
  const rgba = context.getImageData(0, 0, SENT, SENT).data;
  return api.base64(Uint8Array.from({ length: SENT * SENT }, (_, i) => rgba[4 * i]));
}

let busy = false, again = false;

// One request at a time; what was drawn meanwhile goes with the next.
async function ask() {
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
        model: state.model, pixels: sent(), size: SENT, prepare: prepare.checked, weights: state.edits.weights, off: state.edits.off,
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
  says.show(result.answers, result.empty);
  spent.textContent = milliseconds ? `Answered in ${milliseconds.toFixed(0)} ms.` : "";
  spent.dataset.ms = milliseconds ?? "";
  state.example = result.empty ? null : { pixels: result.pixels.data, from: "drawing", label: null };
  state.label = null;
  state.answers = result.answers;
}

function place(event) {
  const box = pad.getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * SIZE, ((event.clientY - box.top) / box.height) * SIZE];
}

function listenToPointers() {
  pad.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    pad.setPointerCapture(event.pointerId);
    pen = { id: event.pointerId, mark: { points: [place(event)], width: Number(thickness.value) } };
    marks.push(pen.mark);
    repaint();
    event.preventDefault();
  });
  pad.addEventListener("pointermove", (event) => {
    if (pen?.id !== event.pointerId) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    for (const one of moves.length ? moves : [event]) pen.mark.points.push(place(one));
    repaint();
    ask();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    pad.addEventListener(end, (event) => {
      if (pen?.id !== event.pointerId) return;
      pen = null;
      ask();
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
        ask();
      }
    } else if (event.key === " ") {
      if (cursor.down) cursor.down = null;
      else {
        cursor.down = { points: [[cursor.x, cursor.y]], width: Number(thickness.value) };
        marks.push(cursor.down);
        ask();
      }
    } else return;
    event.preventDefault();
    repaint();
  });
  pad.addEventListener("focus", repaint);
  pad.addEventListener("blur", () => { cursor.down = null; repaint(); });
}

async function file(event) {
  const [picked] = event.target.files;
  event.target.value = "";
  if (!picked) return;
  if (picked.size > state.about.upload_bytes) {
    toast(`expected a file of at most ${state.about.upload_bytes / 2 ** 20} MB`);
    return;
  }
  try {
    const result = await api.upload(`image?model=${state.model}&prepare=true`, picked, picked.type || "application/octet-stream");
    const { shape, values } = api.unpack(result.steps[0].image);
    marks = [fitted(values, shape, true)];
    repaint();
    show(result);
  } catch (error) {
    toast(error);
  }
}

function fitted(values, [height, width], smooth) {
  const k = SIZE / Math.max(height, width);
  return { image: { values, height, width }, smooth, x: (SIZE - width * k) / 2, y: (SIZE - height * k) / 2, w: width * k, h: height * k };
}

async function test(label) {
  const index = Math.floor(Math.random() * 9000);
  await pick(index, label);
  marks = [fitted(pixelsOf(state.example), [28, 28], false)];
  repaint();
  const values = pixelsOf(state.example);
  const text = `Test digit ${state.example.index}, in truth ${state.example.label}: prepared by those who made MNIST.`;
  put(steps, h("li", {}, h("figure", {}, picture(text, values, 28, 28, { kind: "ink", most: 255 }), h("figcaption", {}, text))));
  says.show(state.answers);
  spent.textContent = "";
}

function clear() {
  marks = [];
  cursor.down = null;
  repaint();
  says.show(null);
  spent.textContent = "";
  put(steps, h("li", { class: "note" }, "Draw, and the steps appear here."));
}

export function mount(root) {
  pad = h("canvas", { width: SIZE, height: SIZE, tabindex: 0, role: "application",
    "aria-label": "Drawing area. Draw with mouse, pen or finger; or with the keys: arrows move the pen, with Shift by little, Space puts it down and lifts it." });
  hint = h("div", { class: "hint", "aria-hidden": "true" }, "Draw a digit");
  thickness = h("input", { type: "range", min: 8, max: 44, value: 22 });
  const [box, input] = check("Prepare as MNIST’s digits were", { checked: true, onchange: () => (marks.length ? ask() : null) });
  prepare = input;
  says = answers();
  steps = h("ul", { class: "steps" });
  spent = h("p", { class: "note small num" });
  pages = h("p", { class: "note small" });
  const picker = h("input", { type: "file", accept: "image/png,image/jpeg,image/webp", "aria-label": "A photo or picture of a digit", onchange: file });
  put(root,
    h("h2", {}, "Draw a digit, and two learners answer"),
    h("p", { class: "lead" }, "A network written by hand in NumPy, and XGBoost. Both see the same 28 × 28 pixels, while you draw."),
    h("div", { class: "drawing" },
      h("div", { class: "stack tight" },
        h("div", { class: "pad" }, pad, hint),
        h("div", { class: "row" },
          h("button", { type: "button", onclick: () => { marks.pop(); repaint(); if (marks.length) ask(); else clear(); } }, "Undo"),
          h("button", { type: "button", onclick: clear }, "Clear"),
          h("span", { class: "file" }, h("span", { "aria-hidden": "true" }, "Photo or file"), picker))),
      h("div", { class: "stack tight controls" },
        field("Thickness of the pen", thickness),
        h("fieldset", {}, h("legend", {}, "Or a test digit that neither has seen"),
          h("div", { class: "ten" }, [..."0123456789"].map((name, k) => h("button", { type: "button", "aria-label": `Any test digit ${name}`, onclick: () => test(k).catch(toast) }, name)))),
        box, pages),
      h("div", { class: "stack says-column" },
        h("div", { class: "card" }, says, spent),
        h("div", { class: "card" }, h("h3", {}, "What becomes of your drawing"), steps,
          h("p", { class: "note small after" }, "MNIST’s digits were fitted into 20 × 20 pixels and laid so that their centre of mass is in the middle of 28 × 28. Switch it off and draw into a corner: whoever has learned centred digits misreads it.")))));
  pages.textContent = state.info?.ready ? `Both were ${state.info.ready.about}.` : "";
  listenToPointers();
  onScheme(repaint);
  clear();
}

export function update(what) {
  if (what === "view" || what === "model" || what === "edits") {
    repaint();
    if (marks.some((mark) => mark.points)) return ask();
  }
  if (what === "view") pages.textContent = state.info?.[state.model] ? `Both were ${state.info[state.model].about}${edited() ? "; the network with your changes" : ""}.` : "";
  return undefined;
}

export { setExample };
