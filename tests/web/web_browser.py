"""Chromium for the browser tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from graduel.glassbox.digit.synthetic_digits import draw_digit

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


def chromium() -> str:
    """Return the path of Chromium; without it, the test is skipped, or fails in CI."""
    path = os.environ.get("GRADUEL_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    if not os.path.exists(path):
        report = pytest.fail if os.environ.get("CI") else pytest.skip
        report(f"Chromium not found at {path}; install it or set GRADUEL_CHROMIUM")
    return path


@contextmanager
def launch_browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


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
