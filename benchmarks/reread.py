"""Time saved by reading a table once per run: 5x2 cross-validation with and without the cache.

    python benchmarks/reread.py                       # a generated table of 4,990 rows
    python benchmarks/reread.py table.csv --target label
    python benchmarks/reread.py --pure                # no runs, only loading and opening

First, the seconds that a new process takes after its imports to load the table from the source and
from the cache. Then full runs in turn: the 20 cells of two contenders, one process each, once with
the cache and once with every process reading the source.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from unittest.mock import patch

import machine  # before NumPy: see there

# isort: split
import numpy as np

from graduel.data.dataset_cache import write_dataset
from graduel.data.source import DataSource, open_source
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.duel.run.cell_runs import run_cells
from graduel.duel.store.store import Store, open_store

ROWS = 4_990
LOAD = """
import sys
from pathlib import Path
from time import perf_counter
import polars
from graduel.duel.store.store import Store
from graduel.data.source import open_source
from graduel.data.dataset_cache import read_dataset
imported = perf_counter()
path, target, cache = sys.argv[1:]
if cache:
    data = read_dataset(Path(cache))
else:
    data = open_source(path, target=target).load()
print(perf_counter() - imported, len(data.y), data.X.shape[1])
"""


def write_table(path: Path) -> None:
    """Write a table of numbers, words and dates with missing values and two classes."""
    import polars as pl

    rng = np.random.default_rng(0)
    y = rng.integers(2, size=ROWS)
    numbers = {
        f"number_{i}": (rng.normal(size=ROWS) + 0.3 * y * (i % 3)).round(4) for i in range(30)
    }
    words = {
        f"word_{i}": rng.choice([f"category {k}" for k in range(n)], ROWS)
        for i, n in enumerate((3, 12, 60))
    }
    day = np.datetime64("2020-01-01") + rng.integers(2000, size=ROWS)
    frame = pl.DataFrame({**numbers, **words, "day": day})
    gaps = [
        pl.when(pl.Series(rng.random(ROWS) < 0.05)).then(None).otherwise(name).alias(name)
        for name in ("number_0", "word_1", "day")
    ]
    frame.with_columns(gaps).with_columns(label=pl.Series(y)).write_csv(path)


def time_reading(path: Path, target: str, cache: str, times: int) -> str:
    """Return the median seconds that a new process takes to read the table, as text."""
    seconds = []
    for _ in range(times):
        command = [sys.executable, "-c", LOAD, str(path), target, cache]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        taken, rows, columns = out.split()
        seconds.append(float(taken))
    return f"{statistics.median(seconds):.3f} s ({rows} rows, {columns} columns)"


def time_run(source: DataSource, folder: Path, names: list[str], cached: bool) -> float:
    """Return the seconds of all cells of a run."""
    protocol = build_protocol(source, contenders=names, split="5x2", quick=True, threads=1)
    nothing = patch.object(Store, "cache_dataset", lambda store: None)
    with open_store(folder, protocol, source) as store:
        if not cached:
            nothing.start()
        start = perf_counter()
        for _ in run_cells(store):
            pass
        seconds = perf_counter() - start
        if not cached:
            nothing.stop()
    return seconds


def main() -> None:
    """Print the seconds of reading and of full runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", nargs="?", type=Path)
    parser.add_argument("--target", default="label")
    parser.add_argument("--contenders", default="textbook,xgboost")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--pure", action="store_true")
    options = parser.parse_args()
    print(machine.describe())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = options.table or folder / "table.csv"
        if options.table is None:
            write_table(path)
        source = open_source(path, target=options.target)
        write_dataset(folder / "cache", source.load())
        for title, cache in (("load the source", ""), ("open the cache", str(folder / "cache"))):
            print(f"{title:16} {time_reading(path, options.target, cache, 5)}", flush=True)
        if options.pure:
            return
        names = options.contenders.split(",")
        runs: dict[bool, list[float]] = {True: [], False: []}
        for i in range(options.times):
            for cached, seconds in runs.items():
                seconds.append(time_run(source, folder / f"run-{i}-{cached}", names, cached))
        for cached, seconds in runs.items():
            each = ", ".join(f"{one:.1f}" for one in seconds)
            cells = 10 * len(names)
            print(
                f"{'with' if cached else 'without':7} the cache: median "
                f"{statistics.median(seconds):.1f} s, {statistics.median(seconds) / cells:.2f} s "
                f"per cell ({each})"
            )


if __name__ == "__main__":
    main()
