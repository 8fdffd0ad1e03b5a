"""A model of time per epoch against workers, rows and bandwidth, fitted to measured steps.

    python benchmarks/scale.py --out scale.json
    sudo python benchmarks/scale.py --rates 1000,100      # also over a limited network (Linux)
    python benchmarks/scale.py --use scale.json --plot docs/images/scale.svg

docs/scale.md has the formulas. Measured are, one thread a process:

- steps of three networks at several batch sizes, in two processes at a time that do not wait for
  each other: seconds per multiplication, per parameter and per step of a core whose neighbour is
  also busy;
- rounds of XGBoost on tables of several sizes, likewise: seconds per row and column, and per round;
- sums of 1 to 4 million float32 over XGBoost's communicator, on 2 and 4 processes: latency and
  bytes a second.

Then steps and rounds of 2 and 4 processes are measured and compared with the model. More processes
than cores share them, so the model multiplies their computing time by processes / cores. With
`--rates`, the processes run in a network namespace whose loopback ``tc`` limits to that many
megabits a second, without any refitting but that of the bandwidth.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import machine  # before NumPy: see there

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

# isort: split
import numpy as np

from graduel.kernels.shares import limit_threads
from graduel.nn import Dense, Network, ReLU
from graduel.train import Fit
from graduel.train.loop.collectives import xgboost_collective, xgboost_tracker
from graduel.train.loop.parallel import DataParallel

NETS = {"256-256": (256, 256), "512-512": (512, 512), "1024-1024": (1024, 1024)}
BATCHES = (32, 128, 512)
SUMS = (1, 1_000, 10_000, 100_000, 1_000_000, 4_000_000)
TREE_ROWS, TREE_COLUMNS, BINS, DEPTH, ROUNDS = (50_000, 200_000), (10, 40), 64, 6, 12
MOST_SECONDS = 3.0
NAMESPACE = "graduel-scale"


@dataclass(frozen=True)
class Model:
    """The constants of docs/scale.md, of one machine.

    Attributes
    ----------
    multiply : seconds per multiplication of a row's forward pass (three products a step)
    parameter, step : seconds per parameter, and per step, of what every worker computes
    latency, byte : seconds of a sum of one number between two workers, and per byte
    cell, round : seconds per row and column of a boosting round, and per round
    """

    multiply: float
    parameter: float
    step: float
    latency: float
    byte: float
    cell: float
    round: float

    def all_reduce(self, n_bytes: float, workers: int) -> float:
        """Return the seconds of a sum: a ring, 2 (p − 1) messages of n / p bytes each."""
        if workers == 1:
            return 0.0
        ways = 2 * (workers - 1)
        return ways * (self.latency / 2 + n_bytes / workers * self.byte)

    def net_step(
        self, sizes: tuple[int, ...], batch: float, workers: int, load: float = 1
    ) -> float:
        """Return the seconds of a step; `load` is processes per core, at least 1."""
        multiplications, parameters = count(sizes)
        own = self.multiply * multiplications * batch / workers
        own += self.parameter * parameters + self.step
        return load * own + self.all_reduce(4 * parameters, workers) + self.all_reduce(8, workers)

    def tree_round(self, rows: float, columns: int, workers: int, load: float = 1) -> float:
        """Return the seconds of a boosting round of one tree of depth :data:`DEPTH`.

        Each level sums the histograms of half of its nodes: two float64 a bin.
        """
        own = self.cell * rows * columns / workers + self.round
        sums = [
            self.all_reduce(16 * BINS * columns * 2 ** max(0, d - 1), workers) for d in range(DEPTH)
        ]
        return load * own + sum(sums)


def count(sizes: tuple[int, ...]) -> tuple[int, int]:
    """Return the multiplications of a row's forward pass, and the parameters."""
    pairs = list(pairwise(sizes))
    products = sum(a * b for a, b in pairs)
    return products, products + sum(sizes[1:])


def time_calls(call: Any, repeats: int = 9) -> float:
    """Return the median seconds of a call, after a warm-up."""
    call()
    times: list[float] = []
    while len(times) < repeats and (len(times) < 3 or sum(times) < MOST_SECONDS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return median(times)


def start_fit(hidden: tuple[int, ...], batch: int, parallel: DataParallel | None = None) -> Any:
    """Return the steps of a training on random rows."""
    rng = np.random.default_rng(0)
    X, y = rng.random((4_096, 784), np.float32), rng.integers(10, size=4_096)
    layers = [part for size in hidden for part in (Dense(size), ReLU())]
    net = Network((*layers, Dense(10)), (784,))
    fit = Fit(net, X, y, rng=0, epochs=10**6, batch_size=batch, parallel=parallel)
    return fit.fit_steps()


def time_steps(hidden: tuple[int, ...], batch: int, parallel: DataParallel | None = None) -> float:
    """Return the median seconds of a step."""
    steps = start_fit(hidden, batch, parallel)
    for _ in range(4):
        next(steps)
    return time_calls(lambda: next(steps), repeats=24 if batch > 128 else 60)


def time_rounds(rows: int, columns: int) -> float:
    """Return the seconds of a round of XGBoost, in this process's communicator if it has one."""
    import xgboost

    rng = np.random.default_rng(os.getpid())
    X = rng.normal(size=(rows, columns)).astype(np.float32)
    data = xgboost.QuantileDMatrix(X, X[:, 0] + X[:, 1] > 0, max_bin=BINS, nthread=1)
    options = {"max_bin": BINS, "max_depth": DEPTH, "nthread": 1, "objective": "binary:logistic"}
    booster = xgboost.Booster(options, [data])
    number = iter(range(10**6))
    return time_calls(lambda: booster.update(data, next(number)), repeats=ROUNDS)


def work(rank: int, address: dict[str, Any]) -> dict[str, Any]:
    """Measure on one of several processes; return the times of this one."""
    results: dict[str, Any] = {"apart": measure_apart(), "sums": {}, "steps": {}, "rounds": {}}
    with xgboost_collective(address, rank) as collective, limit_threads(1):
        size = collective.size
        for n in SUMS:
            values = np.zeros(n, np.float32)
            results["sums"][n] = time_calls(lambda values=values: collective.all_reduce(values), 21)
        for name, hidden in NETS.items():
            for batch in BATCHES:
                key = f"{name} {batch}"
                results["steps"][key] = time_steps(hidden, batch, DataParallel(collective, 0))
        for rows in TREE_ROWS:
            for columns in TREE_COLUMNS:
                results["rounds"][f"{rows} {columns}"] = time_rounds(rows // size, columns)
    return results


def run(size: int, prefix: list[str]) -> dict[str, Any]:
    """Measure on several processes; return the times of worker 0."""
    command = [*prefix, sys.executable, __file__, "--worker"]
    tracker = [*prefix, sys.executable, __file__, "--tracker", str(size)]
    with subprocess.Popen(
        tracker, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    ) as host:
        assert host.stdout is not None
        address = host.stdout.readline()
        workers = [
            subprocess.Popen(
                [*command, str(rank), address], stdout=None if rank else subprocess.PIPE, text=True
            )
            for rank in range(size)
        ]
        assert workers[0].stdout is not None
        times = json.loads(workers[0].stdout.read().strip().splitlines()[-1])
        for worker in workers:
            worker.wait()
        host.terminate()
    return times


@contextmanager
def limited_loopback(megabits: float) -> Iterator[list[str]]:
    """Yield a command prefix that runs in a network namespace with a slow loopback."""

    def call(*words: str) -> None:
        subprocess.run(words, check=True)

    enter = ["ip", "netns", "exec", NAMESPACE]
    call("ip", "netns", "add", NAMESPACE)
    try:
        call(*enter, "ip", "link", "set", "lo", "up")
        limit = ("tbf", "rate", f"{megabits:g}mbit", "burst", "256k", "latency", "400ms")
        call(*enter, "tc", "qdisc", "add", "dev", "lo", "root", *limit)
        yield enter
    finally:
        call("ip", "netns", "del", NAMESPACE)


def measure_apart() -> dict[str, Any]:
    """Measure this process by itself, whatever the others do."""
    with limit_threads(1):
        steps = {f"{n} {b}": time_steps(NETS[n], b) for n in NETS for b in (*BATCHES, 16, 64, 256)}
        rounds = {f"{r} {c}": time_rounds(r, c) for r in TREE_ROWS for c in TREE_COLUMNS}
        rounds |= {f"{r // 2} {c}": time_rounds(r // 2, c) for r in TREE_ROWS for c in TREE_COLUMNS}
    return {"steps": steps, "rounds": rounds}


def least_squares(rows: list[list[float]], times: list[float]) -> list[float]:
    """Fit non-negative factors, each time weighted by its inverse: relative errors."""
    from scipy.optimize import nnls

    A, t = np.array(rows), np.array(times)
    scale = A.max(axis=0)
    factors, _ = nnls(A / scale / t[:, None], np.ones(len(t)))
    return list(factors / scale)


def fit_steps(apart: dict[str, Any]) -> list[float]:
    """Return seconds per multiplication, per parameter and per step."""
    rows, times = [], []
    for key, seconds in apart["steps"].items():
        net, batch = key.split()
        multiplications, parameters = count((784, *NETS[net], 10))
        rows.append([multiplications * int(batch), parameters, 1])
        times.append(seconds)
    return least_squares(rows, times)


def fit_rounds(apart: dict[str, Any]) -> list[float]:
    """Return seconds per cell and per round."""
    cells = [np.prod([int(part) for part in key.split()]) for key in apart["rounds"]]
    return least_squares([[n, 1] for n in cells], list(apart["rounds"].values()))


def fit_sums(times: dict[str, float]) -> list[float]:
    """Return the seconds of a sum of one number between two workers, and per byte of large ones.

    With two workers, 2 messages of half of the bytes follow each other.
    """
    first, *_, large, largest = sorted(map(int, times))
    slope = (times[str(largest)] - times[str(large)]) / (4 * (largest - large))
    return [times[str(first)], slope]


def fit(measured: dict[str, Any], wire: str = "2") -> Model:
    """Return the model of measurements of two processes, with the sums over a wire."""
    apart = measured["2"]["apart"]
    return Model(*fit_steps(apart), *fit_sums(measured[wire]["sums"]), *fit_rounds(apart))


def compare(model: Model, times: dict[str, Any], size: int, cores: int) -> list[dict[str, Any]]:
    """Return measured and modelled seconds of the steps and rounds of several processes."""
    load, rows = max(1.0, size / cores), []
    for key, seconds in times["steps"].items():
        net, batch = key.split()
        expected = model.net_step((784, *NETS[net], 10), int(batch), size, load)
        rows.append({"what": f"network {key}", "measured": seconds, "model": expected})
    for key, seconds in times["rounds"].items():
        n, columns = map(int, key.split())
        expected = model.tree_round(n, columns, size, load)
        rows.append({"what": f"XGBoost {key}", "measured": seconds, "model": expected})
    return rows


def show(title: str, rows: list[dict[str, Any]]) -> None:
    """Print a comparison and its median error."""
    print(f"{title}: seconds measured, by the model")
    for row in rows:
        print(f"  {row['what']:24} {row['measured']:.5f} {row['model']:.5f}")
    errors = [abs(np.log(row["model"] / row["measured"])) for row in rows]
    print(f"  median error {np.expm1(median(errors)):.0%}, largest {np.expm1(max(errors)):.0%}")


def plot(model: Model, path: Path) -> None:
    """Draw rows a second against workers, for networks and trees, over three networks."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "graduel"
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.subplots(1, 2, sharey=False)
    workers = 2 ** np.arange(9)
    wires = {"10 Gbit/s": 8e-10, "1 Gbit/s": 8e-9, "100 Mbit/s": 8e-8}
    colors = ("#0b6e4f", "#b5541a", "#7a3b8f")
    for (wire, byte), color in zip(wires.items(), colors, strict=True):
        networked = replace(model, byte=byte, latency=1e-4)
        for batch, dashes in ((512, "-"), (8_192, "--")):
            steps = [networked.net_step((784, 1024, 1024, 10), batch, int(p)) for p in workers]
            label = f"{wire}, batch {batch:,}"
            axes[0].plot(workers, batch / np.array(steps), dashes, color=color, label=label)
        rounds = [networked.tree_round(1e10, 30, int(p)) for p in workers]
        axes[1].plot(workers, 1e10 / np.array(rounds), color=color, label=wire)
        small = [networked.tree_round(1e6, 30, int(p)) for p in workers]
        axes[1].plot(workers, 1e6 / np.array(small), "--", color=color)
    titles = ("Network 784-1024-1024-10", "XGBoost, 30 columns: 10¹⁰ rows (dashed: 10⁶)")
    for ax, title in zip(axes, titles, strict=True):
        ax.set(xscale="log", yscale="log", xlabel="workers", ylabel="rows a second", title=title)
        ax.set_xticks(workers, [str(p) for p in workers], minor=False)
        ax.minorticks_off()
        ax.set_ylim(bottom=ax.get_ylim()[0] / (20 if ax is axes[0] else 1))  # room for the legend
        ax.grid(alpha=0.3)
        ax.legend(fontsize=7)
    figure.savefig(path, format="svg", metadata={"Date": None})


def main() -> None:
    """Measure or load, fit, compare, plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--use", type=Path, help="measurements of an earlier run")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--rates", default="", help="megabits a second, comma-separated")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--tracker", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        rank = int(arguments.worker[0])
        times = work(rank, json.loads(arguments.worker[1]))
        if not rank:
            print(json.dumps(times), flush=True)
        return
    if arguments.tracker:
        with xgboost_tracker(arguments.tracker) as address:
            print(json.dumps(address), flush=True)
            sys.stdin.read()
        return
    if arguments.use:
        measured = json.loads(arguments.use.read_text())
    else:
        measured = {"machine": machine.describe(), "cores": len(os.sched_getaffinity(0))}
        for size in (2, 4):
            measured[str(size)] = run(size, [])
        for rate in filter(None, arguments.rates.split(",")):
            with limited_loopback(float(rate)) as prefix:
                measured[f"2 at {rate} Mbit/s"] = run(2, prefix)
    if arguments.out:
        arguments.out.write_text(json.dumps(measured, indent=1))
    print(measured["machine"])
    model, cores = fit(measured), measured["cores"]
    print(json.dumps(asdict(model)))
    for size in (2, 4):
        show(f"{size} processes", compare(model, measured[str(size)], size, cores))
    for name in measured:
        if " at " in name:
            show(name, compare(fit(measured, name), measured[name], 2, cores))
    if arguments.plot:
        plot(model, arguments.plot)


if __name__ == "__main__":
    main()
