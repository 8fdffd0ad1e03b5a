"""Compilation with Numba: options, the cache on disk, and the time that it takes.

Sums may be reassociated and products contracted, so that loops become vector instructions. NaN
and infinities keep their meaning.
"""

# mypy: disable-error-code="misc,no-untyped-call"
from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba.core import event

from graduel import kernels

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS: dict[str, Any] = {
    "fastmath": {"reassoc", "contract", "arcp", "nsz"},
    "error_model": "numpy",  # with Python's, a division keeps a loop from being vectorized
    "nogil": True,
}


class _Loading(event.Listener):
    """Counts the time of loading code from disk and of compiling it."""

    def on_start(self, event: Any) -> None:
        kernels.begin_setup()

    def on_end(self, event: Any) -> None:
        kernels.end_setup()


class _Compiling(event.Listener):
    """Announces that code must be compiled."""

    def on_start(self, event: Any) -> None:
        kernels.announce_compilation()

    def on_end(self, event: Any) -> None:
        pass


event.register("numba:compiler_lock", _Loading())
event.register("numba:compile", _Compiling())


def compiled(function: F) -> F:
    """Compile a function when it is first called, and keep the code on disk for later processes.

    Without a folder that can be written to, it is compiled in every process.
    """
    try:
        return numba.njit(cache=True, **OPTIONS)(function)
    except RuntimeError:
        return numba.njit(**OPTIONS)(function)
