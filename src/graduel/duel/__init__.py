"""The duel: contenders under one protocol, and the verdict. It never draws.

Nothing is imported here, so that a cell's process loads no more than its contender needs. The room
itself can be called: ``graduel.duel(X, y)`` is :func:`graduel.run_duel`.
"""

import sys
from types import ModuleType
from typing import Any


class _Room(ModuleType):
    """A module that can be called."""

    def __call__(self, dataset: Any = "mnist", y: Any = None, **options: Any) -> Any:
        """Run a duel to its end and return it; the arguments are those of ``run_duel``."""
        from graduel.duel.api import run_duel

        return run_duel(dataset, y, **options)


sys.modules[__name__].__class__ = _Room
