// The state of the page; every view is a function of it.

const listeners = [];

export const state = {
  view: "draw",
  example: 0, // index of a test digit; null for a drawing
  pixels: null, // Uint8Array of 784 pixels
  label: 0, // the class that counts as true
  operation: 0,
  layer: 1,
  unit: null, // the neuron that is explained; null for the most active one
  rate: 0.1,
  net: null,
  steps: 0, // steps taken by the reader since the trained weights
};

export const listen = (listener) => listeners.push(listener);

// Change some of the state, and show it.
export function set(changes) {
  Object.assign(state, changes);
  for (const listener of listeners) listener(state, changes);
}
