// Building of the page: elements, numbers as text, colors.

// An element with attributes, listeners (onclick) and children.
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  return put(node, ...children);
}

export function put(node, ...children) {
  node.replaceChildren(...children.flat(2).filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

// Four to six decimals, or an exponent; a true minus sign.
export function format(x, digits = 4) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "not a number" : x > 0 ? "∞" : "−∞";
  const size = Math.abs(x);
  let text = x.toExponential(2);
  if (Number.isInteger(x) && size < 1e5) text = String(x);
  else if (size >= 1e-3 && size < 1e5) text = x.toFixed(size < 1e-2 ? digits + 2 : size < 100 ? digits : 0);
  return text.replaceAll("-", "−");
}

// Two numbers with as many decimals as show their difference.
export function formatPair(a, b) {
  for (let digits = 4; digits < 12; digits++) {
    if (a.toFixed(digits) !== b.toFixed(digits)) return [a.toFixed(digits), b.toFixed(digits)];
  }
  return [a.toFixed(4), b.toFixed(4)];
}

export const percent = (p) => `${(100 * p).toFixed(1)} %`;

const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";
export const subscript = (n) => [...String(n)].map((digit) => SUBSCRIPTS[digit]).join("");

// A color of the style sheet as [red, green, blue].
export function color(name) {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

export const mix = (a, b, share) => a.map((x, i) => x + (b[i] - x) * share);

// The color of a signed number on the scale from −top to top.
export function signedColor(x, top, colors) {
  const share = top > 0 ? Math.min(Math.abs(x) / top, 1) : 0;
  return mix(colors.paper, x < 0 ? colors.negative : colors.positive, share);
}

export const signedColors = () => ({ paper: color("tint"), positive: color("hue-0"), negative: color("hue-1") });

export const css = (rgb) => `rgb(${rgb.map(Math.round).join(" ")})`;

// Draw an image of width × height squares, each with the color of pixel(i).
export function paint(canvas, width, height, pixel) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) image.data.set([...pixel(i), 255], 4 * i);
  context.putImageData(image, 0, 0);
}

// Draw signed numbers; by default, the largest has the full color.
export function paintSigned(canvas, values, width, height, top = Math.max(...values.map(Math.abs))) {
  const colors = signedColors();
  paint(canvas, width, height, (i) => signedColor(values[i], top, colors));
}

// Draw pixels from 0 to 1, ink on paper.
export function paintInk(canvas, values, width, height) {
  const paper = color("tint"), ink = color("ink");
  paint(canvas, width, height, (i) => mix(paper, ink, values[i]));
}
