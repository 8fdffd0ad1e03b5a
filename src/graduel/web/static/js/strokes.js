// Drawings as short text: differences of half pixels, in digits of 5 bits; images of 16 levels in runs.

export const SIZE = 280; // of the drawing area, in pixels
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const MOST_MARKS = 500, MOST_NUMBERS = 60000, MOST_SIDE = 70;

const round = (x) => Math.round(2 * x) / 2;

// A point in whole half pixels, near the drawing area.
export const point = (x, y) => [x, y].map((v) => round(Math.max(-SIZE, Math.min(2 * SIZE, v))));

function write(numbers) {
  let text = "";
  for (const number of numbers) {
    let rest = number < 0 ? -2 * number - 1 : 2 * number;
    do {
      const low = rest & 31;
      rest = Math.floor(rest / 32);
      text += DIGITS[rest ? low + 32 : low];
    } while (rest);
  }
  return text;
}

function read(text) {
  const numbers = [];
  let value = 0, scale = 1;
  for (const letter of text) {
    const digit = DIGITS.indexOf(letter);
    if (digit < 0 || scale > 2 ** 30) throw new Error("expected a drawing as written by this page");
    value += (digit & 31) * scale;
    scale *= 32;
    if (digit < 32) {
      numbers.push(value % 2 ? -(value + 1) / 2 : value / 2);
      value = 0;
      scale = 1;
    }
  }
  if (scale > 1 || numbers.length > MOST_NUMBERS) throw new Error("expected a complete drawing");
  return numbers;
}

// marks: strokes {width, points: [[x, y]…]} and images {width, height, levels} with levels 0 to 15.
export function encode(marks) {
  return marks.map((mark) => {
    if (mark.levels) {
      const runs = [];
      for (let i = 0; i < mark.levels.length;) {
        let n = 1;
        while (mark.levels[i + n] === mark.levels[i]) n += 1;
        runs.push(mark.levels[i] + 16 * (n - 1));
        i += n;
      }
      return `~${write([mark.width, mark.height, ...runs])}`;
    }
    let x = 0, y = 0;
    return write([mark.width, ...mark.points.flatMap(([a, b]) => {
      const step = [2 * a - x, 2 * b - y];
      [x, y] = [2 * a, 2 * b];
      return step;
    })]);
  }).join(".");
}

export function decode(text) {
  if (!text) return [];
  const parts = text.split(".");
  if (parts.length > MOST_MARKS) throw new Error(`expected a drawing of at most ${MOST_MARKS} strokes`);
  return parts.map((part) => {
    if (part.startsWith("~")) {
      const [width, height, ...runs] = read(part.slice(1));
      if (!(width > 0 && height > 0 && width <= MOST_SIDE && height <= MOST_SIDE)) throw new Error("expected a small image");
      const levels = [];
      for (const run of runs) {
        const n = Math.floor(run / 16) + 1;
        if (run < 0 || levels.length + n > width * height) throw new Error("expected an image of its own size");
        for (let i = 0; i < n; i++) levels.push(run % 16);
      }
      if (levels.length !== width * height) throw new Error("expected an image of its own size");
      return { width, height, levels };
    }
    const [width, ...steps] = read(part);
    if (!(width >= 1 && width <= 100) || !steps.length || steps.length % 2) throw new Error("expected strokes of points");
    let x = 0, y = 0;
    const points = [];
    for (let i = 0; i < steps.length; i += 2) {
      x += steps[i];
      y += steps[i + 1];
      points.push(point(x / 2, y / 2));
    }
    return { width, points };
  });
}

// An image of ink, 0 to 255, cut to the ink and reduced to a mark.
export function imageMark(values, [height, width]) {
  let left = width, right = -1, top = height, bottom = -1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (values[y * width + x] < 24) continue;
      left = Math.min(left, x); right = Math.max(right, x);
      top = Math.min(top, y); bottom = Math.max(bottom, y);
    }
  }
  if (right < 0) return null;
  const w = right - left + 1, h = bottom - top + 1;
  const k = Math.max(1, Math.max(w, h) / (MOST_SIDE - 2));
  const mark = { width: Math.max(1, Math.round(w / k)), height: Math.max(1, Math.round(h / k)), levels: [] };
  for (let y = 0; y < mark.height; y++) {
    for (let x = 0; x < mark.width; x++) {
      const x0 = left + Math.floor(x * w / mark.width), x1 = Math.max(x0 + 1, left + Math.floor((x + 1) * w / mark.width));
      const y0 = top + Math.floor(y * h / mark.height), y1 = Math.max(y0 + 1, top + Math.floor((y + 1) * h / mark.height));
      let sum = 0;
      for (let v = y0; v < y1; v++) for (let u = x0; u < x1; u++) sum += values[v * width + u];
      mark.levels.push(Math.round(sum / ((x1 - x0) * (y1 - y0)) / 17));
    }
  }
  return mark;
}
