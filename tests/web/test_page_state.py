"""One state: addresses, history, edits, and every number on every view after random actions."""

from __future__ import annotations

import base64
import json
import random
from dataclasses import replace

import numpy as np
import pytest
from page_numbers import READ, check_page, settle
from test_table import iris_csv
from web_browser import draw, wait_until_idle

from graduel.data.read.named_data.openml import cache_folder
from graduel.web.state.form_fields import fields_of
from graduel.web.state.model_bytes import SignedModels
from graduel.web.state.model_pair import ModelPair

VIEWS = ("draw", "forward", "backward", "train", "robustness", "data", "export")


@pytest.fixture(scope="module")
def test_pixels(mnist):
    return mnist.table[60_000:]


def go(page, view: str) -> None:
    page.evaluate("(view) => document.querySelector(`#tabs [data-key=${view}]`).click()", view)
    settle(page)


def visit(page, hash_: str) -> None:
    """Type an address."""
    page.evaluate("(hash) => { location.hash = hash; }", hash_)
    page.wait_for_timeout(30)
    settle(page)


def test_a_drawing_replaces_the_test_example_on_every_view(open_page, ready, test_pixels):
    page = open_page(view="forward?test=18")
    check_page(page, ready.models, test_pixels)
    page.get_by_role("link", name="Draw").click()
    settle(page)
    draw(page, 5, np.random.default_rng(4))
    settle(page)
    for view in VIEWS:
        go(page, view)
        shown = check_page(page, ready.models, test_pixels)
        assert shown["now"]["from"] == "drawing"
    go(page, "draw")
    page.get_by_role("button", name="Clear").click()
    settle(page)
    go(page, "forward")
    assert page.get_by_text("Nothing is drawn yet").is_visible()
    assert not page.locator(".units").first.is_visible()
    check_page(page, ready.models, test_pixels)
    page.get_by_role("button", name="Use test example 0").click()
    settle(page)
    assert check_page(page, ready.models, test_pixels)["now"]["from"] == "test"


def test_a_refused_edit_changes_nothing(open_page, ready, test_pixels):
    page = open_page(view="robustness?test=18")
    settle(page)
    value = page.get_by_label("New value")
    set_weight = page.get_by_role("button", name="Set weight")
    page.get_by_label("Layer", exact=True).select_option("3")
    settle(page)
    value.fill("2")
    set_weight.click()
    settle(page)
    edited = check_page(page, ready.models, test_pixels)["now"]["weights"]
    assert [one["value"] for one in edited] == [2]
    page.get_by_label("Input index").fill("1")
    page.get_by_label("Input index").press("Tab")
    settle(page)
    for text, error in (("1e7", "from -1000000 to 1000000"), ("", "got nothing")):
        value.fill(text)
        set_weight.click()
        settle(page)
        assert error in page.locator(".field:has(> [aria-invalid]) .error").text_content()
        assert check_page(page, ready.models, test_pixels)["now"]["weights"] == edited
        assert value.input_value() == text
    go(page, "forward")
    check_page(page, ready.models, test_pixels)
    go(page, "robustness")
    page.locator("[data-weights]").click(position={"x": 1, "y": 1})
    settle(page)
    assert check_page(page, ready.models, test_pixels)["now"]["input"] == 0


def test_a_late_answer_does_not_replace_what_is_typed(open_page):
    page = open_page(view="robustness?test=18")
    settle(page)
    page.route("**/neuron", lambda route: (page.wait_for_timeout(300), route.continue_()))
    page.get_by_label("Layer", exact=True).select_option("3")
    page.get_by_label("Neuron", exact=True).fill("2")
    page.wait_for_timeout(800)
    settle(page)
    assert page.get_by_label("Neuron", exact=True).input_value() == "2"
    page.get_by_label("Neuron", exact=True).press("Enter")
    settle(page)
    assert page.url.endswith("layer=3&unit=2")
    page.go_back()
    settle(page)
    assert page.get_by_label("Neuron", exact=True).input_value() == "0"


def test_a_fast_slider_does_not_flood_the_history(open_page):
    page = open_page(view="backward?test=18")
    settle(page)
    page.evaluate(COUNT_REPLACES)
    values = [f"{x / 10:.1f}" for x in range(-30, 11)]
    page.evaluate(SLIDE, values)
    settle(page)
    assert page.url.endswith("rate=10")
    calls = page.evaluate("window.calls")
    assert 1 <= calls <= 2 + page.evaluate("window.seconds") / 0.35
    page.get_by_role("button", name="Next example").click()
    settle(page)
    page.go_back()
    settle(page)
    assert page.url.endswith("#backward?test=18&rate=10")


COUNT_REPLACES = """() => {
  window.calls = 0;
  const real = history.replaceState.bind(history);
  history.replaceState = (...all) => { window.calls += 1; real(...all); };
}"""
SLIDE = """async (values) => {
  const slider = document.querySelector("#views > section:not([hidden]) input[type=range]");
  const start = performance.now();
  for (const value of values) {
    slider.value = value;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  window.seconds = (performance.now() - start) / 1000;
}"""


def test_the_address_names_the_state(open_page, ready, test_pixels):
    page = open_page(view="forward?test=18&layer=2&unit=5")
    page.locator(".units").first.locator(".unit").nth(3).click()
    settle(page)
    assert page.url.endswith("#forward?test=18&layer=1&unit=3")
    page.get_by_role("button", name="Next example").click()
    settle(page)
    assert page.url.endswith("#forward?test=19&layer=1&unit=3")
    page.go_back()
    settle(page)
    assert page.locator("text=Test example 18").is_visible()
    page.go_back()
    settle(page)
    assert page.locator("h3:has-text('Neuron 5 of layer 2')").is_visible()
    page.go_forward()
    page.go_forward()
    settle(page)
    assert check_page(page, ready.models, test_pixels)["now"]["index"] == 19
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    page.wait_for_selector("text=Copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.url.endswith("#forward?test=19&layer=1&unit=3")


def test_a_link_opens_the_same_drawing_and_edits(open_page, ready, test_pixels):
    page = open_page()
    draw(page, 4, np.random.default_rng(4))
    settle(page)
    visit(page, page.url.partition("#")[2] + "&weights=3.1.4=-2.5,1.0.b=1&ablate=2.7&rate=0.5")
    assert page.locator("#notice p").count() == 0
    go(page, "backward")
    before = check_page(page, ready.models, test_pixels)
    assert len(page.url) < 1500
    other = open_page(view=page.url.partition("#")[2])
    settle(other)
    after = check_page(other, ready.models, test_pixels)
    keys = ("loss", "step", "dz", "bar", "origin", "hash")
    assert {k: before[k] for k in keys} == {k: after[k] for k in keys}
    assert after["now"]["weights"]
    assert after["now"]["ablations"]


@pytest.mark.parametrize(
    ("address_", "problem", "view"),
    [
        ("forward?test=abc", "test: expected a whole number from 0", "forward"),
        ("forward?test=-3", "test: expected a whole number", "forward"),
        ("nowhere?test=3", "“nowhere” is not a view", "draw"),
        ("forward?layer=9", "layer: expected a layer from 1 to 3; got 9", "forward"),
        ("forward?layer=1&unit=64", "unit: expected a neuron from 0 to 63", "forward"),
        ("draw?drawing=%C3%A4", "drawing: expected a drawing", "draw"),
        ("backward?test=1&label=12", "label: expected a class from 0 to 9", "backward"),
        ("robustness?weights=3.1.4=1e9", "weights: expected a number from", "robustness"),
        ("robustness?weights=9.1.4=1", "weights: an edit names no weight", "robustness"),
        ("robustness?ablate=3.1", "ablate: an output", "robustness"),
        ("forward?model=trained", "no trained models", "forward"),
        ("forward?row={}", "does not suit", "forward"),
        ("train?net=8.relu,9.nothing", "net: expected one of", "train"),
        ("forward?colour=red", "“colour” is not a parameter", "forward"),
    ],
)
def test_a_wrong_address_is_named_and_shows_a_usable_page(
    page_of_module, ready, test_pixels, address_, problem, view
):
    visit(page_of_module, address_)
    text = page_of_module.locator("#notice [data-kind=address] p").all_text_contents()
    assert any(problem in line for line in text), text
    shown = check_page(page_of_module, ready.models, test_pixels)
    assert shown["view"] == view
    assert view == "train" or shown["now"]["example"] or view == "draw"
    assert shown["toast"] == ""
    visit(page_of_module, "forward?test=7")
    assert page_of_module.locator("#notice [data-kind=address]").count() == 0


@pytest.fixture(scope="module")
def page_of_module(browser, address):
    page = browser.new_page()
    page.goto(f"{address}/#draw")
    page.wait_for_selector("body[data-ready]")
    yield page
    page.close()


def random_state(rng: random.Random) -> dict:
    """Return the parts of a state that differ from the defaults."""
    number = lambda: round(rng.uniform(-9, 9), rng.randrange(6))  # noqa: E731
    edits = [
        {"layer": rng.randint(1, 3), "unit": rng.randrange(64), "index": rng.choice([None, 5]),
         "value": rng.choice([number(), 1e-7, -1e6])}
        for _ in range(rng.randrange(4))
    ]  # fmt: skip
    stroke = {
        "width": rng.randint(8, 44),
        "points": [
            [rng.randint(-20, 600) / 2, rng.randint(-20, 600) / 2]
            for _ in range(rng.randint(1, 40))
        ],
    }
    image = {"width": 3, "height": 2, "levels": [rng.randrange(16) for _ in range(6)]}
    state = {
        "view": rng.choice(VIEWS), "weights": edits, "label": rng.choice([None, 3]),
        "ablations": [{"layer": 1, "unit": rng.randrange(64)} for _ in range(rng.randrange(3))],
        "kind": rng.choice(["noise", "rotate", "shift", "occlude"]), "column": rng.choice(
            [None, "a & b = ü%,?#", " x+y "]),
        "rate": rng.choice([0.001, 0.1, 3.16]), "prepare": rng.random() < 0.5,
    }  # fmt: skip
    state |= rng.choice([
        {"from": "test", "index": rng.randrange(10_000)},
        {"from": "drawing", "marks": rng.choices([stroke, image], k=rng.randrange(5))},
        {"from": "form", "row": {"name, of=column": rng.choice([None, 1.5, "text & + %", True])}},
    ])  # fmt: skip
    return state


ROUND_TRIP = """async (states) => {
  const { write, read, DEFAULTS } = await import("/js/address.js");
  return states.filter((part) => {
    const state = { ...DEFAULTS, ...part };
    const { state: other, problems } = read(new URL(write(state), location.href).hash, ["relu"]);
    return problems.length || write(other) !== write(state)
      || Object.keys(state).some((k) => JSON.stringify(other[k]) !== JSON.stringify(state[k]));
  });
}"""


def test_every_state_survives_its_address(page_of_module):
    rng = random.Random(3)
    states = [random_state(rng) for _ in range(500)]
    wrong = page_of_module.evaluate(ROUND_TRIP, states)
    assert wrong == [], json.dumps(wrong[:2])


FIND = """const shown = (selector) => [...document.querySelectorAll(selector)]
  .filter((e) => e.offsetParent && !e.disabled);"""
CLICK = f"""([selector, nth]) => {{
  {FIND}
  const all = shown(selector);
  all[nth % all.length]?.click();
}}"""
PRESS = f"(text) => {{ {FIND} shown('button').find((e) => e.textContent === text)?.click(); }}"
FILL = f"""([selector, value, event]) => {{
  {FIND}
  const control = shown(selector)[0];
  if (!control) return;
  control.value = value;
  control.dispatchEvent(new Event(event, {{ bubbles: true }}));
}}"""
PICK = """([x, y]) => {
  const canvas = document.querySelector("[data-weights]"), box = canvas?.getBoundingClientRect();
  const at = box && { clientX: box.left + x * box.width, clientY: box.top + y * box.height };
  canvas?.dispatchEvent(new MouseEvent("click", { bubbles: true, ...at }));
}"""
SELECT, NUMBER, RANGE = (
    f"#views > section:not([hidden]) {name}"
    for name in ("select", "input[type=number]", "input[type=range]")
)
ADDRESSES = ["forward?test=abc", "backward?test=18", "forward?layer=7", "draw", "x"]
KINDS = ["noise", "rotate", "shift", "occlude"]


class Walk:
    """Random actions of a person, by one seed."""

    def __init__(self, page, seed: int) -> None:
        self.page, self.rng, self.log = page, random.Random(seed), []
        self.strokes = np.random.default_rng(seed)

    def act(self) -> None:
        """Take one action that the current view has, or one that all have."""
        view = self.page.evaluate("location.hash.slice(1).split('?')[0]")
        own = [name for name in dir(self) if name.startswith(f"{view}_")]
        every = [name for name in dir(self) if name.startswith("any_")]
        name = self.rng.choice(own or every) if self.rng.random() < 0.6 else self.rng.choice(every)
        self.log.append(name)
        getattr(self, name)()

    def click(self, selector: str) -> None:
        self.page.evaluate(CLICK, [selector, self.rng.randrange(1000)])

    def press(self, text: str) -> None:
        self.page.evaluate(PRESS, text)

    def fill(self, selector: str, value: object, event: str = "change") -> None:
        self.page.evaluate(FILL, [selector, str(value), event])

    def any_view(self) -> None:
        self.click("#tabs a:not([data-key=train], [data-key=data])")

    def any_next(self) -> None:
        self.press("Next example")

    def any_back(self) -> None:
        self.page.evaluate("navigation.canGoBack && history.back()")  # not out of the page
        self.page.wait_for_timeout(25)

    def any_forward(self) -> None:
        self.page.evaluate("history.forward()")
        self.page.wait_for_timeout(25)

    def any_undo(self) -> None:
        self.press("Undo all edits")

    def any_index(self) -> None:
        text = self.rng.choice(["7", "9999", "-1", "", "1.5"])
        self.fill("[aria-label='Index of the test example']", text)

    def any_address(self) -> None:
        self.page.evaluate("(hash) => { location.hash = hash; }", self.rng.choice(ADDRESSES))
        self.page.wait_for_timeout(25)

    def draw_digit(self) -> None:
        draw(self.page, self.rng.randrange(10), self.strokes)

    def draw_clear(self) -> None:
        self.press("Clear")

    def draw_undo(self) -> None:
        self.press("Undo")

    def draw_back(self) -> None:
        self.press("Back to your drawing")

    def draw_test_digit(self) -> None:
        self.click(".ten button")

    def draw_prepare(self) -> None:
        self.click("#views > section:not([hidden]) input[type=checkbox]")

    def forward_neuron(self) -> None:
        self.click(".unit")

    def forward_class(self) -> None:
        self.fill(SELECT, self.rng.randrange(10))

    def backward_label(self) -> None:
        self.fill(SELECT, self.rng.randrange(10))

    def backward_rate(self) -> None:
        self.fill(RANGE, f"{self.rng.uniform(-3, 1):.1f}", "input")

    def backward_neuron(self) -> None:
        self.fill(NUMBER, self.rng.choice(["3", "99", ""]))

    def robustness_ablate(self) -> None:
        self.click(".unit")

    def robustness_strength(self) -> None:
        self.fill(RANGE, self.rng.randrange(-90, 90), "input")

    def robustness_kind(self) -> None:
        self.fill(SELECT, self.rng.choice(KINDS))

    def robustness_pixel(self) -> None:
        self.page.evaluate(PICK, [self.rng.random(), self.rng.random()])

    def robustness_weight(self) -> None:
        rng = self.rng
        values = [rng.choice([0, 1, 31]), rng.randrange(32), rng.choice(["2", "-3.5", "1e7", ""])]
        for i, value in enumerate(values):
            self.fill(f"[data-edit='{i}']", value)
            settle(self.page)
        self.press("Set weight")


def walk(page, ready, test_pixels, seed: int, n_actions: int) -> None:
    steps = Walk(page, seed)
    for _ in range(n_actions):
        steps.act()
        settle(page)
        try:
            shown = check_page(page, ready.models, test_pixels)
            assert shown["toast"] == "", shown["toast"]
        except Exception as error:
            raise AssertionError(f"seed {seed}, after {steps.log[-12:]}: {error}") from error


def test_every_number_is_the_engines_after_random_actions(open_page, ready, test_pixels):
    page = open_page()
    walk(page, ready, test_pixels, seed=0, n_actions=120)


def test_a_table_has_one_state_too(open_page, ready, test_pixels):
    page = open_page()
    draw(page, 2, np.random.default_rng(4))
    settle(page)
    upload_and_train(page, iris_csv(), "species")
    content = page.evaluate(TRAINED)
    models, _ = SignedModels.of(cache_folder() / "web").read(base64.b64decode(content))
    pair = replace(ModelPair.of(models, ""), fields=fields_of(None, models[0].schema.columns))
    check_page(page, pair, None)
    for view in ("data", "backward", "robustness", "forward"):
        go(page, view)
        check_page(page, pair, None)
    go(page, "data")
    page.get_by_label("petal length (cm)").fill("6.5")
    page.get_by_label("place", exact=True).select_option("place 2")
    settle(page)
    shown = check_page(page, pair, None)
    assert shown["now"]["row"]["petal length (cm)"] == 6.5
    assert shown["now"]["row"]["place"] == "place 2"
    edits = "&weights=1.0.2=-3,2.1.0=2.5&ablate=1.4"
    visit(page, page.url.partition("#")[2].replace("data?", "forward?") + edits)
    assert page.locator("#notice [data-kind=address]").count() == 0
    for view in ("forward", "backward", "robustness", "data"):
        go(page, view)
        assert check_page(page, pair, None)["now"]["from"] == "form"
    page.get_by_role("button", name="Next test row").click()
    settle(page)
    assert check_page(page, pair, None)["now"]["from"] == "test"
    page.get_by_label("Models to show").select_option("ready")
    settle(page)
    assert page.locator("#notice p").count() == 0
    go(page, "draw")
    check_page(page, ready.models, test_pixels)
    page.get_by_role("button", name="Back to your drawing").click()
    settle(page)
    assert check_page(page, ready.models, test_pixels)["now"]["from"] == "drawing"
    page.get_by_label("Models to show").select_option("trained")
    settle(page)
    assert page.locator("#notice p").count() == 0
    assert page.evaluate(READ)["now"]["from"] != "drawing"


TRAINED = """async () => {
  const { bytes, base64 } = await import("/js/api.js");
  return base64(new Uint8Array(await bytes("trained")));
}"""


def upload_and_train(page, content: bytes, target: str) -> None:
    visit(page, "data")
    file = {"name": "flowers.csv", "mimeType": "text/csv", "buffer": content}
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_label("Target column").select_option(target)
    page.get_by_role("button", name="Load table").click()
    page.wait_for_selector("[data-table=flowers]")
    visit(page, "train?data=table&rows=90&batch=16&epochs=20&net=6.tanh,5.relu")
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector(".state.done")
    settle(page)
    page.get_by_role("button", name="Inspect these models").click()
    page.wait_for_selector("h3:has-text('of layer 1')")
    settle(page)


@pytest.mark.long
def test_every_number_is_the_engines_after_thousands_of_actions(open_page, ready, test_pixels):
    for seed in range(1, 26):
        page = open_page()
        walk(page, ready, test_pixels, seed, 200)
        page.reload()
        page.wait_for_selector("body[data-ready]")
        wait_until_idle(page)
        check_page(page, ready.models, test_pixels)
        page.context.close()
