// XGBoost's prediction: each tree leads an example to a leaf, leaves add up to margins, then softmax.
//
// A forest holds all nodes of all trees in arrays: root[t] is the first node of tree t and group[t] its
// class; feature, threshold, left, right and value belong to nodes. A leaf has left = 0.

// The nodes from the root to the leaf of tree t.
export function path(forest, t, x) {
  const nodes = [forest.root[t]];
  for (let node = nodes[0]; forest.left[node];) {
    const goesLeft = x[forest.feature[node]] < forest.threshold[node];
    node = forest.root[t] + (goesLeft ? forest.left : forest.right)[node];
    nodes.push(node);
  }
  return nodes;
}

export const leafValue = (forest, t, x) => forest.value[path(forest, t, x).at(-1)];

// The sum of the leaves of each class, in log-odds.
export function margins(forest, x) {
  const sums = [...forest.base];
  for (let t = 0; t < forest.root.length; t++) sums[forest.group[t]] += leafValue(forest, t, x);
  return sums;
}

export function treeProbabilities(forest, x) {
  const z = margins(forest, x), top = Math.max(...z), E = z.map((m) => Math.exp(m - top));
  const sum = E.reduce((s, e) => s + e, 0);
  return E.map((e) => e / sum);
}
