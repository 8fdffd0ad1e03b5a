"""Time of the network for tables against RealMLP on PyTorch, at equal sizes.

    pip install "pytabkit[models]" torch
    python benchmarks/realmlp.py --rounds 3

Both are one network of three layers of 256 units with RealMLP-TD's parts (periodic embedding, a
factor per column, NTK parametrization, parametric activations, coslog4), batch size 256, and the
best epoch on the same share of validation rows. ``TabularMLPClassifier`` and pytabkit's
``RealMLP_TD_Classifier`` fit in turn on a table of 10,000 rows, ten numbers and ten categories of
twelve values. The median of the rounds' ratios is reported.
"""

from __future__ import annotations

import argparse
import json
import os
import warnings
from statistics import median
from time import perf_counter
from typing import Any

import machine  # before NumPy: see there

# isort: split
import numpy as np
import pandas as pd

OURS = "members=1 layers=256,256,256 scaling=robust label_smoothing=0.1 batch_size=256 epochs={}"


def table(rows: int, columns: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a random table of numbers and categories, and labels."""
    rng = np.random.default_rng(0)
    half = columns // 2
    numbers = {f"n{i}": rng.normal(size=rows).astype("float32") for i in range(columns - half)}
    letters = np.array(list("abcdefghijkl"))
    words = {f"c{i}": pd.Categorical(letters[rng.integers(12, size=rows)]) for i in range(half)}
    y = (numbers["n0"] + np.sin(3 * numbers["n1"]) + rng.normal(size=rows) > 0).astype(int)
    return pd.DataFrame(numbers | words), y


def ours(X: pd.DataFrame, y: np.ndarray, epochs: int) -> Any:
    """Fit graduel's network."""
    from graduel import TabularMLPClassifier

    net = TabularMLPClassifier(recipe=OURS.format(epochs), validation_fraction=0.2, random_state=0)
    return net.fit(X, y)


def theirs(X: pd.DataFrame, y: np.ndarray, epochs: int, threads: int) -> Any:
    """Fit pytabkit's network."""
    from pytabkit import RealMLP_TD_Classifier

    net = RealMLP_TD_Classifier(
        device="cpu",
        random_state=0,
        n_epochs=epochs,
        batch_size=256,
        n_threads=threads,
        val_fraction=0.2,
    )
    return net.fit(X, y)


def main() -> None:
    """Fit in turn, and print seconds and the median ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    print(machine.describe())
    warnings.simplefilter("ignore")  # pytabkit's dependencies warn about each other
    X, y = table(options.rows, options.columns)
    ours(X, y, 1), theirs(X, y, 1, options.threads)  # warm-up: imports and compilation
    seconds: dict[str, list[float]] = {"graduel": [], "pytabkit": []}
    for _ in range(options.rounds):
        start = perf_counter()
        ours(X, y, options.epochs)
        between = perf_counter()
        theirs(X, y, options.epochs, options.threads)
        seconds["graduel"].append(round(between - start, 2))
        seconds["pytabkit"].append(round(perf_counter() - between, 2))
    ratios = [b / a for a, b in zip(*seconds.values(), strict=True)]
    print(json.dumps({**vars(options), **seconds, "ratio": round(median(ratios), 2)}))


if __name__ == "__main__":
    main()
