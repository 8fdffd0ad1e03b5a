"""The answer to the claim that boosting blows neural networks out of the water."""

from __future__ import annotations

from collections.abc import Mapping

from graduel.duel.verdict.sentences import with_article
from graduel.duel.verdict.types import Claim, Comparison
from graduel.number_format import count_decimals, format_percent, format_ratio


def answer_claim(
    comparison: Comparison,
    errors: Mapping[str, float],
    *,
    booster: str,
    network: str,
    titles: Mapping[str, str] | None = None,
) -> Claim:
    """Answer whether the booster blows the network out of the water.

    The answer is yes if the verdict is that the booster is better **and** the booster makes at
    most half as many errors as the network.

    Parameters
    ----------
    comparison : the comparison of the two, in either order
    errors : error rates by contender name, shares from 0 to 1
    booster, network : names of the two contenders
    titles : titles of the contenders in the sentence

    Raises
    ------
    ValueError
        If the comparison is of another pair, or an error rate is missing.

    Examples
    --------
    >>> from graduel.duel.verdict.predictions import compare_predictions
    >>> import numpy as np
    >>> y = np.zeros(1000, int)
    >>> net, trees = np.arange(1000) < 61, np.arange(1000) < 18
    >>> comparison = compare_predictions(net, trees, y, names=("net", "trees"), classes=[0, 1])
    >>> errors = {"net": 0.061, "trees": 0.018}
    >>> print(answer_claim(comparison, errors, booster="trees", network="net").sentence)
    Yes: net makes 3.3 times as many errors as trees (6.1 % against 1.8 %).
    """
    if {comparison.a, comparison.b} != {booster, network} or booster == network:
        raise ValueError(
            f"expected the comparison of {booster!r} and {network!r}; "
            f"got that of {comparison.a!r} and {comparison.b!r}"
        )
    if missing := {booster, network} - set(errors):
        raise ValueError(
            f"errors must have the keys {booster!r} and {network!r}; missing: "
            f"{', '.join(map(repr, sorted(missing)))}"
        )
    ours, theirs = float(errors[booster]), float(errors[network])
    ratio = theirs / ours if ours else None
    winner = {"a better": comparison.a, "b better": comparison.b}.get(comparison.verdict)
    by_far = winner == booster and 2 * ours <= theirs + 1e-12
    trees, net = (with_article(name, titles or {}) for name in (booster, network))
    few, many = (format_percent(rate, count_decimals(comparison.rows)) for rate in (ours, theirs))
    if by_far and ratio is None:
        sentence = f"Yes: {trees} makes no error on these test rows, {net} {many}."
    elif by_far and ratio is not None:
        as_many = format_ratio(ratio)
        sentence = f"Yes: {net} makes {as_many} as many errors as {trees} ({many} against {few})."
    elif winner == booster:
        as_many = format_ratio(ratio or 1.0)
        sentence = (
            f"No: {trees} is better, but {net} makes only {as_many} as many errors ({many} against "
            f"{few}); the claim requires at least twice as many."
        )
    elif winner == network:
        sentence = f"No, the opposite: {net} is better than {trees} ({many} against {few} error)."
    elif comparison.verdict == "practically equal":
        sentence = f"No: {trees} and {net} are practically equal ({few} against {many} error)."
    else:
        sentence = (
            f"No: it is undecided which of {trees} and {net} is better ({few} against {many} "
            "error)."
        )
    return Claim(booster, network, "yes" if by_far else "no", ratio, sentence)
