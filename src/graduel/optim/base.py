"""What an update rule is, and what all of them share.

``init(layout, dtype)`` once, ``update(theta, g, state, lr)`` at every step, on one flat vector.

An update is several passes over θ, its gradient and the moments. It goes through them chunk by
chunk, so that all of them stay in the cache from one pass to the next. (More threads do not help:
each pass over a chunk takes microseconds, less than it takes a thread to get Python's lock back.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from graduel.layout import Layout

Array = NDArray[Any]

CHUNK = 65_536
"""How many parameters are updated at a time."""

FLUSH_EVERY = 64
"""How often, in steps, moments are kept from decaying into denormal numbers."""


@dataclass(slots=True)
class OptimizerState:
    """What an optimizer remembers: moments of θ's shape, the step, scratch space, decay by role."""

    moments: tuple[Array, ...]
    scratch: Array
    decayed: slice
    step: int = 0
    floors: tuple[float, ...] = field(default=())


class Optimizer(Protocol):
    """An update rule; a frozen dataclass."""

    def init(self, layout: Layout, dtype: DTypeLike) -> OptimizerState:
        """Make the state for parameters of this layout."""
        ...

    def update(self, theta: Array, g: Array, state: OptimizerState, lr: float) -> None:
        """Change `theta` in place by one step; `g` is only read."""
        ...


def fresh(layout: Layout, dtype: DTypeLike, decays: tuple[float, ...]) -> OptimizerState:
    """Make zeroed moments, one for each decay factor."""
    tiny = float(np.finfo(dtype).tiny)
    return OptimizerState(
        tuple(np.zeros(layout.size, dtype) for _ in decays),
        np.empty(min(layout.size, CHUNK), dtype),
        layout.roles.get("weight", slice(0, 0)),
        # Above 1/2 a moment never gets below the smallest denormal number by itself: rounding
        # holds it there.
        floors=tuple(tiny / beta**FLUSH_EVERY if beta > 0.5 else tiny for beta in decays),
    )


def chunks(size: int, scratch: Array) -> Iterator[tuple[slice, Array]]:
    """Yield slices that cover a vector of length `size`, each with scratch space of its length."""
    for start in range(0, size, CHUNK):
        part = slice(start, min(start + CHUNK, size))
        yield part, scratch[: part.stop - start]


def shrink(theta: Array, part: slice, state: OptimizerState, factor: float) -> None:
    """Multiply by `factor` what of a chunk is decayed."""
    stop = min(part.stop, state.decayed.stop)
    if part.start < stop:
        theta[part.start : stop] *= factor


def flush(state: OptimizerState) -> None:
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


def check(name: str, value: float, *, below: float = float("inf")) -> None:
    """Refuse a number out of its range."""
    if not 0 <= value < below:
        bound = "" if below == float("inf") else f" and below {below:g}"
        raise ValueError(f"{name} must be at least 0{bound}; got {value}")
