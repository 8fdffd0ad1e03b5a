"""The page in a real browser, by mouse, touch and keyboard."""

from __future__ import annotations

import json

import numpy as np
import pytest
from test_table import iris_csv
from web_browser import DESKTOP, PHONE, draw, get_prediction, wait_until, wait_until_idle

from graduel.web.request_schemas import PAGE_ACTIVATIONS

VIEWS = ("draw", "forward", "backward", "train", "robustness", "data", "export")
SIZES = [pytest.param(DESKTOP, id="desktop"), pytest.param(PHONE, id="phone")]


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
    page = open_page(view="forward?test=18&layer=2&unit=5")
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
    offered = page.get_by_label("Layer 1: activation")
    assert offered.locator("option").all_text_contents() == PAGE_ACTIVATIONS
    assert offered.input_value() == "relu"
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
    assert page.locator("text=1,000 test rows").count() == 0  # of the network without edits
    page.get_by_label("Layer", exact=True).select_option("3")  # as the page numbers it
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
        # On a phone, a tab that is scrolled out of view has the form of a skip link.
        bad = [
            (one["id"], [node["html"][:120] for node in one["nodes"][:3]])
            for one in result
            if one["id"] != "skip-link"
        ]
        assert bad == [], (view, json.dumps(bad, indent=1))


CLIPPED = """() => [...document.querySelectorAll(
  "main section:not([hidden]) :is(h2, h3, h4, p, button, th, td, label, figcaption, .digit)")]
  .filter((e) => e.offsetParent !== null && !e.closest(".hidden, .scroll, .outputs"))
  .filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline")
  .filter((e) => e.clientWidth > 0)
  .map((e) => `${e.tagName} ${e.className}: ${e.textContent.slice(0, 40)}`)"""
