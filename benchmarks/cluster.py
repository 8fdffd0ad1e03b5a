"""A suite with and without a cluster on this machine: wall time, equal numbers, overhead per run.

    python benchmarks/cluster.py TABLES … [--target NAME] [--on local:2] [--contenders NAMES]

TABLES are tables or folders of tables. Both suites use quick fits on one thread each, and no
probes. Printed are:

- the wall times, the start of the cluster included, and their ratio (at most 0.6 is asked of two
  workers on two cores that are otherwise idle)
- whether every value of every contender is the same (times excepted)
- the overhead of a run: the time of a worker between the end of one run's process and the start of
  the next one's (less than 150 ms is asked), median and largest. Processes are looked for every 20
  ms, so the figures are that exact; the time in which a worker has nothing to do at the end of the
  suite is left out
"""

from __future__ import annotations

import machine  # isort: skip  # before NumPy

import argparse
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median
from threading import Event, Thread
from time import perf_counter
from typing import Any

import psutil

import graduel
from graduel.duel.suite.suite_api import expand_datasets

LOOK_EVERY = 0.02
"""Seconds between two looks for processes."""
CELL = "graduel.duel.run.worker"
"""The module of a run's process."""


class Processes:
    """The processes of runs: their parents, and when they start and end."""

    def __init__(self) -> None:
        self.spans: dict[int, tuple[int, float, float]] = {}
        """By process id: the parent's id, and the times of its start and of the last look."""
        self._end, self._cells = Event(), dict[int, bool]()
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._end.wait(LOOK_EVERY):
            now = perf_counter()
            for process in psutil.Process().children(recursive=True):
                try:
                    if not self._cells.get(process.pid):
                        self._cells[process.pid] = CELL in process.cmdline()
                    if self._cells[process.pid]:
                        parent, since, _ = self.spans.get(process.pid, (process.ppid(), now, now))
                        self.spans[process.pid] = parent, since, now
                except psutil.Error:
                    continue

    def close(self) -> None:
        """Stop looking."""
        self._end.set()
        self._thread.join()

    def gaps(self) -> list[float]:
        """Return the seconds between two successive processes of a parent."""
        by_parent: dict[int, list[tuple[float, float]]] = {}
        for parent, since, until in self.spans.values():
            by_parent.setdefault(parent, []).append((since, until))
        return [
            max(0.0, later[0] - earlier[1])
            for one in by_parent.values()
            for earlier, later in zip(sorted(one), sorted(one)[1:], strict=False)
        ]


def run(
    tables: list[Any], target: str | None, on: str | None, contenders: list[str]
) -> tuple[Any, Processes, float]:
    """Return a suite's result, its processes and its wall time; the start of a cluster counts."""
    with tempfile.TemporaryDirectory() as folder:
        start, processes = perf_counter(), Processes()
        suite = graduel.run_suite(
            tables,
            out=Path(folder) / "suite",
            executor=on,
            **({} if target is None else {"target": target}),
            contenders=contenders,
            quick=True,
            threads=1,
            probes=False,
        )
        wall = perf_counter() - start
        processes.close()
        return suite.result, processes, wall


def have_equal_numbers(one: Any, other: Any) -> bool:
    """Return whether two suites have the same values, times excepted."""
    plain = [
        [
            (data.name, {k: replace(v, fit_seconds=0.0) for k, v in data.contenders.items()})
            for data in result.datasets
        ]
        for result in (one, other)
    ]
    return plain[0] == plain[1] and one.across == other.across


def main() -> None:
    """Run both suites and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="+")
    parser.add_argument("--target")
    parser.add_argument("--on", default="local:2")
    parser.add_argument("--contenders", default="net,xgboost")
    options = parser.parse_args()
    contenders, tables = options.contenders.split(","), expand_datasets(options.tables)
    print(machine.describe())
    print(f"load average before: {os.getloadavg()[0]:.1f}", flush=True)
    alone, here, alone_wall = run(tables, options.target, None, contenders)
    result, there, wall = run(tables, options.target, options.on, contenders)
    print(
        f"data sets {len(result.datasets)}, runs {len(there.spans)} (alone {len(here.spans)}), "
        f"failed {len(result.failures)} (alone {len(alone.failures)})"
    )
    print(
        f"wall time {alone_wall:.1f} s alone, {wall:.1f} s on {options.on}: "
        f"{wall / alone_wall:.2f} of it"
    )
    for failure in (*alone.failures, *result.failures):
        print(f"failed: {failure.name}: {failure.message}")
    print(f"same numbers: {'yes' if have_equal_numbers(alone, result) else 'NO'}")
    for name, processes in (("alone", here), (options.on, there)):
        if gaps := processes.gaps():
            print(
                f"between two runs of a worker, {name}: {1000 * median(gaps):.0f} ms (median), "
                f"{1000 * max(gaps):.0f} ms (largest)"
            )


if __name__ == "__main__":
    main()
