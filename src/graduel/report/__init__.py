"""Figures and a self-contained HTML page from the stored results of a duel. Never trains.

A figure function takes a :class:`~graduel.duel.result.outcome.Run` and returns a matplotlib
``Figure``. Each one is in a module of :mod:`graduel.report.sections`, together with its numbers,
table and caption. Matplotlib and Jinja are imported when a name is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graduel.report.public_names import *  # noqa: F403


def __getattr__(name: str) -> Any:
    try:
        return getattr(import_module(f"{__name__}.public_names"), name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return list(import_module(f"{__name__}.public_names").__all__)
