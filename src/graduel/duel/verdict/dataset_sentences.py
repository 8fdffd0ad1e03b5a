"""Sentences that state a verdict across data sets."""

from __future__ import annotations

from collections.abc import Mapping

from graduel.duel.verdict.sentences import (
    capitalize_the,
    chances_sentence,
    contradiction_sentence,
    detectable_sentence,
    format_difference,
    format_interval,
    format_printed_interval,
    rope_clause,
    with_article,
)
from graduel.duel.verdict.types import DatasetComparison
from graduel.metrics.metric import Metric
from graduel.number_format import agree, format_quantity


def dataset_sentence(
    pair: DatasetComparison, n: int, rope: float, metric: Metric, titles: Mapping[str, str]
) -> str:
    """Return the verdict as a sentence, the contender with the lower losses first."""
    better, worse, wins, losses, sign = pair.a, pair.b, pair.wins, pair.losses, -1
    if pair.median_difference > 0:
        better, worse, wins, losses, sign = worse, better, losses, wins, 1
    first, second = with_article(better, titles), with_article(worse, titles)
    score = _score(wins, pair.ties, losses, n)
    median = f"a median difference of {format_difference(pair.median_difference, metric)}"

    printed = format_printed_interval(pair, sign, metric)
    interval = f" ({printed})" if printed else ""
    if pair.verdict == "practically equal":
        assert pair.equivalence_interval is not None
        equal = format_interval(pair.equivalence_interval, pair.equivalence_level, sign, metric)
        words = (
            f"{first} and {second} are practically equal across {n} data sets: {median} ({equal})"
        )
        words += f"; {rope_clause(rope, metric)}; {score}."
        words += detectable_sentence(pair)
    elif pair.verdict == "undecided":
        sets = format_quantity(n, "data set")
        words = f"Undecided between {first} and {second} across {sets}: "
        words += f"{score}, {median}{interval}.{contradiction_sentence(pair)} {_outlook(pair, n)}"
    else:
        words = f"{first} is better than {second} across {n} data sets: "
        words += f"{score}, {median}{interval}.{contradiction_sentence(pair)}"
    words += chances_sentence(pair, "signed-rank", rope, metric, titles)
    return capitalize_the(words)


def _score(wins: int, ties: int, losses: int, n: int) -> str:
    if n == 1:
        return "only one data set"
    counts = ((wins, "win"), (ties, "tie"), (losses, "loss"))
    return ", ".join(format_quantity(number, noun) for number, noun in counts)


def _outlook(pair: DatasetComparison, n: int) -> str:
    """Return the sentence on the number of data sets at which the pair has 80 % power."""
    if pair.more_datasets is None:
        return "No practical number of data sets gives 80 % power at a difference of this size."
    return (
        f"A difference of this size needs about {pair.more_datasets:,} data sets "
        f"(there {agree(n, 'is', 'are')} {n}) for 80 % power."
    )
