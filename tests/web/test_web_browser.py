"""The page in a real browser, by mouse, touch and keyboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from test_table import iris_csv
from web_browser import DESKTOP, PHONE, launch_browser

from graduel.glassbox.digit.synthetic_digits import draw_digit

VIEWS = ("draw", "forward", "backward", "train", "robustness", "data", "export")
SIZES = [pytest.param(DESKTOP, id="desktop"), pytest.param(PHONE, id="phone")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launch_browser() as result:
        yield result


@pytest.fixture
def open_page(browser, address):
    """Return a function that opens the page; at the end, its console must be empty."""
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
    """Draw a digit with the mouse."""
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


def get_prediction(page, contender: str) -> str:
    return page.locator(
        f"section:not([hidden]) [data-model={contender}][data-prediction]"
    ).get_attribute("data-prediction")


def wait_until(page, condition: str) -> None:
    """Wait for a condition; Playwright's own wait uses eval, which the page's CSP forbids."""
    for _ in range(600):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(condition)


def wait_until_idle(page) -> None:
    """Wait until no request is pending and the responses are shown."""
    for _ in range(2):
        page.wait_for_timeout(80)
        wait_until(page, "!Number(document.documentElement.dataset.pending)")


def test_drawings_are_classified(open_page):
    page = open_page()
    rng = np.random.default_rng(11)
    correct = 0
    for digit in range(10):
        page.get_by_role("button", name="Clear").click()
        draw(page, digit, rng)
        wait_until(page, "document.querySelectorAll('.steps canvas').length === 4")
        wait_until_idle(page)
        correct += (get_prediction(page, "net") == str(digit)) + (
            get_prediction(page, "xgboost") == str(digit)
        )
    assert correct >= 18
    assert page.locator(".steps").get_attribute("data-steps") == "drawing crop scale center"
    page.get_by_label("Apply MNIST’s preparation").uncheck()
    page.wait_for_selector(".steps[data-steps=raw]")
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Clear").click()
    assert get_prediction(page, "net") == ""


def test_touch_draws_without_scrolling_the_page(open_page):
    page = open_page(PHONE, has_touch=True, is_mobile=True)
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
    wait_until(page, "document.querySelectorAll('.steps canvas').length === 4")
    wait_until_idle(page)
    assert get_prediction(page, "net") == "1"
    assert page.evaluate("scrollY") == 0


def test_the_page_is_usable_by_keyboard(open_page):
    page = open_page()
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
    assert {"Draw", "Forward", "Export"} <= seen
    for key, times in (("ArrowUp", 11), (" ", 1), ("ArrowDown", 22), (" ", 1)):
        for _ in range(times):
            page.keyboard.press(key)
    wait_until(page, "document.querySelectorAll('.steps canvas').length === 4")
    wait_until_idle(page)
    assert get_prediction(page, "net") == "1"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Undo"
    page.get_by_role("link", name="Forward").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".units .unit")
    wait_until_idle(page)
    first = page.locator(".units .unit[tabindex='0']").first
    first.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector("h3:has-text('Neuron 1 of layer 1')")


def test_forward_and_backward_views(open_page, ready, mnist):
    page = open_page(view="forward?test=18&layer=3&unit=5")
    page.wait_for_selector("h3:has-text('Neuron 5 of layer 2')")
    wait_until_idle(page)
    assert page.locator("text=Softmax, step by step").is_visible()
    assert page.locator("canvas.votes").is_visible()
    assert page.locator("text=SHAP values, in log-odds").count() == 1
    page.get_by_label("Class to explain").select_option("3")
    wait_until_idle(page)
    page.get_by_role("button", name="Next example").click()
    page.wait_for_selector("text=Test example 19")
    page.get_by_role("link", name="Backward").click()
    page.wait_for_selector("[data-helped]")
    truth = int(mnist.y[60_019])
    wrong = (truth + 1) % 10
    page.get_by_label("True class").first.select_option(str(wrong))
    page.wait_for_selector("[data-helped=yes]")
    wait_until_idle(page)
    p = ready.models.net.predict_proba(mnist.table[60_019:60_020])[0, wrong]
    loss = page.locator("text=Loss: −log").text_content()
    actual = float(loss.rpartition("= ")[2].replace("−", "-"))
    assert actual == pytest.approx(-np.log(p), abs=2e-3)
    assert page.locator("[data-gate]").count() == 2
    assert page.locator("text=nn/textbook.py:").count() > 8


def test_train_view(open_page):
    page = open_page(view="train")
    page.get_by_label("Layer 1: neurons").fill("16")
    page.get_by_label("Training rows").fill("5000")
    # Many epochs, so that the training is still running when a slow browser pauses it.
    page.get_by_label("Epochs").fill("200")
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector(".state.running")
    page.wait_for_selector("polyline[stroke='var(--xgboost)']")
    page.get_by_role("button", name="Pause").click()
    page.wait_for_selector(".state.paused")
    step = lambda: int(page.locator("[data-step]").get_attribute("data-step"))  # noqa: E731
    paused_at = step()
    page.get_by_role("button", name="One batch").click()
    wait_until(page, f"Number(document.querySelector('[data-step]').dataset.step) > {paused_at}")
    page.wait_for_selector(".state.paused")
    assert step() == paused_at + 1
    page.get_by_label("Dropout").fill("0.3")
    page.get_by_label("Learning rate").fill("-3")
    page.get_by_role("button", name="Resume").click()
    wait_until(
        page, f"Number(document.querySelector('[data-step]').dataset.step) > {paused_at + 20}"
    )
    page.get_by_role("button", name="Stop").click()
    page.wait_for_selector(".state.stopped")
    assert page.locator(".filters canvas").count() == 16
    page.get_by_role("button", name="Inspect these models").click()
    page.wait_for_selector("section:not([hidden]) >> text=Layer 1: 16 neurons, ReLU")
    wait_until_idle(page)
    assert page.get_by_label("Models to show").input_value() == "trained"
    page.get_by_role("link", name="Train").click()
    page.get_by_role("button", name="Reset").click()
    page.wait_for_selector(".state.new")


def test_robustness_view(open_page):
    page = open_page(view="robustness?test=0")
    page.wait_for_selector("[data-model=net][data-fooled]")
    page.get_by_label("Change per pixel").fill("0.3")
    page.wait_for_selector("[data-model=net][data-fooled=yes]")
    for kind in ("rotate", "shift", "occlude", "noise"):
        page.get_by_label("Perturbation", exact=True).select_option(kind)
        wait_until_idle(page)
    page.get_by_label("Strength of the perturbation").fill("1")
    wait_until_idle(page)
    page.get_by_role("button", name="Evaluate on the test rows").click()
    page.wait_for_selector("text=1,000 test rows")
    for unit in range(4):
        page.locator(".units").last.locator(".unit").nth(unit).click()
        page.wait_for_selector(f"text={unit + 1} ablated.")
        wait_until_idle(page)
    page.get_by_label("Layer", exact=True).select_option("6")
    page.get_by_label("Neuron", exact=True).fill("2")
    page.get_by_label("Input index").fill("10")
    page.get_by_label("New value").fill("99")
    wait_until_idle(page)
    page.get_by_role("button", name="Set weight").click()
    wait_until_idle(page)
    assert page.locator("#toast").text_content() == ""
    page.wait_for_selector("text=from input 10 to neuron 2 is 99")
    page.get_by_role("button", name="Undo all edits").click()
    page.wait_for_selector("text=No neuron is ablated.")


def test_data_view(open_page):
    page = open_page(view="data")
    file = {"name": "flowers.csv", "mimeType": "text/csv", "buffer": iris_csv()}
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_label("Target column").select_option("species")
    page.get_by_role("button", name="Load table").click()
    page.wait_for_selector("[data-table=flowers]")
    page.get_by_role("link", name="Train both models on it").click()
    assert page.get_by_label("Training data", exact=True).input_value() == "table"
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector(".state.done", timeout=60_000)
    page.get_by_role("button", name="Inspect these models").click()
    page.wait_for_selector("h3:has-text('of layer 1')")
    page.get_by_role("link", name="Your data").click()
    page.get_by_label("petal length (cm)").fill("1.3")
    page.get_by_label("petal width (cm)").fill("0.2")
    page.get_by_label("sepal length (cm)").fill("5")
    page.get_by_label("sepal width (cm)").fill("3.4")
    page.wait_for_selector("section:not([hidden]) [data-model=net][data-prediction=setosa]")
    page.wait_for_selector("section:not([hidden]) [data-model=xgboost][data-prediction=setosa]")
    page.get_by_role("link", name="Robustness").click()
    page.wait_for_selector("text=Column to vary")
    page.wait_for_selector("section:not([hidden]) polyline")


def test_export_view(open_page):
    page = open_page(view="export?test=3")
    page.wait_for_selector("text=Test example 3")
    for name in ("network.py", "network.json", "network.onnx", "example.html"):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"Save {name}").click()
        assert download.value.suggested_filename == name
        size = download.value.path().stat().st_size
        assert size > 2000, name


def test_an_image_file_is_classified(open_page):
    from test_web_predictions import picture
    from web_client import draw_pixels

    page = open_page()
    content = picture(255 - draw_pixels(3, np.random.default_rng(3)))
    file = {"name": "three.png", "mimeType": "image/png", "buffer": content}
    page.get_by_label("Photo or image of a digit").set_input_files(file)
    wait_until(page, "document.querySelectorAll('.steps canvas').length === 4")
    assert get_prediction(page, "net") == "3"
    page.get_by_role("button", name="Random test digit 8").click()
    page.wait_for_selector(".steps >> text=true class 8")


# Colors do not depend on the viewport size.
@pytest.mark.parametrize(
    ("size", "scheme"),
    [(DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light")],
    ids=["desktop", "dark", "phone"],
)
def test_every_view_fits_and_is_accessible(open_page, size, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(size, color_scheme=scheme, reduced_motion="reduce")
    for view in VIEWS:
        page.goto(page.url.partition("#")[0] + f"#{view}")
        page.wait_for_selector(f"#tabs a[aria-current][href='#{view}']")
        wait_until_idle(page)
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
