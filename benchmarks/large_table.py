"""Train on a table larger than each of two workers may hold; rows a second, peak memory of each.

    python benchmarks/large_table.py 40000000 --memory 3 --folder /tmp/large

The table is that of ``large_tables.py``: 30 features, three classes, row groups of 125,000 rows. It
is written once. Then N worker processes (``graduel train --workers N``) train the network for one
epoch, and XGBoost for 50 rounds, each on its own row groups. Printed for each model:

- schema and preparation: start of the processes, scan of all rows, merge of the summaries
- training: the epoch, or the rounds with XGBoost's own preparation of its bins; validation included
- predictions: the test rows, 20 % of all

Memory is limited twice. Each process has RLIMIT_DATA, which counts all private writable memory,
also what is reserved and not used. And its resident memory is read every 0.1 s: the run ends if it
is above the limit. `peak` is the largest resident memory of each worker in a phase.
"""

from __future__ import annotations

import machine  # isort: skip  # before NumPy

import argparse
import json
import resource
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import psutil
from large_tables import NET, XGBOOST_ROUNDS, write_table

TEST_SHARE = 0.2


class Memory:
    """The resident memory of the worker processes of this one, and its peak since the last look.

    Parameters
    ----------
    limit : bytes of each; a process above it is killed
    """

    def __init__(self, limit: float) -> None:
        self._limit, self._peaks, self.exceeded = limit, dict[int, int](), ""
        self._end = Event()
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._end.wait(0.1):
            for one in psutil.Process().children():
                try:
                    size = one.memory_info().rss
                    if size > self._limit:
                        self.exceeded = f"{size / 1e9:.2f} GB in process {one.pid}"
                        one.kill()
                except psutil.NoSuchProcess:
                    continue
                self._peaks[one.pid] = max(self._peaks.get(one.pid, 0), size)

    def take(self) -> list[float]:
        """Return the peaks in GB since the last call."""
        peaks, self._peaks = self._peaks, {}
        return [round(size / 1e9, 2) for _, size in sorted(peaks.items())]

    def close(self) -> None:
        """Stop reading."""
        self._end.set()
        self._thread.join()


def jobs(table: Path, folder: Path, models: list[str], threads: int) -> list[Any]:
    """Return the training job of each model on the row groups of a table."""
    from graduel.contenders.workers.row_group_job import describe_row_groups
    from graduel.contenders.workers.train_job import TrainJob
    from graduel.contenders.xgboost_recipes import XGBoostRecipe
    from graduel.data.row_groups.parquet_shards import open_shards
    from graduel.data.row_groups.shard_scan import read_sample
    from graduel.serialize import to_plain
    from graduel.train.build.recipe_parser import parse_recipe
    from graduel.train.recipes import net_recipe

    shards = open_shards(table)
    options = describe_row_groups(folder, shards, read_sample(shards, 0), {"target": "class"}, 0)
    recipes = {
        "net": to_plain(parse_recipe(NET, net_recipe(False, shards.n_rows))),
        "xgboost": asdict(XGBoostRecipe(n_estimators=XGBOOST_ROUNDS, max_bin=64)),
    }
    return [
        TrainJob(
            family=model,
            recipe=recipes[model],
            metric="error",
            folder=str(folder),
            n_classes=0,
            rng_state=dict(np.random.default_rng(0).bit_generator.state),
            checkpoint=str(folder.parent / f"{model}.checkpoint"),
            breaks_ties=True,
            threads=threads,
            options=options | {"title": model},
        ).with_key()
        for model in models
    ]


def measure(job: Any, workers: int, n_rows: int, memory: Memory) -> None:
    """Train by workers; print a line for each phase."""
    from graduel.contenders.workers.worker_group import run_workers

    start, last, table = time.perf_counter(), "", {}
    memory.take()

    def show(phase: str, rows: int, **more: Any) -> None:
        nonlocal start
        now = time.perf_counter()
        line = {"model": job.family, "phase": phase, "seconds": round(now - start, 1)}
        line |= {"rows_per_second": round(rows / (now - start)), "peak_gb": memory.take()}
        print(json.dumps(line | more), flush=True)
        start = now

    for event in run_workers(job, workers, restarts=0):
        kind = event["kind"]
        if kind == "table":
            table = event
            show("schema and preparation", n_rows)
        elif kind == "scores":
            scores = {key: round(value, 4) for key, value in event.items() if key != "kind"}
            show("predictions", table["test_rows"], **scores)
        elif kind == "epoch":
            show("training", table["rows"], loss=round(event["loss"], 4))
        elif kind == "details":
            show("training", table["rows"] * XGBOOST_ROUNDS, rounds=event["rounds"])
        last = kind
    assert last == "end"


def main() -> None:
    """Write the table, train each model, print the phases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=int)
    parser.add_argument("--memory", type=float, default=3.0, help="GB of each process")
    parser.add_argument("--folder", type=Path, help="of the table. Default: a temporary one")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1, help="of each worker")
    parser.add_argument("--models", default="net,xgboost")
    options = parser.parse_args()
    print(machine.describe(), flush=True)
    place = Path(tempfile.mkdtemp(prefix="large-", dir=options.folder))
    try:
        start, table = time.perf_counter(), place / "table"
        write_table(table, options.rows)
        size = sum(path.stat().st_size for path in table.iterdir())
        print(
            f"{options.rows:,} rows, {size / 1e9:.2f} GB of Parquet, written in "
            f"{time.perf_counter() - start:.0f} s; {options.workers} workers, limit "
            f"{options.memory:g} GB each; other processes use "
            f"{psutil.cpu_percent(1.0):.0f} % of the cores",
            flush=True,
        )
        limit = int(options.memory * 1e9)
        resource.setrlimit(
            resource.RLIMIT_DATA, (limit, resource.getrlimit(resource.RLIMIT_DATA)[1])
        )
        rows = place / "rows"
        rows.mkdir()
        memory = Memory(limit)
        try:
            for job in jobs(table, rows, options.models.split(","), options.threads):
                measure(replace(job), options.workers, options.rows, memory)
        except Exception as error:
            sys.exit(f"ended: {memory.exceeded or error}")
        finally:
            memory.close()
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
