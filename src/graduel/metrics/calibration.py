"""Calibration: expected calibration error, reliability diagrams, temperature scaling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.metrics.metric import brier, is_misclassified, log_loss

Array = NDArray[Any]

BINS, BIN_ROWS = 15, 50
"""At most so many bins, and about so many rows in each at least."""
RANGES = 10
"""Of equal width, in a reliability diagram."""
RESAMPLES, BY_CHANCE = 500, 200
SEED = 20_017
"""Of the resamples: the same rows give the same interval."""
COLDEST, HOTTEST = 0.05, 20.0
"""Between these temperatures the best one is looked for."""
TINY = float(np.finfo(np.float32).tiny)
"""A probability of zero counts as this, since it has no logarithm."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Test rows of about equal confidence: between `low` and `high`."""

    low: float
    high: float
    rows: int
    confidence: float
    """The mean probability of the predicted classes."""
    right: float
    """The share of correct predictions."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How good probabilities are, and how far confidence and correctness lie apart."""

    log_loss: float
    brier: float
    ece: float
    """Expected calibration error as it is usually reported, a share; too large by chance."""
    ece_corrected: float
    """The same without what the bootstrap says chance adds."""
    ece_interval: tuple[float, float]
    """95 %, of the ECE that many more rows would show."""
    ece_by_chance: float
    """What a perfectly calibrated contender of this confidence would show on as many rows."""
    bins: tuple[Bin, ...]
    """Those of the ECE, of equally many rows."""
    diagram: tuple[Bin, ...]
    """Those of the reliability diagram, of equal width: nearly all rows of a good model are sure,
    and equally many rows would show a tenth of the diagram."""


def apply_temperature(probabilities: Array, temperature: float) -> Array:
    """Return probabilities at another temperature, as float64: p^(1/T) / Σ p^(1/T).

    The same as softmax(logits / T). The order of the classes stays, and so does every answer.

    Parameters
    ----------
    probabilities : array of shape (…, classes)
    temperature : above 1 less sure, below 1 surer

    References
    ----------
    Guo et al., *On calibration of modern neural networks*, ICML 2017.

    Examples
    --------
    >>> apply_temperature(np.array([0.8, 0.2]), 2.0).round(3)
    array([0.667, 0.333])
    """
    logits = np.log(np.maximum(probabilities, TINY, dtype=np.float64)) / temperature
    logits -= logits.max(axis=-1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=-1, keepdims=True)
    return np.asarray(logits)


def fit_temperature(probabilities: Array, y: Array) -> float:
    """Return the temperature of the lowest log loss on validation rows.

    Log loss is convex in 1/T, so that the bounded search (Brent) over log T finds its minimum
    between :data:`COLDEST` and :data:`HOTTEST`.

    Parameters
    ----------
    probabilities : of validation rows, shape (n, classes); never of test rows
    y : codes of their true classes, shape (n,)

    Raises
    ------
    ValueError
        If there are no rows.

    Examples
    --------
    Twice as sure as right, in logits:

    >>> y = np.repeat([0, 1], [731, 269])
    >>> p = np.tile([[0.8808, 0.1192]], (1000, 1))
    >>> round(fit_temperature(p, y), 2)
    2.0
    """
    from scipy.optimize import minimize_scalar

    if not len(y):
        raise ValueError("a temperature needs validation rows; got none")
    logits = np.log(np.maximum(probabilities, TINY, dtype=np.float64))
    logits -= logits.max(axis=1, keepdims=True)
    true = logits[np.arange(len(y)), y]

    def loss(log_temperature: float) -> float:
        cool = np.exp(-log_temperature)
        return float(np.mean(np.log(np.exp(logits * cool).sum(axis=1)) - true * cool))

    bounds = (float(np.log(COLDEST)), float(np.log(HOTTEST)))
    optimum = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return float(np.exp(optimum.x))


def measure_calibration(
    runs: Sequence[Array], y: Sequence[Array], rows: Sequence[Array]
) -> Calibration:
    """Return the calibration of the probabilities of a contender's runs.

    The expected calibration error is that of the most probable class::

        ECE = Σ_b rows_b / rows · |right_b − confidence_b|

    over 15 bins of equally many rows (Nguyen and O'Connor 2015; Roelofs et al. 2022: less biased
    than bins of equal width), fewer where they would have under 50; rows of equal confidence share
    a bin. All runs count together.

    That plug-in estimate is too large by what chance adds to each bin. Rows are resampled 500
    times (a row brings its predictions in every run; bins stay): resampled ECEs are too large once
    more, so that ``2 ECE − mean`` is closer, and ``[2 ECE − q₉₇.₅, 2 ECE − q₂.₅]``, cut at 0, is
    the interval (basic bootstrap). Near zero that is not enough: where the ECE is no larger than
    95 % of those that a perfectly calibrated contender of this confidence shows (consistency
    resampling, Bröcker and Smith 2007), the interval begins at 0.

    Parameters
    ----------
    runs : for each run the probabilities of its test rows, shape (n, classes)
    y : for each run the codes of their true classes, shape (n,)
    rows : for each run the numbers of its test rows, from 0, by which they are resampled

    References
    ----------
    Naeini et al., *Obtaining well calibrated probabilities using Bayesian binning*, AAAI 2015;
    Nguyen and O'Connor, *Posterior calibration and exploratory analysis for natural language
    processing models*, EMNLP 2015; Roelofs et al., *Mitigating bias in calibration error
    estimation*, AISTATS 2022; Davison and Hinkley, *Bootstrap Methods and their Application*,
    1997, 2.3 and 5.2; Bröcker and Smith, *Increasing the reliability of reliability diagrams*,
    Weather and Forecasting 22, 2007.

    Examples
    --------
    >>> p = np.tile([[0.9, 0.1]], (100, 1))
    >>> y = np.repeat([0, 1], [80, 20])
    >>> calibration = measure_calibration([p], [y], [np.arange(100)])
    >>> round(calibration.ece, 3), calibration.bins[0].right
    (0.1, 0.8)
    """
    sure = np.concatenate([p.max(axis=1).astype(np.float64) for p in runs])
    right = ~np.concatenate([is_misclassified(p, of) for p, of in zip(runs, y, strict=True)])
    place = _assign_bins(sure)
    gaps = right - sure
    ece = _ece(gaps, place)
    rng = np.random.default_rng(SEED)
    number = np.unique(np.concatenate([np.asarray(r) for r in rows]), return_inverse=True)[1]
    drawn = _resample_ece(gaps, place, number, rng)
    chance = [_ece((rng.random(len(sure)) < sure) - sure, place) for _ in range(BY_CHANCE)]
    low, high = (max(2 * ece - float(q), 0.0) for q in np.quantile(drawn, [0.975, 0.025]))
    if ece <= np.quantile(chance, 0.95):
        low = 0.0
    pairs = list(zip(runs, y, strict=True))
    return Calibration(
        log_loss=mean(log_loss(p, of) for p, of in pairs),
        brier=mean(brier(p, of) for p, of in pairs),
        ece=ece,
        ece_corrected=max(2 * ece - float(drawn.mean()), 0.0),
        ece_interval=(low, high),
        ece_by_chance=float(np.mean(chance)),
        bins=tuple(_bin(sure[place == b], right[place == b]) for b in np.unique(place)),
        diagram=tuple(_equal_width_bins(sure, right)),
    )


def _assign_bins(sure: Array) -> Array:
    """Return each row's bin: as many rows in each, but equal values together."""
    first = np.searchsorted(np.sort(sure), sure, side="left")
    return np.asarray(first * min(BINS, max(len(sure) // BIN_ROWS, 1)) // len(sure))


def _ece(gaps: Array, place: Array) -> float:
    return float(np.abs(np.bincount(place, gaps)).sum() / len(gaps))


def _resample_ece(gaps: Array, place: Array, number: Array, rng: np.random.Generator) -> Array:
    """Return ECEs of resampled rows, the bins as they are."""
    n = int(number.max()) + 1
    eces = np.empty(RESAMPLES)
    for i in range(RESAMPLES):
        counts = np.bincount(rng.integers(n, size=n), minlength=n)[number]
        eces[i] = np.abs(np.bincount(place, gaps * counts)).sum() / counts.sum()
    return eces


def _equal_width_bins(sure: Array, right: Array) -> Iterator[Bin]:
    """Yield the ranges of confidence that have rows; each holds its upper end."""
    place = np.clip(np.ceil(sure * RANGES).astype(int) - 1, 0, RANGES - 1)
    for number in np.unique(place):
        inside = place == number
        bounds = (int(number) / RANGES, (int(number) + 1) / RANGES)
        yield _bin(sure[inside], right[inside], *bounds)


def _bin(sure: Array, right: Array, low: float | None = None, high: float | None = None) -> Bin:
    return Bin(
        float(sure.min()) if low is None else low,
        float(sure.max()) if high is None else high,
        len(sure),
        float(sure.mean()),
        float(right.mean()),
    )
