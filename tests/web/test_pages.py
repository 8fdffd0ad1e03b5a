"""The page's static files: size, origin, colors."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import httpx
import pytest

from graduel.report.draw.style import COLORS

STATIC = Path(str(files("graduel.web") / "static"))
FILES = sorted(path for path in STATIC.rglob("*") if path.is_file())
TEXTS = [path for path in FILES if path.suffix in (".js", ".html", ".css")]


def test_static_files_are_below_500_kilobytes():
    assert sum(path.stat().st_size for path in FILES) < 500_000
    assert len(FILES) > 15


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_no_external_resources_and_no_html_from_strings(path):
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|//cdn|@import|url\(", text)
    for risky in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "eval(",
        "document.write",
        "style=",
    ):
        assert risky not in text, risky


def test_all_imported_modules_exist(address):
    for path in TEXTS:
        if path.suffix == ".js":
            for name in re.findall(r'from "([^"]+)"', path.read_text(encoding="utf-8")):
                assert (path.parent / name).resolve().is_file(), (path.name, name)
        result = httpx.get(f"{address}/{path.relative_to(STATIC).as_posix()}")
        assert result.status_code == 200


def test_colors_equal_the_reports():
    text = (STATIC / "style.css").read_text(encoding="utf-8")
    light, dark = text.split("prefers-color-scheme: dark", 1)
    for color in COLORS:
        for value, where in ((color.light, light), (color.dark, dark)):
            actual = re.search(rf"--{color.variable}: (#\w+);", where)
            if actual is not None:
                assert actual.group(1) == value, color.variable
    assert f"--hue-0: {COLORS[4].light}" in light
