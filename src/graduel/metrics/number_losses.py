"""Losses by row, and formulas, of metrics of predicted numbers (n, 1) of targets (n,)."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from graduel.errors import UserError
from graduel.metrics.scorer_formulas import ByCounts

Array = NDArray[Any]

NEAR_ZERO = 1e-3
"""Targets closer to 0 than this share of their median size make a percentage error meaningless."""
LEAST_RATE = 1e-6
"""Lower bound of predictions in a deviance, as a share of the mean target."""


def squared_errors(p: Array, y: Array) -> Array:
    """Return (ŷ − y)² by row."""
    return np.asarray(np.square(p[:, 0].astype(np.float64) - y))


def absolute_errors(p: Array, y: Array) -> Array:
    """Return |ŷ − y| by row."""
    return np.asarray(np.abs(p[:, 0].astype(np.float64) - y))


def rmse(p: Array, y: Array) -> float:
    """Return the root mean squared error, √(1/n Σ (ŷ − y)²).

    >>> rmse(np.array([[1.0], [5.0]]), np.array([1.0, 1.0])) == 8**0.5
    True
    """
    return float(np.sqrt(np.mean(squared_errors(p, y))))


def rmse_by_counts(p: Array, y: Array) -> ByCounts:
    """Return the root mean squared error as a function of row counts."""
    squares = squared_errors(p, y)
    return lambda counts: np.sqrt(counts @ squares / counts.sum(-1))


def r2_by_counts(p: Array, y: Array) -> ByCounts:
    """Return R² = 1 − Σ (ŷ − y)² / Σ (y − ȳ)² as a function of row counts."""
    squares, centered = squared_errors(p, y), y - y.mean()

    def value(counts: Array) -> Any:
        n = counts.sum(-1)
        total = counts @ centered**2 - (counts @ centered) ** 2 / n
        if not np.all(total > 0):
            raise UserError("R² is not defined on rows with equal targets. Use another metric")
        return 1 - counts @ squares / total

    return value


def median_error_by_counts(p: Array, y: Array) -> ByCounts:
    """Return the median of |ŷ − y| as a function of row counts."""
    errors = absolute_errors(p, y)
    order = np.argsort(errors, kind="stable")
    ranked = errors[order]

    def value(counts: Array) -> Any:
        below = np.cumsum(counts[..., order], axis=-1)
        half = below[..., -1:] / 2
        middle = [ranked[np.argmax(test, axis=-1)] for test in (below >= half, below > half)]
        return (middle[0] + middle[1]) / 2

    return value


def percentage_errors(p: Array, y: Array) -> Array:
    """Return |ŷ − y| / |y| by row.

    Raises
    ------
    UserError
        If a target is near 0.
    """
    sizes = np.abs(y)
    n = int((sizes <= NEAR_ZERO * np.median(sizes)).sum())
    if n:
        raise UserError(
            f"metric mape needs targets that are not near 0; {n:,} of {len(y):,} are. Use mae or "
            "rmse"
        )
    return np.asarray(absolute_errors(p, y) / sizes)


def pinball_losses(p: Array, y: Array, q: float) -> Array:
    """Return q (y − ŷ) where y is above ŷ, and (1 − q) (ŷ − y) elsewhere.

    Source: Koenker and Bassett, *Regression quantiles*, Econometrica 1978.
    """
    error = y - p[:, 0].astype(np.float64)
    return np.asarray(np.maximum(q * error, (q - 1) * error))


def poisson_deviances(p: Array, y: Array) -> Array:
    """Return 2 (y log(y / ŷ) − y + ŷ) by row, for targets of at least 0.

    Raises
    ------
    UserError
        If a target is negative.
    """
    rates = _rates(p, y, "poisson_deviance", "at least 0", bool((y < 0).any()))
    return np.asarray(2 * (xlogy(y, y / rates) - y + rates))


def gamma_deviances(p: Array, y: Array) -> Array:
    """Return 2 (log(ŷ / y) + y / ŷ − 1) by row, for targets above 0.

    Raises
    ------
    UserError
        If a target is not above 0.
    """
    rates = _rates(p, y, "gamma_deviance", "above 0", bool((y <= 0).any()))
    return np.asarray(2 * (np.log(rates / y) + y / rates - 1))


def _rates(p: Array, y: Array, name: str, range_: str, is_outside: bool) -> Array:
    """Return predictions of at least a millionth of the mean target."""
    if is_outside:
        raise UserError(
            f"metric {name} needs targets {range_}; the least is {y.min():.4g}. Use rmse or mae"
        )
    least = LEAST_RATE * max(float(y.mean()), np.finfo(np.float64).tiny)
    return np.maximum(p[:, 0].astype(np.float64), least)


@cache
def list_regression_scorers() -> tuple[str, ...]:
    """Return the names of scikit-learn's scorers of regressors."""
    from sklearn.metrics import get_scorer, get_scorer_names

    return tuple(
        name
        for name in get_scorer_names()
        if "regression" in get_scorer(name)._score_func.__module__
    )


def regression_score(name: str, p: Array, y: Array) -> ByCounts:
    """Return the value of a scikit-learn score as a function of row counts.

    It has the sign of scikit-learn's function: an error of a scorer ``neg_…`` is positive.

    Raises
    ------
    UserError
        When the function is called, if the score is not defined on these rows.
    """
    from sklearn.metrics import get_scorer

    scorer = get_scorer(name)
    predicted = p[:, 0].astype(np.float64)

    def score(counts: Array) -> float:
        rows = np.repeat(np.arange(len(y)), counts)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value = float(scorer._score_func(y[rows], predicted[rows], **scorer._kwargs))
        except ValueError as error:
            value, reason = np.nan, f": {str(error).splitlines()[0].rstrip('.')}"
        else:
            reason = ""
        if not np.isfinite(value):
            raise UserError(
                f"the metric '{name}' cannot be computed on these test rows{reason}. Use another "
                "metric"
            )
        return value

    return lambda counts: (
        score(counts) if counts.ndim == 1 else np.array([score(one) for one in counts])
    )
