// Arrays from JSON: base64 of little-endian numbers with their shape.

import { matrix } from "./matrix.js";

const KINDS = { f4: Float32Array, u1: Uint8Array, u2: Uint16Array, u4: Uint32Array };

export function unpack({ kind, data }) {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  return new KINDS[kind](bytes.buffer);
}

// Weights as a matrix.
export const unpackMatrix = (packed) => matrix(packed.shape[0], packed.shape[1], Float64Array.from(unpack(packed)));

export const unpackNet = (net) => ({ W: net.W.map(unpackMatrix), b: net.b.map(unpackMatrix) });

// Trees as trees.js reads them.
export function unpackForest(forest) {
  const arrays = ["root", "left", "right", "feature", "threshold", "value"];
  return { ...forest, ...Object.fromEntries(arrays.map((name) => [name, unpack(forest[name])])) };
}
