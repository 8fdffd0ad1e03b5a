"""The corrected resampled t-test of repeated cross-validation, whose folds share rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

MOST_FITS = 8
"""Largest number of fits that a verdict counts as evidence, unless one repeat has more.

All repeats use the same rows. With unstable learners, counting every fit gives 6 % (5 folds, 2
repeats) to 18 % (10 folds, 10 repeats) false positives at a nominal 5 %. Eight fits keep five folds
at 5 %; see ``docs/statistics.md``."""


@dataclass(frozen=True, slots=True)
class CorrectedT:
    """A mean difference over repeats × folds, with its standard error."""

    mean: float
    variance: float
    """Variance of the difference on one fold."""
    repeats: int
    folds: int
    ratio: float
    """Test rows divided by training rows, of one fit."""
    max_fits: int | None = None
    """Largest number of fits that count as evidence, unless one repeat has more; None counts all
    fits."""

    @property
    def fits(self) -> int:
        """Number of fits that count as evidence."""
        fits = self.repeats * self.folds
        return fits if self.max_fits is None else min(fits, max(self.folds, self.max_fits))

    @property
    def se(self) -> float:
        """Corrected standard error of the mean."""
        return sqrt((1 / self.fits + self.ratio) * self.variance)

    @property
    def df(self) -> int:
        """Degrees of freedom."""
        return self.fits - 1

    @property
    def p_value(self) -> float:
        """The two-sided p-value of no difference."""
        if self.se == 0:
            return float(self.mean == 0)
        return 2 * float(stdtr(self.df, -abs(self.mean) / self.se))

    def half_width(self, alpha: float) -> float:
        """Return half the width of the interval of level 1 - alpha."""
        return -float(stdtrit(self.df, alpha / 2)) * self.se

    def interval(self, level: float) -> tuple[float, float]:
        """Return the interval of that level."""
        half = self.half_width(1 - level)
        return self.mean - half, self.mean + half

    def probabilities(self, rope: float) -> tuple[float, float, float]:
        """Return the posterior probabilities of a difference below, within and above ±rope.

        The Bayesian correlated t-test: with the prior 1 / σ and a correlation ρ = n_test / n of the
        folds, the posterior of the mean difference μ is Student's t with J - 1 degrees of freedom
        (J fits), centered at the observed mean, with the scale
        ``sqrt((1 / J + ρ / (1 - ρ)) s²)``, which is `se`.

        References
        ----------
        Corani and Benavoli, "A Bayesian approach for comparing cross-validated algorithms on
        multiple data sets", Machine Learning 100, 2015.

        Examples
        --------
        >>> estimate = corrected_t(np.array([[0.02, 0.0, 0.01, 0.03, 0.02]]), test_share=0.2)
        >>> [round(p, 2) for p in estimate.probabilities(rope=0.01)]
        [0.01, 0.22, 0.76]
        """
        if self.se == 0:
            inside = -rope <= self.mean <= rope
            return float(self.mean < -rope), float(inside), float(self.mean > rope)
        below = float(stdtr(self.df, (-rope - self.mean) / self.se))
        above = float(stdtr(self.df, (self.mean - rope) / self.se))
        return below, max(1 - below - above, 0.0), above

    def resized(self, *, repeats: int | None = None, rows: float = 1.0) -> CorrectedT:
        """Return the estimate for another number of repeats, or for `rows` times as many rows."""
        return replace(self, repeats=repeats or self.repeats, variance=self.variance / rows)


def corrected_t(d: NDArray[np.generic], test_share: float) -> CorrectedT:
    """Return the mean difference over folds by Nadeau and Bengio's corrected resampled t.

    The J = R K fits of a cross-validation with K folds and R repeats share training rows, and
    across repeats also test rows. A plain t-test treats them as independent and has far too many
    false positives. With s² the variance of the differences by fold, the variance of their mean is
    estimated by ::

        (1 / J + n_test / n_train) s²,   with J - 1 degrees of freedom

    Parameters
    ----------
    d : differences by fold, shape (repeats, folds), two or more in total
    test_share : share of the rows in the test set of one fold: 0.1 with ten folds

    Raises
    ------
    ValueError
        If there are fewer than two differences, one is not finite, or the share is not between 0
        and 1.

    References
    ----------
    Nadeau and Bengio, "Inference for the generalization error", Machine Learning 52, 2003;
    Bouckaert and Frank, "Evaluating the replicability of significance tests for comparing
    learning algorithms", PAKDD 2004 (for repeated cross-validation).

    Examples
    --------
    >>> estimate = corrected_t(np.array([[0.02, 0.0, 0.01, 0.03, 0.02]]), test_share=0.2)
    >>> round(estimate.mean, 3), round(estimate.p_value, 3)
    (0.016, 0.105)
    """
    x = np.asarray(d, dtype=np.float64)
    if x.ndim != 2 or x.size < 2 or not np.isfinite(x).all():
        raise ValueError(
            "expected two or more finite differences of shape (repeats, folds); got shape "
            f"{x.shape} with {int(np.isfinite(x).sum())} finite values"
        )
    if not 0 < test_share < 1:
        raise ValueError(f"test_share must be between 0 and 1, for example 0.1; got {test_share}")
    repeats, folds = x.shape
    ratio = test_share / (1 - test_share)
    return CorrectedT(float(x.mean()), float(x.var(ddof=1)), repeats, folds, ratio)


def compare_scores(a: ArrayLike, b: ArrayLike, *, n_train: float, n_test: float) -> CorrectedT:
    """Compare the cross-validation scores of two models, from any tool, on the same splits.

    Apply Nadeau and Bengio's corrected resampled t-test to the differences a - b. With J fits and
    s² the variance of the differences (divisor J - 1)::

        t = mean / sqrt((1 / J + n_test / n_train) s²),   with J - 1 degrees of freedom

    With a ROPE, `CorrectedT.probabilities` adds the Bayesian correlated t-test.

    Parameters
    ----------
    a, b : scores by fit, shape (J,) or (repeats, folds), two or more; fit by fit on the same rows
    n_train, n_test : number of training and of test rows of one fit; their means if folds differ

    Returns
    -------
    CorrectedT
        Its `mean` is positive if the scores of `a` are higher.

    Raises
    ------
    ValueError
        If the scores differ in shape, are fewer than two or not finite, or if a number of rows is
        not positive.

    See Also
    --------
    graduel.compare_scores : the verdict on such scores, in words

    Notes
    -----
    Errors of published implementations, each of which changes the p-value
    (``docs/statistics.md`` shows by how much):

    - Variance: no correction at all; the factor outside the root, or a second root; s² with the
      divisor J (the default of ``numpy.var``); n_test / n (n all rows) in place of
      n_test / n_train; in the Bayesian test, whose factor 1 / J + ρ / (1 - ρ) is the same, a
      correlation ρ of 1 / J although the folds were repeated.
    - Degrees of freedom: of the folds, K - 1, although there are J = R K fits; or of the rows.
    - A one-sided p-value whose side is that of the observed mean: half the two-sided one.

    Scores of many repeats: all J fits count here, as published. With unstable learners that is too
    many; a verdict counts at most :data:`MOST_FITS`. ``dataclasses.replace(estimate, max_fits=8)``
    does so here, for scores of shape (repeats, folds).

    References
    ----------
    Nadeau and Bengio, "Inference for the generalization error", Machine Learning 52, 2003;
    Bouckaert and Frank, PAKDD 2004; Corani and Benavoli, Machine Learning 100, 2015.

    Examples
    --------
    >>> net, trees = [0.88, 0.92, 0.89, 0.90, 0.91], [0.91, 0.93, 0.90, 0.94, 0.92]
    >>> estimate = compare_scores(net, trees, n_train=400, n_test=100)
    >>> round(estimate.mean, 4), round(estimate.p_value, 4)
    (-0.02, 0.1027)
    >>> [round(p, 3) for p in estimate.probabilities(rope=0.01)]
    [0.824, 0.159, 0.017]
    """
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if x.shape != y.shape or x.ndim not in (1, 2):
        raise ValueError(
            "expected scores of both models on the same fits, of shape (fits,) or (repeats, "
            f"folds); got shapes {x.shape} and {y.shape}"
        )
    if not (0 < n_train < inf and 0 < n_test < inf):
        raise ValueError(
            f"n_train and n_test must be positive numbers of rows; got {n_train} and {n_test}"
        )
    return corrected_t(np.atleast_2d(x - y), n_test / (n_train + n_test))
