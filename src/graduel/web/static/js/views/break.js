import { h, put } from "../dom.js";
export const id = "break";
export const title = "break";
export function mount(root) { put(root, h("h2", {}, "break")); }
