"""The page without a server, in a browser from disk: drawing, steps, trees, playground."""

from __future__ import annotations

import re

import chromium
import numpy as np
import pytest

from graduel.cli.app import main
from graduel.errors import UserError
from graduel.glassbox import prepare_digit
from graduel.glassbox.standalone.digit_models import DigitRecipe, train_digit_models
from graduel.glassbox.standalone.standalone_page import render_standalone, write_standalone
from graduel.nn import textbook
from graduel.train.recipes import NetRecipe

SMALL = DigitRecipe(
    net=NetRecipe(layers=(64, 32), lr=3e-3, batch_size=64, epochs=2, dropout=0.0),
    net_rows=1_500,
    tree_rows=400,
    rounds=2,
    max_bin=8,
    test_rows=200,
    examples=5,
)
VIEWS = ["draw", "steps", "trees", "playground"]


@pytest.fixture(scope="module")
def models():
    return train_digit_models(SMALL)


@pytest.fixture(scope="module")
def page_file(models, tmp_path_factory):
    return write_standalone(models, tmp_path_factory.mktemp("page") / "demo.html")


@pytest.fixture(scope="module")
def browser():
    yield from chromium.launch()


@pytest.fixture
def page(browser, page_file):
    """The page at its first view; the test fails if the console has a message."""
    messages = []
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.goto(page_file.as_uri())
    yield page
    page.close()
    assert messages == []


def test_the_file_is_small_deterministic_and_without_inline_handlers(models, page_file):
    html = page_file.read_text(encoding="utf-8")
    assert len(html.encode()) < 3e6
    assert render_standalone(train_digit_models(SMALL)) == html
    assert not re.search(r"<[^>]*\son\w+=", html.partition("<script")[0])
    assert "default-src 'none'; script-src 'sha256-" in html
    assert not re.search(r"https?://(?!www\.w3\.org/)", html)
    with pytest.raises(UserError, match="must be a new file"):
        write_standalone(models, page_file)


def test_the_command_writes_the_page(models, page_file, tmp_path, monkeypatch, capsys):
    recipes = []
    monkeypatch.setattr(
        "graduel.glassbox.standalone.digit_models.train_digit_models",
        lambda recipe, log: recipes.append(recipe) or models,
    )
    path = tmp_path / "new" / "page.html"
    assert main(["export-page", "--out", str(path), "--seed", "5"]) == 0
    assert recipes == [DigitRecipe(seed=5)]
    assert path.read_bytes() == page_file.read_bytes()
    assert "page.html: 0." in capsys.readouterr().out
    assert main(["export-page", "--out", str(path)]) == 2
    assert capsys.readouterr().err.startswith("graduel: the page must be a new file; ")
    assert len(recipes) == 1


@pytest.mark.parametrize(("width", "height", "scheme"), [(1280, 800, "light"), (390, 844, "dark")])
def test_every_view_fits_and_is_accessible_without_requests(
    browser, page_file, width, height, scheme
):
    from axe_playwright_python.sync_playwright import Axe

    requests, messages = [], []
    size = {"width": width, "height": height}
    context = browser.new_context(viewport=size, color_scheme=scheme, has_touch=True)
    page = context.new_page()
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    for view in VIEWS:
        page.goto(f"{page_file.as_uri()}#{view}")
        page.locator(f"nav a[href='#{view}'][aria-current]").wait_for()
        assert page.locator("main h2:visible").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        script = """[...document.querySelectorAll("main input, main select")]
            .filter((one) => !one.labels.length && !one.getAttribute("aria-label")).length"""
        assert page.evaluate(script) == 0
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
        if view == "steps":
            page.locator(".equation .symbol").first.tap()
            assert page.get_by_role("tooltip").is_visible()
            page.locator("h2:visible").tap()
            assert not page.get_by_role("tooltip").is_visible()
    context.close()
    assert messages == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []


def read_ink(page):
    """Return the drawing as ink from 0 to 255."""
    script = """() => { const { data } = document.querySelector("canvas.pad").getContext("2d")
        .getImageData(0, 0, 280, 280); return [...data].filter((_, i) => i % 4 === 3); }"""
    return np.reshape(page.evaluate(script), (280, 280)).astype(np.uint8)


def test_a_drawn_digit_is_prepared_and_predicted(page, models):
    pad = page.locator("canvas.pad")
    box = pad.bounding_box()
    page.get_by_role("button", name="Clear").click()
    assert page.get_by_text("Draw a digit in the square.").is_visible()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    for x, y in ((190, 60), (120, 220)):
        page.mouse.move(box["x"] + x, box["y"] + y, steps=8)
    page.mouse.up()
    pixels = np.array(page.evaluate("[...globalThis.graduel.state.pixels]"))
    expected = prepare_digit(read_ink(page), steps=False).image.reshape(-1).astype(int)
    assert np.abs(pixels - expected).max() <= 2
    p = textbook.predict(pixels[:, None] / 255, models.W, models.b)[:, 0]
    shown = page.locator("table.bars tbody td:nth-child(2) .value").all_text_contents()
    assert shown == [f"{100 * one:.1f} %" for one in p]
    x = pixels[None].astype(np.float32)
    q = models.forest.booster.inplace_predict(x)[0]
    shown = page.locator("table.bars tbody td:nth-child(3) .value").all_text_contents()
    np.testing.assert_allclose([float(one[:-2]) for one in shown], 100 * q, atol=0.051)


def test_the_operations_have_the_numbers_of_the_textbook_network(page, models):
    page.goto(page.url.partition("#")[0] + "#steps")
    x, label = models.pixels[0][:, None] / 255, int(models.labels[0])
    W, b, Y = [*models.W], [*models.b], textbook.one_hot(np.array([label]), 10)
    Z, A = textbook.forward(x, W, b)
    dW, _ = textbook.backward(Z, A, Y, W)
    (next_W, next_b, loss), *_ = textbook.descend(x, Y, W, b, rate=0.1, steps=1)
    after = textbook.cross_entropy(textbook.predict(x, next_W, next_b), Y)
    titles, numbers = [], {}
    for _ in range(18):
        title = page.locator("h3[aria-live]").text_content()
        titles.append(title.partition(": ")[2])
        numbers[titles[-1]] = page.locator(".numbers:visible").text_content().replace("−", "-")
        page.keyboard.press("ArrowRight")
    assert titles[0] == "forward, sums of layer 1"
    assert titles[-1] == "did it help?"
    assert len(set(titles)) == 18
    unit = int(np.argmax(A[1]))
    name = f"Z₁[{unit}] = Σ W₁[{unit}, i] · A₀[i] + b₁[{unit}] = "
    assert numbers[titles[0]].startswith(name)
    assert float(numbers[titles[0]].removeprefix(name)) == pytest.approx(Z[0][unit, 0], abs=1e-4)
    assert float(numbers["the loss"].split(" = ")[-1]) == pytest.approx(loss, abs=1e-4)
    error = numbers["backward, the error"].split(" = ")[-1]
    assert float(error) == pytest.approx(A[3][label, 0] - 1, abs=1e-4)
    before, now = map(float, re.findall(r"\d\.\d+", numbers["did it help?"]))
    assert (before, now) == pytest.approx((loss, after), abs=1e-4)
    assert ("fell" in numbers["did it help?"]) == (after < loss)
    result = page.evaluate("""() => {
        const { compute, inputOf, state, toRows } = globalThis.graduel;
        return compute(state.net, inputOf(state.pixels), state.label, 0.1).dW.map(toRows); }""")
    for actual, expected in zip(result, dW, strict=True):
        np.testing.assert_allclose(actual, expected, atol=1e-6)


def test_keys_move_through_operations_and_neurons(page):
    page.goto(page.url.partition("#")[0] + "#steps")
    title = page.locator("h3[aria-live]")
    for key, start in (("ArrowRight", "2 "), (" ", "3 "), ("ArrowLeft", "2 ")):
        page.keyboard.press(key)
        assert title.text_content().startswith(start)
    first = page.locator(".cell").first
    first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.locator(".cell:focus").get_attribute("aria-label").startswith("layer 1, neuron 9")
    assert page.locator(".cell[aria-pressed='true']").count() == 1
    assert title.text_content().startswith("2 ")


def test_every_symbol_explains_itself(page):
    page.goto(page.url.partition("#")[0] + "#steps")
    tip = page.get_by_role("tooltip")
    keys = page.evaluate("""() => { const keys = {}, tip = document.getElementById("tip");
      for (let operation = 0; operation < 18; operation++) {
        globalThis.graduel.set({ operation });
        for (const symbol of document.querySelectorAll(".equation .symbol")) {
          symbol.focus();
          keys[symbol.dataset.symbol] = tip.hidden ? "" : tip.textContent;
        } }
      return keys; }""")
    assert all(len(text) > 30 for text in keys.values())
    assert {"Z", "A", "W", "b", "Y", "L", "m", "α", "dZ", "dW", "db", "⊙", "ReLU"} <= set(keys)
    page.keyboard.press("Escape")
    assert not tip.is_visible()
    symbol = page.locator(".equation:visible .symbol").first
    symbol.hover()
    assert tip.is_visible()
    page.mouse.move(0, 0)
    assert not tip.is_visible()


def test_steps_change_the_weights_until_they_are_reset(page):
    page.goto(page.url.partition("#")[0] + "#steps")
    loss = """() => { const { compute, inputOf, state } = globalThis.graduel;
                return compute(state.net, inputOf(state.pixels), state.label, 0.1).loss; }"""
    page.get_by_label("true class").select_option("3")
    before = page.evaluate(loss)
    page.get_by_role("button", name="Take 20 steps").click()
    assert page.evaluate(loss) < before / 2
    page.get_by_role("button", name="Back to the trained weights").click()
    assert page.evaluate(loss) == before


def test_the_trees_of_another_class(page):
    page.goto(page.url.partition("#")[0] + "#trees")
    page.get_by_label("Trees of class").select_option("8")
    headings = page.locator(".card:visible h3").all_text_contents()
    assert len(headings) == 2
    assert all(re.fullmatch(r"Tree of round [12]: [+−][\d.]+ for 8", text) for text in headings)


def test_the_playground_trains_and_takes_points(page):
    page.goto(page.url.partition("#")[0] + "#playground")
    page.get_by_label("preset").select_option("dead ReLUs")
    page.get_by_role("button", name="One step").click()
    assert page.get_by_text("Silent everywhere, so dead: 8 of 8 neurons.").is_visible()
    page.get_by_label("preset").select_option("slopes for the network")
    page.get_by_role("button", name="Start", exact=True).click()
    chromium.wait_for(
        page, "document.querySelector('section:last-child .note').textContent[0] > '1'"
    )
    page.get_by_role("button", name="Pause").click()
    points = page.get_by_label("points", exact=True)
    points.select_option("your own")
    plane = page.get_by_role("application", name="Decision boundary of the network")
    for at, color in (((50, 60), "blue"), ((200, 150), "orange")):
        page.get_by_label("a click adds").select_option(color)
        plane.click(position={"x": at[0], "y": at[1]})
    game = "globalThis.graduel.page.views.playground.game"
    plane.press("ArrowRight")
    plane.press("Enter")
    assert page.evaluate(f"{game}.train.y") == [1, 0, 0]
    assert page.evaluate(f"{game}.train.X[2]") == pytest.approx([0.1, 0])
    page.evaluate(f"() => {{ for (let i = 0; i < 100; i++) {game}.advance(); }}")
    assert page.evaluate(f"{game}.score({game}.train).net.error") == 0


PRESETS = {
    "a good start": (300, "s.train.net.error < 0.05 && s.test.net.error < 0.1"),
    "rate too high": (60, "!(s.train.net.loss < 0.3)"),
    "dead ReLUs": (60, "s.train.net.error > 0.3"),
    "overfit": (1500, "s.test.net.loss > 2 * s.train.net.loss && s.train.net.error < 0.1"),
    "corners for the trees": (40, "s.train.trees.error === 0"),
    "slopes for the network": (300, "s.test.net.error < s.test.trees.error"),
}
"""Steps of the network, and what the scores s then show."""


def test_presets_show_what_they_say(page):
    assert page.evaluate("Object.keys(globalThis.graduel.PRESETS)") == list(PRESETS)
    for preset, (steps, expected) in PRESETS.items():
        script = f"""() => {{ const {{ Playground, PRESETS }} = globalThis.graduel;
            const game = new Playground(PRESETS[{preset!r}]);
            for (let i = 0; i < {steps}; i++) game.advance();
            for (let i = 0; i < 30; i++) game.boost();
            const s = {{ train: game.score(game.train), test: game.score(game.test) }};
            return [{expected}, s]; }}"""
        is_shown, scores = page.evaluate(script)
        assert is_shown, (preset, scores)
