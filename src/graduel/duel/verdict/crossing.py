"""The crossing of two learning curves, reported only if verdicts on both sides support it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import exp, log

import numpy as np

from graduel.duel.verdict.sentences import capitalize_the, with_article
from graduel.duel.verdict.types import Crossing, PairCurve, Verdict
from graduel.number_format import round_rows


def compare_sizes(
    a: str,
    b: str,
    sizes: Sequence[int],
    verdicts: Sequence[Verdict],
    differences: Sequence[float],
    titles: Mapping[str, str],
) -> PairCurve:
    """Return the verdicts on one pair by training-set size, and the crossing of their curves.

    A crossing is reported only if the verdict names one contender as better at some size and the
    other at a larger size. Its position is the first zero of the difference between those sizes,
    interpolated linearly over the logarithm of the size.

    Examples
    --------
    >>> verdicts = ["a better", "b better"]
    >>> compare_sizes("trees", "net", [100, 10_000], verdicts, [-0.02, 0.02], {}).crossing
    Crossing(rows=1000, between=(100, 10000), before='trees', after='net')
    """
    crossings = _find_crossings(a, b, sizes, verdicts, differences)
    return PairCurve(
        a=a,
        b=b,
        verdicts=tuple(verdicts),
        differences=tuple(differences),
        crossing=crossings[-1] if crossings else None,
        sentence=_sentence(a, b, verdicts, differences, crossings, titles),
    )


def _find_crossings(
    a: str, b: str, sizes: Sequence[int], verdicts: Sequence[Verdict], differences: Sequence[float]
) -> list[Crossing]:
    """Return every crossing that verdicts on both sides support, in ascending order of size."""
    decided = [i for i, verdict in enumerate(verdicts) if verdict in ("a better", "b better")]
    crossings = []
    for left, right in pairwise(decided):
        if verdicts[left] == verdicts[right]:
            continue
        index = next(
            i
            for i in range(left, right)
            if np.sign(differences[i + 1]) != np.sign(differences[left])
        )
        low, high = differences[index], differences[index + 1]
        share = low / (low - high)
        rows = exp(log(sizes[index]) + share * (log(sizes[index + 1]) - log(sizes[index])))
        winners = {"a better": a, "b better": b}
        crossings.append(
            Crossing(
                rows=round(rows),
                between=(sizes[left], sizes[right]),
                before=winners[verdicts[left]],
                after=winners[verdicts[right]],
            )
        )
    return crossings


def _sentence(
    a: str,
    b: str,
    verdicts: Sequence[Verdict],
    differences: Sequence[float],
    crossings: Sequence[Crossing],
    titles: Mapping[str, str],
) -> str:
    """Return the sentence that states whether two curves cross."""
    first, second = with_article(a, titles), with_article(b, titles)
    if len(crossings) > 1:
        listed = ", ".join(round_rows(one.rows) for one in crossings)
        words = f"{first} and {second} cross more than once, at about {listed} training rows."
    elif crossings:
        (one,) = crossings
        low, high = one.between
        words = (
            f"{with_article(one.before, titles)} is better at {low:,} training rows, "
            f"{with_article(one.after, titles)} at {high:,}: the curves cross at about "
            f"{round_rows(one.rows)}."
        )
    else:
        words = f"{first} and {second}: no crossing found. {_best_by_size(a, b, verdicts, titles)}"
        signs = {float(np.sign(d)) for d in differences if d}
        if len(signs) > 1:
            words += " Their difference changes sign, but by amounts that may be due to chance."
    return capitalize_the(words)


def _best_by_size(a: str, b: str, verdicts: Sequence[Verdict], titles: Mapping[str, str]) -> str:
    """Return the sentence on the verdicts by size of two contenders whose curves do not cross."""
    for verdict, name in (("a better", a), ("b better", b)):
        count = verdicts.count(verdict)
        if count:
            where = "every size" if count == len(verdicts) else f"{count} of {len(verdicts)} sizes"
            return capitalize_the(f"{with_article(name, titles)} is better at {where}.")
    return "Neither is shown to be better at any size."
