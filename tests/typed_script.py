"""A user's script with every public name; ``mypy`` checks its types, and a test runs it."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import graduel
from graduel import (
    Dataset,
    Dense,
    Dropout,
    Fit,
    MLPClassifier,
    MLPRegressor,
    Network,
    ReLU,
    Run,
    Suite,
    TabularMLPClassifier,
    TabularMLPRegressor,
    UserError,
    compare_predictions,
    compare_scores,
    load_dataset,
    load_run,
    load_suite,
    read_idx,
    run_duel,
    run_suite,
    write_report,
    write_suite,
)


def main(folder: Path) -> list[str]:
    """Use every public name; return the contenders of a duel."""
    rng = np.random.default_rng(0)
    X: NDArray[np.float64] = rng.normal(size=(60, 4))
    y: NDArray[np.int64] = (X[:, 0] > 0).astype(np.int64)

    run: Run = run_duel(
        X,
        y,
        contenders=["textbook", MLPClassifier((8,), max_iter=100)],
        net=None,
        split="holdout",
        quick=True,
        threads=1,
        probes=False,
        out=folder / "run",
        progress="none",
    )
    run = load_run(folder / "run")
    names: list[str] = list(run.result.contenders)
    error: float = run.result.contenders["textbook"].leading_metric
    page: Path = run.report(folder / "one.html")
    assert write_report(run) != page
    assert run.table().height == len(names)
    run.race()
    run.confusion("textbook")
    assert 0 <= error <= 1

    suite: Suite = run_suite(
        {"a": (X, y)},
        contenders=["textbook"],
        split="holdout",
        quick=True,
        threads=1,
        probes=False,
        out=folder / "suite",
    )
    suite = load_suite(folder / "suite")
    assert write_suite(suite).exists()

    verdict: str = compare_predictions(y, 1 - y, y, names=("right", "wrong")).verdict
    assert verdict == "a better"
    assert compare_scores([0.8, 0.9, 0.7], [0.8, 0.9, 0.8], n_rows=90).verdict == "undecided"

    network = Network((Dense(8), ReLU(), Dropout(0.1), Dense(2)), input_shape=(4,))
    fit = Fit(network, X, y, rng=0, epochs=2)
    losses: list[float] = [epoch.loss for epoch in fit.fit_iter()]
    assert len(losses) == 2
    MLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs", max_iter=500).fit(X, X[:, 0]).predict(X)
    TabularMLPClassifier(recipe={"layers": 8, "epochs": 2}).fit(X, y, sample_weight=1.0 + y)
    TabularMLPRegressor(recipe={"layers": 8, "epochs": 2}).fit(X, X[:, 0]).predict(X)

    try:
        dataset: Dataset = load_dataset("mnits")
    except UserError as unknown:
        assert "mnist" in str(unknown)
        dataset = load_dataset("mnist")
    assert dataset.n_features == 784
    with suppress(UserError, OSError):
        read_idx(folder / "absent.idx")
    assert graduel.stats.wilson_interval(1, 10)
    assert graduel.metrics.get_metric("error").unit == "%"
    assert len(graduel.contenders.list_families()) > 3
    assert callable(graduel.nn.check_gradients)
    assert callable(graduel.optim.Adam)
    assert callable(graduel.train.Fit)
    assert callable(graduel.data.load_dataset)
    assert callable(graduel.estimators.MLPClassifier)
    assert callable(graduel.export.to_onnx)
    assert callable(graduel.report.race)
    assert graduel.glassbox.__doc__
    return names


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        print(main(Path(temporary)))
