"""Figures and one page from a finished duel's stored results. Never trains.

The function of a figure takes a :class:`~graduel.duel.result.outcome.Run` and returns a matplotlib
``Figure``. It stands in a module of :mod:`graduel.report.sections`, together with its numbers, its
table and its caption. Matplotlib and Jinja are imported when a name is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graduel.report.experiment import training_curves, write_experiment
    from graduel.report.page import render, write_report
    from graduel.report.sections.calibration import calibration
    from graduel.report.sections.confusion_matrix import confusion_matrix
    from graduel.report.sections.cost import cost
    from graduel.report.sections.differences import differences
    from graduel.report.sections.disagreements import disagreements
    from graduel.report.sections.error_intervals import errors
    from graduel.report.sections.importance import importance
    from graduel.report.sections.learning_curve import learning_curve
    from graduel.report.sections.misclassified_rows import misclassified_rows
    from graduel.report.sections.race import race
    from graduel.report.sections.robustness import robustness
    from graduel.report.sections.tuning import trials
    from graduel.report.suite.critical_difference import critical_difference
    from graduel.report.suite.suite_page import render_suite, write_suite

_MODULES = {
    "calibration": "sections.calibration",
    "confusion_matrix": "sections.confusion_matrix",
    "cost": "sections.cost",
    "critical_difference": "suite.critical_difference",
    "differences": "sections.differences",
    "disagreements": "sections.disagreements",
    "errors": "sections.error_intervals",
    "importance": "sections.importance",
    "learning_curve": "sections.learning_curve",
    "misclassified_rows": "sections.misclassified_rows",
    "race": "sections.race",
    "render": "page",
    "render_suite": "suite.suite_page",
    "robustness": "sections.robustness",
    "training_curves": "experiment",
    "trials": "sections.tuning",
    "write_experiment": "experiment",
    "write_report": "page",
    "write_suite": "suite.suite_page",
}
"""Where each public name is defined."""

__all__ = [
    "calibration",
    "confusion_matrix",
    "cost",
    "critical_difference",
    "differences",
    "disagreements",
    "errors",
    "importance",
    "learning_curve",
    "misclassified_rows",
    "race",
    "render",
    "render_suite",
    "robustness",
    "training_curves",
    "trials",
    "write_experiment",
    "write_report",
    "write_suite",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
