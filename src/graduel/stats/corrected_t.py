"""The statistics of repeated cross-validation: a t that knows that its folds share rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

MOST_FITS = 8
"""Fits that a verdict counts as evidence, if more than one repeat has. All repeats are on the same
rows: with learners that change much with their training rows, counting every fit calls 6 % (5
folds, twice) to 18 % (10 folds, 10 times) of equal pairs different where 5 % were asked for. Eight
is what keeps five folds to 5 %; see ``docs/statistics.md``."""


@dataclass(frozen=True, slots=True)
class CorrectedT:
    """A mean difference over repeats × folds, with its uncertainty."""

    mean: float
    variance: float
    """Of the difference on one fold."""
    repeats: int
    folds: int
    ratio: float
    """Test rows over training rows, of one fit."""
    most: int | None = None
    """The most fits that count as evidence, if more than one repeat has; None counts all."""

    @property
    def fits(self) -> int:
        """How many fits count as evidence."""
        fits = self.repeats * self.folds
        return fits if self.most is None else min(fits, max(self.folds, self.most))

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
        """Two-sided p of no difference."""
        if self.se == 0:
            return float(self.mean == 0)
        return 2 * float(stdtr(self.df, -abs(self.mean) / self.se))

    def half_width(self, alpha: float) -> float:
        """Half the interval of level 1 - alpha."""
        return -float(stdtrit(self.df, alpha / 2)) * self.se

    def interval(self, level: float) -> tuple[float, float]:
        """Return the interval of that level."""
        half = self.half_width(1 - level)
        return self.mean - half, self.mean + half

    def probabilities(self, rope: float) -> tuple[float, float, float]:
        """Return the posterior probabilities of less than -rope, of between, of more than rope.

        The Bayesian correlated t-test: with the prior 1 / σ and folds correlated by ρ = n_test / n
        the mean difference μ given the data is Student's t with J - 1 degrees of freedom (J fits)
        around the mean seen, with the scale ``sqrt((1 / J + ρ / (1 - ρ)) s²)``, which is `se`.

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
        """Return what it would be with so many repeats, or with `rows` times as many rows."""
        return replace(self, repeats=repeats or self.repeats, variance=self.variance / rows)


def corrected_t(d: NDArray[np.generic], test_share: float) -> CorrectedT:
    """Return the mean difference over folds by Nadeau and Bengio's corrected resampled t.

    The J = R K fits of R × K-fold cross-validation share training rows, and over repeats test rows
    too. A plain t takes them for independent and calls far too many pairs different. With s² the
    variance of the differences by fold, the variance of their mean is estimated by ::

        (1 / J + n_test / n_train) s²,   with J - 1 degrees of freedom

    Parameters
    ----------
    d : the differences by fold, shape (repeats, folds); at least two in all
    test_share : the share of the rows that one fold is tested on: 0.1 with ten folds

    Raises
    ------
    ValueError
        If there are fewer than two differences, one is not finite, or the share is none.

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
            "expected finite differences of shape (repeats, folds), two or more in all; got shape "
            f"{x.shape} with {int(np.isfinite(x).sum())} finite"
        )
    if not 0 < test_share < 1:
        raise ValueError(f"test_share must lie between 0 and 1, as 0.1 does; got {test_share}")
    repeats, folds = x.shape
    ratio = test_share / (1 - test_share)
    return CorrectedT(float(x.mean()), float(x.var(ddof=1)), repeats, folds, ratio)
