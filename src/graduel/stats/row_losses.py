"""The paired t of losses by row with heavy tails: squared and absolute errors of regression."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graduel.stats.proportions import check_level
from graduel.stats.two_way import MeanEstimate, check_array, paired_t, two_way_t

Array = NDArray[Any]

EXTRA_ROWS = 20
"""The variance of a mean over n rows is multiplied by 1 + 20 / n.

On few rows, rare large losses may be missing from the sample, and the variance is then too small.
This number keeps false positives at 5 % in the simulations of ``docs/statistics.md``."""


def paired_loss_t(
    a: ArrayLike,
    b: ArrayLike,
    *,
    is_root: bool = False,
    is_ratio: bool = False,
    level: float = 0.95,
) -> MeanEstimate:
    """Compare two contenders' mean losses, or root mean losses, on the same test rows.

    With d the differences by row, n rows and s² their variance (of the means over seeds)::

        variance of the mean    (1 + 20 / n) s² / n
        degrees of freedom      2 n / (κ - 1 + 2 / (n - 1)),   at most n - 1
        κ                       n Σ (d - mean)⁴ / (Σ (d - mean)²)²

    The degrees of freedom are those of s², whose relative variance grows with the kurtosis κ: n - 1
    for a normal distribution (κ = 3), as few as 2 if one row outweighs all others. With one or two
    seeds the scope is the fitted models (:func:`~graduel.stats.paired_t`); with three or more, rows
    and seeds are random (:func:`~graduel.stats.two_way_t`).

    The test is the same for every loss and number of rows, so nothing is selected after the fit.
    The p-value and the interval are dual: p < 1 - level exactly if the interval excludes 0.

    Parameters
    ----------
    a, b : losses by row, shape (seeds, rows) or (rows,): squared errors, absolute errors, pinball
        losses, deviances
    is_root : compare the roots of the means, by :func:`root_mean_values`: the RMSE, of squared
        errors
    is_ratio : estimate the logarithm of the metrics' ratio in place of their difference: for a ROPE
        that is a share of the metric, such as ±log(1.01)
    level : confidence level, between 0 and 1

    Returns
    -------
    MeanEstimate
        `mean` is the metric of `a` minus that of `b`, averaged over seeds: positive if `b` is
        better. With `is_ratio` it is the mean of log(metric of a / metric of b). If all differences
        are equal, `se` is 0 and the interval has no width.

    Raises
    ------
    ValueError
        If the losses differ in shape, are not finite, or, with `is_root` or `is_ratio`, are
        negative; with `is_ratio`, if all are 0.

    References
    ----------
    Box, "Non-normality and tests on variances", Biometrika 40, 1953 (the degrees of freedom);
    Satterthwaite, Biometrics Bulletin 2, 1946.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> noise, excess = rng.standard_t(3, size=(2, 500))
    >>> estimate = paired_loss_t((noise + excess / 2) ** 2, noise**2, is_root=True)
    >>> round(estimate.mean, 3), round(estimate.low, 3), round(estimate.high, 3)
    (0.291, 0.194, 0.388)
    >>> round(estimate.df, 1), f"{estimate.p_value:.1e}"
    (35.8, '5.7e-07')
    """
    x, y = (np.atleast_2d(np.asarray(losses, dtype=np.float64)) for losses in (a, b))
    if x.shape != y.shape or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError(
            "expected finite losses of both on the same rows, of shape (seeds, rows); got shapes "
            f"{x.shape} and {y.shape}"
        )
    check_level(level)
    if is_ratio:
        d = log_mean_values(x) - log_mean_values(y)
        d = d / 2 if is_root else d
    else:
        d = root_mean_values(x) - root_mean_values(y) if is_root else x - y
    spread = (paired_t if len(d) < 3 else two_way_t)(d).spread
    spread = replace(
        spread,
        of_rows=spread.of_rows * (1 + EXTRA_ROWS / spread.rows),
        rows_df=_variance_df(d.mean(axis=0)),
    )
    return MeanEstimate.build(float(d.mean()), spread, level)


def root_mean_values(losses: ArrayLike) -> Array:
    """Return values by row whose mean over rows is the root of the mean loss (delta method).

    For the mean loss M of a seed, the value of a row with the loss l is ::

        sqrt(M) + (l - M) / (2 sqrt(M))

    the first-order expansion of the root. Tests and intervals of means over rows apply to these
    values: of squared errors they give the RMSE.

    Parameters
    ----------
    losses : shape (seeds, rows), not negative

    References
    ----------
    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 21.

    Examples
    --------
    >>> values = root_mean_values([[0.0, 1.0, 4.0, 11.0]])
    >>> values.tolist(), float(values.mean())
    ([[1.0, 1.25, 2.0, 3.75]], 2.0)
    """
    x = _check_losses(losses)
    mean = x.mean(axis=1, keepdims=True)
    root = np.sqrt(mean)
    is_positive = np.broadcast_to(mean > 0, x.shape)
    change = np.divide(x - mean, 2 * root, out=np.zeros_like(x), where=is_positive)
    return np.asarray(root + change)


def log_mean_values(losses: ArrayLike) -> Array:
    """Return values by row whose mean over rows is the logarithm of the mean loss.

    For the mean loss M of a seed, the value of a row with the loss l is ``log(M) + (l - M) / M``,
    the first-order expansion, as in :func:`root_mean_values`.

    Parameters
    ----------
    losses : shape (seeds, rows), not negative, not all 0

    Examples
    --------
    >>> values = log_mean_values([[0.0, 1.0, 2.0]])
    >>> values.tolist(), float(values.mean())
    ([[-1.0, 0.0, 1.0]], 0.0)
    """
    x = _check_losses(losses)
    mean = x.mean(axis=1, keepdims=True)
    if not mean.all():
        raise ValueError("expected a loss above 0; got losses of 0 only, which have no ratio")
    return np.asarray(np.log(mean) + (x - mean) / mean)


def _check_losses(losses: ArrayLike) -> NDArray[np.float64]:
    x, *_ = check_array(np.asarray(losses), at_least_seeds=1)
    if not (x >= 0).all():
        raise ValueError(f"expected losses of at least 0; got {x.min():.4g}")
    return x


def _variance_df(d: Array) -> float:
    """Return the degrees of freedom of the sample variance of `d`, by its kurtosis."""
    n = len(d)
    x = d - d.mean()
    largest = np.abs(x).max()
    if largest == 0:
        return n - 1.0
    square = (x / largest) ** 2  # no overflow of fourth powers
    kurtosis = float((square * square).mean() / square.mean() ** 2)
    return min(2 * n / (kurtosis - 1 + 2 / (n - 1)), n - 1.0)
