// Numbers as colors, on canvases that follow the light or dark scheme.

const dark = matchMedia("(prefers-color-scheme: dark)");
const painted = new Map();

export function color(name) {
  const text = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const hex = parseInt(text.slice(1), 16);
  return [hex >> 16, (hex >> 8) & 255, hex & 255];
}

export const css = (name) => `rgb(${color(name).join(" ")})`;

const mix = (a, b, t) => [0, 1, 2].map((i) => a[i] + (b[i] - a[i]) * t);

// Signed: positive and negative values in two colors, 0 as paper. Ink: 0 is paper, 1 is ink.
export function shade(value, most, kind) {
  const t = most > 0 ? Math.min(1, Math.abs(value) / most) : 0;
  const paper = color("paper");
  if (kind === "ink") return mix(paper, color("ink"), t);
  if (kind === "net" || kind === "xgboost") return mix(paper, color(kind === "net" ? "hue-0" : "hue-1"), t);
  return mix(paper, color(value >= 0 ? "hue-2" : "hue-3"), Math.sqrt(t));
}

export function heat(canvas, values, height, width, { kind = "signed", most } = {}) {
  const draw = () => {
    const scale = most ?? values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    const paper = color("paper");
    const ends = { ink: color("ink"), net: color("hue-0"), xgboost: color("hue-1"), up: color("hue-2"), down: color("hue-3") };
    for (let i = 0; i < width * height; i++) {
      const value = values[i];
      let t = scale > 0 ? Math.min(1, Math.abs(value) / scale) : 0;
      if (kind === "signed") t = Math.sqrt(t);
      const end = kind === "signed" ? (value >= 0 ? ends.up : ends.down) : ends[kind];
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = paper[c] + (end[c] - paper[c]) * t;
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  };
  draw();
  painted.set(canvas, draw);
  return canvas;
}

export function digit(canvas, pixels, height = 28, width = 28) {
  return heat(canvas, pixels, height, width, { kind: "ink", most: 255 });
}

export function picture(label, values, height, width, options = {}) {
  const canvas = document.createElement("canvas");
  canvas.className = `pixels ${options.size ?? ""}`;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  return heat(canvas, values, height, width, options);
}

export function onScheme(redraw) {
  dark.addEventListener("change", redraw);
}

onScheme(() => {
  for (const [canvas, draw] of painted) {
    if (canvas.isConnected) draw();
    else painted.delete(canvas);
  }
});

setInterval(() => {
  for (const canvas of painted.keys()) if (!canvas.isConnected) painted.delete(canvas);
}, 20000);
