"""The corrected resampled t-test of repeated cross-validation, whose folds share rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray
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
