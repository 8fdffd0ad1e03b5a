// All numbers that the page shows, with its state; evaluated by page_numbers.py.
async () => {
  const { state, truth, explained } = await import("/js/state.js");
  const address = await import("/js/address.js");
  const section = document.querySelector("#views > section:not([hidden])");
  const content = section?.lastElementChild, body = content?.hidden ? null : content;
  const text = (selector, root = body) => [...root.querySelectorAll(selector)].map((e) => e.textContent);
  const table = (label) => {
    const found = body.querySelector(`[aria-label="${label}"] tbody`);
    return found && [...found.rows].map((row) => [...row.cells].map((cell) => cell.textContent));
  };
  const { steps, ...now } = state.now;
  return {
    now, truth: truth(), explained: explained(), view: now.view,
    hash: location.hash, written: address.write(state.now),
    tab: document.querySelector("#tabs [aria-current]").textContent,
    bar: document.querySelector("#example > *")?.hidden ? null : text("[data-summary]", document.getElementById("example")),
    origin: document.querySelector("#example .summary")?.firstChild?.textContent ?? "",
    hidden: !body,
    pairs: body ? [...body.querySelectorAll(".pairs tbody tr")].map((row) => [...row.querySelectorAll(".pct")].map((cell) => cell.textContent)) : [],
    units: body ? text(".units .unit").length && [...body.querySelectorAll(".units")].map((grid) => [...grid.children].map((e) => e.getAttribute("aria-label"))) : [],
    outputs: body ? text(".outputs .num") : [],
    softmax: body && table("Softmax"), scores: body && table("Scores by class"),
    dz: body && table("Gradient dZ at the output"),
    loss: body ? text("p.num").filter((one) => one.startsWith("Loss:")) : [],
    step: body && table("Probabilities before and after the step"),
    heading: body ? text("h3") : [], weight: body ? text("p.num").filter((one) => one.startsWith("The weight")) : [],
    ablated: body ? text("p.note").filter((one) => / ablated/.test(one)) : [],
    toast: document.getElementById("toast").textContent,
  };
}
