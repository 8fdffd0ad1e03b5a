"""Time of prediction: one row, and 10,000 rows relative to their matrix products.

    python benchmarks/predict.py

``Network.predict`` of 784-128-10 on float32 rows; medians, the two measured in turn.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "2")

import machine  # before NumPy: see there

# isort: split
import numpy as np

from graduel.nn import Dense, Network, ReLU


def seconds(call: Callable[[], object], times: int) -> float:
    """Return the median seconds of a call."""
    each = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        each.append(time.perf_counter() - start)
    return statistics.median(each)


def main() -> None:
    """Measure and print."""
    print(machine.describe())
    rng = np.random.default_rng(0)
    net = Network((Dense(128), ReLU(), Dense(10)), (784,))
    weights = net.init(rng)
    W = [net.layout[name].view(weights.theta) for name in ("0.W", "2.W")]
    one, many = rng.random((1, 784), np.float32), rng.random((10_000, 784), np.float32)
    hidden, out = np.empty((10_000, 128), np.float32), np.empty((10_000, 10), np.float32)

    def bare() -> None:
        np.matmul(many, W[0], out=hidden)
        np.matmul(hidden, W[1], out=out)

    net.predict(many, weights)
    row = [seconds(lambda: net.predict(one, weights), 2000) for _ in range(7)]
    print(f"one row: {1e6 * statistics.median(row):.1f} µs")
    ratios = []
    for _ in range(15):
        floor = seconds(bare, 5)
        ratios.append(seconds(lambda: net.predict(many, weights), 5) / floor)
    print(f"10,000 rows: {statistics.median(ratios):.2f} times its matrix products")


if __name__ == "__main__":
    main()
