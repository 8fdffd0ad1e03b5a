// XGBoost's answer: leaves by class, and the paths through the trees that count most.

import { color, format, h, mix, paint, put } from "./dom.js";
import { inputOf } from "./draw_view.js";
import { state } from "./store.js";
import { leafValue, margins, path, treeProbabilities } from "./trees.js";

const PATHS = 4;

export function treesView(models) {
  const { forest } = models, picker = h("select", { id: "tree-class", onchange: () => { followsBest = false; update(); } }, Array.from({ length: 10 }, (_, k) => h("option", { value: k }, String(k))));
  const map = h("canvas", { class: "pixels", role: "img", "aria-label": "The digit, and in color the pixels that the shown trees ask for" });
  const sum = h("p", { class: "numbers" }), list = h("div", { class: "columns two" }), body = h("tbody");
  let followsBest = true;
  const root = h("section", { "aria-labelledby": "trees-title" },
    h("h2", { id: "trees-title" }, "The trees"),
    h("p", { class: "lead" }, `XGBoost has no weights and no gradient by the pixels: ${forest.root.length} trees, ${forest.rounds} for each digit, each ask for a few pixels and add the number of a leaf.`),
    h("div", { class: "columns" },
      h("figure", {}, map, h("figcaption", {}, "The digit. Colored: the pixels that the trees below ask for")),
      h("div", { class: "stack" }, h("p", {}, h("label", { for: "tree-class" }, "Trees of class "), picker), sum),
      h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Sums of the leaves" }, h("table", {}, h("thead", {}, h("tr", {}, ["Class", "Sum of leaves", "Probability"].map((text) => h("th", { scope: "col" }, text)))), body))),
    list);

  function update() {
    const z = margins(forest, state.pixels), p = treeProbabilities(forest, state.pixels), best = p.indexOf(Math.max(...p));
    if (followsBest) picker.value = best;
    const k = Number(picker.value), trees = [...forest.group.keys()].filter((t) => forest.group[t] === k);
    const largest = trees.map((t) => [t, leafValue(forest, t, state.pixels)]).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, PATHS);
    put(body, z.map((sum, i) => h("tr", { class: i === best ? "best" : undefined }, h("th", { scope: "row" }, String(i)), h("td", {}, format(sum)), h("td", {}, `${(100 * p[i]).toFixed(1)} %`))));
    sum.textContent = `base ${format(forest.base[k])} + ${trees.length} leaves ${format(z[k] - forest.base[k])} = ${format(z[k])}; softmax of the ten sums gives ${(100 * p[k]).toFixed(1)} %`;
    const asked = new Set();
    put(list, largest.map(([t, value]) => {
      const nodes = path(forest, t, state.pixels);
      const splits = nodes.slice(0, -1).map((node, i) => {
        const feature = forest.feature[node], pixel = state.pixels[feature], goesLeft = nodes[i + 1] === forest.root[t] + forest.left[node];
        asked.add(feature);
        return h("li", {}, `row ${Math.floor(feature / 28)}, column ${feature % 28}: is ${pixel} below ${Number(forest.threshold[node].toFixed(2))}? ${goesLeft ? "yes" : "no"}`);
      });
      const round = trees.indexOf(t) + 1;
      return h("div", { class: "card" }, h("h3", {}, `Tree of round ${round}: ${value > 0 ? "+" : ""}${format(value)} for ${k}`), h("ol", {}, splits));
    }));
    const paper = color("tint"), ink = color("ink"), mark = color("hue-1"), x = inputOf(state.pixels);
    paint(map, 28, 28, (i) => (asked.has(i) ? mix(mark, ink, x[i] / 2) : mix(paper, ink, x[i])));
  }
  return { root, update };
}
