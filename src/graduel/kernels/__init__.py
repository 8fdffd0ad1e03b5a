"""The operations in which training spends its time, by name, over plain arrays.

Two modules hold the same operations. :mod:`graduel.kernels.numpy` is the reference, one NumPy
expression after the other. :mod:`graduel.kernels.numba` has them as compiled loops that pass over
each array once. The second is used where Numba is installed (``pip install "graduel[fast]"``); the
environment variable ``GRADUEL_KERNELS=numpy`` or ``numba`` chooses. A layer or a rule writes

    from graduel import kernels
    kernels.bias_relu(y, b)

and the first use of any operation selects the module, so that ``import graduel`` loads no compiler.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from inspect import isfunction
from threading import local
from time import perf_counter
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graduel.kernels.images_numpy import *  # noqa: F403
    from graduel.kernels.numpy import *  # noqa: F403
    from graduel.kernels.rules_numpy import *  # noqa: F403
    from graduel.kernels.table_numpy import *  # noqa: F403

VARIABLE = "GRADUEL_KERNELS"
NAMES = ("numpy", "numba")
COMPILING = "compiling kernels, once"
"""What is shown while operations are compiled, for the first time on a machine."""
_selected: ModuleType | None = None
_listeners: list[Callable[[], object]] = []


class _Setup(local):
    """The time that this thread has spent on getting operations ready."""

    seconds = 0.0
    depth = 0
    begin = 0.0


_setup = _Setup()


def setup_seconds() -> float:
    """Return the seconds that this thread has spent on loading and compiling operations so far.

    They are spent once, at first use. A clock of training subtracts them.
    """
    return _setup.seconds


def begin_setup() -> None:
    """Begin a span that :func:`setup_seconds` counts; spans may lie within others."""
    if _setup.depth == 0:
        _setup.begin = perf_counter()
    _setup.depth += 1


def end_setup() -> None:
    """End a span."""
    _setup.depth -= 1
    if _setup.depth == 0:
        _setup.seconds += perf_counter() - _setup.begin


@contextmanager
def announce(call: Callable[[], object]) -> Iterator[None]:
    """Call `call` within this context, once, when an operation must be compiled.

    Nothing is announced where the code is on disk from an earlier process.
    """
    _listeners.append(call)
    try:
        yield
    finally:
        if call in _listeners:
            _listeners.remove(call)


def announce_compilation() -> None:
    """Call those who asked to be told, once each."""
    while _listeners:
        _listeners.pop()()


def use(name: str) -> None:
    """Select the operations of `name`, ``numpy`` or ``numba``, for this process.

    Raises
    ------
    ValueError
        If there is no such module.
    ImportError
        If Numba is not installed.
    """
    global _selected  # noqa: PLW0603  # one choice for the process, as with BLAS
    if name not in NAMES:
        raise ValueError(f"{VARIABLE} must be one of {', '.join(NAMES)}; got {name!r}")
    try:
        module = import_module(f"graduel.kernels.{name}")
    except ImportError as error:
        raise ImportError(
            f"{name} kernels need Numba, which cannot be imported ({error}): "
            'pip install "graduel[fast]"'
        ) from error
    if name == "numba":
        module.check()
    globals().update({one: getattr(module, one) for one in operations()})
    _selected = module


@cache
def operations() -> frozenset[str]:
    """Return the names of the operations: the public functions of the reference."""
    reference = import_module("graduel.kernels.numpy")
    return frozenset(
        one for one, value in vars(reference).items() if isfunction(value) and one[0] != "_"
    )


def name() -> str:
    """Return the name of the selected module, selecting one first if none is."""
    if _selected is None:
        _select()
    assert _selected is not None
    return _selected.__name__.rpartition(".")[2]


def describe() -> str:
    """Return the selected module with the version that decides its numbers.

    >>> describe().split()[0] in NAMES
    True
    """
    return f"numba {version('numba')}" if name() == "numba" else "numpy"


def has_tiles() -> bool:
    """Return whether convolutions are compiled, in vectors that are worth it: of 32 bytes or more.

    Elsewhere products of patches are faster.
    """
    if name() != "numba":
        return False
    return import_module("graduel.kernels.vector_tile").BYTES >= 32


def _select() -> None:
    begin_setup()
    try:
        _select_module()
    finally:
        end_setup()


def _select_module() -> None:
    requested = os.environ.get(VARIABLE, "").strip()
    if requested:
        use(requested)
        return
    try:
        version("numba")
    except PackageNotFoundError:
        use("numpy")
        return
    try:
        use("numba")
    except Exception as error:  # an import or a compiler that fails raises anything
        warnings.warn(
            f"Numba is installed but cannot be used ({type(error).__name__}: {error}); the slower "
            f"NumPy kernels are used. Set {VARIABLE}=numpy to silence this warning",
            RuntimeWarning,
            stacklevel=4,
        )
        use("numpy")


def __getattr__(attribute: str) -> Any:
    """Select a module when the first operation is used (PEP 562)."""
    if attribute not in operations():
        raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}")
    _select()
    return globals()[attribute]
