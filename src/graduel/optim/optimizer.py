"""The interface of update rules, and the state and the steps that they share.

``init(layout, dtype)`` once, ``update(theta, g, state, lr)`` at every step, on one flat vector.
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
"""Steps between two clean-ups of moments that decay into denormal numbers."""


@dataclass(slots=True)
class OptimizerState:
    """The state of an update rule: moments of θ's shape, the step, scratch space, what decays."""

    moments: tuple[Array, ...]
    scratch: Array
    decayed: slice
    step: int = 0
    floors: tuple[float, ...] = field(default=())
    penalty: float = 0.0
    """λ of an L2 penalty λ/2 ‖W‖² in the loss, for rules that say :data:`penalizes`."""
    squares: float = 0.0
    """‖W‖² as it was before the last update, where there is a penalty."""


class Optimizer(Protocol):
    """An update rule; a frozen dataclass. Its state is whatever it likes.

    A rule may have a class attribute ``penalizes = True``: it adds the gradient of an L2 penalty,
    ``state.penalty`` times the weights, on its own way through the vectors, which costs less than
    another way through them. The loop sets the attribute ``t`` of a state that has
    one to the progress of the training, before each step.
    """

    def init(self, layout: Layout, dtype: DTypeLike) -> Any:
        """Return the state for parameters of this layout."""
        ...

    def update(self, theta: Array, g: Array, state: Any, lr: float) -> None:
        """Change `theta` in place by one step.

        `g` belongs to the optimizer during the call: a wrapper may scale it in place.
        """
        ...


def init_state(layout: Layout, dtype: DTypeLike, decays: tuple[float, ...]) -> OptimizerState:
    """Return a state with zero moments, one for each decay factor."""
    tiny = float(np.finfo(dtype).tiny)
    return OptimizerState(
        tuple(np.zeros(layout.size, dtype) for _ in decays),
        new_scratch(layout.size, dtype),
        layout.roles.get("weight", slice(0, 0)),
        # Above 1/2 a moment never gets below the smallest denormal number by itself: rounding
        # holds it there.
        floors=tuple(tiny / beta**FLUSH_EVERY if beta > 0.5 else tiny for beta in decays),
    )


def shrink(theta: Array, part: slice, state: OptimizerState, factor: float) -> None:
    """Multiply by `factor` what of a chunk is decayed."""
    stop = min(part.stop, state.decayed.stop)
    if part.start < stop:
        theta[part.start : stop] *= factor


def penalize(theta: Array, g: Array, part: slice, state: OptimizerState, scratch: Array) -> None:
    """Add λ W to a chunk of the gradient, and the chunk's share of ‖W‖² to the state."""
    if part.start == 0:
        state.squares = 0.0
    stop = min(part.stop, state.decayed.stop)
    if state.penalty and part.start < stop:
        W = theta[part.start : stop]
        state.squares += float(np.dot(W, W))
        g[part.start : stop] += np.multiply(W, state.penalty, out=scratch[: len(W)])


def flush_denormals(state: OptimizerState) -> None:
    """Set to zero what would be denormal before the next flush.

    Moments of a parameter whose gradient stays zero (a border pixel of MNIST) decay for ever;
    below the smallest normal number every operation on them is many times slower.
    """
    if state.step % FLUSH_EVERY:
        return
    for moment, floor in zip(state.moments, state.floors, strict=True):
        for part, scratch in chunks(len(moment), state.scratch):
            np.abs(moment[part], out=scratch)
            moment[part][scratch < floor] = 0


class ChunkedRule:
    """Base of the rules that take each chunk of θ through decay and a step of its own.

    A subclass is a frozen dataclass with a ``weight_decay``, which is decoupled.
    """

    __slots__ = ()

    penalizes: ClassVar[bool] = False
    weight_decay: float

    def factors(self, step: int, lr: float) -> tuple[float, ...]:
        """Return the numbers that :meth:`step` needs, the same for every chunk."""
        return (lr,)

    def step(self, g: Array, moments: list[Array], scratch: Array, *factors: float) -> None:
        """Update a chunk's moments; write to `scratch` by how much its θ falls."""
        raise NotImplementedError

    def update(self, theta: Array, g: Array, state: OptimizerState, lr: float) -> None:
        """Change `theta` in place by one step."""
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
