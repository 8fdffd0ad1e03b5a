// The playground: decision boundaries of a network and of boosted trees, live.

import { color, css, format, h, mix, paint, paintSigned, percent, put } from "./dom.js";
import { DATA_SETS, EDGE, MOST_POINTS, PRESETS, Playground } from "./playground.js";
import { state } from "./store.js";

const SIDE = 48, MAP = 20, STEPS_PER_FRAME = 6, ROUNDS = 60, FRAMES_PER_ROUND = 6;
const HIDDEN = ["2", "4", "8", "16", "4-4", "8-8", "16-16"];

export function playgroundView() {
  let cross = null; // the place that the arrow keys have reached
  let preset = "a good start", game = new Playground(PRESETS[preset]), isRunning = false, frame = 0, drawClass = 1;
  const plot = (label) => h("canvas", { class: "plane", role: "application", tabindex: 0, "aria-label": `${label}; arrow keys move a cross, Enter adds a point there` });
  const netPlot = plot("Decision boundary of the network with the points"), treePlot = plot("Decision boundary of XGBoost with the points");
  const curve = h("canvas", { class: "curve", role: "img", "aria-label": "Loss over the steps of the training" });
  const scores = h("tbody"), maps = h("div", { class: "row maps" }), about = h("p", { class: "lead" }), message = h("p", { class: "note", "aria-live": "polite" });
  const run = h("button", { type: "button", class: "primary", onclick: () => toggle(!isRunning) }, "Start");

  const fields = {};
  const change = () => { preset = ""; restart(read()); };
  const field = (name, label, control) => { fields[name] = control; control.id = `play-${name}`; return h("span", { class: "field" }, h("label", { for: control.id }, label), control); };
  const select = (options, onchange = change) => h("select", { onchange }, options.map((text) => h("option", { value: text }, text)));
  const number = (min, max, step) => h("input", { type: "number", min, max, step, onchange: (event) => { if (event.target.reportValidity() && event.target.value !== "") change(); } });
  const form = h("div", { class: "row controls" },
    field("preset", "preset", select(Object.keys(PRESETS), () => { preset = fields.preset.value; restart(PRESETS[preset]); })),
    field("data", "points", select([...DATA_SETS, "your own"])), field("n", "number", number(2, MOST_POINTS, 1)),
    field("noise", "noise", number(0, 1, "any")), field("hidden", "hidden neurons", select(HIDDEN)), field("rate", "rate α", number(0.0001, 100, "any")),
    run, h("button", { type: "button", onclick: () => { toggle(false); advance(1); draw(); } }, "One step"),
    h("button", { type: "button", onclick: () => { toggle(false); game.restart(); draw(); } }, "Restart"),
    field("class", "a click adds", select(["blue", "orange"], () => { drawClass = fields.class.value === "blue" ? 1 : 0; })));

  function read() {
    const own = fields.data.value === "your own" ? game.settings.own ?? { X: [], y: [] } : null;
    return { data: own ? game.settings.data : fields.data.value, own, n: Number(fields.n.value), noise: Number(fields.noise.value), hidden: fields.hidden.value,
             rate: Number(fields.rate.value), bias: preset ? PRESETS[preset].bias : 0 };
  }
  function write() {
    const { data, own, n, noise, hidden, rate } = game.settings;
    fields.data.value = own ? "your own" : data;
    fields.preset.value = preset;
    Object.entries({ n, noise, hidden, rate }).forEach(([name, value]) => { fields[name].value = value; });
    about.textContent = preset ? PRESETS[preset].about : own ? "Click into a plane to add points of the color chosen above." : "";
  }
  function restart(settings) {
    const wasRunning = isRunning;
    toggle(false);
    game = new Playground(settings);
    write();
    draw();
    if (wasRunning) toggle(true);
  }
  function addPoint(point) {
    const { X, y } = game.train;
    if (X.length >= MOST_POINTS) { message.textContent = `At most ${MOST_POINTS} points.`; return; }
    const { net, steps } = game;
    game = new Playground({ ...game.settings, own: { X: [...X, point.map(Math.fround)], y: [...y, drawClass] } });
    Object.assign(game, { net, steps });
    preset = "";
    write();
    draw();
  }
  const limit = (v) => Math.min(Math.max(v, -EDGE), EDGE);
  for (const plane of [netPlot, treePlot]) {
    plane.addEventListener("click", (event) => {
      const box = plane.getBoundingClientRect();
      addPoint([((event.clientX - box.left) / box.width) * 2 * EDGE - EDGE, EDGE - ((event.clientY - box.top) / box.height) * 2 * EDGE]);
    });
    plane.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
      if (event.key === "Enter") addPoint(cross ?? [0, 0]);
      else if (!move) return;
      event.preventDefault();
      if (move) cross = [limit((cross?.[0] ?? 0) + move[0]), limit((cross?.[1] ?? 0) + move[1])];
      draw();
    });
    plane.addEventListener("blur", () => { cross = null; draw(); });
  }

  const root = h("section", { "aria-labelledby": "play-title" },
    h("h2", { id: "play-title" }, "Playground"), form, about,
    h("div", { class: "columns planes" },
      h("figure", {}, netPlot, h("figcaption", {}, "the network")), h("figure", {}, treePlot, h("figcaption", {}, "XGBoost (exact splits, depth 3)")),
      h("div", { class: "stack" }, h("figure", {}, curve, h("figcaption", {}, "Loss of the network (blue) and XGBoost (orange); dashed: on 400 new points")),
        h("table", {}, h("thead", {}, h("tr", {}, ["Model", "Loss", "Wrong", "New points wrong"].map((text) => h("th", { scope: "col" }, text)))), scores))),
    h("h3", {}, "What each hidden neuron responds to"), maps, message);

  function advance(n) {
    for (let i = 0; i < n; i++) game.advance();
    if (frame % FRAMES_PER_ROUND === 0 && game.trees.length < ROUNDS) game.boost();
    frame += 1;
    game.record();
  }
  function toggle(on) {
    if (on && !isRunning) requestAnimationFrame(tick);
    isRunning = on;
    run.textContent = on ? "Pause" : "Start";
  }
  function tick() {
    if (!isRunning) return;
    if (state.view !== "playground") { toggle(false); return; }
    advance(STEPS_PER_FRAME);
    draw();
    requestAnimationFrame(tick);
  }

  function drawPlane(canvas, p, colors) {
    const small = document.createElement("canvas"), size = 320;
    paint(small, SIDE, SIDE, (i) => mix(colors.paper, p[i] > 0.5 ? colors.one : colors.zero, Math.min(1, 0.15 + Math.abs(p[i] - 0.5))));
    canvas.width = canvas.height = size;
    const context = canvas.getContext("2d"), at = (v) => ((v + EDGE) / (2 * EDGE)) * size;
    context.imageSmoothingEnabled = canvas === netPlot;
    context.drawImage(small, 0, 0, size, size);
    context.strokeStyle = css(colors.paper);
    game.train.X.forEach(([x, y], i) => {
      context.beginPath();
      context.arc(at(x), size - at(y), 4, 0, 2 * Math.PI);
      context.fillStyle = css(game.train.y[i] ? colors.one : colors.zero);
      context.fill();
      context.stroke();
    });
    if (cross) {
      context.strokeStyle = css(color("ink"));
      context.lineWidth = 2;
      const [x, y] = [at(cross[0]), size - at(cross[1])];
      context.beginPath();
      for (const [dx, dy] of [[8, 0], [0, 8]]) { context.moveTo(x - dx, y - dy); context.lineTo(x + dx, y + dy); }
      context.stroke();
    }
  }
  function drawCurve(colors) {
    const [width, height] = [320, 150], context = curve.getContext("2d"), last = Math.max(game.steps, 1);
    curve.width = width; curve.height = height;
    const value = (point, set, model) => point[set]?.[model].loss;
    const all = game.curve.flatMap((one) => ["train", "test"].flatMap((set) => ["net", "trees"].map((model) => value(one, set, model)))).filter((x) => Number.isFinite(x));
    const top = Math.min(Math.max(...all, 0.1), 2);
    for (const [set, model, rgb] of [["train", "net", colors.one], ["test", "net", colors.one], ["train", "trees", colors.zero], ["test", "trees", colors.zero]]) {
      context.beginPath();
      context.setLineDash(set === "test" ? [4, 4] : []);
      context.strokeStyle = css(rgb);
      context.lineWidth = 2;
      game.curve.forEach((one) => {
        const loss = value(one, set, model);
        if (Number.isFinite(loss)) context.lineTo((one.steps / last) * (width - 4) + 2, height - 3 - (Math.min(loss, top) / top) * (height - 6));
      });
      context.stroke();
    }
  }
  function drawMaps(hidden) {
    const n = hidden.reduce((s, layer) => s + layer.rows, 0);
    if (maps.childElementCount !== n) {
      put(maps, hidden.flatMap((layer, l) => Array.from({ length: layer.rows }, (_, j) => h("figure", {}, h("canvas", { class: "map", role: "img" }), h("figcaption", {}, `${l + 1}.${j}`)))));
    }
    let at = 0;
    hidden.forEach((layer, l) => {
      for (let j = 0; j < layer.rows; j++) {
        const values = layer.data.subarray(j * layer.columns, (j + 1) * layer.columns), top = Math.max(...values), canvas = maps.children[at++].firstChild;
        paintSigned(canvas, values, MAP, MAP, top);
        canvas.setAttribute("aria-label", `Neuron ${j} of layer ${l + 1}: ${top > 0 ? `up to ${format(top)}` : "silent everywhere"}`);
      }
    });
    const silent = hidden.flatMap((layer) => Array.from({ length: layer.rows }, (_, j) => Math.max(...layer.data.subarray(j * layer.columns, (j + 1) * layer.columns)))).filter((top) => !(top > 0)).length;
    const loss = game.curve.at(-1).train?.net.loss;
    message.textContent = `${game.steps.toLocaleString("en")} steps, ${game.trees.length} trees.`
      + (silent ? ` Silent everywhere, so dead: ${silent} of ${n} neurons.` : "")
      + (loss !== undefined && !(loss < 5) ? " The loss has exploded: the rate is too high." : "");
  }
  function draw() {
    const colors = { paper: color("paper"), one: color("hue-0"), zero: color("hue-1") };
    drawPlane(netPlot, game.netMap(SIDE).p, colors);
    drawPlane(treePlot, game.treeMap(SIDE), colors);
    drawCurve(colors);
    drawMaps(game.netMap(MAP).hidden);
    const { train, test } = game.curve.at(-1), row = (name, model) => h("tr", {}, h("th", { scope: "row" }, name),
      h("td", {}, train ? format(train[model].loss) : "–"), h("td", {}, train ? percent(train[model].error) : "–"), h("td", {}, test ? percent(test[model].error) : "–"));
    put(scores, row("network", "net"), row("XGBoost", "trees"));
  }
  write();
  return { root, update: draw, get game() { return game; } };
}
