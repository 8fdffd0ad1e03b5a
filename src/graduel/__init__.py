"""graduel: a neural network by hand in NumPy against XGBoost, with paired verdicts.

The public names and subpackages are imported on first use, so that ``import graduel`` itself is
fast: ``graduel.nn.ReLU`` works without another import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graduel import (
        contenders,
        data,
        estimators,
        export,
        glassbox,
        metrics,
        nn,
        optim,
        report,
        stats,
        train,
    )
    from graduel.data import Dataset, load_dataset, read_idx
    from graduel.duel.duel_api import load_run, run_duel
    from graduel.duel.result.outcome import Run, Suite
    from graduel.duel.suite.suite_api import run_suite
    from graduel.duel.suite.suite_runner import load_suite
    from graduel.duel.verdict.predictions import compare_predictions
    from graduel.duel.verdict.scores import compare_scores
    from graduel.errors import UserError
    from graduel.estimators import (
        MLPClassifier,
        MLPRegressor,
        TabularMLPClassifier,
        TabularMLPRegressor,
    )
    from graduel.nn import Dense, Dropout, Network, ReLU
    from graduel.report import write_report, write_suite
    from graduel.train import Fit

_MODULES = {
    "Dataset": "data",
    "Dense": "nn",
    "Dropout": "nn",
    "Fit": "train",
    "MLPClassifier": "estimators",
    "MLPRegressor": "estimators",
    "Network": "nn",
    "ReLU": "nn",
    "Run": "duel.result.outcome",
    "Suite": "duel.result.outcome",
    "TabularMLPClassifier": "estimators",
    "TabularMLPRegressor": "estimators",
    "UserError": "errors",
    "compare_predictions": "duel.verdict.predictions",
    "compare_scores": "duel.verdict.scores",
    "load_dataset": "data",
    "read_idx": "data",
    "load_run": "duel.duel_api",
    "load_suite": "duel.suite.suite_runner",
    "run_duel": "duel.duel_api",
    "run_suite": "duel.suite.suite_api",
    "write_report": "report",
    "write_suite": "report",
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
    "Suite",
    "TabularMLPClassifier",
    "TabularMLPRegressor",
    "UserError",
    "compare_predictions",
    "compare_scores",
    "contenders",
    "data",
    "estimators",
    "export",
    "glassbox",
    "load_dataset",
    "load_run",
    "load_suite",
    "metrics",
    "nn",
    "optim",
    "read_idx",
    "report",
    "run_duel",
    "run_suite",
    "stats",
    "train",
    "write_report",
    "write_suite",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("graduel")
    if name not in __all__:
        raise AttributeError(f"module 'graduel' has no attribute {name!r}")
    if name not in _MODULES:
        return import_module(f"graduel.{name}")
    return getattr(import_module(f"graduel.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
