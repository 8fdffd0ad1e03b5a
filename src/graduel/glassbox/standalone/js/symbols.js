// Explanations of every symbol, on hover, focus and tap.

import { h, put } from "./dom.js";

const NAMES = {
  X: ["X", "the input", "784 pixels from 0 (paper) to 1 (ink), as one column. A₀ is another name for it."],
  Z: ["Z", "weighted sums", "Each neuron multiplies its inputs by its weights, adds them up and adds its bias. Z is that sum, before the activation."],
  A: ["A", "activations", "What a layer hands to the next one: max(0, Z), and in the last layer the probabilities of the classes."],
  W: ["W", "weights", "One row for each neuron, one number for each of its inputs: how much, and in which direction, that input counts."],
  b: ["b", "biases", "One number for each neuron, which shifts its sum up or down whatever the input is."],
  Y: ["Y", "the truth", "1 for the true class and 0 for all others: the probabilities of a perfect answer."],
  L: ["L", "the loss", "One number for how wrong the answer is: −log of the probability of the true class. 0 is perfect."],
  m: ["m", "number of examples", "Gradients are averaged over the m examples. Here m = 1, a single digit."],
  "α": ["α", "learning rate", "The size of the step. Too small and nothing happens, too large and the step jumps over the valley."],
  dZ: ["dZ", "gradient of the sums", "How much the loss grows if a sum Z grows a little. Negative: a larger Z would lower the loss."],
  dW: ["dW", "gradient of the weights", "How much the loss grows if a weight grows a little. The step goes the other way."],
  db: ["db", "gradient of the biases", "How much the loss grows if a bias grows a little."],
  "⊙": ["⊙", "product place by place", "The first number times the first, the second times the second, and so on. Not a matrix product."],
  "ᵀ": ["ᵀ", "transposed", "Rows become columns. Wᵀ carries the gradient back along the same connections."],
  "Σ": ["Σ", "sum", "Add up over all inputs, or all examples."],
  ReLU: ["ReLU", "max(0, z)", "A positive sum passes unchanged, a negative one becomes 0: the neuron is silent."],
  gate: ["ReLU′", "the gate", "1 where Z was positive, 0 where it was not: a silent neuron gets no gradient."],
  softmax: ["softmax", "from sums to probabilities", "exp(Z) divided by the sum of all exp(Z): positive numbers that add up to 1."],
  log: ["log", "natural logarithm", "log 1 = 0, and the smaller the probability, the larger −log of it."],
};
// Name, meaning in a few words, and one or two sentences.

let tip;

function show(button, key) {
  const [name, short, text] = NAMES[key];
  put(tip, h("strong", {}, `${name}: ${short}`), h("span", {}, text));
  tip.hidden = false;
  const box = button.getBoundingClientRect(), width = Math.min(300, innerWidth - 24);
  tip.style.width = `${width}px`;
  tip.style.left = `${Math.max(12, Math.min(box.left, innerWidth - width - 12)) + scrollX}px`;
  const below = box.bottom + 8 + tip.offsetHeight < innerHeight;
  tip.style.top = `${(below ? box.bottom + 8 : box.top - tip.offsetHeight - 8) + scrollY}px`;
}

export function hideTip() {
  if (tip) tip.hidden = true;
}

export function mountTip(root) {
  tip = h("div", { id: "tip", role: "tooltip", hidden: true });
  root.append(tip);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });
  document.addEventListener("pointerdown", (event) => { if (!event.target.closest(".symbol")) hideTip(); });
}

// A symbol of an equation with its explanation.
export function symbol(key, text = NAMES[key][0]) {
  const button = h("button", { type: "button", class: "symbol", "aria-describedby": "tip", "data-symbol": key }, text);
  button.setAttribute("aria-label", `${text}, ${NAMES[key][1]}`);
  for (const event of ["mouseenter", "focus", "click"]) button.addEventListener(event, () => show(button, key));
  for (const event of ["mouseleave", "blur"]) button.addEventListener(event, hideTip);
  return button;
}

// An equation: text in which {key|text} is a symbol with its explanation.
export function equation(text) {
  const parts = text.split(/\{([^}]*)\}/);
  return h("p", { class: "equation" }, parts.map((part, i) => {
    if (i % 2 === 0) return part;
    const [key, shown] = part.split("|");
    return symbol(key, shown);
  }));
}

export const symbolList = () => h("dl", { class: "symbols" }, Object.keys(NAMES).map((key) => [
  h("dt", {}, symbol(key)), h("dd", {}, NAMES[key][2])]));
