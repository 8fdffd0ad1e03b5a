"""Sentences that state a verdict, and the format of the numbers in them."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor, log10

from graduel.duel.verdict.types import Comparison, DatasetComparison
from graduel.metrics.metric import Metric

_WITHOUT_THE = ("the", "a", "an", "my", "our", "your", "xgboost")
_BARE_DIGITS = 4
"""Decimals of a metric without a unit: log loss 0.0523."""


def verdict_sentence(pair: Comparison, metric: Metric, titles: Mapping[str, str]) -> str:
    """Return the verdict as a sentence, the contender with the lower loss first."""
    better, worse, losses = pair.a, pair.b, (pair.error_a, pair.error_b)
    sign = -1
    if pair.error_b < pair.error_a:
        better, worse, losses, sign = worse, better, losses[::-1], 1
    first, second = with_article(better, titles), with_article(worse, titles)
    one, other = (format_metric(metric.shown(loss), metric) for loss in losses)
    figures = f"{one} against {other} {metric.title}"
    difference = format_difference(abs(pair.difference), metric)
    interval = format_interval(pair.interval, pair.interval_level, sign, metric)

    if pair.verdict == "practically equal":
        equal = format_interval(pair.equivalence_interval, pair.equivalence_level, sign, metric)
        words = (
            f"{first} and {second} are practically equal: {figures}, a difference of {difference} "
            f"({equal}); {rope_clause(pair.rope, metric)}."
        )
        words += detectable_sentence(pair)
    elif pair.verdict == "undecided":
        words = (
            f"Undecided between {first} and {second}: {figures}, a difference of {difference} "
            f"({interval}). {_outlook(pair)}"
        )
    else:
        words = (
            f"{first} is better than {second}: {figures}, a difference of {difference} "
            f"({interval})."
        )
    if pair.bayes is not None:
        words += chances_sentence(pair, "correlated t", pair.rope, metric, titles)
    return capitalize_the(words)


def _outlook(pair: Comparison) -> str:
    """Return the sentence on the sample size at which an undecided pair has 80 % power."""
    needs = []
    if pair.folds is not None:
        if pair.more_repeats is not None:
            needs.append(f"about {pair.more_repeats:,} repeats (there are {pair.repeats})")
        elif pair.more_rows is not None:
            return (
                "No number of repeats on these rows gives 80 % power at a difference of this size; "
                f"very roughly, {round_rows(pair.more_rows)} rows would (there are {pair.rows:,})."
            )
        else:
            return (
                "No practical number of repeats or rows gives 80 % power at a difference of this "
                "size."
            )
    elif pair.more_rows is not None:
        needs.append(f"about {round_rows(pair.more_rows)} test rows (there are {pair.rows:,})")
    if pair.more_seeds is not None:
        needs.append(f"about {pair.more_seeds:,} seeds (there are {pair.seeds:,})")
    if not needs:
        return (
            "No practical number of test rows or seeds gives 80 % power at a difference of this "
            "size."
        )
    return f"A difference of this size needs {' and '.join(needs)} for 80 % power."


def rope_clause(rope: float, metric: Metric) -> str:
    """Return the clause that states the ROPE."""
    return f"a difference of up to {format_difference(rope, metric)} counts as equal"


def detectable_sentence(pair: Comparison | DatasetComparison) -> str:
    """Return a space and the sentence on a small but significant difference; "" without one."""
    if not pair.detectable:
        return ""
    return f" The difference is small but statistically significant ({format_p(pair.p_adjusted)})."


def chances_sentence(
    pair: Comparison | DatasetComparison,
    test: str,
    rope: float,
    metric: Metric,
    titles: Mapping[str, str],
) -> str:
    """Return a space and the sentence with the three probabilities of a Bayesian test."""
    assert pair.bayes is not None
    of_a, of_equal, of_b = (format_chance(p) for p in pair.bayes)
    a, b = with_article(pair.a, titles), with_article(pair.b, titles)
    by = f" by more than {format_difference(rope, metric)}" if rope else ""
    equal = f", {of_equal} that the two are practically equal," if rope else ""
    return (
        f" By the Bayesian {test} test, the probability is {of_a} that {a} is better{by}{equal} "
        f"and {of_b} that {b} is better{by}."
    )


def format_chance(p: float) -> str:
    """Return a probability as a percentage, below 1 % and above 99 % as such a limit."""
    if 0.01 <= p <= 0.99:
        return f"{100 * p:.0f} %"
    return "less than 1 %" if p < 0.5 else "more than 99 %"


def format_interval(interval: tuple[float, float], level: float, sign: int, metric: Metric) -> str:
    """Return the confidence interval of `sign` times a difference, with its level."""
    low, high = (_without_unit(limit, metric) for limit in sorted(sign * end for end in interval))
    return f"{format_number(100 * level, 1)} % CI {low} to {high}"


def with_article(name: str, titles: Mapping[str, str]) -> str:
    """Return a contender's title for use within a sentence: "the" before a phrase, not a name."""
    title = titles.get(name, name)
    first, *more = title.split(" ")
    return f"the {title}" if more and first.lower() not in _WITHOUT_THE else title


def join_words(words: list[str]) -> str:
    """Join words with commas and a final "and".

    >>> join_words(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def capitalize_the(words: str) -> str:
    """Capitalize a leading "the"; a sentence that begins with a name stays as it is."""
    return "T" + words[1:] if words.startswith("the ") else words


def format_number(x: float, digits: int = 2) -> str:
    """Return a number with at most `digits` decimals, without trailing zeros.

    A number that would round to 0 keeps two significant digits.
    """
    if x and abs(x) < 0.5 * 10**-digits:
        digits = 1 - floor(log10(abs(x)))
    text = f"{x + 0.0:.{digits}f}"  # + 0.0: no minus before a zero
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_percent(share: float) -> str:
    """Return a share as a percentage."""
    return f"{format_number(100 * share)} %"


def format_ratio(ratio: float) -> str:
    """Return a ratio as "3.3 times" or "twice", rounded down: 1.999 is never "twice"."""
    if abs(ratio - 2) < 1e-9:
        return "twice"
    digits = 2 if ratio < 2 else 1 if ratio < 10 else 0
    return f"{format_number(floor(ratio * 10**digits + 1e-9) / 10**digits)} times"


def format_difference(difference: float, metric: Metric) -> str:
    """Return a difference with its unit; without one, the bare number.

    >>> from graduel.metrics.metric import get_metric
    >>> format_difference(0.007, get_metric("error")), format_difference(0.01, get_metric("auc"))
    ('0.7 percentage points', '1 point')
    >>> format_difference(0.0123, get_metric("log_loss"))
    '0.0123'
    """
    number = _without_unit(difference, metric)
    if not metric.unit:
        return number
    unit = "percentage point" if metric.unit == "%" else "point"
    return f"{number} {unit}" if number == "1" else f"{number} {unit}s"


def _without_unit(difference: float, metric: Metric) -> str:
    return (
        format_number(100 * difference) if metric.unit else format_number(difference, _BARE_DIGITS)
    )


def format_metric(value: float, metric: Metric) -> str:
    """Return a metric's value with its unit: 1.8 %, or 0.9152."""
    return format_percent(value) if metric.unit == "%" else format_number(value, _BARE_DIGITS)


def format_p(p: float) -> str:
    """Return a p-value.

    >>> format_p(0.0312), format_p(0.00002)
    ('p = 0.031', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def round_rows(rows: int) -> str:
    """Return a number of rows, rounded up to two significant digits.

    >>> round_rows(3417)
    '3,500'
    """
    step = 10 ** max(floor(log10(rows)) - 1, 0)
    return f"{ceil(rows / step) * step:,}"
