"""Contenders: model families with their recipes, by name.

Names are imported on first use (PEP 562), so that listing contenders imports no family.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graduel.contenders.contender import (
        Budget,
        Checkpoint,
        Contender,
        FittedContender,
        LabelledRows,
        Notify,
        Progress,
        error_rate,
    )
    from graduel.contenders.family import Family
    from graduel.contenders.registry import get_family, list_families, make_contender

_MODULES = {
    "Family": "family",
    "get_family": "registry",
    "list_families": "registry",
    "make_contender": "registry",
}

__all__ = [
    "Budget",
    "Checkpoint",
    "Contender",
    "Family",
    "FittedContender",
    "LabelledRows",
    "Notify",
    "Progress",
    "error_rate",
    "get_family",
    "list_families",
    "make_contender",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'graduel.contenders' has no attribute {name!r}")
    return getattr(import_module(f"graduel.contenders.{_MODULES.get(name, 'contender')}"), name)


def __dir__() -> list[str]:
    return list(__all__)
