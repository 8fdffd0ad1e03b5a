"""Learning-rate schedules: functions from training progress t in [0, 1] to a factor of the rate.

Each is finite and at least 0 on [0, 1]. Any such function can serve as a schedule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, floor, inf, log, log2, pi

from graduel.optim.ranges import check_fields, check_range

Schedule = Callable[[float], float]

MOST_PERIODS = 1000
NEAR = 1e-9
"""The tolerance for rounding errors of t at the end of a period."""


def _positive(name: str, value: float, upper: float = inf) -> None:
    """Raise `ValueError` unless `value` is finite, above 0 and at most `most`."""
    if not (0 < value <= upper and value < inf):
        bound = "" if upper == inf else f" and at most {upper:g}"
        raise ValueError(f"{name} must be above 0{bound}; got {value}")


def _fall(t: float, end: float) -> float:
    """Return half a cosine from 1 at t = 0 to `end` at t = 1."""
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
    """factor(t) = drop^⌊t / every⌋: piecewise constant, multiplied by `drop` after each interval.

    PyTorch's ``StepLR``, by progress instead of epochs.

    Parameters
    ----------
    drop : the factor of each drop, above 0 and at most 1
    every : the share of training between two drops, above 0 and at most 1

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
        # t / every may be infinite; beyond this limit the result is 0, or 1 if drop is 1.
        return float(self.drop ** floor(min(t / self.every + NEAR, 1e9)))


@dataclass(frozen=True, slots=True)
class Exponential:
    """factor(t) = endᵗ: exponential decay to `end`.

    With `end` above 1 the rate grows, as in a learning-rate range test (Smith, *Cyclical Learning
    Rates*, 2017).

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
    """factor(t) = (1 + k t)^−power: inverse decay, fast at first and then slower.

    With ``power=0.5`` and k = n_rows · epochs this is scikit-learn's
    ``learning_rate='invscaling'``, which changes once per epoch.

    Source: Robbins and Monro, *A Stochastic Approximation Method*, 1951 (power = 1).

    Parameters
    ----------
    k : speed of the decay, at least 0; with power 1 the factor ends at 1 / (1 + k)
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
    """factor(t) = 1 − (1 − end) t: linear decay from 1 to `end`.

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
    """factor(t) = end + (1 − end) (1 + cos πt) / 2: cosine decay from 1 to `end`.

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
    """factor(t) = 1 while t < flat, then (1 + cos π(t − flat)/(1 − flat)) / 2: to 0.

    At flat = 1/2 this is (1 + cos π(max(1, 2t) − 1)) / 2.

    Source: flat_cos of RealMLP (Holzmüller, Grinsztajn and Steinwart, *Better by Default*, 2024).

    Parameters
    ----------
    flat : the share of training at the full rate, in [0, 1)

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
    """factor(t) = (1 − cos(2π log₂(1 + 15 t))) / 2: four periods from 0 to 1 and back.

    Each period is twice as long as the one before; they end at t = 1/15, 3/15, 7/15 and 1.

    Source: coslog₄ of RealMLP (Holzmüller, Grinsztajn and Steinwart, *Better by Default*, 2024).

    >>> [round(CosLog4()(t), 3) for t in (0, 1 / 15, 0.5, 1)]
    [0.0, 0.0, 0.074, 0.0]
    """

    def __call__(self, t: float) -> float:
        """Return the factor at progress `t`."""
        return (1 - cos(2 * pi * log2(1 + 15 * t))) / 2


@dataclass(frozen=True, slots=True)
class WarmRestarts:
    """Cosine decay from 1 to `end` with restarts; each period is `growth` times the last.

    factor(t) = end + (1 − end) (1 + cos πu) / 2, with u in [0, 1) the progress within the period.

    Source: Loshchilov and Hutter, *SGDR*, 2017 (growth is its T_mult).

    Parameters
    ----------
    periods : the number of periods
    growth : the ratio of successive period lengths, at least 1
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
                f"got {self.periods} periods with growth {self.growth}. Reduce periods or growth"
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
    """The one-cycle schedule: half a cosine from `start` to 1 at t = peak, then to `end`.

    Source: Smith, *A Disciplined Approach to Neural Network Hyper-Parameters*, 2018; shape and
    defaults as in PyTorch's ``OneCycleLR``.

    Parameters
    ----------
    peak : the share of training before the peak, in [0, 1]
    start, end : the factors at t = 0 and t = 1; the factor at the peak is 1

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
    """factor(t) = t / share · then(0) while t < share, followed by the schedule `then`.

    Source: Goyal et al., *Accurate, Large Minibatch SGD*, 2017.

    Parameters
    ----------
    share : the share of training for warm-up, in [0, 1)
    then : the schedule after it, with t from 0 to 1 over the rest

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
