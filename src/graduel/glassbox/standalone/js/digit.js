// Preparation of a drawing as MNIST's digits were prepared: crop, scale to 20 × 20, center in 28 × 28.
//
// The same as graduel's glassbox/digit/mnist_preparation.py, whose images are resized by Pillow.

export const BOX = 20;
export const FIELD = 28;
const FAINT = 0.5 / 255;

// To the nearest whole number; halves to the even one.
export function roundEven(x) {
  const low = Math.floor(x), rest = x - low;
  if (rest !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

// The weights by which n pixels become `size`: area averages, or linear interpolation.
function weights(n, size, linear) {
  const ratio = n / size, filterScale = Math.max(ratio, 1), support = (linear ? 1 : 0.5) * filterScale;
  return Array.from({ length: size }, (_, i) => {
    const center = (i + 0.5) * ratio;
    const first = Math.max(Math.trunc(center - support + 0.5), 0), end = Math.min(Math.trunc(center + support + 0.5), n);
    const w = [];
    for (let j = first; j < end; j++) {
      const at = (j - center + 0.5) / filterScale;
      w.push(linear ? Math.max(0, 1 - Math.abs(at)) : at > -0.5 && at <= 0.5 ? 1 : 0);
    }
    const sum = w.reduce((s, x) => s + x, 0);
    return { first, w: w.map((x) => x / sum) };
  });
}

export function resize(ink, width, height, newWidth, newHeight) {
  const linear = newHeight > height || newWidth > width;
  let rows = ink;
  if (newWidth !== width) {
    rows = new Float32Array(height * newWidth);
    weights(width, newWidth, linear).forEach(({ first, w }, i) => {
      for (let y = 0; y < height; y++) rows[y * newWidth + i] = w.reduce((s, x, j) => s + x * ink[y * width + first + j], 0);
    });
  }
  if (newHeight === height) return rows;
  const result = new Float32Array(newHeight * newWidth);
  weights(height, newHeight, linear).forEach(({ first, w }, i) => {
    for (let x = 0; x < newWidth; x++) result[i * newWidth + x] = w.reduce((s, v, j) => s + v * rows[(first + j) * newWidth + x], 0);
  });
  return result;
}

// Ink from 0 to 1, row by row, as 28 × 28 pixels from 0 to 255; null for an empty drawing.
export function prepareDigit(ink, width, height) {
  let top = height, bottom = -1, left = width, right = -1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (ink[y * width + x] < FAINT) continue;
      top = Math.min(top, y); bottom = Math.max(bottom, y); left = Math.min(left, x); right = Math.max(right, x);
    }
  }
  if (bottom < 0) return null;
  const w = right - left + 1, h = bottom - top + 1, cut = new Float32Array(w * h);
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) cut[y * w + x] = ink[(top + y) * width + left + x];
  const ratio = BOX / Math.max(w, h), newW = Math.max(1, roundEven(w * ratio)), newH = Math.max(1, roundEven(h * ratio));
  const small = resize(cut, w, h, newW, newH).map((v) => Math.min(Math.max(v, 0), 1));
  let total = 0, row = 0, column = 0;
  small.forEach((v, i) => { total += v; row += v * Math.floor(i / newW); column += v * (i % newW); });
  const place = (middle, side) => Math.min(Math.max(roundEven(FIELD / 2 - middle), 0), FIELD - side);
  const down = place(row / total, newH), across = place(column / total, newW);
  const image = new Uint8Array(FIELD * FIELD);
  small.forEach((v, i) => { image[(down + Math.floor(i / newW)) * FIELD + across + (i % newW)] = roundEven(v * 255); });
  return image;
}
