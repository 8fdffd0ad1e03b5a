"""Figures and one page from a finished duel's stored results. Never trains.

Every figure's function takes a :class:`~graduel.duel.results.Run` and returns a matplotlib
``Figure``; the numbers it draws are those of the function of the same name in
:mod:`graduel.report.numbers`. Matplotlib and Jinja are imported when a name is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graduel.report.experiment import write_experiment
    from graduel.report.figures import (
        calibration,
        confusion,
        cost,
        differences,
        errors,
        learning,
        only_one_right,
        race,
    )
    from graduel.report.page import render, write_report

__all__ = [
    "calibration",
    "confusion",
    "cost",
    "differences",
    "errors",
    "learning",
    "only_one_right",
    "race",
    "render",
    "write_experiment",
    "write_report",
]

_HOMES = {"render": "page", "write_report": "page", "write_experiment": "experiment"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_HOMES.get(name, 'figures')}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return __all__
