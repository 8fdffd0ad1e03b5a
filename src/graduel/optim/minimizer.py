"""The interface of minimizers, which evaluate loss and gradient at points of their choice."""

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
    """The number of completed steps."""
    loss: float
    """The loss at the current θ."""
    gradient: float
    """The largest absolute entry of the gradient at θ."""
    evaluations: int
    """The number of evaluations of loss and gradient so far."""
    end: str = ""
    """The reason if this is the last iteration, otherwise empty."""


@runtime_checkable
class Minimizer(Protocol):
    """A method that evaluates the loss at points of its choice; a frozen dataclass."""

    def minimize(self, f: Objective, theta: Array, steps: int) -> Iterator[Iteration]:
        """Yield after each iteration, with `theta` moved in place to the accepted point."""
        ...
