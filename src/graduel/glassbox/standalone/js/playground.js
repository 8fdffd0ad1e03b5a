// Points in the plane, a small network and boosted trees that train on them.

import { boost, boostedProbability } from "./boosting.js";
import { backward, crossEntropy, forward, initialize, oneHot, step } from "./engine.js";
import { apply, matrix, transpose } from "./matrix.js";
import { normalFrom, uniform } from "./random.js";

export const EDGE = 1.6; // the plane is the square from −EDGE to EDGE
export const MOST_POINTS = 400;

// Each makes a point of class k from a share t in [0, 1) and random numbers.
const SHAPES = {
  moons: (k, t) => (k ? [0.4 - 0.8 * Math.cos(Math.PI * t), 0.2 - 0.8 * Math.sin(Math.PI * t)] : [0.8 * Math.cos(Math.PI * t) - 0.4, 0.8 * Math.sin(Math.PI * t) - 0.2]),
  circles: (k, t) => [(k ? 0.45 : 1.1) * Math.cos(2 * Math.PI * t), (k ? 0.45 : 1.1) * Math.sin(2 * Math.PI * t)],
  spiral: (k, t) => { const r = 0.15 + 1.15 * t, angle = 2.7 * Math.PI * t + k * Math.PI; return [r * Math.cos(angle), r * Math.sin(angle)]; },
  XOR: (k, t, random) => { const x = 0.15 + random(), y = 0.15 + random(), side = random() < 0.5 ? 1 : -1; return k ? [side * x, -side * y] : [side * x, side * y]; },
  blobs: (k, t, random, normal) => [(k ? 0.55 : -0.55) + 0.3 * normal(), (k ? -0.4 : 0.4) + 0.3 * normal()],
  slope: (k, t, random) => { let x, y; do { x = 2.4 * random() - 1.2; y = 2.4 * random() - 1.2; } while ((y > 0.8 * x + 0.1 ? 1 : 0) !== k || Math.abs(y - 0.8 * x - 0.1) < 0.08); return [x, y]; },
};
export const DATA_SETS = Object.keys(SHAPES);

// n points of two classes in turn: { X: [[x, y], …], y: [0, 1, …] }.
export function makePoints(name, n, noise, seed) {
  const random = uniform(seed), normal = normalFrom(random), X = [], y = [];
  for (let i = 0; i < n; i++) {
    const point = SHAPES[name](i % 2, random(), random, normal).map((v) => Math.fround(v + noise * normal()));
    X.push(point.map((v) => Math.min(Math.max(v, -EDGE), EDGE)));
    y.push(i % 2);
  }
  return { X, y };
}

export const PRESETS = {
  "a good start": { data: "moons", n: 200, noise: 0.12, hidden: "8-8", rate: 0.5, bias: 0, about: "Two layers of eight neurons, a rate of 0.5: the boundary follows the moons within seconds." },
  "rate too high": { data: "moons", n: 200, noise: 0.12, hidden: "8-8", rate: 25, bias: 0, about: "Each step jumps over the valley: the loss does not fall but leaps, or the neurons die. Try a tenth of the rate." },
  "dead ReLUs": { data: "circles", n: 200, noise: 0.08, hidden: "8", rate: 0.5, bias: -6, about: "All biases start at −6: no neuron is ever active, every gate is closed, no gradient reaches the first layer. The maps stay empty." },
  overfit: { data: "moons", n: 24, noise: 0.4, hidden: "16-16", rate: 0.5, bias: 0, about: "24 noisy points and 400 weights: the training loss goes to 0 while the loss on new points rises." },
  "corners for the trees": { data: "XOR", n: 200, noise: 0.02, hidden: "4", rate: 0.5, bias: 0, about: "The boundary is a corner, parallel to the axes: a few splits are enough for XGBoost, four neurons have to bend towards it." },
  "slopes for the network": { data: "slope", n: 120, noise: 0, hidden: "4", rate: 0.5, bias: 0, about: "The boundary is a slope: one neuron is enough, and XGBoost builds it of stairs." },
};

const toMatrix = (X) => transpose(matrix(X.length, 2, Float64Array.from(X.flat())));

// A network and trees on their way through a training.
export class Playground {
  constructor(settings) {
    this.settings = { seed: 1, own: null, ...settings };
    const { data, n, noise, seed, own } = this.settings;
    this.train = own ?? makePoints(data, n, noise, seed);
    this.test = own ? null : makePoints(data, MOST_POINTS, noise, seed + 1000);
    this.restart();
  }

  // New weights, no trees.
  restart() {
    const { hidden, bias, seed } = this.settings;
    const sizes = [2, ...hidden.split("-").map(Number), 2];
    this.net = initialize(sizes, normalFrom(uniform(seed + 7)));
    this.net.b = this.net.b.map((b, l) => (l < sizes.length - 2 ? apply(b, () => bias) : b));
    this.trees = [];
    this.steps = 0;
    this.curve = [];
    this.record();
  }

  // One step of gradient descent on all points.
  advance() {
    if (!this.train.X.length) return;
    const { W, b } = this.net, Y = oneHot(this.train.y, 2), { Z, A } = forward(toMatrix(this.train.X), W, b);
    const { dW, db } = backward(Z, A, Y, W);
    this.net = step(W, b, dW, db, this.settings.rate);
    this.steps += 1;
  }

  boost() {
    if (this.train.X.length) this.trees = boost(this.train.X, this.train.y, this.trees);
  }

  // The network's and the trees' mean loss and share of wrong points.
  score({ X, y }) {
    if (!X.length) return null;
    const A = forward(toMatrix(X), this.net.W, this.net.b).A.at(-1), Y = oneHot(y, 2), q = X.map((x) => boostedProbability(this.trees, x));
    const wrong = (p) => p.filter((one, i) => (one > 0.5 ? 1 : 0) !== y[i]).length / y.length;
    const loss = -q.reduce((s, one, i) => s + Math.log(Math.max(y[i] ? one : 1 - one, 1e-30)), 0) / y.length;
    return { net: { loss: crossEntropy(A, Y), error: wrong([...A.data.subarray(A.columns)]) }, trees: { loss, error: wrong(q) } };
  }

  record() {
    this.curve.push({ steps: this.steps, train: this.score(this.train), test: this.test && this.score(this.test) });
    if (this.curve.length > 400) this.curve = this.curve.filter((_, i) => i % 2 === 0);
  }

  // Probabilities of class 1 on a grid of side × side points, from the top left.
  netMap(side) {
    const { W, b } = this.net, { A } = forward(grid(side), W, b);
    return { p: A.at(-1).data.subarray(side * side), hidden: A.slice(1, -1) };
  }

  treeMap(side) {
    const points = grid(side).data, n = side * side;
    return Float64Array.from({ length: n }, (_, i) => boostedProbability(this.trees, [points[i], points[n + i]]));
  }
}

const grids = {};

function grid(side) {
  if (!grids[side]) {
    grids[side] = matrix(2, side * side);
    for (let i = 0; i < side * side; i++) {
      grids[side].data[i] = (((i % side) + 0.5) / side) * 2 * EDGE - EDGE;
      grids[side].data[side * side + i] = EDGE - ((Math.floor(i / side) + 0.5) / side) * 2 * EDGE;
    }
  }
  return grids[side];
}
