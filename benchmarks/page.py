"""How large a duel's page is, and how long a browser takes to open it.

    python benchmarks/page.py duels/mnist-1a2b3c4d

Draws the page of a finished duel anew into a folder that is thrown away, and opens it in headless
Chromium (on the path) several times, at two widths. Needs ``pip install 'graduel[test]'``.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from graduel.duel.result.result_builder import load_run
from graduel.report import write_report

# From the start of the navigation to the end of the load event, in ms.
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"
# What a reader waits for: the first paint of content.
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


def main() -> None:
    """Print sizes and times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="of a finished duel")
    parser.add_argument("--tries", type=int, default=7)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("no Chromium on the path: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        start = perf_counter()
        run = load_run(options.folder)
        read = perf_counter()
        page = write_report(run, folder)
        drawn = perf_counter()
        size = page.stat().st_size
        print(f"{len(run.result.contenders)} contenders, {len(run.y_test):,} test rows")
        print(f"read {read - start:.2f} s, drawn {drawn - read:.2f} s, {size / 1e6:.2f} MB")
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        for width in (1280, 390):
            loaded, painted = [], []
            for _ in range(options.tries):
                context = browser.new_context(viewport={"width": width, "height": 900})
                tab = context.new_page()
                tab.goto(page.as_uri(), wait_until="load")
                tab.wait_for_function(f"{LOADED} > 0 && ({PAINTED}) !== null")
                loaded.append(tab.evaluate(LOADED))
                painted.append(tab.evaluate(PAINTED))
                context.close()
            print(
                f"{width} px: loaded in {median(loaded):.0f} ms, first painted after "
                f"{median(painted):.0f} ms (medians of {options.tries}; slowest {max(loaded):.0f})"
            )
        browser.close()


if __name__ == "__main__":
    main()
