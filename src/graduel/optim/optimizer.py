"""The optimizer interface, and the state and steps that update rules share.

Call ``init(layout, dtype)`` once and ``update(theta, g, state, lr)`` at each step; θ is one flat
vector.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from graduel.layout import Layout
from graduel.optim.chunking import chunks, new_scratch

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


def shrink(theta: Array, part: slice, state: OptimizerState, factor: float) -> None:
    """Multiply the decayed weights of a chunk by `factor`."""
    stop = min(part.stop, state.decayed.stop)
    if part.start < stop:
        theta[part.start : stop] *= factor


def penalize(theta: Array, g: Array, part: slice, state: OptimizerState, scratch: Array) -> None:
    """Add λ W to a chunk of the gradient, and the chunk's part of ‖W‖² to the state."""
    if part.start == 0:
        state.squares = 0.0
    stop = min(part.stop, state.decayed.stop)
    if state.penalty and part.start < stop:
        W = theta[part.start : stop]
        state.squares += float(np.dot(W, W))
        g[part.start : stop] += np.multiply(W, state.penalty, out=scratch[: len(W)])


def flush_denormals(state: OptimizerState) -> None:
    """Set moments to zero that would become denormal before the next flush.

    If a gradient stays zero (a border pixel of MNIST), its moments decay into denormal numbers,
    where each operation is many times slower.
    """
    if state.step % FLUSH_EVERY:
        return
    for moment, floor in zip(state.moments, state.floors, strict=True):
        for part, scratch in chunks(len(moment), state.scratch):
            np.abs(moment[part], out=scratch)
            moment[part][scratch < floor] = 0


class ChunkedRule:
    """The base of elementwise rules: decoupled weight decay and a step, chunk by chunk.

    A subclass is a frozen dataclass with a field ``weight_decay``.
    """

    __slots__ = ()

    penalizes: ClassVar[bool] = False
    weight_decay: float

    def factors(self, step: int, lr: float) -> tuple[float, ...]:
        """Return the numbers for :meth:`step` that are the same for all chunks."""
        return (lr,)

    def step(self, g: Array, moments: list[Array], scratch: Array, *factors: float) -> None:
        """Update a chunk's moments; write the amount to subtract from its θ to `scratch`."""
        raise NotImplementedError

    def update(self, theta: Array, g: Array, state: OptimizerState, lr: float) -> None:
        """Update `theta` in place by one step."""
        state.step += 1
        factors = self.factors(state.step, lr)
        for part, scratch in chunks(len(theta), state.scratch):
            if self.penalizes:
                penalize(theta, g, part, state, scratch)
            if self.weight_decay:
                shrink(theta, part, state, 1 - lr * self.weight_decay)
            self.step(g[part], [moment[part] for moment in state.moments], scratch, *factors)
            theta[part] -= scratch
        flush_denormals(state)
