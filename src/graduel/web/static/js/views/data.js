import { h, put } from "../dom.js";
export const id = "data";
export const title = "data";
export function mount(root) { put(root, h("h2", {}, "data")); }
