// DOM elements built from data, never parsed from HTML; messages; number formats.

const NS = "http://www.w3.org/2000/svg";

function fill(element, props, children) {
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "class") element.setAttribute("class", value);
    else if (key === "value" || key === "checked" || key === "disabled") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(9)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}

export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

export function s(tag, props, ...children) {
  return fill(document.createElementNS(NS, tag), props, children);
}

export function put(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

// Show an error or a message for a few seconds.
export function toast(error) {
  const box = document.getElementById("toast");
  box.textContent = error?.message ?? String(error);
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { box.textContent = ""; }, 7000);
}

let count = 0;
export const unique = (stem) => `${stem}-${++count}`;

// A labeled form control; `control` is an element.
export function field(label, control, note) {
  control.id ||= unique("field");
  return h("div", { class: "field" }, h("label", { for: control.id }, label), control, note && h("span", {}, note));
}

export function choice(options, props) {
  const { value, ...rest } = props ?? {};
  const select = h("select", rest, options.map(([key, text]) => h("option", { value: key }, text)));
  if (value !== undefined) select.value = value;
  return select;
}

export function check(label, props) {
  const box = h("input", { type: "checkbox", id: unique("check"), ...props });
  return [h("div", { class: "check" }, box, h("label", { for: box.id }, label)), box];
}

export function table(caption, head, rows, { best, sum, names } = {}) {
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    h("table", {},
      h("caption", { class: names ? "" : "hidden" }, caption),
      h("thead", {}, h("tr", {}, head.map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, rows.map((cells, i) => h("tr", { class: i === best ? "best" : i === sum ? "sum" : "" },
        cells.map((cell, j) => j === 0 ? h("th", { scope: "row" }, cell)
          : cell instanceof Element && cell.tagName === "TD" ? cell : h("td", {}, cell)))))));
}

export const number = (x, digits = 3) => {
  if (x === null || x === undefined) return "–";
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= 1e5 || size < 10 ** -digits / 2) {
    const [mantissa, power] = x.toExponential(1).split("e");
    return `${mantissa}·10${[...String(Number(power))].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]).join("")}`.replace("-", "−");
  }
  return x.toFixed(size >= 100 ? 1 : digits).replace("-", "−");
};
export const percent = (p, digits = 1) => (p === null || p === undefined ? "–" : `${(100 * p).toFixed(digits)} %`);
export const formatInteger = (n) => n.toLocaleString("en");
