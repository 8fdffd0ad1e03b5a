"""A suite with and without a cluster on this machine: wall time, equal numbers, overhead per run.

    python benchmarks/cluster.py TABLE … [--on local:2] [--contenders NAMES]

Both suites use quick fits on one thread each, and no probes. Printed are:

- the wall times, and their ratio;
- whether every value of every contender is the same (times excepted);
- the time that a run needs on a worker beyond the process of the run: from its start as the client
  sees it to its end, minus the same in :class:`~graduel.duel.run.local.LocalExecutor`. Only
  meaningful if the machine has a core for each worker;
- the idle time of a worker between two runs: from the end of one to the start of the next.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import graduel
from graduel.duel.run.clusters import open_executor
from graduel.duel.run.job import CellJob, Event


class Timed:
    """An executor that notes when the runs of another start and end."""

    def __init__(self, executor: Any) -> None:
        self._executor = executor
        self.slots, self.threads = executor.slots, executor.threads
        self.runs: list[tuple[str, str, float, float]] = []
        """Of each run: the data set and cell, the worker, the times of its start and end."""

    def close(self) -> None:
        """End the use of the cluster."""
        getattr(self._executor, "close", lambda: None)()

    def run(self, jobs: Iterable[CellJob]) -> Iterator[Event]:
        """Run jobs and yield their events."""
        started: dict[str, tuple[str, float]] = {}
        name = ""

        def noted() -> Iterator[CellJob]:
            nonlocal name
            for job in jobs:
                name = job.protocol.dataset
                yield job

        for event in self._executor.run(noted()):
            key, now = event.cell.key, perf_counter()
            if event.kind == "started":
                started[key] = (event.worker, now)
            elif event.kind == "finished":
                worker, since = started.pop(key)
                self.runs.append((f"{name}: {key}", worker, since, now))
            yield event


def run(tables: list[str], on: str | None, contenders: list[str]) -> tuple[Any, Timed, float]:
    """Return a suite's result, its times and its wall time; the start of a cluster counts."""
    with tempfile.TemporaryDirectory() as folder:
        start = perf_counter()
        with open_executor(on) as executor:
            timed = Timed(executor)
            suite = graduel.run_suite(
                tables,
                out=Path(folder) / "suite",
                executor=timed,
                contenders=contenders,
                quick=True,
                threads=1,
                probes=False,
            )
        return suite.result, timed, perf_counter() - start


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


def idle_seconds(timed: Timed) -> list[float]:
    """Return the times between two runs on the same worker."""
    spans: dict[str, list[tuple[float, float]]] = {}
    for _, worker, since, until in timed.runs:
        spans.setdefault(worker, []).append((since, until))
    return [
        later[0] - earlier[1]
        for one in spans.values()
        for earlier, later in zip(sorted(one), sorted(one)[1:], strict=False)
    ]


def main() -> None:
    """Run both suites and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="+")
    parser.add_argument("--on", default="local:2")
    parser.add_argument("--contenders", default="net,xgboost")
    options = parser.parse_args()
    contenders = options.contenders.split(",")
    alone, alone_timed, alone_wall = run(options.tables, None, contenders)
    there, timed, wall = run(options.tables, options.on, contenders)
    print(f"data sets {len(alone.datasets)}, runs {len(timed.runs)}, failed {len(there.failures)}")
    print(
        f"wall time {alone_wall:.1f} s alone, {wall:.1f} s on {options.on}: "
        f"{wall / alone_wall:.2f} of it"
    )
    print(f"same numbers: {'yes' if have_equal_numbers(alone, there) else 'NO'}")
    usual = {name: until - since for name, _, since, until in alone_timed.runs}
    more = [until - since - usual[name] for name, _, since, until in timed.runs if name in usual]
    print(f"a run takes {1000 * median(more):+.0f} ms longer there (median of {len(more)})")
    if idle := idle_seconds(timed):
        print(
            f"idle between two runs of a worker: {1000 * median(idle):.0f} ms (median), "
            f"{1000 * max(idle):.0f} ms at most"
        )


if __name__ == "__main__":
    main()
