// Charts: bars in tables, line charts, histograms.

import { h, number, percent, put, s } from "./dom.js";
import { heat } from "./paint.js";
import { classes } from "./state.js";

export const MODELS = { net: ["●", "NumPy network"], xgboost: ["■", "XGBoost"] };

export function name(family) {
  return h("span", { class: family }, `${MODELS[family][0]} `, h("span", {}, MODELS[family][1]));
}

// A bar for a share from 0 to 1.
export function bar(share, color) {
  return s("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" },
    s("rect", { x: 0, y: 0, width: 100, height: 10, fill: "var(--tint)" }),
    s("rect", { x: 0, y: 0, width: Math.max(0, Math.min(1, share || 0)) * 100, height: 10, fill: `var(--${color})` }));
}

// A bar to the right for positive values, to the left for negative ones.
export function signed(value, most) {
  const width = most > 0 ? (Math.min(1, Math.abs(value) / most) * 50) : 0;
  return h("td", { class: "bar" },
    s("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
      s("rect", { x: value >= 0 ? 50 : 50 - width, y: 0, width, height: 10, fill: value >= 0 ? "var(--adds)" : "var(--takes)" }),
      s("rect", { x: 49.5, y: 0, width: 1, height: 10, fill: "var(--edge)" })));
}

// Both models' predictions in large type, above the probabilities of all classes. The element is
// updated in place, so that a screen reader announces the predictions, not the table.
export function predictionPanel({ live = true } = {}) {
  const headline = h("div", { class: "predictions" });
  const announcement = h("p", { class: "hidden", "aria-live": live ? "polite" : null });
  const body = h("div", {});
  const root = h("div", {}, headline, announcement, body);
  let last = "";
  root.show = (result, empty) => {
    const names = classes();
    if (root.inputs?.[0] === result && root.inputs[1] === empty && root.inputs[2] === names) return;
    root.inputs = [result, empty, names];
    const family = ["net", "xgboost"].filter((one) => result?.[one] !== null || !result);
    put(headline, family.map((one) => {
      const p = result?.[one];
      const top = p ? p.indexOf(Math.max(...p)) : -1;
      const text = p && !empty ? names[top] : "–";
      return h("div", { "data-model": one, "data-prediction": p && !empty ? names[top] : "" },
        h("div", { class: "model" }, name(one)),
        h("div", { class: `digit ${one} ${text.length > 3 ? "long" : ""}` }, text),
        h("div", { class: "probability num" }, p && !empty ? `${percent(p[top])} probability` : "no drawing yet"));
    }));
    if (!result || empty) {
      put(body);
      return;
    }
    const words = family.map((one) => `${MODELS[one][1]}: ${names[result[one].indexOf(Math.max(...result[one]))]}`).join(", ");
    if (words !== last) announcement.textContent = last = words;
    const tops = family.map((one) => result[one].indexOf(Math.max(...result[one])));
    const order = names.map((_, k) => k);
    const many = names.length > 12;
    if (many) order.sort((a, b) => Math.max(...family.map((one) => result[one][b] - result[one][a])));
    put(body, h("table", { class: "pairs" },
      h("caption", { class: "hidden" }, "Probabilities"),
      h("thead", { class: "hidden" }, h("tr", {}, h("th", { scope: "col" }, "Class"), family.map((one) => h("th", { scope: "col", colspan: 2 }, MODELS[one][1])))),
      h("tbody", {}, order.slice(0, 12).map((k) => h("tr", { class: tops.includes(k) ? "best" : "" },
        h("th", { scope: "row" }, names[k]),
        family.map((one) => [h("td", { class: "bar" }, bar(result[one][k], one)), h("td", { class: "pct" }, percent(result[one][k]))]))))));
  };
  return root;
}

const nice = (low, high, n = 4) => {
  const span = high - low || 1;
  const raw = span / n, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((m) => m >= raw * 0.999);
  const ticks = [];
  for (let t = Math.ceil(low / step - 1e-9) * step; t <= high + step * 1e-6; t += step) ticks.push(Math.abs(t) < step * 1e-9 ? 0 : t);
  return ticks;
};

// A line chart: series of {color, name, points: [[x, y]…], dash}.
export function lines(label, series, { x = "", y = "", low = 0, high, format = (v) => number(v, 2), at, log = false } = {}) {
  const narrow = matchMedia("(max-width: 40rem)").matches; // keeps the text size on a phone
  const width = narrow ? 330 : 560, height = narrow ? 200 : 240;
  const points = series.flatMap((one) => one.points).filter((p) => p[1] !== null);
  const left = 52, right = 12, top = 10, bottom = 38;
  const xs = points.map((p) => p[0]);
  const x0 = xs.length ? Math.min(...xs) : 0, x1 = xs.length ? Math.max(...xs) : 1;
  const ys = points.map((p) => p[1]);
  const to = log ? (v) => Math.log10(Math.max(v, 1e-6)) : (v) => v;
  const y0 = log ? Math.min(...ys.map(to), 0) : low;
  let y1 = log ? Math.max(...ys.map(to), -1) : high ?? Math.max(...ys, low + 1e-9);
  if (!(y1 > y0)) y1 = y0 + 1;
  const px = (v) => left + ((v - x0) / (x1 - x0 || 1)) * (width - left - right);
  const py = (v) => top + (1 - (to(v) - y0) / (y1 - y0)) * (height - top - bottom);
  const ticks = log ? Array.from({ length: Math.floor(y1) - Math.ceil(y0) + 1 }, (_, i) => 10 ** (Math.ceil(y0) + i)) : nice(y0, y1);
  const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    ticks.map((v) => [s("line", { x1: left, x2: width - right, y1: py(v), y2: py(v), stroke: "var(--grid)" }),
      s("text", { x: left - 8, y: py(v) + 4, "text-anchor": "end" }, format(v))]),
    nice(x0, x1, narrow ? 3 : 5).map((v) => s("text", { x: px(v), y: height - bottom + 18, "text-anchor": "middle" }, number(v, Number.isInteger(v) ? 0 : x1 - x0 < 1 ? 2 : 1))),
    s("text", { x: (left + width - right) / 2, y: height - 4, "text-anchor": "middle" }, x),
    at !== undefined && at >= x0 && at <= x1 && s("line", { x1: px(at), x2: px(at), y1: top, y2: height - bottom, stroke: "var(--edge)", "stroke-dasharray": "3 3", "data-at": at }),
    // One point is no line: it is drawn as a dot.
    series.map((one) => one.points.filter((p) => p[1] !== null)).map((all, i) => all.length === 1 && s("circle", { cx: px(all[0][0]), cy: py(all[0][1]), r: 4, fill: `var(--${series[i].color})`, "data-dot": series[i].color })),
    at !== undefined && series.map((one) => {
      const near = one.points.reduce((a, b) => (Math.abs(b[0] - at) < Math.abs(a[0] - at) ? b : a), one.points[0]);
      return near && near[1] !== null && s("circle", { cx: px(near[0]), cy: py(near[1]), r: 4, fill: `var(--${one.color})` });
    }),
    series.map((one) => one.points.length > 1 && s("polyline", {
      points: one.points.filter((p) => p[1] !== null).map((p) => `${px(p[0]).toFixed(1)},${py(p[1]).toFixed(1)}`).join(" "),
      fill: "none", stroke: `var(--${one.color})`, "stroke-width": one.faint ? 1 : 2, "stroke-opacity": one.faint ? 0.45 : null, "stroke-dasharray": one.dash ?? null, "stroke-linejoin": "round",
    })));
  const legend = h("ul", { class: "legend" }, series.map((one) => h("li", { class: one.color },
    one.dash ? "┄ " : one.color === "xgboost" ? "■ " : "● ", one.name)), y && h("li", { class: "note small" }, y));
  return h("div", { class: "chart" }, legend, svg);
}

// A matrix with a row per neuron, drawn in cells of a fixed size and lying down if it is tall.
export function matrix(label, values, neurons, inputs) {
  const isTall = neurons > inputs;
  const [height, width] = isTall ? [inputs, neurons] : [neurons, inputs];
  const all = isTall ? values.map((_, i) => values[(i % neurons) * inputs + Math.floor(i / neurons)]) : values;
  const canvas = heat(h("canvas", { class: "pixels cells", role: "img", "aria-label": `${label}: ${neurons} neurons, ${inputs} inputs` }), all, height, width, {});
  const side = Math.max(1, Math.min(16, Math.floor(640 / width), Math.floor(640 / height)));
  Object.assign(canvas.style, { width: `${side * width}px`, height: `${Math.max(side, Math.min(8, 640 / height)) * height}px` });
  return h("figure", {}, canvas, h("figcaption", {}, isTall ? "One column per neuron, one row per input." : "One row per neuron, one column per input."));
}

export function histogram(label, { low, high, counts }, color, format = (v) => number(v, 1)) {
  const width = 220, height = 84, base = 66, most = Math.max(...counts, 1);
  const step = width / counts.length;
  return h("div", { class: "chart" }, s("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    counts.map((n, i) => s("rect", { x: i * step + 0.5, width: step - 1, y: base - (n / most) * 60, height: (n / most) * 60, fill: `var(--${color})` })),
    s("line", { x1: 0, x2: width, y1: base, y2: base, stroke: "var(--edge)" }),
    s("text", { x: 0, y: height - 3 }, format(low)),
    s("text", { x: width, y: height - 3, "text-anchor": "end" }, format(high))));
}
