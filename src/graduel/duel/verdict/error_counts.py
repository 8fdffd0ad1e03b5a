"""The verdict by errors on one test set, and on the claim that boosting wins by far.

The rules stand in ``comparison.py``; ``docs/statistics.md`` says why they are these.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from graduel.duel.verdict.comparison import (
    check_rope,
    check_shapes,
    compare_pairs,
    procedure_scope,
)
from graduel.duel.verdict.evidence import Evidence, mcnemar_evidence, t_evidence
from graduel.duel.verdict.sentences import format_percent, format_ratio, with_article
from graduel.duel.verdict.types import Claim, Comparison
from graduel.metrics.metric import METRICS, Metric


def compare_error_counts(
    wrong: Mapping[str, NDArray[np.bool_]],
    *,
    rope: float,
    titles: Mapping[str, str] | None = None,
    against: str | None = None,
    metric: Metric = METRICS["error"],
) -> list[Comparison]:
    """Compare every pair of contenders on one fixed test set, or all of them with one.

    One seed: McNemar's mid-p with Tango's score interval. Two: a t on the means by row. Three
    or more: the two-way (rows and seeds) variance.

    Parameters
    ----------
    wrong : mapping from name to bool array of shape (seeds, rows)
        Where each contender is wrong; the same seeds and rows for all.
    rope, titles, against
        As in :func:`~graduel.duel.verdict.test_rows.compare_rows`; a ROPE of 0.005 is half a
        percentage point.
    metric : Metric
        What sentences show: the error, or the accuracy.

    Returns
    -------
    list of Comparison
        Every pair in the order given, a before b.

    Raises
    ------
    ValueError
        If the arrays are not boolean, not of one shape, or too small; or if `rope` is no share.

    Examples
    --------
    >>> wrong = {"net": np.zeros((1, 1000), bool), "trees": np.zeros((1, 1000), bool)}
    >>> wrong["net"][0, :61] = wrong["trees"][0, :18] = True
    >>> titles = {"trees": "XGBoost", "net": "NumPy net"}
    >>> [found] = compare_error_counts(wrong, rope=0.005, titles=titles)
    >>> found.verdict
    'b better'
    >>> print(found.sentence)
    XGBoost is better than the NumPy net: 1.8 % against 6.1 % error, a difference of 4.3 points \
(95 % interval 3.21 to 5.74).
    """
    check_rope(rope, metric)
    seeds, rows = check_shapes(wrong, ("seeds", "rows"))
    for name, array in wrong.items():
        if array.dtype != np.bool_:
            raise ValueError(
                f"expected bool arrays, True where a prediction is wrong; got {array.dtype} for "
                f"{name!r}. Compare labels first: predicted != true."
            )
    return compare_pairs(
        {name: float(array.mean()) for name, array in wrong.items()},
        lambda a, b, level: _error_evidence(wrong[a], wrong[b], level),
        metric=metric,
        rope=rope,
        rows=rows,
        seeds=seeds,
        scope=procedure_scope(seeds),
        titles=titles,
        against=against,
    )


def answer_claim(
    comparison: Comparison,
    errors: Mapping[str, float],
    *,
    booster: str,
    network: str,
    titles: Mapping[str, str] | None = None,
) -> Claim:
    """Answer whether the booster blows the network out of the water.

    That means here: the verdict is that the booster is better, **and** it makes at most half of
    the network's errors.

    Parameters
    ----------
    comparison : Comparison
        The pair's comparison, in either order.
    errors : mapping from name to float
        The error rates, as shares.
    booster, network : str
        The names of the two.
    titles : mapping from name to title, optional
        What to call the two in the sentence.

    Raises
    ------
    ValueError
        If the comparison is of another pair, or an error rate is missing.

    Examples
    --------
    >>> wrong = {"net": np.zeros((1, 1000), bool), "trees": np.zeros((1, 1000), bool)}
    >>> wrong["net"][0, :61] = wrong["trees"][0, :18] = True
    >>> [found] = compare_error_counts(wrong, rope=0.005)
    >>> claim = answer_claim(found, {"net": 0.061, "trees": 0.018}, booster="trees", network="net")
    >>> print(claim.sentence)
    Yes: net makes 3.3 times as many errors as trees (6.1 % against 1.8 %).
    """
    if {comparison.a, comparison.b} != {booster, network} or booster == network:
        raise ValueError(
            f"expected the comparison of {booster!r} and {network!r}; "
            f"got that of {comparison.a!r} and {comparison.b!r}"
        )
    if missing := {booster, network} - set(errors):
        raise ValueError(f"errors lack {sorted(missing)}; got {sorted(errors)}")
    ours, theirs = float(errors[booster]), float(errors[network])
    ratio = theirs / ours if ours else None
    winner = {"a better": comparison.a, "b better": comparison.b}.get(comparison.verdict)
    by_far = winner == booster and 2 * ours <= theirs + 1e-12
    trees, net = (with_article(name, titles or {}) for name in (booster, network))
    figures = f"{format_percent(theirs)} against {format_percent(ours)}"
    if by_far and ratio is None:
        sentence = (
            f"Yes: {trees} makes no error on these test rows, {net} {format_percent(theirs)}."
        )
    elif by_far and ratio is not None:
        sentence = f"Yes: {net} makes {format_ratio(ratio)} as many errors as {trees} ({figures})."
    elif winner == booster:
        as_many = format_ratio(ratio or 1.0)
        sentence = (
            f"No: {trees} is better, but {net} makes only {as_many} as many errors ({figures}); "
            "blown out of the water would be twice as many."
        )
    elif winner == network:
        sentence = (
            f"No, the reverse: {net} is better than {trees} "
            f"({format_percent(theirs)} against {format_percent(ours)} error)."
        )
    elif comparison.verdict == "practically equal":
        sentence = f"No: {trees} and {net} are practically equal ({format_percent(ours)} against "
        sentence += f"{format_percent(theirs)} error)."
    else:
        sentence = f"No: it is not even settled which of {trees} and {net} is better "
        sentence += f"({format_percent(ours)} against {format_percent(theirs)} error)."
    return Claim(booster, network, "yes" if by_far else "no", ratio, sentence)


def _error_evidence(a: NDArray[np.bool_], b: NDArray[np.bool_], level: float) -> Evidence:
    """Choose the statistics by the design, and apply them."""
    seeds, rows = a.shape
    if seeds == 1:
        return mcnemar_evidence(
            int((a & ~b).sum()),
            int((b & ~a).sum()),
            rows,
            level,
            "Both were scored once on the same test rows, so only the rows count that one gets "
            "right and the other wrong.",
        )
    return t_evidence(a.astype(np.int8) - b.astype(np.int8), level, most=1.0)
