"""graduel: a neural network written by hand in NumPy against XGBoost, and who wins.

The names below are imported when they are first used, so that ``import graduel`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graduel.data import Dataset, load_dataset, read_idx
    from graduel.duel.api import run_duel
    from graduel.duel.finish import read_run
    from graduel.duel.predictions import compare_predictions
    from graduel.duel.results import Run
    from graduel.estimators import MLPClassifier, MLPRegressor
    from graduel.nn import Dense, Dropout, Network, ReLU
    from graduel.report import write_report
    from graduel.train import Fit

_HOMES = {
    "Dataset": "data",
    "Dense": "nn",
    "Dropout": "nn",
    "Fit": "train",
    "MLPClassifier": "estimators",
    "MLPRegressor": "estimators",
    "Network": "nn",
    "ReLU": "nn",
    "Run": "duel.results",
    "compare_predictions": "duel.predictions",
    "load_dataset": "data",
    "read_idx": "data",
    "read_run": "duel.finish",
    "run_duel": "duel.api",
    "write_report": "report",
}

__all__ = [
    "Dataset",
    "Dense",
    "Dropout",
    "Fit",
    "MLPClassifier",
    "MLPRegressor",
    "Network",
    "ReLU",
    "Run",
    "compare_predictions",
    "load_dataset",
    "read_idx",
    "read_run",
    "run_duel",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("graduel")
    if name not in _HOMES:
        raise AttributeError(f"module 'graduel' has no attribute {name!r}")
    return getattr(import_module(f"graduel.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
