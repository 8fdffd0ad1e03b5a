// The operations of one pass through the network and back, in order, with their actual numbers.

import { backward, crossEntropy, forward, oneHot, step } from "./engine.js";
import { format, formatPair, subscript } from "./dom.js";
import { matrix } from "./matrix.js";

// Forward pass, loss, gradients and one step for one example: x has the pixels from 0 to 1.
export function compute(net, x, label, rate) {
  const X = matrix(x.length, 1, Float64Array.from(x)), Y = oneHot([label], net.W.at(-1).rows);
  const { Z, A } = forward(X, net.W, net.b), gradients = backward(Z, A, Y, net.W);
  const next = step(net.W, net.b, gradients.dW, gradients.db, rate), after = forward(X, next.W, next.b);
  return { Z, A, Y, ...gradients, next, label, rate, after,
           loss: crossEntropy(A.at(-1), Y), lossAfter: crossEntropy(after.A.at(-1), Y) };
}

// The list of operations; layers count from 1, layer 0 is the input.
export function listOperations(net) {
  const L = net.W.length, s = subscript, list = [];
  const add = (kind, layer, line, text, about) => list.push({ kind, layer, line, text, about });
  for (let l = 1; l <= L; l++) {
    const [n, m] = [net.W[l - 1].rows, net.W[l - 1].columns];
    add("Z", l, 1, `{Z|Z${s(l)}} = {W|W${s(l)}} {A|A${s(l - 1)}} + {b|b${s(l)}}`,
      `Each of the ${n} neurons of layer ${l} adds up its ${m} inputs times its weights, and its bias.`);
    if (l < L) add("A", l, 2, `{A|A${s(l)}} = {ReLU}({Z|Z${s(l)}})`, "Negative sums become 0: these neurons are silent for this digit.");
    else add("A", l, 3, `{A|A${s(l)}} = {softmax}({Z|Z${s(l)}})`, "The ten sums become probabilities, which add up to 1.");
  }
  add("L", L, null, `{L} = −{log} {A|A${s(L)}}[true class]`, "One number says how wrong the answer is.");
  add("dZ", L, 4, `{dZ|dZ${s(L)}} = {A|A${s(L)}} − {Y}`, "Probability minus truth: the true class is pushed up, all others down.");
  for (let l = L; l >= 1; l--) {
    add("dW", l, 5, `{dW|dW${s(l)}} = 1/{m} {dZ|dZ${s(l)}} {A|A${s(l - 1)}}{ᵀ}`, "A weight's gradient: the error of its neuron times its input. A silent input gets none.");
    add("db", l, 6, `{db|db${s(l)}} = 1/{m} {Σ} {dZ|dZ${s(l)}}`, "A bias has the input 1, so that its gradient is the error itself.");
    if (l > 1) add("dZ", l - 1, 7, `{dZ|dZ${s(l - 1)}} = ({W|W${s(l)}}{ᵀ} {dZ|dZ${s(l)}}) {⊙} {gate}({Z|Z${s(l - 1)}})`,
      "The error goes back along the same weights, and stops at silent neurons.");
  }
  add("step", L, 8, "{W} ← {W} − {α} {dW},  {b} ← {b} − {α} {db}", "Every weight moves a little against its gradient.");
  add("after", L, 1, "{L} of the new weights", "The same digit goes forward again through the new weights.");
  return list;
}

const sorted = (terms) => terms.sort((p, q) => Math.abs(q.value) - Math.abs(p.value));

// How one neuron's number is computed: a line with numbers, its largest terms, and the rest of the sum.
export function explain(net, r, { kind, layer: l }, unit) {
  const L = net.W.length, W = net.W[l - 1], row = (M, j) => M.data.subarray(j * M.columns, (j + 1) * M.columns);
  const s = subscript(l), at = `[${unit}]`, z = r.Z[l - 1].data[unit], a = r.A[l].data[unit], d = r.dZ[l - 1].data[unit];
  const inputs = r.A[l - 1].data;
  if (kind === "Z") {
    const terms = sorted([...row(W, unit)].map((w, i) => ({ input: i, factors: [w, inputs[i]], value: w * inputs[i] })));
    return { line: `Z${s}${at} = Σ W${s}[${unit}, i] · A${subscript(l - 1)}[i] + b${s}${at} = ${format(z)}`, terms,
             headings: ["weight", "input", "product"], bias: net.b[l - 1].data[unit], sum: z };
  }
  if (kind === "A" && l < L) return { line: `A${s}${at} = max(0, ${format(z)}) = ${format(a)}` };
  if (kind === "A") return { line: `A${s}${at} = exp(${format(z)}) / Σ exp(Z${s}) = ${format(a)}` };
  if (kind === "L") return { line: `L = −log A${s}[${r.label}] = −log ${format(r.A[L].data[r.label])} = ${format(r.loss)}` };
  if (kind === "dZ" && l === L) return { line: `dZ${s}${at} = ${format(a)} − ${r.Y.data[unit]} = ${format(d)}` };
  if (kind === "dZ") {
    const up = net.W[l], terms = sorted([...r.dZ[l].data].map((e, k) => ({ input: k, factors: [up.data[k * up.columns + unit], e], value: up.data[k * up.columns + unit] * e })));
    const sum = terms.reduce((t, term) => t + term.value, 0), open = z > 0 ? 1 : 0;
    return { line: `dZ${s}${at} = ${format(sum)} · ${open} = ${format(d)}`, note: open ? "The gate is open: Z was positive." : "The gate is closed: Z was not positive, so no gradient passes.",
             terms, headings: ["weight", "dZ of the next layer", "product"], sum };
  }
  if (kind === "dW") {
    const terms = sorted([...row(r.dW[l - 1], unit)].map((value, i) => ({ input: i, factors: [d, inputs[i]], value })));
    return { line: `dW${s}[${unit}, i] = dZ${s}${at} · A${subscript(l - 1)}[i] = ${format(d)} · A${subscript(l - 1)}[i]`, terms, headings: ["dZ", "input", "gradient"] };
  }
  if (kind === "db") return { line: `db${s}${at} = dZ${s}${at} = ${format(d)}` };
  if (kind === "step") {
    const change = sorted([...row(r.dW[l - 1], unit)].map((value, i) => ({ input: i, value })))[0], w = row(W, unit)[change.input];
    return { line: `W${s}[${unit}, ${change.input}] ← ${format(w)} − ${format(r.rate)} · ${format(change.value)} = ${format(w - r.rate * change.value, 6)}`,
             note: "This is the weight of the neuron that changes most." };
  }
  return { line: describeStep(r) };
}

// Whether the step helped, in words.
export function describeStep({ loss, lossAfter }) {
  const [before, after] = formatPair(loss, lossAfter);
  if (before === after) return `The loss stays at ${before}: the step is too small to show.`;
  return lossAfter < loss ? `The loss fell from ${before} to ${after}: the step helped.`
    : `The loss rose from ${before} to ${after}: the step was too large.`;
}
