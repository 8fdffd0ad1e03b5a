"""What the better answer costs: quality and cost of a pair in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor, log10
from statistics import mean

from graduel.duel.verdict.sentences import format_difference, format_ratio, with_article
from graduel.duel.verdict.types import Comparison, Costs
from graduel.metrics.metric import Metric

ALIKE = 1.2
"""Up to this ratio two costs of training are about the same: they vary by as much by themselves."""
WORTH_SAYING = 2.0
"""From this ratio on the other costs are told."""

OTHERS = (
    ("predict_row_seconds", "answers one row {} faster", "takes {} as long to answer one row"),
    ("predict_batch_seconds", "answers a batch {} faster", "takes {} as long to answer a batch"),
    ("peak_memory_bytes", "takes {} less memory to train", "takes {} as much memory to train"),
    ("model_bytes", "has a model {} smaller", "has a model {} as large"),
)
"""A kind of cost, and how it is told where it is lower and where it is higher."""


def training_seconds(costs: Costs) -> float:
    """Return the mean seconds of training over runs: of the search, else of the fit."""
    tuning = [seconds for seconds in costs.tuning_seconds if seconds]
    return mean(tuning or costs.fit_seconds)


def cost_sentence(
    found: Comparison,
    entries: Mapping[str, Costs],
    metric: Metric,
    titles: Mapping[str, str],
) -> str:
    """Return one sentence: who is better, as far as the verdict says so, and at what cost.

    Of a pair that is practically equal or undecided it speaks of the one that is cheaper to train.
    Ratios are rounded down. Memory, size and the times to answer are told where they differ by
    2 times or more.

    Parameters
    ----------
    found : the verdict
    entries : for each contender its costs
    metric : what was compared
    titles : what to call the contenders

    Examples
    --------
    "The net is 0.7 points better than XGBoost and 6 times cheaper to train."
    """
    first = _subject(found, entries)
    second = found.b if first == found.a else found.a
    mine, theirs = entries[first], entries[second]
    one, other = with_article(first, titles), with_article(second, titles)
    ratio = _ratio(training_seconds(theirs), training_seconds(mine))
    tuned = any(any(entry.tuning_seconds) for entry in (mine, theirs))
    train = "tune and train" if tuned else "train"

    if found.verdict == "undecided":
        lead = "neither is shown to be better"
    elif found.verdict == "practically equal":
        lead = f"{one} is as good as {other} for practical purposes"
    else:
        lead = f"{one} is {_better(found, metric)} than {other}"
    if ratio is None:
        words = lead
    elif 1 / ALIKE < ratio < ALIKE:
        cost = f"as much to {train}"
        both = found.verdict == "undecided"
        words = f"{lead}, and {f'both cost about {cost}' if both else f'costs about {cost}'}"
    elif found.verdict == "undecided":
        words = f"{lead}; {one} is {_fold(ratio)} cheaper to {train}"
    elif ratio > 1:
        words = f"{lead} and {_fold(ratio)} cheaper to {train}"
    else:
        words = f"{lead}, but {_fold(1 / ratio)} dearer to {train}"
    told = found.verdict != "undecided" or (ratio is not None and ratio >= ALIKE)
    words += _others(mine, theirs, "it" if told else one)
    return words[0].upper() + words[1:] + "."


def _subject(found: Comparison, entries: Mapping[str, Costs]) -> str:
    """Return whom the sentence is about: the better one, or else the cheaper one."""
    if found.verdict in ("a better", "b better"):
        return found.a if found.verdict == "a better" else found.b
    a, b = (training_seconds(entries[name]) for name in (found.a, found.b))
    return found.a if a <= b else found.b


def _better(found: Comparison, metric: Metric) -> str:
    """Return by how much: "0.7 points better", or "better by 0.0123" of a metric without unit."""
    by = format_difference(abs(found.difference), metric)
    return f"{by} better" if metric.unit else f"better by {by} ({metric.title})"


def _others(mine: Costs, theirs: Costs, subject: str) -> str:
    """Return what else is lower, then what is higher, by 2 times or more."""
    lower, higher = [], []
    for key, less, more in OTHERS:
        ratio = _ratio(getattr(theirs, key), getattr(mine, key))
        if ratio is not None and ratio >= WORTH_SAYING:
            lower.append(less.format(_fold(ratio)))
        elif ratio is not None and ratio <= 1 / WORTH_SAYING:
            higher.append(more.format(_many(1 / ratio)))
    said = ", but ".join(_listed(part) for part in (lower, higher) if part)
    return f"; {subject} {said}" if said else ""


def _many(ratio: float) -> str:
    """Return a ratio in words, rounded down; a large one to two digits.

    >>> _many(2.5), _many(2035)
    ('2.5 times', '2,000 times')
    """
    if ratio < 100:
        return format_ratio(ratio)
    step = 10 ** (floor(log10(ratio)) - 1)
    return f"{floor(ratio / step) * step:,} times"


def _fold(ratio: float) -> str:
    """Return a ratio before a comparative, where "twice" would not stand."""
    return _many(ratio).replace("twice", "2 times")


def _listed(words: list[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def _ratio(other: float, mine: float) -> float | None:
    """Return how many times the other's cost is mine; None where either was not measured."""
    return other / mine if other > 0 and mine > 0 else None
