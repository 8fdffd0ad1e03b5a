"""Time of MLPClassifier against scikit-learn's: fitting on MNIST, and predicting.

    python benchmarks/estimators.py [--rounds 5] [--dtypes uint8,float32,float64]

Both classes get the same array and parameters: (128,) and (512, 512) × batch sizes 32, 128 and 512
× sgd and adam. Each fit is one epoch over 10,240 rows of MNIST, the two in turn. A ratio is
scikit-learn's time divided by graduel's, the median over the rounds. uint8 rows (MNIST's type)
become float64 in scikit-learn and float32 in graduel.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import warnings
from collections.abc import Callable
from itertools import product

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "2")

import machine  # before NumPy: see there

# isort: split
import numpy as np
from sklearn.neural_network import MLPClassifier as Theirs

from graduel import MLPClassifier as Ours
from graduel import load_dataset

ROWS = 10_240


def seconds(call: Callable[[], object], times: int = 1) -> float:
    """Return the median time of a call."""
    each = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        each.append(time.perf_counter() - start)
    return statistics.median(each)


def fitting(X: np.ndarray, y: np.ndarray, rounds: int) -> list[float]:
    """Print and return the ratio of fitting times for each setting."""
    ratios = []
    for sizes, batch, solver in product(((128,), (512, 512)), (32, 128, 512), ("sgd", "adam")):
        options = {"hidden_layer_sizes": sizes, "batch_size": batch, "solver": solver}
        options |= {"max_iter": 1, "random_state": 0}
        each = []
        for _ in range(rounds):
            ours = seconds(lambda: Ours(**options).fit(X, y))  # noqa: B023 (called at once)
            theirs = seconds(lambda: Theirs(**options).fit(X, y))  # noqa: B023
            each.append((theirs / ours, ours, theirs))
        ratio, ours, theirs = (statistics.median(column) for column in zip(*each, strict=True))
        ratios.append(ratio)
        print(f"{sizes!s:>11} {batch:>4} {solver:>5} {ours:7.2f} s {theirs:7.2f} s {ratio:6.2f}")
    return ratios


def predicting(X: np.ndarray, y: np.ndarray, rounds: int) -> None:
    """Print the ratio of predict_proba's times, for one row and for all."""
    models = [
        kind(hidden_layer_sizes=(128,), max_iter=1, random_state=0).fit(X, y)
        for kind in (Ours, Theirs)
    ]
    for n, times in ((1, 1000), (len(X), 3)):
        each = []
        for _ in range(rounds):
            each.append([seconds(lambda m=m: m.predict_proba(X[:n]), times) for m in models])  # noqa: B023
        ours, theirs = (1e6 * statistics.median(column) for column in zip(*each, strict=True))
        ratio = statistics.median(t / o for o, t in each)
        print(
            f"predict_proba, {n:,} rows: {ours:.0f} µs, scikit-learn {theirs:.0f} µs, {ratio:.2f}"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dtypes", default="uint8,float32,float64")
    options = parser.parse_args()
    print(machine.describe())
    warnings.simplefilter("ignore")
    mnist = load_dataset("mnist")
    pixels, y = mnist.table[:ROWS], mnist.y[:ROWS]
    for dtype in options.dtypes.split(","):
        X = pixels if dtype == "uint8" else (pixels / 255).astype(dtype)
        print(f"{dtype}:      units batch solver    ours  theirs  ratio")
        ratios = fitting(X, y, options.rounds)
        print(f"{dtype}: geometric mean {statistics.geometric_mean(ratios):.2f}, ", end="")
        print(f"min {min(ratios):.2f}, max {max(ratios):.2f}")
        predicting(X, y, options.rounds)


if __name__ == "__main__":
    main()
