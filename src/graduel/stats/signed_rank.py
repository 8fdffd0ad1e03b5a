"""The signed-rank test of one difference for each data set, exact and Bayesian."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

from graduel.stats.proportions import two_sided_z

Array = NDArray[Any]
DRAWS = 50_000
SEED = 20_000
"""Seed of the draws: the same losses give the same probabilities."""

_DECIMALS = 12  # differences that agree to this precision are ties: 0.3 - 0.1 and 0.2 - 0.0
_MOST_EXACT = 300  # data sets; beyond, the normal approximation is accurate to four digits


@dataclass(frozen=True, slots=True)
class SignedRank:
    """Differences of two contenders, one for each data set, compared by ranks of absolute values.

    Attributes
    ----------
    d : array of shape (data sets,)
        Rounded to twelve decimals, so that differences that are equal in decimal notation tie.
    """

    d: Array

    @classmethod
    def of(cls, d: Array) -> SignedRank:
        """Return the test of differences, which are checked and rounded.

        Raises
        ------
        ValueError
            If there is no difference, or one is not finite.
        """
        x = np.asarray(d, dtype=np.float64)
        if x.ndim != 1 or x.size == 0 or not np.isfinite(x).all():
            raise ValueError(
                "expected a finite difference for each data set, shape (data sets,); got shape "
                f"{x.shape} with {int(np.isfinite(x).sum())} finite values"
            )
        return cls(np.round(x, _DECIMALS) + 0.0)

    @property
    def walsh(self) -> Array:
        """The sorted Walsh averages: means of all pairs of differences, each with itself too."""
        i, j = np.triu_indices(len(self.d))
        return np.sort((self.d[i] + self.d[j]) / 2)

    @property
    def median(self) -> float:
        """The Hodges-Lehmann estimate: the median of the Walsh averages (1963)."""
        return float(np.median(self.walsh))

    @property
    def p_value(self) -> float:
        """The two-sided exact p-value of Wilcoxon's signed-rank test.

        With the ranks r of abs(d), ties shared, T = Σ r over d > 0. Without a difference each sign
        is random, so the distribution of T is known exactly, with ties too::

            p = 2 min(P(T <= t), P(T >= t)),  at most 1

        Zeros take the lowest ranks and are then dropped (Pratt), which gives the same as splitting
        their ranks between the two sides (Demšar).

        References
        ----------
        Wilcoxon, "Individual comparisons by ranking methods", Biometrics Bulletin 1, 1945; Pratt,
        "Remarks on zeros and ties in the Wilcoxon signed rank procedures", Journal of the American
        Statistical Association 54, 1959; Demšar, "Statistical comparisons of classifiers over
        multiple data sets", Journal of Machine Learning Research 7, 2006.

        Examples
        --------
        >>> SignedRank.of(np.array([0.03, 0.01, 0.02, 0.04, 0.06, 0.05])).p_value
        0.03125
        """
        twice = np.rint(2 * rankdata(np.abs(self.d))).astype(np.int64)
        nonzero = twice[self.d != 0]
        t = int(twice[self.d > 0].sum())
        low = min(t, int(nonzero.sum()) - t)  # the distribution is symmetric
        return min(2 * _cdf(nonzero, low), 1.0)

    def interval(self, level: float) -> tuple[float, float] | None:
        """Return the exact confidence interval of the median difference (Tukey).

        None with too few data sets for the level: 95 % needs 6, 90 % needs 5. The limits are the
        k-th smallest and the k-th largest Walsh average, with the largest k for which
        P(T <= k - 1) is at most (1 - level) / 2.

        References
        ----------
        Hollander, Wolfe and Chicken, "Nonparametric Statistical Methods", 3rd edition, 2014,
        section 3.3.

        Examples
        --------
        >>> SignedRank.of(np.array([0.03, 0.01, 0.02, 0.04, 0.06, 0.05])).interval(0.95)
        (0.01, 0.06)
        """
        n, tail = len(self.d), (1 - level) / 2
        walsh, ranks = self.walsh, 2 * np.arange(1, n + 1)
        if _cdf(ranks, 0) > tail:
            return None
        low, high = 1, len(walsh)  # bisection over k: valid at low, too large at high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _cdf(ranks, 2 * (middle - 1)) <= tail else (low, middle)
        return float(walsh[low - 1]), float(walsh[-low])

    def probabilities(
        self, rope: float, rng: np.random.Generator | None = None
    ) -> tuple[float, float, float]:
        """Return the posterior probabilities of a difference below, within and above ±rope.

        The Bayesian signed-rank test. The distribution of differences has a Dirichlet process
        posterior, with a prior of weight 1/2 at 0. For a draw of the weights w of the differences,
        θ is the probability that the mean of two differences lies in a region::

            θ_region = Σ_ij w_i w_j [(d_i + d_j) / 2 in the region]     borders count half

        The probability of a region is the share of draws in which its θ is largest; two equal
        largest θ count half each.

        Parameters
        ----------
        rope : the region of practical equivalence
        rng : generator of the draws; by default one with a fixed seed

        References
        ----------
        Benavoli, Corani, Demšar and Zaffalon, "Time for a change: a tutorial for comparing multiple
        classifiers through Bayesian analysis", Journal of Machine Learning Research 18, 2017.

        Examples
        --------
        >>> d = np.array([0.03, 0.01, 0.02, 0.04, 0.06, 0.05])
        >>> [round(p, 2) for p in SignedRank.of(d).probabilities(rope=0.005)]
        [0.0, 0.0, 1.0]
        """
        prior = np.r_[0.5, np.ones(len(self.d))]
        draws = (rng or np.random.default_rng(SEED)).dirichlet(prior, DRAWS)
        return rope_probabilities(self.d, rope, draws)

    def datasets_needed(
        self, alpha: float, rope: float, level: float, power: float = 0.8
    ) -> int | None:
        """Return the total number of data sets that would decide the observed difference.

        None if no number does. Decided means that, with probability `power`, the test rejects, or
        the interval of `level` lies inside ±rope. With p the share of means of two different data
        sets that lie above 0::

            N = (z_(1 - alpha/2) + z_power)² / (3 (p - 1/2)²)

        For equality, p is the smaller of the shares above -rope and below rope, with
        z_((1 + level)/2) and z_((1 + power)/2).

        References
        ----------
        Noether, "Sample size determination for some common nonparametric tests", Journal of the
        American Statistical Association 82, 1987.

        Examples
        --------
        >>> test = SignedRank.of(np.array([0.03, -0.01, 0.02, 0.04, -0.02]))
        >>> test.datasets_needed(0.05, 0.0, 0.9)
        22
        """
        n = len(self.d)
        i, j = np.triu_indices(n, k=1)
        two = (self.d[i] + self.d[j]) / 2 if n > 1 else self.d

        def share(x: Array) -> float:
            return float(np.mean(x > 0) + np.mean(x == 0) / 2)

        def size(p: float, z: float, tail: float) -> int | None:
            # With fewer data sets no p-value can be as small as the tail.
            least = max(n + 1, ceil(1 - log2(tail)))
            return max(ceil(z**2 / (3 * (p - 0.5) ** 2)), least) if abs(p - 0.5) > 1e-9 else None

        apart = size(share(two), two_sided_z(1 - alpha) + float(ndtri(power)), alpha)
        inside = min(share(rope - two), share(two + rope))
        z = two_sided_z(level) + two_sided_z(power)
        equal = size(inside, z, 1 - level) if inside > 0.5 else None
        sizes = [n for n in (apart, equal) if n is not None]
        return min(sizes) if sizes else None


def rope_probabilities(d: Array, rope: float, draws: Array) -> tuple[float, float, float]:
    """Return the shares of draws in which the region below, within or above ±rope weighs most.

    Parameters
    ----------
    d : differences, shape (n,)
    rope : the region of practical equivalence
    draws : weights of the prior's 0 and of the differences, shape (draws, n + 1); rows sum to 1
    """
    x = np.r_[0.0, d]
    sums = np.round(x[:, np.newaxis] + x, _DECIMALS)

    def weight(beyond: Array) -> Array:
        return np.asarray(((draws @ beyond) * draws).sum(axis=1))

    edge = np.round(2 * rope, _DECIMALS)
    above = weight((sums > edge) + 0.5 * (sums == edge))
    below = weight((sums < -edge) + 0.5 * (sums == -edge))
    theta = np.stack([below, 1 - below - above, above])
    largest = theta >= theta.max(axis=0) - 1e-12
    left, middle, right = (largest / largest.sum(axis=0)).mean(axis=1)
    return float(left), float(middle), float(right)


def _cdf(ranks: Array, t: int) -> float:
    """Return P(T <= t) for T the sum of a random subset of the integer `ranks`."""
    total = int(ranks.sum())
    if len(ranks) > _MOST_EXACT:
        spread = sqrt(float((ranks.astype(np.float64) ** 2).sum()) / 4)
        return float(ndtr((t + 1 - total / 2) / spread))  # ranks are doubled: 1 is half a rank
    p = np.zeros(total + 1)
    p[0] = 1.0
    for rank in ranks:
        p /= 2
        p[rank:] += p[: total + 1 - rank].copy()
    return float(p[: t + 1].sum())
