// Your data: upload of a CSV file, its inferred schema, and a form in place of the canvas.

import * as api from "../api.js";
import { predictionPanel } from "../charts.js";
import { choice, field, h, number, put, table, toast, formatInteger } from "../dom.js";
import { currentModels, pick, refresh, setExample, state, notify } from "../state.js";

export const id = "data";
export const title = "Your data";

let file = null, target, targetBox, schemaBox, formBox, panel, status;

export function mount(root) {
  const picker = h("input", { type: "file", accept: ".csv,.tsv,.txt,text/csv", "aria-label": "CSV file", onchange: readColumns });
  target = choice([], {});
  targetBox = h("div", { class: "stack tight", hidden: true }, field("Target column", target), h("div", { class: "row" }, h("button", { type: "button", class: "main", onclick: load }, "Load table")));
  schemaBox = h("div", { "aria-live": "polite" });
  panel = predictionPanel();
  status = h("p", { class: "small", role: "status" });
  formBox = h("div", {});
  put(root,
    h("h2", {}, "Your data"),
    h("p", { class: "lead" }, "Upload a table as a CSV file and train both models on it. A form then replaces the canvas. The table is held in the server’s memory for this page only and deleted when the page closes."),
    h("div", { class: "two" },
      h("div", { class: "stack" },
        h("div", { class: "card stack tight" }, h("h3", {}, "Table"),
          h("div", { class: "row" }, h("span", { class: "file" }, h("span", { "aria-hidden": "true" }, "Choose a CSV file"), picker), status),
          h("p", { class: "note small" }, `Up to ${Math.round(state.about.upload_bytes / 2 ** 20)} MB and ${formatInteger(state.about.rows)} rows; column names in the first line; a target column with 2 to 50 classes.`),
          targetBox),
        schemaBox),
      formBox));
}

async function readColumns(event) {
  const [picked] = event.target.files;
  event.target.value = "";
  if (!picked) return;
  if (picked.size > state.about.upload_bytes) {
    toast(`expected a file of at most ${state.about.upload_bytes / 2 ** 20} MB; ${picked.name} has ${(picked.size / 2 ** 20).toFixed(1)} MB`);
    return;
  }
  file = picked;
  status.textContent = `Reading ${picked.name} …`;
  try {
    const { columns } = await api.upload("table", file, "text/csv");
    put(target, columns.map(({ name, distinct }) => h("option", { value: name }, `${name} (${formatInteger(distinct)} distinct values)`)));
    const likely = columns.findLast((column) => column.distinct >= 2 && column.distinct <= 20) ?? columns.at(-1);
    target.value = likely.name;
    targetBox.hidden = false;
    status.textContent = picked.name;
    target.focus();
  } catch (error) {
    status.textContent = "";
    targetBox.hidden = true;
    toast(error);
  }
}

async function load() {
  try {
    const name = file.name.replace(/\.[^.]*$/, "");
    await api.upload(`table?${new URLSearchParams({ target: target.value, name })}`, file, "text/csv");
    await refresh();
    notify("models");
    update();
  } catch (error) {
    toast(error);
  }
}

export function update(what) {
  const now = state.info?.table ?? state.about.table;
  put(schemaBox, now && h("div", { class: "card stack tight", "data-table": now.name },
    h("h3", {}, `${now.name}: ${formatInteger(now.rows)} rows`),
    h("p", { class: "small" }, `Target: ${now.target}, ${now.classes.length} classes: ${now.classes.slice(0, 8).map((c, k) => `${c} (${formatInteger(now.counts[k])})`).join(", ")}${now.classes.length > 8 ? ", …" : ""}.`),
    table("Feature columns", ["Column", "Type", "Values"], now.fields.slice(0, 60).map((f) => [f.name, f.kind, f.low !== null ? `${number(f.low, 2)} to ${number(f.high, 2)}` : f.choices.length ? `${f.choices.length}${f.choices.length === 40 ? " or more" : ""} categories` : ""])),
    now.excluded.length ? h("p", { class: "note small" }, "Excluded columns: ", now.excluded.map((one) => `${one.name} (${one.reason})`).join("; "), ".") : null,
    now.notes.map((note) => h("p", { class: "note small" }, note)),
    h("p", {}, h("a", { href: "#train" }, "Train both models on it"))));
  const models = currentModels();
  if (!models?.fields.length) {
    put(formBox, h("div", { class: "card" }, h("h3", {}, "Form"), h("p", { class: "note" }, now ? "Train on the table, then press “Inspect these models”: a form for its columns appears here." : "After training on a table, a form for its columns appears here.")));
    return undefined;
  }
  if (what !== "example" || !formBox.querySelector("form")) {
    if (!state.example?.row) return pick(0).then(() => form(models));
    form(models);
  }
  panel.show(state.predictions);
  return undefined;
}

function form(models) {
  const row = { ...(state.example?.row ?? {}) };
  const controls = models.fields.map((f) => {
    const set = (value) => { row[f.name] = value; later(row); };
    let control;
    const value = row[f.name];
    if (f.kind === "boolean") control = choice([["", "missing"], ["true", "true"], ["false", "false"]], { value: value === null || value === undefined ? "" : String(value), onchange: (e) => set(e.target.value === "" ? null : e.target.value === "true") });
    else if (f.choices.length) {
      const options = f.choices.includes(value) || value === null || value === undefined ? f.choices : [value, ...f.choices];
      control = choice([["", "missing"], ...options.map((c) => [c, c])], { value: value ?? "", onchange: (e) => set(e.target.value || null) });
    } else if (f.kind === "numeric") control = h("input", { type: "number", step: "any", value: value ?? "", oninput: (e) => set(e.target.value === "" ? null : Number(e.target.value)) });
    else control = h("input", { type: "text", maxlength: 200, value: value ?? "", onchange: (e) => set(e.target.value || null) });
    return field(f.name, control);
  });
  put(formBox, h("div", { class: "stack" },
    h("div", { class: "card" }, h("h3", {}, "Predictions"), panel),
    h("form", { class: "card stack tight", onsubmit: (e) => e.preventDefault() }, h("h3", {}, "Example row"),
      h("div", { class: "row" }, h("button", { type: "button", onclick: () => pick((state.example?.index ?? -1) + 1).then(() => form(models)).catch(toast) }, "Next test row")),
      h("div", { class: "cards fields" }, controls))));
  panel.show(state.predictions);
}

let timer;
function later(row) {
  clearTimeout(timer);
  timer = setTimeout(() => setExample({ row: { ...row }, from: "form", label: null }).catch(toast), 120);
}
