"""The sentence that states quality and cost of a pair of contenders together."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor, log10
from statistics import mean

from graduel.duel.verdict.sentences import (
    format_difference,
    join_words,
    with_article,
)
from graduel.duel.verdict.types import Comparison, Costs
from graduel.metrics.metric import Metric
from graduel.number_format import decimals_of, format_ratio

ALIKE = 1.2
"""Training times with a lower ratio count as about the same: repeated fits vary as much."""
NOTABLE = 2.0
"""Other costs are mentioned from this ratio on."""

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
    tuning = [seconds for seconds in costs.tuning_seconds if seconds]
    return mean(tuning or costs.fit_seconds)


def cost_sentence(
    comparison: Comparison,
    entries: Mapping[str, Costs],
    metric: Metric,
    titles: Mapping[str, str],
) -> str:
    """Return one sentence with the verdict on a pair and the ratio of its costs.

    The subject is the better contender; in a pair that is practically equal or undecided, the one
    that trains faster. Ratios are rounded down, percentages up. Memory, model size and prediction
    times are mentioned if they differ by a factor of 2 or more. Costs of runs on different kinds of
    machines are not compared.

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
    is_one_kind = len({*mine.machines, *theirs.machines}) < 2
    ratio = _ratio(training_seconds(theirs), training_seconds(mine)) if is_one_kind else None
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
    elif 1 / ALIKE < ratio < ALIKE:
        subject = "both take" if comparison.verdict == "undecided" else "takes"
        words = f"{lead}, and {subject} about as long to {train}"
    elif comparison.verdict == "undecided":
        words = f"{lead}; {one} {trains} {format_ratio(ratio)} as fast"
    elif ratio > 1:
        words = f"{lead} and {trains} {format_ratio(ratio)} as fast"
    else:
        words = f"{lead}, but takes {format_ratio(1 / ratio)} as long to {train}"
    is_subject = comparison.verdict != "undecided" or (ratio is not None and ratio >= ALIKE)
    if not is_one_kind:
        words += "; the costs are not compared, since the runs were on different machines"
    else:
        words += _other_costs(mine, theirs, "it" if is_subject else one)
    return words[0].upper() + words[1:] + "." + _missing_cores(entries, {first: one, second: other})


def _missing_cores(entries: Mapping[str, Costs], names: Mapping[str, str]) -> str:
    """Return a sentence on times that are too long because other processes used the cores."""
    waited = [title for name, title in names.items() if entries[name].lacked_cores]
    if not waited:
        return ""
    times = "its times are" if len(waited) == 1 else "their times are"
    return f" Other processes used cores of {join_words(waited)}: {times} too long to compare."


def _subject_of(comparison: Comparison, entries: Mapping[str, Costs]) -> str:
    """Return the subject of the sentence: the better contender, or the one that trains faster."""
    if comparison.verdict in ("a better", "b better"):
        return comparison.a if comparison.verdict == "a better" else comparison.b
    a, b = (training_seconds(entries[name]) for name in (comparison.a, comparison.b))
    return comparison.a if a <= b else comparison.b


def _better(comparison: Comparison, metric: Metric) -> str:
    """Return "0.7 percentage points better", or "better by 0.0123" for a metric without unit."""
    decimals = decimals_of(metric.unit, comparison.rows)
    by = format_difference(comparison.difference, metric, decimals)
    return f"{by} better" if metric.unit else f"better by {by} ({metric.title})"


def _other_costs(mine: Costs, theirs: Costs, subject: str) -> str:
    """Return the clauses on the other costs that are notably lower, then notably higher."""
    lower, higher = [], []
    for key, less, more in OTHER_COSTS:
        ratio = _ratio(getattr(theirs, key), getattr(mine, key))
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
