"""The interface of minimizers, which ask for loss and gradient wherever they like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

Array = NDArray[Any]

Objective = Callable[[Array], tuple[float, Array]]
"""θ → (loss, gradient). The gradient is borrowed: the next call may overwrite it."""


@dataclass(frozen=True, slots=True)
class Iteration:
    """One completed iteration of a minimizer."""

    step: int
    """Steps completed."""
    loss: float
    """The loss where θ is now."""
    gradient: float
    """The gradient's largest entry there, by absolute value."""
    evaluations: int
    """Evaluations of loss and gradient so far."""
    end: str = ""
    """Why this iteration is the last one; empty while it goes on."""


@runtime_checkable
class Minimizer(Protocol):
    """A method that asks for the loss wherever it likes; a frozen dataclass."""

    def minimize(self, f: Objective, theta: Array, steps: int) -> Iterator[Iteration]:
        """Yield after every iteration, `theta` moved in place to the point it accepted."""
        ...
