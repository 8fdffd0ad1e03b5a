"""The page in a real browser: drawn on, stepped through, trained, broken, by mouse and by keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from test_table import iris_csv
from web_browser import DESKTOP, PHONE, launched

from graduel.glassbox.digit.synthetic_digits import draw_digit

VIEWS = ("draw", "forward", "backward", "train", "break", "data", "take")
SIZES = [pytest.param(DESKTOP, id="desktop"), pytest.param(PHONE, id="phone")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as result:
        yield result


@pytest.fixture
def opened(browser, address):
    """Open the page; at the end nothing may have gone wrong in its console."""
    text: list[str] = []
    contexts = []

    def open_(size=DESKTOP, view="draw", **options):
        context = browser.new_context(viewport=size, accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda message: text.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: text.append(str(error)))
        page.on("requestfailed", lambda r: text.append(r.url) if "events" not in r.url else None)
        page.on(
            "request",
            lambda r: None if r.url.startswith((address, "blob:")) else text.append(r.url),
        )
        page.goto(f"{address}/#{view}")
        page.wait_for_selector("body[data-ready]")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert text == []


def draw(page, digit: int, rng: np.random.Generator) -> None:
    """Draw with the mouse, stroke by stroke."""
    box = page.locator(".pad canvas").bounding_box()
    points, _ = draw_digit(digit, rng, height=(140.0, 220.0), slant=(0.0, 0.2))
    scale = box["width"] / 280
    for stroke in points:
        some = stroke if len(stroke) < 12 else stroke[::3] + stroke[-1:]
        at = [(box["x"] + x * scale, box["y"] + y * scale) for x, y in some]
        page.mouse.move(*at[0])
        page.mouse.down()
        for x, y in at[1:]:
            page.mouse.move(x, y)
        page.mouse.up()


def answer(page, who: str) -> str:
    return page.locator(f"section:not([hidden]) [data-who={who}][data-answer]").get_attribute(
        "data-answer"
    )


def until(page, condition: str) -> None:
    """Wait for a condition; Playwright's own wait makes code of text, which the page forbids."""
    for _ in range(600):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(condition)


def settled(page) -> None:
    """Wait until nothing is asked of the server, and what it said is shown."""
    for _ in range(2):
        page.wait_for_timeout(80)
        until(page, "!Number(document.documentElement.dataset.asking)")


def test_drawn_digits_are_answered(opened):
    page = opened()
    rng = np.random.default_rng(11)
    right = 0
    for digit in range(10):
        page.get_by_role("button", name="Clear").click()
        draw(page, digit, rng)
        until(page, "document.querySelectorAll('.steps canvas').length === 4")
        settled(page)
        right += (answer(page, "net") == str(digit)) + (answer(page, "xgboost") == str(digit))
    assert right >= 18
    assert page.locator(".steps").get_attribute("data-steps") == "ink box fit centre"
    page.get_by_label("Prepare as MNIST’s digits were").uncheck()
    page.wait_for_selector(".steps[data-steps=raw]")
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Clear").click()
    assert answer(page, "net") == ""


def test_a_finger_draws_and_the_page_stays_where_it_is(opened):
    page = opened(PHONE, has_touch=True, is_mobile=True)
    box = page.locator(".pad canvas").bounding_box()
    client = page.context.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 2, box["y"]
    touch = lambda kind, at: client.send(  # noqa: E731
        "Input.dispatchTouchEvent",
        {"type": kind, "touchPoints": [] if at is None else [{"x": x, "y": y + at}]},
    )
    touch("touchStart", 40)
    for k in range(12):
        touch("touchMove", 40 + (box["height"] - 80) * k / 11)
    touch("touchEnd", None)
    until(page, "document.querySelectorAll('.steps canvas').length === 4")
    settled(page)
    assert answer(page, "net") == "1"
    assert page.evaluate("scrollY") == 0


def test_keys_alone_draw_and_reach_everything(opened):
    page = opened()
    page.locator(".skip").focus()
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "(() => { const e = document.activeElement; return e.getAttribute('aria-label')"
            " || e.labels?.[0]?.textContent || e.textContent; })()"
        )
        seen.add(name.strip()[:40])
        if name.startswith("Drawing area"):
            break
    assert {"Draw", "Forward", "Take it away"} <= seen
    for key, times in (("ArrowUp", 11), (" ", 1), ("ArrowDown", 22), (" ", 1)):
        for _ in range(times):
            page.keyboard.press(key)
    until(page, "document.querySelectorAll('.steps canvas').length === 4")
    settled(page)
    assert answer(page, "net") == "1"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Undo"
    page.get_by_role("link", name="Forward").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".units .unit")
    settled(page)
    first = page.locator(".units .unit[tabindex='0']").first
    first.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector("h3:has-text('Neuron 1 of layer 1')")


def test_forward_and_backward_are_stepped_through(opened, ready, mnist):
    page = opened(view="forward?test=18&layer=3&unit=5")
    page.wait_for_selector("h3:has-text('Neuron 5 of layer 2')")
    settled(page)
    assert page.locator("text=Softmax, step by step").is_visible()
    assert page.locator("canvas.votes").is_visible()
    assert page.locator("text=SHAP values, in log-odds").count() == 1
    page.get_by_label("The class that is asked about").select_option("3")
    settled(page)
    page.get_by_role("button", name="Next example").click()
    page.wait_for_selector("text=Test example 19")
    page.get_by_role("link", name="Backward").click()
    page.wait_for_selector("[data-helped]")
    truth = int(mnist.y[60_019])
    wrong = (truth + 1) % 10
    page.get_by_label("The true class").first.select_option(str(wrong))
    page.wait_for_selector("[data-helped=yes]")
    settled(page)
    p = ready.models.net.predict_proba(mnist.table[60_019:60_020])[0, wrong]
    loss = page.locator("text=Loss: −log").text_content()
    actual = float(loss.rpartition("= ")[2].replace("−", "-"))
    assert actual == pytest.approx(-np.log(p), abs=2e-3)
    assert page.locator("h3:has-text('The gate of ReLU')").count() == 2
    assert page.locator("text=nn/textbook.py:").count() > 8


def test_a_training_runs_pauses_steps_and_is_looked_into(opened):
    page = opened(view="train")
    page.get_by_label("Layer 1: neurons").fill("16")
    page.get_by_label("Rows to learn from").fill("5000")
    # So many that a slow browser cannot miss the end of it.
    page.get_by_label("Epochs").fill("200")
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector(".state.running")
    page.wait_for_selector("polyline[stroke='var(--xgboost)']")
    page.get_by_role("button", name="Pause").click()
    page.wait_for_selector(".state.paused")
    step = lambda: int(page.locator("[data-step]").get_attribute("data-step"))  # noqa: E731
    stood = step()
    page.get_by_role("button", name="One batch").click()
    until(page, f"Number(document.querySelector('[data-step]').dataset.step) > {stood}")
    page.wait_for_selector(".state.paused")
    assert step() == stood + 1
    page.get_by_label("Dropout").fill("0.3")
    page.get_by_label("Learning rate").fill("-3")
    page.get_by_role("button", name="Resume").click()
    until(page, f"Number(document.querySelector('[data-step]').dataset.step) > {stood + 20}")
    page.get_by_role("button", name="Stop").click()
    page.wait_for_selector(".state.stopped")
    assert page.locator(".filters canvas").count() == 16
    page.get_by_role("button", name="Look inside these two").click()
    page.wait_for_selector("section:not([hidden]) >> text=Layer 1: 16 neurons, ReLU")
    settled(page)
    assert page.get_by_label("Which models are looked at").input_value() == "trained"
    page.get_by_role("link", name="Train").click()
    page.get_by_role("button", name="Reset").click()
    page.wait_for_selector("text=not begun")


def test_it_is_broken_in_every_way(opened):
    page = opened(view="break?test=0")
    page.wait_for_selector("[data-who=net][data-falls]")
    page.get_by_label("How far each pixel moves").fill("0.3")
    page.wait_for_selector("[data-who=net][data-falls=yes]")
    for kind in ("rotate", "shift", "occlude", "noise"):
        page.get_by_label("How").first.select_option(kind)
        settled(page)
    page.get_by_label("Strength of the disturbance").fill("1")
    settled(page)
    page.get_by_role("button", name="Disturb the whole test set").click()
    page.wait_for_selector("text=error on 1,000 test rows")
    for unit in range(4):
        page.locator(".units").last.locator(".unit").nth(unit).click()
        page.wait_for_selector(f"text={unit + 1} switched off.")
        settled(page)
    page.get_by_label("Layer", exact=True).select_option("6")
    page.get_by_label("Neuron", exact=True).fill("2")
    page.get_by_label("Its input number").fill("10")
    page.get_by_label("New value").fill("99")
    settled(page)
    page.get_by_role("button", name="Set this weight").click()
    settled(page)
    assert page.locator("#toast").text_content() == ""
    page.wait_for_selector("text=from input 10 to neuron 2 is 99")
    page.get_by_role("button", name="Undo all changes").click()
    page.wait_for_selector("text=All are on.")


def test_a_table_is_uploaded_trained_on_and_asked(opened):
    page = opened(view="data")
    file = {"name": "flowers.csv", "mimeType": "text/csv", "buffer": iris_csv()}
    page.get_by_label("A CSV file").set_input_files(file)
    page.get_by_label("The column to predict").select_option("species")
    page.get_by_role("button", name="Read the table").click()
    page.wait_for_selector("[data-table=flowers]")
    page.get_by_role("link", name="Train both on it").click()
    assert page.get_by_label("Learn from", exact=True).input_value() == "table"
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector(".state.done", timeout=60_000)
    page.get_by_role("button", name="Look inside these two").click()
    page.wait_for_selector("h3:has-text('of layer 1')")
    page.get_by_role("link", name="Your data").click()
    page.get_by_label("petal length (cm)").fill("1.3")
    page.get_by_label("petal width (cm)").fill("0.2")
    page.get_by_label("sepal length (cm)").fill("5")
    page.get_by_label("sepal width (cm)").fill("3.4")
    page.wait_for_selector("section:not([hidden]) [data-who=net][data-answer=setosa]")
    page.wait_for_selector("section:not([hidden]) [data-who=xgboost][data-answer=setosa]")
    page.get_by_role("link", name="Break it").click()
    page.wait_for_selector("text=Vary the column")
    page.wait_for_selector("section:not([hidden]) polyline")


def test_it_is_taken_away(opened):
    page = opened(view="take?test=3")
    page.wait_for_selector("text=Test example 3")
    for name in ("network.py", "network.json", "network.onnx", "example.html"):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"Save {name}").click()
        assert download.value.suggested_filename == name
        size = download.value.path().stat().st_size
        assert size > 2000, name


def test_a_picture_is_read(opened):
    from test_answers import picture
    from web_client import drawn

    page = opened()
    content = picture(255 - drawn(3, np.random.default_rng(3)))
    file = {"name": "three.png", "mimeType": "image/png", "buffer": content}
    page.get_by_label("A photo or picture of a digit").set_input_files(file)
    until(page, "document.querySelectorAll('.steps canvas').length === 4")
    assert answer(page, "net") == "3"
    page.get_by_role("button", name="Any test digit 8").click()
    page.wait_for_selector(".steps >> text=in truth 8")


# Colours depend on no size.
@pytest.mark.parametrize(
    ("size", "scheme"),
    [(DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light")],
    ids=["desktop", "dark", "phone"],
)
def test_every_view_fits_and_can_be_used_by_all(opened, size, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = opened(size, color_scheme=scheme, reduced_motion="reduce")
    for view in VIEWS:
        page.goto(page.url.partition("#")[0] + f"#{view}")
        page.wait_for_selector(f"#tabs a[aria-current][href='#{view}']")
        settled(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size["width"], (view, wide)
        assert page.evaluate(CLIPPED) == [], view
        result = Axe().run(page).response["violations"]
        bad = [
            (one["id"], [node["html"][:120] for node in one["nodes"][:3]])
            for one in result
            if one["impact"] in ("serious", "critical")
        ]
        assert bad == [], (view, json.dumps(bad, indent=1))


CLIPPED = """() => [...document.querySelectorAll(
  "main section:not([hidden]) :is(h2, h3, h4, p, button, th, td, label, figcaption, .digit)")]
  .filter((e) => e.offsetParent !== null && !e.closest(".hidden, .scroll, .outputs"))
  .filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline")
  .filter((e) => e.clientWidth > 0)
  .map((e) => `${e.tagName} ${e.className}: ${e.textContent.slice(0, 40)}`)"""
