"""What the better answer costs: quality and cost of a pair in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor, log10
from statistics import mean

from graduel.duel.verdict.sentences import (
    format_difference,
    format_ratio,
    join_words,
    with_article,
)
from graduel.duel.verdict.types import Comparison, Costs
from graduel.metrics.metric import Metric

ALIKE = 1.2
"""Up to this ratio two costs of training are about the same: they vary by as much by themselves."""
WORTH_SAYING = 2.0
"""From this ratio on the other costs are mentioned."""

OTHERS = (
    ("predict_row_seconds", "answers one row {} faster", "takes {} as long to answer one row"),
    ("predict_batch_seconds", "answers a batch {} faster", "takes {} as long to answer a batch"),
    ("peak_memory_bytes", "takes {} less memory to train", "takes {} as much memory to train"),
    ("model_bytes", "has a model {} smaller", "has a model {} as large"),
)
"""A kind of cost, and its words where it is lower and where it is higher."""


def training_seconds(costs: Costs) -> float:
    """Return the mean seconds of training over runs: of the search, else of the fit."""
    tuning = [seconds for seconds in costs.tuning_seconds if seconds]
    return mean(tuning or costs.fit_seconds)


def cost_sentence(
    comparison: Comparison,
    entries: Mapping[str, Costs],
    metric: Metric,
    titles: Mapping[str, str],
) -> str:
    """Return one sentence: who is better, as far as the verdict says so, and at what cost.

    Of a pair that is practically equal or undecided it speaks of the one that is cheaper to train.
    Ratios are rounded down. Memory, size and the times to answer are named where they differ by
    2 times or more.

    Parameters
    ----------
    comparison : the verdict
    entries : for each contender its costs
    metric : what was compared
    titles : what to call the contenders

    Examples
    --------
    "The net is 0.7 points better than XGBoost and 6 times cheaper to train."
    """
    first = _subject_of(comparison, entries)
    second = comparison.b if first == comparison.a else comparison.a
    mine, theirs = entries[first], entries[second]
    one, other = with_article(first, titles), with_article(second, titles)
    ratio = _ratio(training_seconds(theirs), training_seconds(mine))
    tuned = any(any(entry.tuning_seconds) for entry in (mine, theirs))
    train = "tune and train" if tuned else "train"

    if comparison.verdict == "undecided":
        lead = "neither is shown to be better"
    elif comparison.verdict == "practically equal":
        lead = f"{one} is as good as {other} for practical purposes"
    else:
        lead = f"{one} is {_better(comparison, metric)} than {other}"
    if ratio is None:
        words = lead
    elif 1 / ALIKE < ratio < ALIKE:
        cost = f"as much to {train}"
        both = comparison.verdict == "undecided"
        words = f"{lead}, and {f'both cost about {cost}' if both else f'costs about {cost}'}"
    elif comparison.verdict == "undecided":
        words = f"{lead}; {one} is {_format_times_bare(ratio)} cheaper to {train}"
    elif ratio > 1:
        words = f"{lead} and {_format_times_bare(ratio)} cheaper to {train}"
    else:
        words = f"{lead}, but {_format_times_bare(1 / ratio)} dearer to {train}"
    is_subject = comparison.verdict != "undecided" or (ratio is not None and ratio >= ALIKE)
    words += _other_costs(mine, theirs, "it" if is_subject else one)
    return words[0].upper() + words[1:] + "."


def _subject_of(comparison: Comparison, entries: Mapping[str, Costs]) -> str:
    """Return whom the sentence is about: the better one, or else the cheaper one."""
    if comparison.verdict in ("a better", "b better"):
        return comparison.a if comparison.verdict == "a better" else comparison.b
    a, b = (training_seconds(entries[name]) for name in (comparison.a, comparison.b))
    return comparison.a if a <= b else comparison.b


def _better(comparison: Comparison, metric: Metric) -> str:
    """Return by how much: "0.7 points better", or "better by 0.0123" of a metric without unit."""
    by = format_difference(abs(comparison.difference), metric)
    return f"{by} better" if metric.unit else f"better by {by} ({metric.title})"


def _other_costs(mine: Costs, theirs: Costs, subject: str) -> str:
    """Return what else is lower, then what is higher, by 2 times or more."""
    lower, higher = [], []
    for key, less, more in OTHERS:
        ratio = _ratio(getattr(theirs, key), getattr(mine, key))
        if ratio is not None and ratio >= WORTH_SAYING:
            lower.append(less.format(_format_times_bare(ratio)))
        elif ratio is not None and ratio <= 1 / WORTH_SAYING:
            higher.append(more.format(_format_times(1 / ratio)))
    differences = ", but ".join(join_words(part) for part in (lower, higher) if part)
    return f"; {subject} {differences}" if differences else ""


def _format_times(ratio: float) -> str:
    """Return a ratio in words, rounded down; a large one to two digits.

    >>> _format_times(2.5), _format_times(2035)
    ('2.5 times', '2,000 times')
    """
    if ratio < 100:
        return format_ratio(ratio)
    step = 10 ** (floor(log10(ratio)) - 1)
    return f"{floor(ratio / step) * step:,} times"


def _format_times_bare(ratio: float) -> str:
    """Return a ratio before a comparative, where "twice" would not stand."""
    return _format_times(ratio).replace("twice", "2 times")


def _ratio(other: float, mine: float) -> float | None:
    """Return how many times the other's cost is mine; None where either was not measured."""
    return other / mine if other > 0 and mine > 0 else None
