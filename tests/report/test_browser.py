"""The page in a browser: headless Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graduel import report

FIVE = ("textbook", "net", "xgboost", "forest", "logistic")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
LARGEST = 5_000_000
DRAWN = ("race", "calibration", "calibration-after", "robustness", "importance")


def chromium() -> str:
    """Return the path of Chromium; without it, fail in CI and skip elsewhere."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None and os.environ.get("CI"):
        pytest.fail("no Chromium on the path; .ci/run installs it")
    if found is None:
        pytest.skip("no Chromium on the path: apt-get install chromium")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def pages(make, mnist, tmp_path_factory) -> dict[str, Path]:
    """Reports of realistic size: all of MNIST with five contenders, and a tuned table."""
    folder = tmp_path_factory.mktemp("pages")
    # Error rates at which all five misclassify some rows.
    skill = {name: (0.35 + 0.01 * i, 30.0 + 20 * i) for i, name in enumerate(FIVE)}
    digits = make(
        names=FIVE,
        n_test=10_000,
        y_test=mnist.y[60_000:],
        images=mnist.X[60_000:],
        skill=skill,
        trials=30,
        points=50,
    )
    table = make(table=True, trials=25, n_classes=3, n_test=4000, seeds=5, points=50)
    paths = {}
    for name, run in (("digits", digits), ("table", table)):
        (folder / name).mkdir()
        paths[name] = report.write_report(replace(run, path=folder / name))
    return paths


class Look:
    """An open page, with its console messages and requests."""

    def __init__(self, browser: Any, path: Path, *, width: int = 1280, dark: bool = False) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        self.page = self.context.new_page()
        self.messages: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())

    def __enter__(self) -> Look:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def ask(self, script: str) -> Any:
        return self.page.evaluate(script)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["digits", "table"])
def test_the_page_opens_without_messages_and_fits_the_screen(
    browser, pages, name: str, width: int, dark: bool
) -> None:
    assert pages[name].stat().st_size < LARGEST
    with Look(browser, pages[name], width=width, dark=dark) as look:
        assert look.messages == []
        outside = [url for url in look.requests if not url.startswith(("file:", "data:"))]
        assert outside == []
        assert len([url for url in look.requests if url.startswith("file:")]) == 1
        assert look.ask("document.documentElement.scrollWidth") <= width
        look.ask("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert look.ask("document.documentElement.scrollWidth") <= width
        paper = look.ask("getComputedStyle(document.body).backgroundColor")
        assert paper == ("rgb(20, 22, 26)" if dark else "rgb(253, 253, 252)")
        ink = look.ask(
            "getComputedStyle(document.querySelector('figure svg text')).fill.match(/\\d+/g)"
        )
        assert (np.mean([int(part) for part in ink]) > 128) == dark


@pytest.mark.parametrize("name", ["digits", "table"])
def test_every_figure_has_a_name_a_caption_and_a_table(browser, pages, name: str) -> None:
    with Look(browser, pages[name]) as look:
        figures = look.ask(
            """[...document.querySelectorAll('figure')].map(figure => ({
                id: figure.id,
                drawings: [...figure.querySelectorAll('svg')].map(svg =>
                    [svg.getAttribute('role'), (svg.getAttribute('aria-label') || '').length]),
                shown: [...figure.querySelectorAll('svg')].filter(svg => svg.clientWidth).length,
                cells: figure.querySelectorAll('details td').length,
                caption: figure.querySelector('figcaption').textContent.length,
            }))"""
        )
        assert len(figures) >= 12
        for figure in figures:
            assert figure["shown"] == 1, figure
            assert figure["cells"] > 0, figure
            assert figure["caption"] > 20, figure
            for role, length in figure["drawings"]:
                assert role == "img"
                assert length > 30
        names = {figure["id"] for figure in figures}
        assert {f"figure-{name}" for name in DRAWN} <= names
        assert ("figure-misclassified" in names) == (name == "digits")


@pytest.mark.parametrize("name", ["digits", "table"])
def test_text_stays_inside_its_figure(browser, pages, name: str) -> None:
    with Look(browser, pages[name]) as look:
        lost = look.ask(
            """[...document.querySelectorAll('figure svg')].filter(
                svg => svg.clientWidth).flatMap(svg => {
                const box = svg.getBoundingClientRect();
                return [...svg.querySelectorAll('text')].map(text => {
                    const t = text.getBoundingClientRect();
                    const out = Math.max(box.left - t.left, t.right - box.right,
                                         box.top - t.top, t.bottom - box.bottom);
                    return [svg.closest('figure').id, text.textContent, out];
                }).filter(overflow => overflow[2] > 3);
            })"""
        )
        assert lost == []


@pytest.mark.parametrize(("name", "dark"), [("digits", False), ("table", True)])
def test_axe_finds_nothing(browser, pages, name: str, dark: bool) -> None:
    from axe_playwright_python.sync_playwright import Axe

    with Look(browser, pages[name], dark=dark) as look:
        look.ask("document.querySelectorAll('details').forEach(d => d.open = true)")
        found = Axe().run(look.page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []


def test_details_open_by_keyboard_and_scroll_areas_have_focus(browser, pages) -> None:
    with Look(browser, pages["digits"], width=390) as look:
        look.page.locator("figure#figure-robustness summary").focus()
        look.page.keyboard.press("Enter")
        assert look.ask("document.querySelector('figure#figure-robustness details').open")
        scrolls = look.ask(
            """[...document.querySelectorAll('.scroll')].filter(box => box.clientWidth
                && box.scrollWidth > box.clientWidth).map(box => box.tabIndex)"""
        )
        assert scrolls
        assert set(scrolls) == {0}


@pytest.mark.parametrize(("ci", "ends"), [("true", pytest.fail), ("", pytest.skip)])
def test_without_a_browser_ci_fails_and_other_machines_skip(monkeypatch, ci, ends) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setenv("CI", ci)
    with pytest.raises(ends.Exception, match="no Chromium on the path"):
        chromium()
