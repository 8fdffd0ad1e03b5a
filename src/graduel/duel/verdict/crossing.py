"""Where two learning curves cross, claimed only where verdicts bear it out."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import exp, log
from typing import Any

import numpy as np

from graduel.duel.verdict.sentences import round_rows, with_article


def compare_sizes(
    a: str,
    b: str,
    sizes: list[int],
    found: list[dict[str, Any]],
    titles: Mapping[str, str],
) -> dict[str, Any]:
    """Return how one pair stands at every size, and where their curves cross.

    A crossing is claimed only where one is better at a size and the other at a larger one, by the
    verdicts of those duels. Its place is where the difference, a straight line over the logarithm
    of the size between neighbours, first passes zero between the two.

    Examples
    --------
    >>> found = [{"difference": -0.02, "verdict": "a better"},
    ...          {"difference": 0.02, "verdict": "b better"}]
    >>> compare_sizes("trees", "net", [100, 10_000], found, {})["crossing"]
    {'rows': 1000, 'between': [100, 10000], 'before': 'trees', 'after': 'net'}
    """
    verdicts = [one["verdict"] for one in found]
    differences = [float(one["difference"]) for one in found]
    crossings = _crossings(a, b, sizes, verdicts, differences)
    return {
        "a": a,
        "b": b,
        "verdicts": verdicts,
        "differences": differences,
        "crossing": crossings[-1] if crossings else None,
        "sentence": _sentence(a, b, verdicts, differences, crossings, titles),
    }


def _crossings(
    a: str, b: str, sizes: list[int], verdicts: list[str], differences: list[float]
) -> list[dict[str, Any]]:
    """Return every crossing that verdicts on both sides of it bear out, by size."""
    decided = [i for i, verdict in enumerate(verdicts) if verdict in ("a better", "b better")]
    found = []
    for left, right in pairwise(decided):
        if verdicts[left] == verdicts[right]:
            continue
        place = next(
            i
            for i in range(left, right)
            if np.sign(differences[i + 1]) != np.sign(differences[left])
        )
        low, high = differences[place], differences[place + 1]
        share = low / (low - high)
        rows = exp(log(sizes[place]) + share * (log(sizes[place + 1]) - log(sizes[place])))
        winners = {"a better": a, "b better": b}
        found.append(
            {
                "rows": round(rows),
                "between": [sizes[left], sizes[right]],
                "before": winners[verdicts[left]],
                "after": winners[verdicts[right]],
            }
        )
    return found


def _sentence(
    a: str,
    b: str,
    verdicts: list[str],
    differences: list[float],
    crossings: list[dict[str, Any]],
    titles: Mapping[str, str],
) -> str:
    """Say in words whether two curves cross."""
    first, second = with_article(a, titles), with_article(b, titles)
    if len(crossings) > 1:
        places = ", ".join(round_rows(one["rows"]) for one in crossings)
        words = f"{first} and {second} cross more than once, at about {places} training rows."
    elif crossings:
        (one,) = crossings
        low, high = one["between"]
        words = (
            f"{with_article(one['before'], titles)} is better at {low:,} training rows, "
            f"{with_article(one['after'], titles)} at {high:,}: the curves cross at about "
            f"{round_rows(one['rows'])}."
        )
    else:
        words = f"{first} and {second}: no crossing seen. {_without(a, b, verdicts, titles)}"
        signs = {float(np.sign(d)) for d in differences if d}
        if len(signs) > 1:
            words += " Their errors do change places, by differences that may be chance."
    return _begun(words)


def _begun(words: str) -> str:
    return "T" + words[1:] if words.startswith("the ") else words


def _without(a: str, b: str, verdicts: list[str], titles: Mapping[str, str]) -> str:
    """Say how two stand whose curves do not cross."""
    for verdict, name in (("a better", a), ("b better", b)):
        count = verdicts.count(verdict)
        if count:
            where = "every size" if count == len(verdicts) else f"{count} of {len(verdicts)} sizes"
            return _begun(f"{with_article(name, titles)} is better at {where}.")
    return "At no size is one shown to be better."
