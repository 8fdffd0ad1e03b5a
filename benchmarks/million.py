"""Memory of each step from file to fit, for a table of a million rows and 30 columns.

    python benchmarks/million.py
    python benchmarks/million.py --rows 200000 --only parquet

Writes a table of numbers, categories, dates and missing values to a temporary folder, as CSV and as
Parquet, and trains the network (one epoch) and XGBoost (20 rounds) on it, in one process each, with
the functions that ``graduel duel`` calls. Resident memory is sampled every 20 ms. Then the full
command runs; its memory includes its worker processes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, sleep
from typing import Any, TypeVar

THREADS = "OMP_NUM_THREADS"
for _name in (THREADS, "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "2")

import machine  # before NumPy: see there

# isort: split
import numpy as np
import psutil

ROWS = 1_000_000
ROUNDS = 20
KINDS = ("csv", "parquet")
NAMES = ("net", "xgboost")
T = TypeVar("T")


def make(folder: Path, rows: int) -> None:
    """Write the same table as CSV and as Parquet."""
    import polars as pl

    rng = np.random.default_rng(0)
    y = rng.integers(3, size=rows)
    columns: dict[str, Any] = {}
    for i in range(18):
        x = rng.normal(size=rows) + 0.3 * y * (i % 3)
        columns[f"number_{i}"] = pl.Series(x if i < 6 else x.round(3))
    for i, most in enumerate((8, 100, 10_000, 2_000_000_000)):
        columns[f"count_{i}"] = pl.Series(rng.integers(most, size=rows))
    for i, most in enumerate((2, 12, 60, 3_000)):
        words = pl.Series([f"category {k} of {most}" for k in range(most)])
        columns[f"word_{i}"] = words.gather((rng.integers(most, size=rows) + y) % most)
    columns["member"] = pl.Series(["yes", "no"]).gather(rng.integers(2, size=rows))
    start = np.datetime64("2020-01-01", "s")
    moments = [start + rng.integers(10**8, size=rows) for _ in range(2)]
    columns["moment"] = pl.Series(moments[0].astype("M8[us]"))
    columns["day"] = pl.Series(moments[1].astype("M8[D]"))
    columns["seen"] = pl.Series(rng.integers(2, size=rows) == 1)
    frame = pl.DataFrame(columns)
    gaps = [
        pl.when(pl.Series(rng.random(rows) < 0.05)).then(None).otherwise(pl.col(name)).alias(name)
        for name in ("number_0", "number_7", "count_1", "word_1", "day")
    ]
    frame = frame.with_columns(gaps).with_columns(target=pl.Series([f"class {c}" for c in y]))
    frame.write_csv(folder / "million.csv")
    frame.write_parquet(folder / "million.parquet")


def stage(name: str, work: Callable[[], T]) -> T:
    """Run a step; print its seconds and peak resident memory."""
    from graduel.duel.run.cell import PeakMemory

    begun = perf_counter()
    with PeakMemory() as memory:
        done = work()
    print(f"  {name:12} {perf_counter() - begun:7.1f} s   {memory.bytes / 1e9:5.2f} GB", flush=True)
    return done


def cell(path: Path, name: str) -> None:
    """Read, split, prepare and fit in this process, and print each step."""
    from dataclasses import asdict, replace

    from graduel.contenders import Budget, make_contender
    from graduel.data.source import open_source
    from graduel.duel.plan.protocol import Cell
    from graduel.duel.plan.protocol_builder import build_protocol
    from graduel.duel.run.cell import run_cell

    data = open_source(path, target="target")
    loaded = stage("read", data.load)
    protocol = build_protocol(data, contenders=[name], threads=int(os.environ[THREADS]))
    rows = stage("split", lambda: protocol.split_rows(loaded, 0))
    from graduel.contenders.family import TableTraits
    from graduel.contenders.registry import get_contender

    recipe = get_contender(name)[1].recipes(TableTraits(len(rows.train), 3)).full
    short = {"epochs": 1} if name == "net" else {"n_estimators": ROUNDS}
    contender = make_contender(name, name, asdict(replace(recipe, **short)), protocol.metric)
    stage("fit", lambda: run_cell(contender, loaded, rows, Cell(name, 0), Budget(protocol.threads)))


def whole(path: Path, folder: Path) -> None:
    """Run ``graduel duel`` with one epoch; print the peak memory of it and its workers."""
    command = [sys.executable, "-m", "graduel", "duel", str(path), "--target", "target"]
    command += ["--contenders", "net", "--net", "epochs=1", "--threads", os.environ[THREADS]]
    command += ["--out", str(folder / path.suffix[1:])]
    begun, most = perf_counter(), 0
    with psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as duel:
        while duel.poll() is None:
            most = max(most, resident(duel))
            sleep(0.02)
        note = "" if duel.returncode == 0 else f"   (exit code {duel.returncode})"
    print(f"  {'full command':12} {perf_counter() - begun:7.1f} s   {most / 1e9:5.2f} GB{note}")


def resident(process: psutil.Process) -> int:
    """Return the resident memory of a process and its children, in bytes."""
    total = 0
    try:
        for one in (process, *process.children(recursive=True)):
            total += one.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--only", choices=(*KINDS, *NAMES))
    parser.add_argument("--cell", nargs=2, metavar=("PATH", "NAME"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    print(machine.describe())
    if options.cell:
        cell(Path(options.cell[0]), options.cell[1])
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, options.rows)
        for kind in KINDS:
            path = folder / f"million.{kind}"
            if options.only in KINDS and options.only != kind:
                continue
            for name in NAMES:
                if options.only in NAMES and options.only != name:
                    continue
                print(f"{kind}, {name}", flush=True)
                mine = [sys.executable, __file__, "--cell", str(path), name]
                subprocess.run(mine, check=True)
            print(f"{kind}, graduel duel", flush=True)
            whole(path, folder)


if __name__ == "__main__":
    main()
