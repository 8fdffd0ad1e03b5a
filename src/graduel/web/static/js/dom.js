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
  element.inputs = undefined;
  element.replaceChildren();
  append(element, children);
  return element;
}

// Build the content of an element again if one of the inputs changed; the focus stays where it was.
export function rebuild(element, inputs, build) {
  const before = element.inputs;
  if (before?.length === inputs.length && inputs.every((input, i) => Object.is(input, before[i]))) return;
  const key = element.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  put(element, build());
  element.inputs = inputs;
  if (key !== undefined) element.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

// A field in which a person types keeps its text until the text is used (a change event).
document.addEventListener("input", ({ target }) => { target.isTyped = true; }, true);
document.addEventListener("change", ({ target }) => { target.isTyped = false; }, true);

// Set a control to a value, unless it shows that value already in other words ("1." for 1).
export function setControl(control, value) {
  if (control.isTyped && control === document.activeElement && ["number", "text"].includes(control.type)) return;
  if (control.type === "checkbox") control.checked = value;
  else if (control.type === "number" && value !== "" && control.value !== "" && Number(control.value) === Number(value)) clearError(control);
  else {
    if (control.value !== String(value ?? "")) control.value = value ?? "";
    clearError(control);
  }
}

// An error of a form is shown at its field, until the field changes.
export function showError(control, error) {
  const box = control.closest(".field") ?? control.parentElement;
  let line = box.querySelector(":scope > .error");
  if (!line) box.append(line = h("span", { class: "error", id: unique("error"), role: "alert" }));
  line.textContent = error?.message ?? String(error);
  control.setAttribute("aria-invalid", "true");
  control.setAttribute("aria-describedby", line.id);
}

export function clearError(control) {
  if (!control.hasAttribute("aria-invalid")) return;
  (control.closest(".field") ?? control.parentElement).querySelector(":scope > .error")?.remove();
  control.removeAttribute("aria-invalid");
  control.removeAttribute("aria-describedby");
}

// Read a field with `parse` and pass the value to `use`; an error of either is shown at the field.
export async function useField(control, parse, use) {
  try {
    clearError(control);
    await use(parse(control.value));
  } catch (error) {
    if (error.name !== "AbortError") showError(control, error);
  }
}

// A line above the view, until it is dismissed or replaced; actions: [[text, function]…].
export function notice(kind, lines, actions = []) {
  const box = document.getElementById("notice");
  box.querySelector(`[data-kind="${kind}"]`)?.remove();
  if (!lines.length) return;
  const entry = h("div", { class: "banner", "data-kind": kind },
    lines.slice(0, 4).map((line) => h("p", {}, line)),
    h("div", { class: "row" }, actions.map(([text, run]) => h("button", { type: "button", onclick: () => { entry.remove(); run(); } }, text)),
      h("button", { type: "button", onclick: () => entry.remove() }, "Dismiss")));
  box.append(entry);
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
      h("thead", {}, h("tr", {}, head.map((text) => (text === "" ? h("td", {}) : h("th", { scope: "col" }, text))))),
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
