"""The page of one example in a browser, from disk: no errors, no overflow, usable by keyboard."""

from __future__ import annotations

from shutil import which

import numpy as np
import pytest

from graduel.data.schema import Schema
from graduel.glassbox import inspect_example, prepare_example, write_page
from graduel.models.model import Model

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = which("chromium") or which("chromium-browser") or which("google-chrome")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def page_file(tmp_path_factory, digit_net, digit_trees, mnist):
    task = Schema("mnist", mnist.classes, image=(28, 28, 1), scale=1 / 255)
    models = (
        Model(
            "net",
            "NumPy network",
            task,
            network=digit_net.network,
            weights=digit_net.prediction_weights,
        ),
        Model(
            "xgboost",
            "XGBoost",
            task,
            booster=digit_trees.get_booster(),
            class_codes=tuple(range(10)),
        ),
    )
    X, label = mnist.X[60_008:60_009], int(mnist.y[60_008])
    result = [
        inspect_example(model, prepare_example(model, X), label, where="test row 8")
        for model in models
    ]
    return write_page(result, tmp_path_factory.mktemp("page") / "example.html")


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        result = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield result
        result.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_it_opens_from_disk_without_errors_or_overflow(browser, page_file, width, height, scheme):
    messages, requests = [], []
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(page_file.as_uri())
    assert messages == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    broken = "[...document.images].filter(i => !i.complete || !i.naturalWidth).length"
    assert page.evaluate(broken) == 0
    assert page.evaluate("document.images.length") > 12
    without_alt = "[...document.querySelectorAll('img')].filter(i => !i.alt).length"
    assert page.evaluate(without_alt) == 0
    context.close()


def test_details_open_by_keyboard(browser, page_file):
    page = browser.new_page()
    page.goto(page_file.as_uri())
    summary = page.get_by_text("All units of layer 1")
    rows = page.get_by_role("region", name="Units of layer 1")
    assert not rows.is_visible()
    summary.focus()
    page.keyboard.press("Enter")
    assert rows.is_visible()
    assert rows.locator("tbody tr").count() == 128
    page.close()


def test_squares_have_their_values_as_titles(browser, page_file, digit_net, mnist):
    page = browser.new_page()
    page.goto(page_file.as_uri())
    titles = page.locator("svg[aria-label='activations of the 10 units of layer 2'] title")
    x = mnist.table[60_008:60_009].astype(np.float32) / 255
    p = digit_net.network.predict(x, digit_net.prediction_weights)[0]
    actual = [float(text.split(": ")[1]) for text in titles.all_text_contents()]
    np.testing.assert_allclose(actual, p, rtol=2e-3, atol=1e-9)
    page.close()
