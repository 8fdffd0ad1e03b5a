"""Figures and one page from a finished duel's stored results. Never trains.

Every figure's function takes a :class:`~graduel.duel.result.outcome.Run` and returns a matplotlib
``Figure``; the numbers it draws are those of the function of the same name in
:mod:`graduel.report.sections.numbers`. Matplotlib and Jinja are imported when a name is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graduel.report.experiment import write_experiment
    from graduel.report.page import render, write_report
    from graduel.report.sections.figures import (
        calibration,
        confusion,
        cost,
        differences,
        doubts,
        errors,
        importance,
        learning,
        only_one_right,
        race,
        robustness,
        trials,
    )
    from graduel.report.sections.learning_curve import sizes
    from graduel.report.suite.critical_difference import critical_difference
    from graduel.report.suite.suite_page import render_suite, write_suite

__all__ = [
    "calibration",
    "confusion",
    "cost",
    "critical_difference",
    "differences",
    "doubts",
    "errors",
    "importance",
    "learning",
    "only_one_right",
    "race",
    "render",
    "render_suite",
    "robustness",
    "sizes",
    "trials",
    "write_experiment",
    "write_report",
    "write_suite",
]

_HOMES = {
    "critical_difference": "suite.critical_difference",
    "render": "page",
    "render_suite": "suite.suite_page",
    "sizes": "sections.learning_curve",
    "write_experiment": "experiment",
    "write_report": "page",
    "write_suite": "suite.suite_page",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_HOMES.get(name, 'sections.figures')}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return __all__
