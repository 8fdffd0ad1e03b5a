// The textbook network: the equations of graduel's nn/textbook.py, one line each.
//
// Examples are columns: X has shape (features, m), Y is one-hot of shape (classes, m), W[l] has shape
// (n_out, n_in), b[l] has shape (n_out, 1). The numbers (1) … (8) are those of docs/derivation.md.

import { addColumn, apply, columnwise, matrix, multiply, scale, subtract, sumRows, times, transpose } from "./matrix.js";

// Y[k, i] = 1 if example i is of class k, else 0.
export function oneHot(y, classes) {
  const Y = matrix(classes, y.length);
  y.forEach((k, i) => { Y.data[k * y.length + i] = 1; });
  return Y;
}

// W ~ N(0, 2 / n_in) (He et al., 2015) and b = 0 for each pair of adjacent sizes; normal() draws N(0, 1).
export function initialize(sizes, normal) {
  const W = sizes.slice(1).map((out, l) => apply(matrix(out, sizes[l]), () => Math.sqrt(2 / sizes[l]) * normal()));
  return { W, b: sizes.slice(1).map((out) => matrix(out, 1)) };
}

export const relu = (Z) => apply(Z, (z) => Math.max(0, z));

export const gate = (Z) => apply(Z, (z) => (z > 0 ? 1 : 0));

// exp(Z) / Σ exp(Z) for each column; Z − max Z gives the same without overflow.
export const softmax = (Z) => columnwise(Z, (z) => {
  const top = Math.max(...z), E = z.map((x) => Math.exp(x - top)), sum = E.reduce((s, e) => s + e, 0);
  return E.map((e) => e / sum);
});

// L = −1/m Σ log(predicted probability of the true class).
export const crossEntropy = (A, Y) => -sumRows(transpose(times(A, Y))).data.reduce((s, p) => s + Math.log(p + 1e-30), 0) / Y.columns;

// All Z[l] and A[l]; A[0] is X, the last one holds the class probabilities.
export function forward(X, W, b) {
  const Z = [], A = [X];
  for (let l = 0; l < W.length; l++) {
    Z.push(addColumn(multiply(W[l], A[l]), b[l]));              // (1) Z = W A + b
    const last = l === W.length - 1;
    A.push(last ? softmax(Z[l]) : relu(Z[l]));                  // (2) A = ReLU(Z)   (3) softmax
  }
  return { Z, A };
}

// The gradients of the cross-entropy by each Z[l], W[l] and b[l].
export function backward(Z, A, Y, W) {
  const m = Y.columns, dZ = [], dW = [], db = [];
  const last = W.length - 1;
  dZ[last] = subtract(A[last + 1], Y);                          // (4) softmax and cross-entropy
  for (let l = last; l >= 0; l--) {
    dW[l] = scale(1 / m, multiply(dZ[l], transpose(A[l])));     // (5) dW = 1/m dZ Aᵀ
    db[l] = scale(1 / m, sumRows(dZ[l]));                       // (6) db = 1/m Σ dZ
    if (l > 0) {
      dZ[l - 1] = times(multiply(transpose(W[l]), dZ[l]), gate(Z[l - 1]));  // (7) the ReLU gate
    }
  }
  return { dZ, dW, db };
}

// One step of gradient descent.
export const step = (W, b, dW, db, rate) => ({
  W: W.map((w, l) => subtract(w, scale(rate, dW[l]))),          // (8) W ← W − α dW
  b: b.map((v, l) => subtract(v, scale(rate, db[l]))),          //     b ← b − α db
});
