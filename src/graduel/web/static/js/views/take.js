import { h, put } from "../dom.js";
export const id = "take";
export const title = "take";
export function mount(root) { put(root, h("h2", {}, "take")); }
