"""A verdict in words: sentences, and numbers as a reader expects them."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor, log10

from graduel.duel.verdict.types import Comparison, DatasetComparison
from graduel.metrics.metric import Metric

_WITHOUT_THE = ("the", "a", "an", "my", "our", "your", "xgboost")
_BARE_DIGITS = 4
"""Decimals of a number without a unit: log loss 0.0523."""


def verdict_sentence(pair: Comparison, metric: Metric, titles: Mapping[str, str]) -> str:
    """Return the verdict in words, the better contender first."""
    better, worse, losses = pair.a, pair.b, (pair.error_a, pair.error_b)
    sign = -1
    if pair.error_b < pair.error_a:
        better, worse, losses, sign = worse, better, losses[::-1], 1
    first, second = with_article(better, titles), with_article(worse, titles)
    one, other = (format_metric(metric.shown(loss), metric) for loss in losses)
    figures = f"{one} against {other} {metric.title}"
    difference = format_difference(abs(pair.difference), metric)
    shown = format_interval(pair.interval, pair.interval_level, sign, metric)

    if pair.verdict == "practically equal":
        equal = format_interval(pair.equivalence_interval, pair.equivalence_level, sign, metric)
        count = "count" if metric.unit else "counts"
        words = (
            f"{first} and {second} are practically equal: {figures}, a difference of {difference} "
            f"({equal}), and up to {format_difference(pair.rope, metric)} {count} as equal."
        )
        words += detectable_sentence(pair)
    elif pair.verdict == "undecided":
        words = (
            f"Undecided between {first} and {second}: {figures}, a difference of {difference} "
            f"({shown}). {_outlook(pair)}"
        )
    else:
        words = (
            f"{first} is better than {second}: {figures}, a difference of {difference} ({shown})."
        )
    if pair.bayes is not None:
        words += chances_sentence(pair, "correlated t", pair.rope, metric, titles)
    return capitalize_the(words)


def _outlook(pair: Comparison) -> str:
    """Return how large a duel would settle an undecided pair."""
    needs = []
    if pair.folds is not None:
        if pair.more_repeats is not None:
            needs.append(f"about {pair.more_repeats:,} repeats (there are {pair.repeats})")
        elif pair.more_rows is not None:
            return (
                "No number of repeats would settle a difference of this size on these rows; very "
                f"roughly, {round_rows(pair.more_rows)} rows would (there are {pair.rows:,})."
            )
        else:
            return "No practicable number of repeats or rows would settle a difference so small."
    elif pair.more_rows is not None:
        needs.append(f"about {round_rows(pair.more_rows)} test rows (there are {pair.rows:,})")
    if pair.more_seeds is not None:
        needs.append(f"about {pair.more_seeds:,} seeds (there are {pair.seeds:,})")
    if not needs:
        return "No practicable number of test rows or seeds would settle a difference of this size."
    return f"To settle a difference of this size would take {' and '.join(needs)}."


def detectable_sentence(pair: Comparison | DatasetComparison) -> str:
    """Return whether an irrelevant difference is significant, after a space; else nothing."""
    if not pair.detectable:
        return ""
    chance = format_p(pair.p_adjusted)
    return f" Small as it is, the difference can be told from chance ({chance})."


def chances_sentence(
    pair: Comparison | DatasetComparison,
    test: str,
    rope: float,
    metric: Metric,
    titles: Mapping[str, str],
) -> str:
    """Return the three probabilities of a Bayesian test in words, after a space."""
    assert pair.bayes is not None
    of_a, of_equal, of_b = (format_chance(p) for p in pair.bayes)
    a, b = with_article(pair.a, titles), with_article(pair.b, titles)
    by = f" by more than {format_difference(rope, metric)}" if rope else ""
    equal = f"{of_equal} that they are practically equal, " if rope else ""
    return (
        f" The probabilities (Bayesian {test}) are {of_a} that {a} is better{by}, "
        f"{equal}{of_b} that {b} is."
    )


def format_chance(p: float) -> str:
    """Return a probability in words, never as a certainty."""
    if 0.01 <= p <= 0.99:
        return f"{100 * p:.0f} %"
    return "less than 1 %" if p < 0.5 else "more than 99 %"


def format_interval(interval: tuple[float, float], level: float, sign: int, metric: Metric) -> str:
    """Return an interval of `sign` times a difference, with its level."""
    low, high = (_bare(limit, metric) for limit in sorted(sign * end for end in interval))
    return f"{format_number(100 * level, 1)} % interval {low} to {high}"


def with_article(name: str, titles: Mapping[str, str]) -> str:
    """Return what to call a contender within a sentence: names as they are, phrases with "the"."""
    title = titles.get(name, name)
    first, *more = title.split(" ")
    return f"the {title}" if more and first.lower() not in _WITHOUT_THE else title


def join_words(words: list[str]) -> str:
    """Return words as a sentence lists them.

    >>> join_words(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def capitalize_the(words: str) -> str:
    """Return a sentence with a capital where it begins with "the"; names stay as they are."""
    return "T" + words[1:] if words.startswith("the ") else words


def format_number(x: float, digits: int = 2) -> str:
    """Return at most `digits` decimals, none that says nothing, and more for what is tiny."""
    if x and abs(x) < 0.5 * 10**-digits:
        digits = 1 - floor(log10(abs(x)))
    text = f"{x + 0.0:.{digits}f}"  # + 0.0: no minus before a zero
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_percent(share: float) -> str:
    """Return a share as a percentage."""
    return f"{format_number(100 * share)} %"


def format_ratio(ratio: float) -> str:
    """Return a ratio in words, rounded down, so that 1.999 never reads as twice."""
    if abs(ratio - 2) < 1e-9:
        return "twice"
    digits = 2 if ratio < 2 else 1 if ratio < 10 else 0
    return f"{format_number(floor(ratio * 10**digits + 1e-9) / 10**digits)} times"


def format_difference(difference: float, metric: Metric) -> str:
    """Return a difference with its unit: 0.7 points, or 0.0123 of a metric without one.

    >>> from graduel.metrics.metric import get_metric
    >>> format_difference(0.007, get_metric("auc"))
    '0.7 points'
    >>> format_difference(0.0123, get_metric("log_loss"))
    '0.0123'
    """
    bare = _bare(difference, metric)
    if not metric.unit:
        return bare
    return f"{bare} point" if bare == "1" else f"{bare} points"


def _bare(difference: float, metric: Metric) -> str:
    return (
        format_number(100 * difference) if metric.unit else format_number(difference, _BARE_DIGITS)
    )


def format_metric(of: float, metric: Metric) -> str:
    """Return a metric's value with its unit: 1.8 %, or 0.9152."""
    return format_percent(of) if metric.unit == "%" else format_number(of, _BARE_DIGITS)


def format_p(p: float) -> str:
    """Return a p-value.

    >>> format_p(0.0312), format_p(0.00002)
    ('p = 0.031', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def round_rows(rows: int) -> str:
    """Return a number of rows, rounded up to two digits.

    >>> round_rows(3417)
    '3,500'
    """
    step = 10 ** max(floor(log10(rows)) - 1, 0)
    return f"{ceil(rows / step) * step:,}"
