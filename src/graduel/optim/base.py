"""What an update rule and a minimizer are, and what all update rules share.

``init(layout, dtype)`` once, ``update(theta, g, state, lr)`` at every step, on one flat vector.

An update is several passes over θ, its gradient and the moments. It goes through them chunk by
chunk, so that all of them stay in the cache from one pass to the next. (More threads do not help:
each pass over a chunk takes microseconds, less than it takes a thread to get Python's lock back.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import inf, isfinite, nan, sqrt
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import DTypeLike, NDArray

from graduel.layout import ROLES, Entry, Layout

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
    penalty: float = 0.0
    """λ of an L2 penalty λ/2 ‖W‖² in the loss, for rules that say :data:`penalizes`."""
    squares: float = 0.0
    """‖W‖² as it was before the last update, where there is a penalty."""


class Optimizer(Protocol):
    """An update rule; a frozen dataclass. Its state is whatever it likes.

    A rule may have a class attribute ``penalizes = True``: it adds the gradient of an L2 penalty,
    ``state.penalty`` times the weights, on its own way through the vectors, which costs less than
    another way through them. A state that has an attribute ``t`` is told the progress of the
    training there, before each step.
    """

    def init(self, layout: Layout, dtype: DTypeLike) -> Any:
        """Make the state for parameters of this layout."""
        ...

    def update(self, theta: Array, g: Array, state: Any, lr: float) -> None:
        """Change `theta` in place by one step.

        `g` belongs to the optimizer during the call: a wrapper may scale it in place.
        """
        ...


Objective = Callable[[Array], tuple[float, Array]]
"""θ → (loss, gradient). The gradient is borrowed: the next call may overwrite it."""


@dataclass(frozen=True, slots=True)
class Iteration:
    """One iteration of a minimizer, done."""

    step: int
    """How many steps are done."""
    loss: float
    """The loss where θ is now."""
    gradient: float
    """The gradient's largest entry there, by absolute value."""
    evaluations: int
    """How many times loss and gradient have been computed since the beginning."""
    end: str = ""
    """Why this iteration is the last one; empty while it goes on."""


@runtime_checkable
class Minimizer(Protocol):
    """A method that asks for the loss wherever it likes; a frozen dataclass."""

    def minimize(self, f: Objective, theta: Array, steps: int) -> Iterator[Iteration]:
        """Yield after every iteration, `theta` moved in place to the point it accepted."""
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


def penalize(theta: Array, g: Array, part: slice, state: OptimizerState, scratch: Array) -> None:
    """Add λ W to a chunk of the gradient, and the chunk's share of ‖W‖² to the state."""
    if part.start == 0:
        state.squares = 0.0
    stop = min(part.stop, state.decayed.stop)
    if state.penalty and part.start < stop:
        W = theta[part.start : stop]
        state.squares += float(np.dot(W, W))
        g[part.start : stop] += np.multiply(W, state.penalty, out=scratch[: len(W)])


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


@dataclass(frozen=True, slots=True)
class Part(Layout):
    """Neighbouring entries of a layout as a vector of their own."""

    known: tuple[str, ...] = ()
    """The roles of the whole: they may be named, though nothing here has them."""


def part_of(layout: Layout, entries: Sequence[Entry]) -> tuple[slice, Part]:
    """Return where some neighbouring entries lie, and their own layout."""
    start = entries[0].start
    moved = tuple(replace(entry, start=entry.start - start) for entry in entries)
    return slice(start, entries[-1].stop), Part(moved, known_roles(layout))


def known_roles(layout: Layout) -> tuple[str, ...]:
    """Return the roles that may be named: the usual ones and the layout's own."""
    known = layout.known if isinstance(layout, Part) else ()
    return tuple(dict.fromkeys((*ROLES, *known, *layout.roles)))


def norm(vector: Array) -> float:
    """Return ‖vector‖₂; NaN if an entry is not finite."""
    total = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(vector), CHUNK):
            part = vector[start : start + CHUNK]
            total += float(np.dot(part, part))
    if isfinite(total):
        return sqrt(total)
    low, high = float(vector.min()), float(vector.max())
    if not (isfinite(low) and isfinite(high)):
        return nan
    # The squares were too large for the dtype, the entries are not.
    most = max(-low, high)
    total = 0.0
    for start in range(0, len(vector), CHUNK):
        part = np.divide(vector[start : start + CHUNK], most, dtype=np.float64)
        total += float(np.dot(part, part))
    return most * sqrt(total)


def check(name: str, value: float, *, below: float = inf) -> None:
    """Refuse a number out of its range."""
    if not 0 <= value < below:
        bound = "" if below == inf else f" and below {below:g}"
        raise ValueError(f"{name} must be at least 0{bound}; got {value}")


def check_positive(name: str, value: float) -> None:
    """Refuse what is not above zero."""
    if not value > 0:
        raise ValueError(f"{name} must be above 0; got {value}")
