"""A verdict across data sets in words."""

from __future__ import annotations

from collections.abc import Mapping

from graduel.duel.verdict.sentences import (
    capitalize_the,
    format_chance,
    format_difference,
    format_interval,
    format_p,
    with_article,
)
from graduel.duel.verdict.types import DatasetComparison
from graduel.metrics.metric import Metric


def dataset_sentence(
    pair: DatasetComparison, n: int, rope: float, metric: Metric, titles: Mapping[str, str]
) -> str:
    """Put the verdict into words, the better one first."""
    better, worse, wins, losses, sign = (
        pair.a,
        pair.b,
        pair.wins,
        pair.losses,
        -1,
    )
    if pair.median_difference > 0:
        better, worse, wins, losses, sign = worse, better, losses, wins, 1
    first, second = with_article(better, titles), with_article(worse, titles)
    score = _score(wins, pair.ties, losses, n)
    middle = f"a median difference of {format_difference(abs(pair.median_difference), metric)}"

    def limits(interval: tuple[float, float] | None, level: float) -> str:
        return "" if interval is None else f" ({format_interval(interval, level, sign, metric)})"

    if pair.verdict == "practically equal":
        equal = limits(pair.equivalence_interval, pair.equivalence_level)
        words = f"{first} and {second} are practically equal across {n} data sets: {middle}{equal}"
        verb = "count" if metric.unit else "counts"
        words += f", and up to {format_difference(rope, metric)} {verb} as equal"
        words += f"; {score}."
        if pair.detectable:
            words += " Small as it is, the difference can be told from chance"
            words += f" ({format_p(pair.p_adjusted)})."
    elif pair.verdict == "undecided":
        shown = limits(pair.interval, pair.interval_level)
        sets = _counted(n, "data set", "data sets")
        words = f"Undecided between {first} and {second} across {sets}: {score}, {middle}{shown}. "
        words += _outlook(pair, n)
    else:
        shown = limits(pair.interval, pair.interval_level)
        words = f"{first} is better than {second} across {n} data sets: {score}, {middle}{shown}."
    words += f" {_chances(pair, rope, metric, titles)}"
    return capitalize_the(words)


def _score(wins: int, ties: int, losses: int, n: int) -> str:
    if n == 1:
        return "one data set alone"
    return f"{_counted(wins, 'win', 'wins')}, {_counted(ties, 'tie', 'ties')}, " + _counted(
        losses, "loss", "losses"
    )


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _outlook(pair: DatasetComparison, n: int) -> str:
    if pair.more_datasets is None:
        return "No practicable number of data sets would settle a difference of this size."
    return (
        f"To settle a difference of this size would take about {pair.more_datasets:,} data sets "
        f"(there {'is' if n == 1 else 'are'} {n})."
    )


def _chances(
    pair: DatasetComparison, rope: float, metric: Metric, titles: Mapping[str, str]
) -> str:
    of_a, of_equal, of_b = (format_chance(p) for p in pair.bayes)
    a, b = with_article(pair.a, titles), with_article(pair.b, titles)
    by = f" by more than {format_difference(rope, metric)}" if rope else ""
    equal = f"{of_equal} that they are practically equal, " if rope else ""
    return (
        f"The probabilities (Bayesian signed rank) are {of_a} that {a} is better{by}, "
        f"{equal}{of_b} that {b} is."
    )
