// Gradient-boosted trees for two classes: XGBoost's logistic objective with exact splits.
//
// Source: Chen and Guestrin, XGBoost, 2016. Gradients g = p − y and h = p (1 − p); the gain of a split is
// G_L²/(H_L + λ) + G_R²/(H_R + λ) − G²/(H + λ), the value of a leaf is −η G / (H + λ).

const sigmoid = (z) => 1 / (1 + Math.exp(-z));
const sumOf = (rows, v) => rows.reduce((s, i) => s + v[i], 0);

// The split with the largest gain; X is a list of rows.
function bestSplit(X, rows, g, h, lambda, least) {
  const G = sumOf(rows, g), H = sumOf(rows, h), parent = (G * G) / (H + lambda);
  let best = { gain: 1e-6 };
  for (let f = 0; f < X[0].length; f++) {
    const order = [...rows].sort((a, b) => X[a][f] - X[b][f]);
    let left = 0, weight = 0;
    for (let k = 0; k + 1 < order.length; k++) {
      const i = order[k], low = X[i][f], high = X[order[k + 1]][f];
      left += g[i]; weight += h[i];
      if (low === high || weight < least || H - weight < least) continue;
      const gain = (left * left) / (weight + lambda) + ((G - left) ** 2) / (H - weight + lambda) - parent;
      if (gain > best.gain) best = { gain, feature: f, threshold: Math.fround((low + high) / 2) };
    }
  }
  return best;
}

function grow(X, rows, g, h, depth, { eta, lambda, least }) {
  const split = depth > 0 ? bestSplit(X, rows, g, h, lambda, least) : {};
  if (split.feature === undefined) return { value: (-eta * sumOf(rows, g)) / (sumOf(rows, h) + lambda) };
  const side = (isLeft) => rows.filter((i) => X[i][split.feature] < split.threshold === isLeft);
  return { ...split, left: grow(X, side(true), g, h, depth - 1, { eta, lambda, least }), right: grow(X, side(false), g, h, depth - 1, { eta, lambda, least }) };
}

export const treeValue = (tree, x) => (tree.left ? treeValue(x[tree.feature] < tree.threshold ? tree.left : tree.right, x) : tree.value);

export function boost(X, y, trees, { depth = 3, eta = 0.3, lambda = 1, least = 1 } = {}) {
  const z = X.map((x) => trees.reduce((s, tree) => s + treeValue(tree, x), 0)), p = z.map(sigmoid);
  const g = p.map((q, i) => q - y[i]), h = p.map((q) => Math.max(q * (1 - q), 1e-16));
  return [...trees, grow(X, X.map((_, i) => i), g, h, depth, { eta, lambda, least })];
}

export const boostedProbability = (trees, x) => sigmoid(trees.reduce((s, tree) => s + treeValue(tree, x), 0));
