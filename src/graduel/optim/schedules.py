"""Schedules: pure functions from progress t in [0, 1] to a factor of the learning rate.

Each is finite and not negative on [0, 1]. A user's schedule is any such function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, floor, inf, log, log2, pi

from graduel.optim.ranges import check_fields, check_range

Schedule = Callable[[float], float]

MOST_PERIODS = 1000
NEAR = 1e-9
"""A border between periods is reached when rounding errors alone keep t from it."""


def _positive(name: str, value: float, most: float = inf) -> None:
    """Raise unless a number is above 0, at most `most`, and finite."""
    if not (0 < value <= most and value < inf):
        bound = "" if most == inf else f" and at most {most:g}"
        raise ValueError(f"{name} must be above 0{bound}; got {value}")


def _fall(t: float, end: float) -> float:
    """Return half a cosine wave from 1 at t = 0 down to `end` at t = 1."""
    share = (1 + cos(pi * t)) / 2
    return share + end * (1 - share)


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
class Step:
    """factor(t) = drop^⌊t / every⌋: constant, with a drop after each share of the training.

    PyTorch's ``StepLR``, on progress instead of epochs.

    Parameters
    ----------
    drop : what each drop multiplies by, above 0 and at most 1
    every : the share of the training between two drops, above 0 and at most 1

    >>> [round(Step(0.1, every=0.5)(t), 3) for t in (0, 0.49, 0.5, 0.9)]
    [1.0, 1.0, 0.1, 0.1]
    """

    drop: float = 0.1
    every: float = 1 / 3

    def __post_init__(self) -> None:
        _positive("drop", self.drop, 1)
        _positive("every", self.every, 1)

    def __call__(self, t: float) -> float:
        """Return the factor at progress `t`."""
        # More drops than this leave 0 or nothing to tell; t / every may be infinite.
        return float(self.drop ** floor(min(t / self.every + NEAR, 1e9)))


@dataclass(frozen=True, slots=True)
class Exponential:
    """factor(t) = endᵗ: the same share is lost in every step.

    With `end` above 1 the rate grows, as in a search for the largest rate that still learns
    (Smith, *Cyclical Learning Rates*, 2017).

    Parameters
    ----------
    end : the factor at t = 1, above 0

    >>> [round(Exponential(0.01)(t), 3) for t in (0, 0.5, 1)]
    [1.0, 0.1, 0.01]
    """

    end: float = 0.01

    def __post_init__(self) -> None:
        _positive("end", self.end)

    def __call__(self, t: float) -> float:
        """Return the factor at progress `t`."""
        return float(self.end**t)


@dataclass(frozen=True, slots=True)
class Inverse:
    """factor(t) = (1 + k t)^−power: fast at first, then ever more slowly.

    With ``power=0.5`` and k the rows that the whole training sees (rows · epochs) this is
    scikit-learn's ``learning_rate='invscaling'``, there by the epoch.

    Source: Robbins and Monro, *A Stochastic Approximation Method*, 1951 (power = 1).

    Parameters
    ----------
    k : how fast, at least 0; with power 1 it ends at 1 / (1 + k)
    power : at least 0

    >>> [round(Inverse(9.0)(t), 3) for t in (0, 0.5, 1)]
    [1.0, 0.182, 0.1]
    """

    k: float = 9.0
    power: float = 1.0

    def __post_init__(self) -> None:
        check_fields(self, "k", "power")

    def __call__(self, t: float) -> float:
        """Return the factor at progress `t`."""
        return float((1 + self.k * t) ** -self.power)


@dataclass(frozen=True, slots=True)
class Linear:
    """factor(t) = 1 − (1 − end) t: a straight line from 1 to `end`.

    >>> [round(Linear(end=0.1)(t), 3) for t in (0, 0.5, 1)]
    [1.0, 0.55, 0.1]
    """

    end: float = 0.0

    def __post_init__(self) -> None:
        check_range("end", self.end)

    def __call__(self, t: float) -> float:
        """Return the factor at progress `t`."""
        return (1 - t) + self.end * t


@dataclass(frozen=True, slots=True)
class Cosine:
    """factor(t) = end + (1 − end) (1 + cos πt) / 2: from 1 down to `end`.

    Source: Loshchilov and Hutter, *SGDR*, 2017 (a single period).

    >>> [round(Cosine()(t), 3) for t in (0, 0.5, 1)]
    [1.0, 0.5, 0.0]
    """

    end: float = 0.0

    def __post_init__(self) -> None:
        check_range("end", self.end)

    def __call__(self, t: float) -> float:
        """Return the factor at progress `t`."""
        return _fall(t, self.end)


@dataclass(frozen=True, slots=True)
class FlatCos:
    """factor(t) = 1 while t < flat, then (1 + cos π(t − flat)/(1 − flat)) / 2: from 1 down to 0.

    At flat = 1/2 this is (1 + cos π(max(1, 2t) − 1)) / 2.

    Source: flat_cos of RealMLP (Holzmüller, Grinsztajn and Steinwart, *Better by Default*, 2024).

    Parameters
    ----------
    flat : the share of the training at full rate, in [0, 1)

    >>> [round(FlatCos()(t), 3) for t in (0, 0.5, 0.75, 1)]
    [1.0, 1.0, 0.5, 0.0]
    """

    flat: float = 0.5

    def __post_init__(self) -> None:
        check_range("flat", self.flat, below=1)

    def __call__(self, t: float) -> float:
        """Return the factor at progress `t`."""
        return _fall(max(0.0, t - self.flat) / (1 - self.flat), 0.0)


@dataclass(frozen=True, slots=True)
class CosLog4:
    """factor(t) = (1 − cos(2π log₂(1 + 15 t))) / 2: four waves from 0 to 1 and back.

    Each lasts twice as long as the one before: they end at t = 1/15, 3/15, 7/15 and 1.

    Source: coslog₄ of RealMLP (Holzmüller, Grinsztajn and Steinwart, *Better by Default*, 2024).

    >>> [round(CosLog4()(t), 3) for t in (0, 1 / 15, 0.5, 1)]
    [0.0, 0.0, 0.074, 0.0]
    """

    def __call__(self, t: float) -> float:
        """Return the factor at progress `t`."""
        return (1 - cos(2 * pi * log2(1 + 15 * t))) / 2


@dataclass(frozen=True, slots=True)
class WarmRestarts:
    """Several falling half waves, each from 1 to `end`, each `growth` times as long as the last.

    factor(t) = end + (1 − end) (1 + cos πu) / 2, u in [0, 1) the progress within the period.

    Source: Loshchilov and Hutter, *SGDR*, 2017 (growth is its T_mult).

    Parameters
    ----------
    periods : how many
    growth : at least 1
    end : the factor at the end of each period

    >>> [round(WarmRestarts(2, growth=3.0)(t), 3) for t in (0, 0.125, 0.25, 0.625, 1)]
    [1.0, 0.5, 1.0, 0.5, 0.0]
    """

    periods: int = 3
    growth: float = 2.0
    end: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.periods <= MOST_PERIODS:
            raise ValueError(
                f"periods must be a whole number from 1 to {MOST_PERIODS}; got {self.periods}"
            )
        if not 1 <= self.growth < inf:
            raise ValueError(f"growth must be at least 1; got {self.growth}")
        if (self.periods - 1) * log(self.growth) > log(1e6):
            raise ValueError(
                "the last period may be at most a million times as long as the first; "
                f"got {self.periods} periods with growth {self.growth}. Take fewer"
            )
        check_range("end", self.end)

    def __call__(self, t: float) -> float:
        """Return the factor at progress `t`."""
        lengths = [self.growth**i for i in range(self.periods)]
        left = t * sum(lengths)
        for length in lengths[:-1]:
            if left < length * (1 - NEAR):
                return _fall(max(0.0, left) / length, self.end)
            left -= length
        return _fall(min(max(0.0, left) / lengths[-1], 1.0), self.end)


@dataclass(frozen=True, slots=True)
class OneCycle:
    """Half a cosine wave from `start` up to 1 at t = peak, and half a wave down to `end`.

    Source: Smith, *A Disciplined Approach to Neural Network Hyper-Parameters*, 2018; the halves of
    a wave are PyTorch's ``OneCycleLR``, and so are the defaults.

    Parameters
    ----------
    peak : the share of the training that rises, in [0, 1]
    start, end : the factors at t = 0 and t = 1; `lr` itself is the rate at the peak

    >>> [round(OneCycle()(t), 3) for t in (0, 0.15, 0.3, 0.65, 1)]
    [0.04, 0.52, 1.0, 0.5, 0.0]
    """

    peak: float = 0.3
    start: float = 0.04
    end: float = 4e-6

    def __post_init__(self) -> None:
        if not 0 <= self.peak <= 1:
            raise ValueError(f"peak must be in [0, 1]; got {self.peak}")
        check_fields(self, "start", "end")

    def __call__(self, t: float) -> float:
        """Return the factor at progress `t`."""
        if t < self.peak:
            return _fall(1 - t / self.peak, self.start)
        return _fall((t - self.peak) / (1 - self.peak), self.end) if t > self.peak else 1.0


@dataclass(frozen=True, slots=True)
class WarmUp:
    """factor(t) = t / share · then(0) while t < share; then the schedule `then` over the rest.

    Source: Goyal et al., *Accurate, Large Minibatch SGD*, 2017.

    Parameters
    ----------
    share : the part of the training that is warm-up, in [0, 1)
    then : the schedule afterwards, with its own t from 0 to 1

    >>> [round(WarmUp(0.1, Cosine())(t), 3) for t in (0, 0.05, 0.1, 0.55, 1)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    share: float = 0.05
    then: Schedule = Cosine()

    def __post_init__(self) -> None:
        check_range("warm-up", self.share, below=1)

    def __call__(self, t: float) -> float:
        """Return the factor at progress `t`."""
        if t < self.share:
            return t / self.share * self.then(0.0)
        return self.then((t - self.share) / (1 - self.share))
