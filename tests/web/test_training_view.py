"""The views Train and Robustness: progress, single batches, divergence, runs, markers."""

from __future__ import annotations

import re

import numpy as np
import pytest
from page_numbers import settle
from web_browser import DESKTOP, PHONE, wait_until

WATCH = """() => {
  window.shares = [];
  const bar = document.querySelector("[role=progressbar][aria-label^=Progress]");
  const add = () => window.shares.push(Number(bar.getAttribute("aria-valuenow")));
  new MutationObserver(add).observe(bar, { attributes: true });
}"""
DIVERGING = "net=64.identity,64.identity,64.identity&optimizer=momentum&lr=1&rows=500&batch=16"


def start(page, state: str) -> None:
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector(f".state.{state}")
    settle(page)


def test_progress_counts_batches_and_rounds(open_page):
    page = open_page(view="train?net=2.relu&rows=300&epochs=1&seed=3")
    settle(page)
    page.evaluate(WATCH)
    start(page, "done")
    text = page.locator("[data-step]").text_content()
    assert re.search(r"XGBoost round (\d+) of \1$", text), text
    shares = page.evaluate("window.shares")
    assert shares == sorted(shares)
    assert shares[-1] == 100
    # The network has five batches and XGBoost forty rounds: half of the bar is XGBoost's.
    assert any(50 <= share < 95 for share in shares)


def test_a_single_batch_is_drawn_as_dots(open_page):
    page = open_page(view="train?net=4.relu&rows=300")
    settle(page)
    page.get_by_role("button", name="One batch").click()
    page.wait_for_selector(".state.paused")
    page.wait_for_selector("circle[data-dot=net]")
    settle(page)
    dots = page.locator("circle[data-dot]")
    assert {dots.nth(i).get_attribute("data-dot") for i in range(dots.count())} >= {"net", "muted"}


def test_a_divergence_is_named_and_drawn(open_page):
    page = open_page(view=f"train?{DIVERGING}&epochs=4&race=no")
    settle(page)
    start(page, "failed")
    banner = page.wait_for_selector("[data-diverged]").text_content()
    step = int(page.locator("[data-diverged]").get_attribute("data-diverged"))
    assert f"diverged at batch {step:,}: the loss is not finite" in banner
    assert "layer" not in page.locator(".state.failed").text_content()
    page.get_by_label("Learning rate").fill("-3.5")
    settle(page)
    start(page, "done")
    page.wait_for_selector("polyline:not([stroke-opacity])")
    assert page.locator("[data-diverged]").count() == 0


def test_a_second_run_keeps_the_curves_of_the_first(open_page):
    page = open_page(view="train?net=4.relu&rows=500&epochs=3&race=no")
    settle(page)
    start(page, "done")
    page.get_by_label("Seed").fill("8")
    page.get_by_label("Seed").press("Tab")
    settle(page)
    assert "seed=8" in page.url
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector("text=NumPy network, run 2")
    wait_until(page, "document.querySelector('.chart').querySelectorAll('polyline').length === 2")
    assert page.locator("text=NumPy network, run 1").count() == 2  # error and loss
    curves = page.locator(".chart").first.locator("polyline")
    assert curves.count() == 2
    assert curves.nth(0).get_attribute("points") != curves.nth(1).get_attribute("points")
    page.get_by_role("button", name="Reset").click()
    page.wait_for_selector(".state.new")
    assert page.locator("polyline").count() == 0


@pytest.mark.parametrize(
    ("field", "text", "error"),
    [("Batch size", "0", "from 1 to 4096; got “0”"), ("Seed", "", "got nothing"),
     ("Layer 1: neurons", "2000", "from 1 to 1024"), ("Epochs", "1.5", "whole number")],
)  # fmt: skip
def test_a_wrong_setting_is_shown_at_its_field(open_page, field, text, error):
    page = open_page(view="train")
    settle(page)
    before = page.url
    page.get_by_label(field, exact=True).fill(text)
    page.get_by_label(field, exact=True).press("Tab")
    settle(page)
    box = page.locator(".field", has=page.get_by_label(field, exact=True))
    assert error in box.locator(".error").text_content()
    assert page.url == before
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector("text=correct the marked field first")
    page.get_by_label(field, exact=True).fill("16")
    page.get_by_label(field, exact=True).press("Tab")
    settle(page)
    assert box.locator(".error").count() == 0


def test_the_curves_mark_where_the_slider_is(open_page):
    page = open_page(view="robustness?test=3&kind=rotate&strength=-45")
    settle(page)
    mark = page.locator("section:not([hidden]) line[data-at]")
    assert mark.first.get_attribute("data-at") == "-45"
    x = float(mark.first.get_attribute("x1"))
    page.get_by_label("Strength of the perturbation").fill("45")
    wait_until(page, "document.querySelector('line[data-at]').dataset.at === '45'")
    assert float(mark.first.get_attribute("x1")) > x
    page.get_by_label("Layer", exact=True).select_option("1")
    settle(page)
    page.locator("[data-weights]").scroll_into_view_if_needed()
    box = page.locator("[data-weights]").bounding_box()
    at = {"x": box["width"] * 10.5 / 28, "y": box["height"] * 3.5 / 28}
    page.locator("[data-weights]").click(position=at)
    settle(page)
    assert page.get_by_label("Input index").input_value() == str(3 * 28 + 10)
    assert (
        f"from input {3 * 28 + 10} (row 3, column 10) to neuron 0"
        in page.locator("text=The weight").text_content()
    )


@pytest.fixture
def two_columns() -> bytes:
    """A table of two numeric columns and a category, with names of 1 to 3 words."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2)) * [1, 40] + [0, 100]
    city = rng.choice(["Graz", "Linz", "Wien"], 200)
    y = np.where(X[:, 0] + (city == "Graz") > 0, "yes", "no")
    lines = [f"{a:.3f},{b:.1f},{c},{k}" for (a, b), c, k in zip(X, city, y, strict=True)]
    return "\n".join(["size,weight in kg,city,answer", *lines]).encode()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_weights_of_a_table_have_their_own_shape(open_page, two_columns, size):
    page = open_page(size, view="data")
    file = {"name": "sizes.csv", "mimeType": "text/csv", "buffer": two_columns}
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_label("Target column").select_option("answer")
    page.get_by_role("button", name="Load table").click()
    page.wait_for_selector("[data-table=sizes]")
    page.get_by_role("link", name="Train both models on it").click()
    page.wait_for_selector("section:not([hidden]) >> text=Seed")
    settle(page)
    assert "data=table" in page.url
    start(page, "done")
    page.wait_for_selector("canvas.cells")
    settle(page)
    assert_fits(page, size, 5000)
    page.get_by_role("button", name="Inspect these models").click()
    page.wait_for_selector("text=Input: the row and its prepared values")
    settle(page)
    for view, height in (("forward", 8000), ("backward", 8000), ("robustness", 6000)):
        page.evaluate("(v) => document.querySelector(`#tabs [data-key=${v}]`).click()", view)
        settle(page)
        assert_fits(page, size, height)


def assert_fits(page, size: dict, height: int) -> None:
    page_size = page.evaluate(
        "(({ scrollWidth, scrollHeight }) => [scrollWidth, scrollHeight])(document.documentElement)"
    )
    assert page_size[0] <= size["width"]
    assert page_size[1] <= height, page_size
