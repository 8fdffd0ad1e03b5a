"""The sentence that states quality and cost of a pair of contenders together."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor, log10
from statistics import mean, quantiles

from graduel.duel.verdict.sentences import (
    format_difference,
    join_words,
    with_article,
)
from graduel.duel.verdict.types import Comparison, Costs, Interval
from graduel.metrics.metric import Metric
from graduel.number_format import decimals_of, format_ratio

ALIKE = 1.2
"""Training times with a lower ratio count as about the same: repeated fits vary as much."""
NOTABLE = 2.0
"""Other costs are mentioned from this ratio on."""

QUARTILES = {
    "predict_row_seconds": "predict_row_quartiles",
    "predict_batch_seconds": "predict_batch_quartiles",
}
"""Costs that are compared only where their quartiles are apart, and the fields of these."""

OTHER_COSTS = (
    ("predict_row_seconds", "predicts one row {} as fast", "takes {} as long to predict one row"),
    ("predict_batch_seconds", "predicts a batch {} as fast", "takes {} as long to predict a batch"),
    ("peak_memory_bytes", None, "needs {} as much memory to train"),
    ("model_bytes", None, "has a model {} as large"),
)
"""The field of :class:`Costs`, the phrase for a lower cost and the phrase for a higher one. With
None, a lower cost has the phrase of the higher one, with a percentage: "9.1 % as large"."""


def training_seconds(costs: Costs) -> float:
    """Return the mean time over runs: of the search if there was one, or of the fit."""
    return mean(_training_times(costs))


def _training_times(costs: Costs) -> list[float]:
    return [seconds for seconds in costs.tuning_seconds if seconds] or list(costs.fit_seconds)


def _training_quartiles(costs: Costs) -> Interval:
    """Return the quartiles of the training times over runs; the time itself for a single run."""
    times = _training_times(costs)
    if len(times) == 1:
        return times[0], times[0]
    low, _, high = quantiles(times, n=4, method="inclusive")
    return low, high


def _are_apart(one: Interval | None, other: Interval | None) -> bool:
    """Return whether two intervals have no value in common; False if one is unknown."""
    return one is not None and other is not None and (one[1] < other[0] or other[1] < one[0])


def cost_sentence(
    comparison: Comparison,
    entries: Mapping[str, Costs],
    metric: Metric,
    titles: Mapping[str, str],
) -> str:
    """Return one sentence with the verdict on a pair and the ratio of its costs.

    The subject is the better contender; in a pair that is practically equal or undecided, the one
    that trains faster. Ratios are rounded down, percentages up. Memory, model size and prediction
    times are mentioned if they differ by a factor of 2 or more. Times are compared only where their
    quartiles are apart: of the training times over runs, of the timed calls of a prediction. No
    costs are compared if the runs were on different kinds of machines, or if other processes used
    the cores of one.

    Parameters
    ----------
    comparison : the verdict
    entries : costs by contender name
    metric : the metric that was compared
    titles : titles of the contenders

    Examples
    --------
    "Net is 0.7 percentage points better than XGBoost and trains 6 times as fast."
    """
    first = _subject_of(comparison, entries)
    second = comparison.b if first == comparison.a else comparison.a
    mine, theirs = entries[first], entries[second]
    one, other = with_article(first, titles), with_article(second, titles)
    reason = _reason_not_to_compare(entries, {first: one, second: other})
    ratio = None if reason else _ratio(training_seconds(theirs), training_seconds(mine))
    is_equal = ratio is not None and 1 / ALIKE < ratio < ALIKE
    overlaps = (
        ratio is not None
        and not is_equal
        and not _are_apart(_training_quartiles(mine), _training_quartiles(theirs))
    )
    searched = any(any(entry.tuning_seconds) for entry in (mine, theirs))
    train, trains = ("tune and train", "tunes and trains") if searched else ("train", "trains")

    if comparison.verdict == "undecided":
        lead = "neither is shown to be better"
    elif comparison.verdict == "practically equal":
        lead = f"{one} is practically equal to {other}"
    else:
        lead = f"{one} is {_better(comparison, metric)} than {other}"
    if ratio is None:
        words = lead
    elif is_equal:
        subject = "both take" if comparison.verdict == "undecided" else "takes"
        words = f"{lead}, and {subject} about as long to {train}"
    elif overlaps:
        words = f"{lead}; their times to {train} overlap"
    elif comparison.verdict == "undecided":
        words = f"{lead}; {one} {trains} {format_ratio(ratio)} as fast"
    elif ratio > 1:
        words = f"{lead} and {trains} {format_ratio(ratio)} as fast"
    else:
        words = f"{lead}, but takes {format_ratio(1 / ratio)} as long to {train}"
    if reason:
        words += f"; the costs are not compared, since {reason}"
    else:
        is_faster = ratio is not None and ratio >= ALIKE
        is_subject = not overlaps and (comparison.verdict != "undecided" or is_faster)
        words += _other_costs(mine, theirs, "it" if is_subject else one)
    return words[0].upper() + words[1:] + "."


def _reason_not_to_compare(entries: Mapping[str, Costs], names: Mapping[str, str]) -> str:
    """Return why the costs of a pair are not comparable; empty if they are."""
    if len({machine for name in names for machine in entries[name].machines}) > 1:
        return "the runs were on different machines"
    waited = [title for name, title in names.items() if entries[name].lacked_cores]
    return f"other processes used cores of {join_words(waited)}" if waited else ""


def _subject_of(comparison: Comparison, entries: Mapping[str, Costs]) -> str:
    """Return the subject of the sentence: the better contender, or the one that trains faster."""
    if comparison.verdict in ("a better", "b better"):
        return comparison.a if comparison.verdict == "a better" else comparison.b
    a, b = (training_seconds(entries[name]) for name in (comparison.a, comparison.b))
    return comparison.a if a <= b else comparison.b


def _better(comparison: Comparison, metric: Metric) -> str:
    """Return "0.7 percentage points better", or "better by 0.0123" for a metric without unit."""
    loss = min(comparison.error_a, comparison.error_b)
    decimals = decimals_of(metric.unit, comparison.rows, loss)
    by = format_difference(comparison.difference, metric, decimals)
    return f"{by} better" if metric.is_share else f"better by {by} ({metric.title})"


def _other_costs(mine: Costs, theirs: Costs, subject: str) -> str:
    """Return the clauses on the other costs that are notably lower, then notably higher."""
    lower, higher = [], []
    for key, less, more in OTHER_COSTS:
        ratio = _ratio(getattr(theirs, key), getattr(mine, key))
        if (field := QUARTILES.get(key)) and not _are_apart(
            getattr(mine, field), getattr(theirs, field)
        ):
            continue
        if ratio is not None and ratio >= NOTABLE:
            lower.append(
                less.format(format_ratio(ratio)) if less else more.format(_format_share(ratio))
            )
        elif ratio is not None and ratio <= 1 / NOTABLE:
            higher.append(more.format(format_ratio(1 / ratio)))
    differences = ", but ".join(join_words(part) for part in (lower, higher) if part)
    return f"; {subject} {differences}" if differences else ""


def _format_share(ratio: float) -> str:
    """Return 1 / ratio in percent, rounded up to two digits: a saving is never overstated."""
    share = 100 / ratio
    step = 10.0 ** (floor(log10(share)) - 1)
    return f"{ceil(share / step - 1e-9) * step:.2g} %"


def _ratio(theirs: float, mine: float) -> float | None:
    """Return their cost divided by mine, or None if either was not measured."""
    return theirs / mine if theirs > 0 and mine > 0 else None
