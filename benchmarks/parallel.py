"""Step time of one network on one and two processes, and time of the all-reduce of its gradient.

    python benchmarks/parallel.py [--size 2] [--repeats 5]
    mpirun -n 2 python benchmarks/parallel.py --mpi

784-1024-1024-10 with a batch of 512 and AdamW, one thread in each process. All processes start
together and take turns: in each round one process trains alone for a few steps while the others
wait, then all train together, so that other load on the machine affects both equally.
"""

import argparse
import json
import os
import subprocess
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import numpy as np

from graduel.kernels.shares import limit_threads
from graduel.nn import Dense, Network, ReLU
from graduel.train import Fit
from graduel.train.loop.collectives import MPICollective, xgboost_collective, xgboost_tracker
from graduel.train.loop.parallel import Collective, DataParallel

BATCH, STEPS, HIDDEN = 512, 12, 1024


CPU: list[float] = []
"""CPU milliseconds of the steps, which other load on the machine hardly changes."""


def build(parallel: DataParallel | None = None) -> Fit:
    """Return a training on random rows."""
    rng = np.random.default_rng(0)
    X, y = rng.random((BATCH * 8, 784), np.float32), rng.integers(10, size=BATCH * 8)
    net = Network((Dense(HIDDEN), ReLU(), Dense(HIDDEN), ReLU(), Dense(10)), (784,))
    return Fit(net, X, y, rng=0, epochs=10**6, batch_size=BATCH, parallel=parallel)


def time_steps(steps) -> list[float]:
    """Return the milliseconds of some steps."""
    times = []
    for _ in range(STEPS):
        start = time.perf_counter(), time.process_time()
        next(steps)
        times.append(1e3 * (time.perf_counter() - start[0]))
        CPU.append(1e3 * (time.process_time() - start[1]))
    return times


def work(collective: Collective, repeats: int) -> dict[str, list[float]]:
    """Run one worker; return the times, complete on worker 0."""
    rank = collective.rank
    with limit_threads(1):
        alone = build().fit_steps()
        together = build(DataParallel(collective, 0)).fit_steps()
        gradient = np.zeros(1_863_690, np.float32)
        wait = np.zeros(1)
        for steps in (alone, together):
            time_steps(steps)
        names = ("alone", "CPU alone", "together", "CPU together", "all_reduce")
        times: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(repeats):
            if not rank:
                CPU.clear()
                times["alone"] += time_steps(alone)
                times["CPU alone"] += CPU
            collective.all_reduce(wait)
            CPU.clear()
            times["together"] += time_steps(together)
            times["CPU together"] += CPU
            for _ in range(STEPS):
                start = time.perf_counter()
                collective.all_reduce(gradient)
                times["all_reduce"].append(1e3 * (time.perf_counter() - start))
    return times


def show(times: dict[str, list[float]], size: int) -> None:
    """Print the figures."""
    middle = {name: float(np.median(values)) for name, values in times.items()}
    least = {name: min(values) for name, values in times.items()}
    for title, figure in (("median", middle), ("least", least)):
        efficiency = figure["alone"] / (size * figure["together"])
        print(
            f"{title:6}  one process {figure['alone']:.1f} ms a step, {size} processes "
            f"{figure['together']:.1f} ms: efficiency {efficiency:.0%}; all-reduce of 1.86 million "
            f"float32 {figure['all_reduce']:.1f} ms; CPU a step "
            f"{figure['CPU alone']:.1f} and {figure['CPU together']:.1f} ms"
        )


def main() -> None:
    """Start the workers and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--mpi", action="store_true", help="over MPI, under mpirun")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        rank, address = int(arguments.worker[0]), json.loads(arguments.worker[1])
        with xgboost_collective(address, rank) as collective:
            times = work(collective, arguments.repeats)
        if not rank:
            print(json.dumps(times), flush=True)
        return
    if arguments.mpi:
        collective = MPICollective()
        times = work(collective, arguments.repeats)
        if not collective.rank:
            show(times, collective.size)
        return
    size = arguments.size
    command = [sys.executable, __file__, "--repeats", str(arguments.repeats), "--worker"]
    with xgboost_tracker(size) as address:
        workers = [
            subprocess.Popen(
                [*command, str(rank), json.dumps(address)],
                stdout=None if rank else subprocess.PIPE,
                text=True,
            )
            for rank in range(size)
        ]
        assert workers[0].stdout is not None
        times = json.loads(workers[0].stdout.read().strip().splitlines()[-1])
        for worker in workers:
            worker.wait()
    show(times, size)


if __name__ == "__main__":
    main()
