"""Power before any fit: whether the number of test rows suffices for the ROPE."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt

from scipy.special import stdtrit

from graduel.duel.verdict.sentences import format_difference, format_rope
from graduel.metrics.metric import Metric
from graduel.number_format import round_rows
from graduel.stats.corrected_t import MOST_FITS
from graduel.stats.proportions import two_sided_z

_SPREADS = {
    "error": (sqrt(0.05), "exactly one of them is right on 5 % of the rows"),
    "log_loss": (0.5, "their losses per row differ by 0.5 (standard deviation)"),
    "brier": (0.25, "their scores per row differ by 0.25 (standard deviation)"),
    "balanced_accuracy": (sqrt(0.05), "exactly one of them is right on 5 % of each class"),
    "auc": (0.24, "their ranks of a row differ by 12 % of the other class (standard deviation)"),
}
"""Assumed standard deviation of the difference per row, by metric, and its meaning. Each is about
the median for boosted trees against a network on real tables; see ``docs/statistics.md``."""


def explain_power(
    n_test: int,
    rope: float,
    metric: Metric,
    design: tuple[int, int] | None = None,
    *,
    pairs: int = 1,
    class_rows: Sequence[int] | None = None,
) -> str | None:
    """Return a warning if there are too few test rows to find two contenders practically equal.

    None if there are enough, or if no σ can be assumed (most scorers, AUC of more than two
    classes). There are enough if, for two contenders of equal quality, half the width of the
    equivalence interval is less than the ROPE. With the assumed standard deviation σ of the
    difference per row, n rows and the level 1 − 0.1 / pairs, half the width is ::

        z σ / sqrt(n)                                     one set of test rows
        t σ sqrt((1 / J + 1 / (K - 1)) K / n)             K-fold cross-validation with J fits

    For balanced accuracy and AUC, which weight C classes equally, n is ``C² / Σ 1 / n_c``.

    Parameters
    ----------
    n_test : number of test rows; for cross-validation, the number of all rows
    rope : the region of practical equivalence
    metric : the metric compared
    design : repeats and folds of a cross-validation; None for one set of test rows
    pairs : number of pairs of contenders
    class_rows : number of test rows of each class; by default classes of equal size, two for AUC

    Examples
    --------
    >>> from graduel.metrics.metric import get_metric
    >>> print(explain_power(400, 0.01, get_metric("error")))
    400 test rows are too few to show that two contenders are practically equal (within 1 \
percentage point of error): for two equally good ones, the difference would be known only to about \
±1.84 percentage points, if exactly one of them is right on 5 % of the rows. This needs about \
1,400 test rows; with fewer, the verdict is "better" or "undecided".
    >>> explain_power(10_000, 0.01, get_metric("error")) is None
    True
    """
    if rope == 0:
        return "With --rope 0, no two contenders can be practically equal."
    classes = [rows for rows in class_rows or () if rows > 0]
    assumption = _SPREADS.get("error" if metric.name == "accuracy" else metric.name)
    if assumption is None or (metric.name == "auc" and len(classes) > 2):
        return None
    spread, meaning = assumption
    level = 1 - 0.1 / max(pairs, 1)
    if design is None:
        wide, where, how = two_sided_z(level) * spread, "test rows", ""
    else:
        repeats, folds = design
        fits = min(repeats * folds, max(folds, MOST_FITS))
        t = -float(stdtrit(fits - 1, (1 - level) / 2))
        wide = t * spread * sqrt((1 / fits + 1 / (folds - 1)) * folds)
        where = "rows"
        how = f" in {folds}-fold cross-validation"
        how += f" with {repeats} repeats" if repeats > 1 else ""
    # Ratio of all rows to the effective number of rows: above 1 for unequal classes.
    uneven = 1.0
    if classes and metric.name in ("balanced_accuracy", "auc"):
        uneven = sum(classes) * sum(1 / rows for rows in classes) / len(classes) ** 2
    half = wide * sqrt(uneven / n_test)
    if half < rope:
        return None
    needed = ceil((wide / rope) ** 2 * uneven)
    return (
        f"{n_test:,} {where} are too few{how} to show that two contenders are practically equal "
        f"(within {format_rope(rope, metric)} of {metric.title}): for two equally good ones, "
        f"the difference would be known only to about ±{format_difference(half, metric)}, if "
        f"{meaning}. This needs about {round_rows(needed)} {where}; with fewer, the verdict is "
        '"better" or "undecided".'
    )
