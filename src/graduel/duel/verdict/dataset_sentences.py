"""A verdict across data sets in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from graduel.duel.verdict.sentences import called, chance, p_text, size, span
from graduel.metrics.metric import Metric

if TYPE_CHECKING:
    from graduel.duel.verdict.datasets import AcrossPair


def sentence(
    found: AcrossPair, n: int, rope: float, metric: Metric, titles: Mapping[str, str]
) -> str:
    """Put the verdict into words, the better one first."""
    better, worse, wins, losses, sign = found.a, found.b, found.wins, found.losses, -1
    if found.median_difference > 0:
        better, worse, wins, losses, sign = worse, better, losses, wins, 1
    first, second = called(better, titles), called(worse, titles)
    score = _score(wins, found.ties, losses, n)
    middle = f"a median difference of {size(abs(found.median_difference), metric)}"

    def limits(interval: tuple[float, float] | None, level: float) -> str:
        return "" if interval is None else f" ({span(interval, level, sign, metric)})"

    if found.verdict == "practically equal":
        equal = limits(found.equivalence_interval, found.equivalence_level)
        words = f"{first} and {second} are practically equal across {n} data sets: {middle}{equal}"
        words += f", and up to {size(rope, metric)} {'count' if metric.unit else 'counts'} as equal"
        words += f"; {score}."
        if found.detectable:
            words += " Small as it is, the difference can be told from chance"
            words += f" ({p_text(found.p_adjusted)})."
    elif found.verdict == "undecided":
        shown = limits(found.interval, found.interval_level)
        sets = _counted(n, "data set", "data sets")
        words = f"Undecided between {first} and {second} across {sets}: {score}, {middle}{shown}. "
        words += _outlook(found, n)
    else:
        shown = limits(found.interval, found.interval_level)
        words = f"{first} is better than {second} across {n} data sets: {score}, {middle}{shown}."
    words += f" {_chances(found, rope, metric, titles)}"
    return "T" + words[1:] if words.startswith("the ") else words


def _score(wins: int, ties: int, losses: int, n: int) -> str:
    if n == 1:
        return "one data set alone"
    return f"{_counted(wins, 'win', 'wins')}, {_counted(ties, 'tie', 'ties')}, " + _counted(
        losses, "loss", "losses"
    )


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _outlook(found: AcrossPair, n: int) -> str:
    if found.more_datasets is None:
        return "No practicable number of data sets would settle a difference of this size."
    return (
        f"To settle a difference of this size would take about {found.more_datasets:,} data sets "
        f"(there {'is' if n == 1 else 'are'} {n})."
    )


def _chances(found: AcrossPair, rope: float, metric: Metric, titles: Mapping[str, str]) -> str:
    of_a, of_equal, of_b = (chance(p) for p in found.bayes)
    a, b = called(found.a, titles), called(found.b, titles)
    by = f" by more than {size(rope, metric)}" if rope else ""
    equal = f"{of_equal} that they are practically equal, " if rope else ""
    return (
        f"The probabilities (Bayesian signed rank) are {of_a} that {a} is better{by}, "
        f"{equal}{of_b} that {b} is."
    )
