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

MAX_BINS, MIN_BIN_ROWS = 15, 50
"""Largest number of bins of the ECE, and about the fewest rows in each."""
DIAGRAM_BINS = 10
"""Number of equal-width bins of a reliability diagram."""
RESAMPLES, CHANCE_DRAWS = 500, 200
SEED = 20_017
"""Seed of the resamples: the same rows give the same interval."""
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 20.0
"""Bounds of the search for the temperature."""
TINY = float(np.finfo(np.float32).tiny)
"""Smallest probability whose logarithm is taken."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Test rows with a confidence between `low` and `high`."""

    low: float
    high: float
    rows: int
    confidence: float
    """Mean probability of the predicted classes."""
    right: float
    """Share of correct predictions (accuracy)."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Log loss, Brier score, expected calibration error (ECE) and reliability diagram."""

    log_loss: float
    brier: float
    ece: float
    """ECE over at most 15 equal-mass bins, a share; biased upward."""
    ece_corrected: float
    """ECE minus its bootstrap estimate of bias, at least 0."""
    ece_interval: tuple[float, float]
    """95 % CI of the ECE on many more rows."""
    ece_by_chance: float
    """Expected ECE of a perfectly calibrated contender with these confidences and rows."""
    bins: tuple[Bin, ...]
    """Equal-mass bins of the ECE."""
    diagram: tuple[Bin, ...]
    """Ten equal-width bins of the reliability diagram."""


def apply_temperature(probabilities: Array, temperature: float) -> Array:
    """Return probabilities at another temperature, as float64: p^(1/T) / Σ p^(1/T).

    The same as softmax(logits / T). The order of the classes does not change, and neither do the
    predicted classes.

    Parameters
    ----------
    probabilities : array of shape (…, classes)
    temperature : above 1 lowers the confidence, below 1 raises it

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
    """Return the temperature with the lowest log loss on validation rows.

    Log loss is convex in 1/T, so a bounded search (Brent) over log T finds its minimum between
    :data:`MIN_TEMPERATURE` and :data:`MAX_TEMPERATURE`.

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
    Logits that are twice too large:

    >>> y = np.repeat([0, 1], [731, 269])
    >>> p = np.tile([[0.8808, 0.1192]], (1000, 1))
    >>> round(fit_temperature(p, y), 2)
    2.0
    """
    from scipy.optimize import minimize_scalar

    if not len(y):
        raise ValueError("expected validation rows to fit the temperature on; got none")
    logits = np.log(np.maximum(probabilities, TINY, dtype=np.float64))
    logits -= logits.max(axis=1, keepdims=True)
    true = logits[np.arange(len(y)), y]

    def loss(log_temperature: float) -> float:
        inverse = np.exp(-log_temperature)
        return float(np.mean(np.log(np.exp(logits * inverse).sum(axis=1)) - true * inverse))

    bounds = (float(np.log(MIN_TEMPERATURE)), float(np.log(MAX_TEMPERATURE)))
    optimum = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return float(np.exp(optimum.x))


def measure_calibration(
    runs: Sequence[Array], y: Sequence[Array], rows: Sequence[Array]
) -> Calibration:
    """Return the calibration of a contender's probabilities, over all its runs together.

    The expected calibration error (ECE) is that of the most probable class::

        ECE = Σ_b rows_b / rows · |right_b − confidence_b|

    over 15 equal-mass bins (Nguyen and O'Connor 2015; less biased than equal-width bins: Roelofs et
    al. 2022), or fewer if a bin would have under 50 rows; rows of equal confidence share a bin.

    This plug-in estimate is biased upward by sampling noise in each bin. `ece_by_chance` shows by
    how much: the mean ECE of 200 draws in which each row is correct with the probability of its
    confidence (consistency resampling, Bröcker and Smith 2007).

    The interval comes from 500 resamples of the rows (a row keeps its predictions in all runs; bins
    stay). Resampled ECEs have the bias twice, so ``2 ECE − mean`` corrects for it, and
    ``[2 ECE − q₉₇.₅, 2 ECE − q₂.₅]``, clipped at 0, is the CI (basic bootstrap). It starts at 0 if
    the ECE is at most the 95 % quantile of the 200 draws.

    Parameters
    ----------
    runs : for each run, the probabilities of its test rows, shape (n, classes)
    y : for each run, the codes of their true classes, shape (n,)
    rows : for each run, the row numbers of its test rows, from 0; the resampling draws these

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
    confidence = np.concatenate([p.max(axis=1).astype(np.float64) for p in runs])
    pairs = list(zip(runs, y, strict=True))
    right = ~np.concatenate([is_misclassified(p, codes) for p, codes in pairs])
    bins = _assign_bins(confidence)
    gaps = right - confidence
    ece = _ece(gaps, bins)
    rng = np.random.default_rng(SEED)
    index = np.unique(np.concatenate([np.asarray(r) for r in rows]), return_inverse=True)[1]
    resampled = _resample_ece(gaps, bins, index, rng)
    chance = [
        _ece((rng.random(len(confidence)) < confidence) - confidence, bins)
        for _ in range(CHANCE_DRAWS)
    ]
    low, high = (max(2 * ece - float(q), 0.0) for q in np.quantile(resampled, [0.975, 0.025]))
    if ece <= np.quantile(chance, 0.95):
        low = 0.0
    return Calibration(
        log_loss=mean(log_loss(p, codes) for p, codes in pairs),
        brier=mean(brier(p, codes) for p, codes in pairs),
        ece=ece,
        ece_corrected=max(2 * ece - float(resampled.mean()), 0.0),
        ece_interval=(low, high),
        ece_by_chance=float(np.mean(chance)),
        bins=tuple(_bin(confidence[bins == b], right[bins == b]) for b in np.unique(bins)),
        diagram=tuple(_equal_width_bins(confidence, right)),
    )


def _assign_bins(confidence: Array) -> Array:
    """Return each row's equal-mass bin; rows of equal confidence share a bin."""
    first = np.searchsorted(np.sort(confidence), confidence, side="left")
    n_bins = min(MAX_BINS, max(len(confidence) // MIN_BIN_ROWS, 1))
    return np.asarray(first * n_bins // len(confidence))


def _ece(gaps: Array, bins: Array) -> float:
    return float(np.abs(np.bincount(bins, gaps)).sum() / len(gaps))


def _resample_ece(gaps: Array, bins: Array, index: Array, rng: np.random.Generator) -> Array:
    """Return the ECEs of resampled rows in the same bins."""
    n = int(index.max()) + 1
    eces = np.empty(RESAMPLES)
    for i in range(RESAMPLES):
        counts = np.bincount(rng.integers(n, size=n), minlength=n)[index]
        eces[i] = np.abs(np.bincount(bins, gaps * counts)).sum() / counts.sum()
    return eces


def _equal_width_bins(confidence: Array, right: Array) -> Iterator[Bin]:
    """Yield the non-empty bins of the reliability diagram; a bin includes its upper end."""
    bins = np.clip(np.ceil(confidence * DIAGRAM_BINS).astype(int) - 1, 0, DIAGRAM_BINS - 1)
    for number in np.unique(bins):
        inside = bins == number
        bounds = (int(number) / DIAGRAM_BINS, (int(number) + 1) / DIAGRAM_BINS)
        yield _bin(confidence[inside], right[inside], *bounds)


def _bin(
    confidence: Array, right: Array, low: float | None = None, high: float | None = None
) -> Bin:
    return Bin(
        float(confidence.min()) if low is None else low,
        float(confidence.max()) if high is None else high,
        len(confidence),
        float(confidence.mean()),
        float(right.mean()),
    )
