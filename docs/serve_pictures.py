"""Make the pictures of docs/serve.md: each view of the page at 1280 × 800.

    python docs/serve_pictures.py

Needs the extras ``web`` and ``test``, and Chromium (``GRADUEL_CHROMIUM`` names another path).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "images"
# A drawing of a 5, as the page writes it in its address.
DRAWING = "drawing=sBkgB2F_HST4H.sBwXgOeLeNcHeCiBQmBcgBiBQoBDyBR6BZ4BbsBfclBQnBKjBAhBJfTdZdV"
VIEWS = {
    "draw": f"draw?{DRAWING}",
    "forward": "forward?test=18&layer=2&unit=5",
    "backward": "backward?test=18&label=3&rate=0.1",
    "train": "train?rows=5000&epochs=8",
    "robustness": "robustness?test=18&kind=rotate&strength=30",
    "data": "data",
    "export": "export?test=18",
}
COLORS = 64
TRAINING = "async () => (await (await fetch('api/about')).json()).training"


def main() -> None:
    """Start a server, open each view, and write its picture."""
    from playwright.sync_api import sync_playwright

    command = [sys.executable, "-m", "graduel", "serve", "--port", "0"]
    path = os.environ.get("GRADUEL_CHROMIUM") or shutil.which("chromium")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        match = re.search(r"http://\S+", server.stdout.readline())
        assert match is not None
        try:
            with sync_playwright() as playwright:
                arguments = ["--no-sandbox", "--disable-gpu"]
                browser = playwright.chromium.launch(executable_path=path, args=arguments)
                page = browser.new_page(viewport={"width": 1280, "height": 800})
                page.goto(match[0])
                while page.evaluate(TRAINING):
                    page.wait_for_timeout(1000)
                for name, address in VIEWS.items():
                    page.goto("about:blank")
                    page.goto(f"{match[0]}#{address}")
                    page.wait_for_selector("body[data-ready]", timeout=300_000)
                    if name == "train":
                        page.get_by_role("button", name="Start").click()
                        page.wait_for_selector(".state.done", timeout=300_000)
                    page.wait_for_timeout(1000)
                    save(page.screenshot(), FOLDER / f"serve-{name}.png")
                browser.close()
        finally:
            server.terminate()


def save(content: bytes, path: Path) -> None:
    """Write a picture with few colors."""
    from PIL import Image

    picture: Any = Image.open(BytesIO(content)).convert("RGB")
    picture.quantize(COLORS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
