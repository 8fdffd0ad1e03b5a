"""Schedules: pure functions from progress t in [0, 1] to a factor of the learning rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi

Schedule = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Constant:
    """factor(t) = 1.

    >>> Constant()(0.3)
    1.0
    """

    def __call__(self, t: float) -> float:
        """Return 1."""
        return 1.0


@dataclass(frozen=True, slots=True)
class Cosine:
    """factor(t) = end + (1 − end) (1 + cos πt) / 2: from 1 down to `end`.

    Source: Loshchilov and Hutter, *SGDR*, 2017 (a single period).

    >>> [round(Cosine()(t), 3) for t in (0, 0.5, 1)]
    [1.0, 0.5, 0.0]
    """

    end: float = 0.0

    def __call__(self, t: float) -> float:
        """Return the factor at progress `t`."""
        return self.end + (1 - self.end) * (1 + cos(pi * t)) / 2


@dataclass(frozen=True, slots=True)
class WarmUp:
    """factor(t) = t / share · then(0) while t < share; then the schedule `then` over the rest.

    Source: Goyal et al., *Accurate, Large Minibatch SGD*, 2017.

    Parameters
    ----------
    share : the part of the training that is warm-up, in [0, 1)
    then : the schedule afterwards, its own t running from 0 to 1

    >>> [round(WarmUp(0.1, Cosine())(t), 3) for t in (0, 0.05, 0.1, 0.55, 1)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    share: float = 0.05
    then: Schedule = Cosine()

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise ValueError(f"warm-up must be at least 0 and below 1; got {self.share}")

    def __call__(self, t: float) -> float:
        """Return the factor at progress `t`."""
        if t < self.share:
            return t / self.share * self.then(0.0)
        return self.then((t - self.share) / (1 - self.share))
