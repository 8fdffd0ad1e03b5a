"""Size of a duel's report and the time a browser takes to open it.

    python benchmarks/page.py duels/mnist-1a2b3c4d

Renders the report of a finished duel into a temporary folder and opens it several times in headless
Chromium (on the PATH), at two widths. Needs ``pip install 'graduel[test]'``.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import machine  # before NumPy: see there

# isort: split
from graduel.duel.result.result_builder import load_run
from graduel.report import write_report

# From the start of the navigation to the end of the load event, in ms.
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"
# The first paint of content, which a reader waits for.
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


def main() -> None:
    """Print size and times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of a finished duel")
    parser.add_argument("--tries", type=int, default=7)
    options = parser.parse_args()
    print(machine.describe())
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit(
            "expected chromium on the PATH, found none; install it (apt-get install chromium)"
        )
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        start = perf_counter()
        run = load_run(options.folder)
        read = perf_counter()
        page = write_report(run, folder)
        drawn = perf_counter()
        size = page.stat().st_size
        print(f"{len(run.result.contenders)} contenders, {len(run.y_test):,} test rows")
        print(
            f"loaded in {read - start:.2f} s, rendered in {drawn - read:.2f} s, {size / 1e6:.2f} MB"
        )
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
                f"{width} px: load event {median(loaded):.0f} ms, first paint "
                f"{median(painted):.0f} ms (medians of {options.tries}; slowest {max(loaded):.0f})"
            )
        browser.close()


if __name__ == "__main__":
    main()
