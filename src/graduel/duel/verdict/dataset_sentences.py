"""A verdict across data sets in words."""

from __future__ import annotations

from collections.abc import Mapping

from graduel.duel.verdict.sentences import (
    capitalize_the,
    chances_sentence,
    detectable_sentence,
    format_difference,
    format_interval,
    with_article,
)
from graduel.duel.verdict.types import DatasetComparison
from graduel.metrics.metric import Metric


def dataset_sentence(
    pair: DatasetComparison, n: int, rope: float, metric: Metric, titles: Mapping[str, str]
) -> str:
    """Return the verdict in words, the better contender first."""
    better, worse, wins, losses, sign = pair.a, pair.b, pair.wins, pair.losses, -1
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
        words += f", and up to {format_difference(rope, metric)} {verb} as equal; {score}."
        words += detectable_sentence(pair)
    elif pair.verdict == "undecided":
        shown = limits(pair.interval, pair.interval_level)
        sets = _counted(n, "data set", "data sets")
        words = f"Undecided between {first} and {second} across {sets}: {score}, {middle}{shown}. "
        words += _outlook(pair, n)
    else:
        shown = limits(pair.interval, pair.interval_level)
        words = f"{first} is better than {second} across {n} data sets: {score}, {middle}{shown}."
    words += chances_sentence(pair, "signed rank", rope, metric, titles)
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
