"""Overhead of the runner: ``graduel duel`` on MNIST against its three fits alone.

    python benchmarks/harness.py [--rows N] [--times N] [--quick] [--threads N]

Each fit alone runs in a process that loads the digits and exhausts the contender's generator
without scoring checkpoints. Then the full command runs, report included. Both alternate, `--times`
times; medians are reported. Two overheads are printed:

- *relative to the fits*: wall time of the command minus the seconds of the fits alone on their own
  clocks. Reading data, starting processes, imports, scoring, timing predictions, verdicts and the
  report all count as overhead.
- *relative to the scripts*: wall time of the command minus the wall time of the three processes,
  which read the same digits and import the same libraries.

The peak memory of each fit is printed for both.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import machine  # before NumPy: see there

# isort: split
import numpy as np

NAMES = ("textbook", "net", "xgboost")


def alone(name: str, job: Path) -> dict[str, float]:
    """Fit one contender like the duel's first seed; return seconds and peak memory."""
    from graduel.contenders import Budget, LabelledRows, make_contender
    from graduel.contenders.contender import finish_fit
    from graduel.data import load_dataset
    from graduel.duel.plan.protocol import Cell, Protocol
    from graduel.duel.run.cell import PeakMemory

    protocol = Protocol.from_dict(json.loads((job / "plan.json").read_text(encoding="utf-8")))
    spec = protocol.contenders[name]
    dataset = load_dataset("mnist")
    with np.load(job / "rows.npz") as rows:
        train, valid = (
            LabelledRows(
                dataset.table[rows[k]], dataset.y[rows[k]], len(dataset.classes), dataset.image
            )
            for k in ("train", "valid")
        )
    contender = make_contender(name, spec["family"], spec["recipe"])
    with PeakMemory() as memory:
        fitting = contender.fit(
            train,
            valid,
            rng=Cell(name, 0).rng(),
            budget=Budget(protocol.threads),
            notify=lambda progress: None,
        )
        return {"fit": finish_fit(fitting).seconds, "memory": memory.bytes}


def prepare(job: Path, options: dict[str, Any]) -> None:
    """Write the duel's plan and row numbers for the fits alone."""
    from graduel.data import load_dataset
    from graduel.data.source import DataSource
    from graduel.duel.plan.protocol_builder import build_protocol

    protocol = build_protocol(DataSource.builtin("mnist"), **options)
    rows = protocol.split_rows(load_dataset("mnist"), 0)
    (job / "plan.json").write_text(json.dumps(protocol.as_dict()), encoding="utf-8")
    np.savez(job / "rows.npz", train=rows.train, valid=rows.valid)


def timed(command: list[str]) -> tuple[float, str]:
    """Run a command; return its wall time and output."""
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return time.perf_counter() - start, done.stdout


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--alone", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    print(machine.describe())
    if options.alone:
        print(json.dumps(alone(options.alone[0], Path(options.alone[1]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        prepare(
            Path(folder), {"rows": options.rows, "threads": options.threads, "quick": options.quick}
        )
        measure(options, Path(folder))


def measure(options: argparse.Namespace, folder: Path) -> None:
    """Run fits and duels in turn, and print times, memory and overheads."""
    arguments = [
        f"--{k}={v}" for k, v in (("rows", options.rows), ("threads", options.threads)) if v
    ]
    arguments += ["--quick"] * options.quick
    fits: dict[str, list[dict[str, float]]] = {name: [] for name in NAMES}
    scripts, walls = [], []
    inside: dict[str, list[dict[str, float]]] = {name: [] for name in NAMES}
    for turn in range(options.times):
        wall = 0.0
        for name in NAMES:
            seconds, output = timed([sys.executable, __file__, "--alone", name, str(folder)])
            fits[name].append(json.loads(output.splitlines()[-1]))
            wall += seconds
        scripts.append(wall)
        out = str(folder / f"run{turn}")
        command = [sys.executable, "-m", "graduel", "duel", "--json", "--out", out, *arguments]
        seconds, output = timed(command)
        walls.append(seconds)
        for name, entry in json.loads(output)["contenders"].items():
            one = {"fit": entry["fit_seconds"][0], "memory": entry["peak_memory_bytes"]}
            inside[name].append(one)
    print(f"{'':10} {'alone':>10} {'in the duel':>12} {'memory alone':>13} {'in the duel':>12}")
    total = 0.0
    for name in NAMES:
        seconds = [median(one["fit"] for one in each[name]) for each in (fits, inside)]
        memory = [median(one["memory"] for one in each[name]) / 1e6 for each in (fits, inside)]
        total += seconds[0]
        print(
            f"{name:10} {seconds[0]:8.1f} s {seconds[1]:10.1f} s "
            f"{memory[0]:10.0f} MB {memory[1]:9.0f} MB"
        )
    wall = median(walls)
    print(f"\ngraduel duel {wall:.1f} s; fits alone {total:.1f} s; scripts {median(scripts):.1f} s")
    print(f"overhead relative to fits: {100 * (wall - total) / total:.1f} %")
    print(f"overhead relative to scripts: {100 * (wall - median(scripts)) / median(scripts):.1f} %")


if __name__ == "__main__":
    main()
