"""The optimizer interface, and the state and steps that update rules share.

Call ``init(layout, dtype)`` once and ``update(theta, g, state, lr)`` at each step; θ is one flat
vector.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from graduel import kernels
from graduel.layout import Layout
from graduel.optim.chunking import new_scratch

Array = NDArray[Any]

FLUSH_EVERY = 64
"""Steps between two calls that set denormal moments to zero."""


@dataclass(slots=True)
class OptimizerState:
    """The state of an update rule: moments of θ's shape, scratch space, decayed slice, step."""

    moments: tuple[Array, ...]
    scratch: Array
    decayed: slice
    step: int = 0
    floors: tuple[float, ...] = field(default=())
    penalty: float = 0.0
    """λ of an L2 penalty λ/2 ‖W‖² in the loss, for rules with ``penalizes``."""
    squares: float = 0.0
    """‖W‖² before the last update, if there is a penalty."""


class Optimizer(Protocol):
    """An update rule; a frozen dataclass. Its state may be any object.

    A rule may have a class attribute ``penalizes = True``. It then adds the gradient of an L2
    penalty, ``state.penalty`` times the weights, during its own pass over the vectors, which saves
    a separate pass. If a state has an attribute ``t``, the training loop sets it to the training
    progress before each step.
    """

    def init(self, layout: Layout, dtype: DTypeLike) -> Any:
        """Return the initial state for parameters of this layout."""
        ...

    def update(self, theta: Array, g: Array, state: Any, lr: float) -> None:
        """Update `theta` in place by one step.

        The call may also change `g`: a wrapper may scale it in place.
        """
        ...


def init_state(layout: Layout, dtype: DTypeLike, decays: tuple[float, ...]) -> OptimizerState:
    """Return a state with a zero moment for each decay factor."""
    tiny = float(np.finfo(dtype).tiny)
    return OptimizerState(
        tuple(np.zeros(layout.size, dtype) for _ in decays),
        new_scratch(layout.size, dtype),
        layout.roles.get("weight", slice(0, 0)),
        # With β above 1/2, rounding keeps a moment at the smallest denormal number forever.
        floors=tuple(tiny / beta**FLUSH_EVERY if beta > 0.5 else tiny for beta in decays),
    )


def flush_denormals(state: OptimizerState) -> None:
    """Set moments to zero that would become denormal before the next flush.

    If a gradient stays zero (a border pixel of MNIST), its moments decay into denormal numbers,
    where each operation is many times slower.
    """
    if state.step % FLUSH_EVERY:
        return
    for moment, floor in zip(state.moments, state.floors, strict=True):
        kernels.flush(moment, floor, state.scratch)


class ElementwiseRule:
    """The base of rules that move each parameter by itself: one call of a kernel.

    A subclass is a frozen dataclass with a field ``weight_decay``.
    """

    __slots__ = ()

    penalizes: ClassVar[bool] = True
    weight_decay: float

    def operation(self, step: int, lr: float) -> tuple[Callable[..., float], tuple[float, ...]]:
        """Return the kernel of this step, and its numbers after those of the decay."""
        raise NotImplementedError

    def update(self, theta: Array, g: Array, state: OptimizerState, lr: float) -> None:
        """Update `theta` in place by one step."""
        state.step += 1
        kernel, numbers = self.operation(state.step, lr)
        decay = state.decayed.stop, state.penalty, 1 - lr * self.weight_decay
        state.squares = kernel(theta, g, *state.moments, state.scratch, *decay, *numbers)
        flush_denormals(state)
