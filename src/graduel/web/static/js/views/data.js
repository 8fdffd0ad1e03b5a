// Your data: upload of a CSV file, its inferred schema, and a form in place of the canvas.

import * as api from "../api.js";
import { predictionPanel } from "../charts.js";
import { choice, clearError, field, h, number, put, rebuild, setControl, showError, table, toast, formatInteger } from "../dom.js";
import { act, actLive, models, refresh, state } from "../state.js";
import { fitTraining } from "./train.js";
import { keep } from "../work.js";

export const id = "data";
export const title = "Your data";

export const wantsExample = (now) => !!models(now)?.fields.length;

let file = null, picker, target, targetBox, schemaBox, formBox, panel, status, controls = new Map();
let typed = null; // the row of fields whose prediction is on its way

export function mount(root) {
  picker = h("input", { type: "file", accept: ".csv,.tsv,.txt,text/csv", "aria-label": "CSV file", onchange: readColumns });
  target = choice([], {});
  targetBox = h("div", { class: "stack tight", hidden: true }, field("Target column", target), h("div", { class: "row" }, h("button", { type: "button", class: "main", onclick: load }, "Load table")));
  schemaBox = h("div", { "aria-live": "polite" });
  panel = predictionPanel();
  status = h("p", { class: "small", role: "status" });
  formBox = h("div", {});
  put(root,
    h("h2", {}, "Your data"),
    h("p", { class: "lead" }, "Upload a table as a CSV file and train both models on it. A form then replaces the canvas. The table is held in the server’s memory for this page only and deleted when the page closes; this browser stores a copy, so that a reload loses nothing."),
    h("div", { class: "two" },
      h("div", { class: "stack" },
        h("div", { class: "card stack tight" }, h("h3", {}, "Table"),
          h("div", { class: "field" }, h("div", { class: "row" }, h("span", { class: "file" }, h("span", { "aria-hidden": "true" }, "Choose a CSV file"), picker), status)),
          h("p", { class: "note small" }, `Up to ${Math.round(state.about.upload_bytes / 2 ** 20)} MB, ${formatInteger(state.about.rows)} rows and ${formatInteger(state.about.columns)} columns; column names in the first line; a target column with 2 to ${state.about.classes} classes.`),
          targetBox),
        schemaBox),
      formBox));
}

async function readColumns(event) {
  const [picked] = event.target.files;
  event.target.value = "";
  if (!picked) return;
  clearError(picker);
  clearError(target);
  targetBox.hidden = true;
  try {
    if (picked.size > state.about.upload_bytes) throw new Error(`expected a file of at most ${state.about.upload_bytes / 2 ** 20} MB; ${picked.name} has ${(picked.size / 2 ** 20).toFixed(1)} MB`);
    status.textContent = `Reading ${picked.name} …`;
    file = { name: picked.name.replace(/\.[^.]*$/, ""), content: await picked.arrayBuffer() };
    const { columns } = await api.upload(`table?${new URLSearchParams({ name: file.name })}`, file.content, "text/csv");
    put(target, columns.map(({ name, distinct }) => h("option", { value: name }, `${name} (${formatInteger(distinct)} distinct values)`)));
    const likely = columns.findLast((column) => column.distinct >= 2 && column.distinct <= 20) ?? columns.at(-1);
    target.value = likely.name;
    targetBox.hidden = false;
    status.textContent = picked.name;
    target.focus();
  } catch (error) {
    status.textContent = "";
    showError(picker, error);
  }
}

async function load() {
  try {
    clearError(target);
    await api.upload(`table?${new URLSearchParams({ target: target.value, name: file.name })}`, file.content, "text/csv");
    keep("table", { ...file, target: target.value });
    await refresh();
    await act((now) => ({ train: fitTraining(now.train, "table") }));
  } catch (error) {
    showError(target, error);
  }
}

export function show(now) {
  const current = state.info?.table ?? state.about.table, of = models(now);
  rebuild(schemaBox, [JSON.stringify(current)], () => current && showSchema(current));
  if (!of?.fields.length) {
    rebuild(formBox, [!!current], () => h("div", { class: "card" }, h("h3", {}, "Form"), h("p", { class: "note" }, current ? "Train on the table, then press “Inspect these models”: a form for its columns appears here." : "After training on a table, a form for its columns appears here.")));
    return;
  }
  rebuild(formBox, [of.fields], () => form(of));
  for (const f of of.fields) setValue(controls.get(f.name), f, now.example?.row?.[f.name]);
  panel.show(now.predictions, !now.example);
}

const showSchema = (current) => h("div", { class: "card stack tight", "data-table": current.name },
  h("h3", {}, `${current.name}: ${formatInteger(current.rows)} rows`),
  h("p", { class: "small" }, `Target: ${current.target}, ${current.classes.length} classes: ${current.classes.slice(0, 8).map((c, k) => `${c} (${formatInteger(current.counts[k])})`).join(", ")}${current.classes.length > 8 ? ", …" : ""}.`),
  table("Feature columns", ["Column", "Type", "Values"], current.fields.slice(0, 60).map((f) => [f.name, f.kind, f.low !== null ? `${number(f.low, 2)} to ${number(f.high, 2)}` : f.choices.length ? `${f.choices.length}${f.choices.length === 40 ? " or more" : ""} categories` : ""])),
  current.excluded.length ? h("p", { class: "note small" }, "Excluded columns: ", current.excluded.map((one) => `${one.name} (${one.reason})`).join("; "), ".") : null,
  current.notes.map((note) => h("p", { class: "note small" }, note)),
  h("p", {}, h("a", { href: "#train" }, "Train both models on it")));

// Parse the text of a field; null is a missing value.
function parse(f, control) {
  if (control.validity?.badInput) throw new Error(`${f.name}: expected a number; got other text`);
  if (control.value === "") return null;
  if (f.kind === "boolean") return control.value === "true";
  return f.kind === "numeric" ? Number(control.value) : control.value;
}

function setValue(control, f, value) {
  if (f.choices.length && value !== null && value !== undefined && ![...control.options].some((option) => option.value === value)) {
    control.append(h("option", { value }, value));
  }
  setControl(control, value === null || value === undefined ? "" : f.kind === "numeric" ? value : String(value));
}

function form(of) {
  controls = new Map(of.fields.map((f) => {
    const change = (event) => {
      event.target.isTyped = false; // used at once
      let value;
      try {
        value = parse(f, event.target);
      } catch (error) {
        showError(event.target, error);
        return;
      }
      const row = { ...(typed ?? state.now.example?.row ?? {}), [f.name]: value };
      typed = row;
      actLive({ from: "form", row }).then(() => { if (typed === row) typed = null; }, (error) => { typed = null; showError(event.target, error); });
    };
    if (f.kind === "boolean") return [f.name, choice([["", "missing"], ["true", "true"], ["false", "false"]], { onchange: change })];
    if (f.choices.length) return [f.name, choice([["", "missing"], ...f.choices.map((c) => [c, c])], { onchange: change })];
    if (f.kind === "numeric") return [f.name, h("input", { type: "number", step: "any", oninput: change })];
    return [f.name, h("input", { type: "text", maxlength: 200, onchange: change })];
  }));
  return h("div", { class: "stack" },
    h("div", { class: "card" }, h("h3", {}, "Predictions"), panel),
    h("form", { class: "card stack tight", onsubmit: (e) => e.preventDefault() }, h("h3", {}, "Example row"),
      h("div", { class: "row" }, h("button", { type: "button", onclick: () => act((now) => ({ from: "test", index: now.from === "test" ? now.index + 1 : 0 })).catch(toast) }, "Next test row")),
      h("div", { class: "cards fields" }, of.fields.map((f) => field(f.name, controls.get(f.name))))));
}
