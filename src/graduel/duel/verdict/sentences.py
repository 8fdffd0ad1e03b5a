"""Sentences that state a verdict, with differences in the unit of the metric."""

from __future__ import annotations

from collections.abc import Mapping

from graduel import number_format
from graduel.duel.verdict.reproduction import LIKELY
from graduel.duel.verdict.types import Claim, Comparison, DatasetComparison
from graduel.metrics.metric import Metric
from graduel.number_format import (
    BARE_DECIMALS,
    decimals_of,
    format_chance,
    format_equals_p,
    format_exact,
    format_magnitude,
    format_score,
    round_rows,
)

_WITHOUT_THE = ("the", "a", "an", "my", "our", "your", "xgboost")


def verdict_sentence(pair: Comparison, metric: Metric, titles: Mapping[str, str]) -> str:
    """Return the verdict as a sentence, the contender with the lower loss first."""
    better, worse, losses = pair.a, pair.b, (pair.error_a, pair.error_b)
    sign = -1
    if pair.error_b < pair.error_a:
        better, worse, losses, sign = worse, better, losses[::-1], 1
    first, second = with_article(better, titles), with_article(worse, titles)
    decimals = decimals_of(metric.unit, pair.rows, losses[0])
    one, other = (format_score(metric.shown(loss), metric.unit, decimals) for loss in losses)
    figures = f"{one} against {other} {metric.title}"
    difference = format_difference(pair.difference, metric, decimals)
    interval = format_printed_interval(pair, sign, metric, decimals)

    if pair.verdict == "practically equal":
        bounds, level = pair.equivalence_interval, pair.equivalence_level
        equal = format_interval(bounds, level, sign, metric, decimals)
        words = (
            f"{first} and {second} are practically equal: {figures}, a difference of {difference} "
            f"({equal}); {rope_clause(pair.rope, metric)}."
        )
        words += detectable_sentence(pair)
    elif pair.verdict == "undecided":
        words = (
            f"Undecided between {first} and {second}: {figures}, a difference of {difference} "
            f"({interval}).{contradiction_sentence(pair)} {_outlook(pair)}"
        )
    else:
        words = (
            f"{first} is better than {second}: {figures}, a difference of {difference} "
            f"({interval}).{contradiction_sentence(pair)}"
        )
    words += reproduction_sentence(pair)
    if pair.bayes is not None:
        words += chances_sentence(pair, "correlated t", pair.rope, metric, titles)
    return capitalize_the(words)


def reproduction_sentence(pair: Comparison) -> str:
    """Return a space and the sentence on a verdict close to a boundary; "" if it is not close."""
    if pair.reproduction is None or pair.reproduction >= LIKELY:
        return ""
    return (
        " This verdict is close to a boundary: after another fit of both, on as many new test "
        "rows, it would be the same with a probability of about "
        f"{format_chance(pair.reproduction)}."
    )


def count_pairs(pair: Comparison | DatasetComparison) -> int:
    """Return the number of pairs that the verdict is corrected for."""
    return round(0.1 / (1 - pair.equivalence_level))


def contradiction_sentence(pair: Comparison | DatasetComparison) -> str:
    """Return a space and the reason why the printed CI does not decide; "" if it agrees.

    A CI that includes 0 leaves a pair undecided; one that excludes 0 makes one better. The test's
    p-value is not always dual to the CI, and Holm's adjustment is less strict than the CI's.
    """
    interval = pair.printed_interval
    if interval is None:
        return ""
    excludes = not interval[0] <= 0 <= interval[1]
    if excludes == (pair.verdict != "undecided"):
        return ""
    verb, p, n_pairs = ("excludes" if excludes else "includes"), pair.p_adjusted, count_pairs(pair)
    test = f"p-value adjusted for {n_pairs} pairs (Holm)" if n_pairs > 1 else "test's p-value"
    return f" The CI {verb} 0, but the {test} decides: {format_equals_p(p)}."


def name_interval(pair: Comparison | DatasetComparison) -> str:
    """Return the name of the CI that is printed: "95 % CI", or "simultaneous 95 % CI"."""
    is_simultaneous = pair.simultaneous_interval is not None and count_pairs(pair) > 1
    return "simultaneous 95 % CI" if is_simultaneous else "95 % CI"


def format_printed_interval(
    pair: Comparison | DatasetComparison, sign: int, metric: Metric, decimals: int = 2
) -> str:
    """Return the CI of `sign` times the difference that goes with the decision, with its name."""
    interval = pair.printed_interval
    if interval is None:
        return ""
    return f"{name_interval(pair)} {_format_bounds(interval, sign, metric, decimals)}"


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
    return f"a difference of up to {format_rope(rope, metric)} counts as equal"


def detectable_sentence(pair: Comparison | DatasetComparison) -> str:
    """Return a space and the sentence on a small but significant difference; "" without one."""
    if not pair.detectable:
        return ""
    p = format_equals_p(pair.p_adjusted)
    return f" The difference is small but statistically significant ({p})."


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
    by = f" by more than {format_rope(rope, metric)}" if rope else ""
    equal = f", {of_equal} that the two are practically equal," if rope else ""
    return (
        f" By the Bayesian {test} test, the probability is {of_a} that {a} is better{by}{equal} "
        f"and {of_b} that {b} is better{by}."
    )


def format_interval(
    interval: tuple[float, float], level: float, sign: int, metric: Metric, decimals: int = 2
) -> str:
    """Return the confidence interval of `sign` times a difference, with its level.

    `decimals` are those of percentage points; a metric without a unit has four.
    """
    return f"{format_exact(100 * level)} % CI {_format_bounds(interval, sign, metric, decimals)}"


def _format_bounds(interval: tuple[float, float], sign: int, metric: Metric, decimals: int) -> str:
    bounds = sorted(sign * end for end in interval)
    scale = 100 if metric.is_share else 1
    decimals = decimals if metric.unit else BARE_DECIMALS
    return number_format.format_interval(bounds, decimals, scale=scale)


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


def format_difference(difference: float, metric: Metric, decimals: int = 2) -> str:
    """Return the size of a difference with its unit; without one, the bare number.

    >>> from graduel.metrics.metric import get_metric
    >>> format_difference(-0.007, get_metric("error")), format_difference(0.01, get_metric("auc"))
    ('0.70 percentage points', '1.00 points')
    >>> format_difference(0.0123, get_metric("log_loss"))
    '0.0123'
    """
    if not metric.is_share:
        return format_magnitude(abs(difference), decimals if metric.unit else BARE_DECIMALS)
    return f"{format_magnitude(100 * abs(difference), decimals)} {name_unit(metric)}s"


def format_rope(rope: float, metric: Metric) -> str:
    """Return a ROPE with its unit, without trailing zeros.

    >>> from graduel.metrics.metric import get_metric
    >>> format_rope(0.005, get_metric("error")), format_rope(0.01, get_metric("auc"))
    ('0.5 percentage points', '1 point')
    """
    if not metric.is_share:
        return format_exact(rope)
    number, unit = format_exact(100 * rope), name_unit(metric)
    return f"{number} {unit}" if number == "1" else f"{number} {unit}s"


def name_unit(metric: Metric) -> str:
    """Return the unit of a difference of a metric, in the singular; "" without one."""
    return {"%": "percentage point", "points": "point"}.get(metric.unit, "")


def phrase_question(claim: Claim, titles: Mapping[str, str]) -> str:
    """Return the question that a claim answers.

    >>> claim = Claim("xgboost", "net", "no", 1.1, "No: …")
    >>> phrase_question(claim, {"xgboost": "XGBoost", "net": "textbook network"})
    'Does XGBoost blow the textbook network out of the water?'
    """
    booster, network = (with_article(name, titles) for name in (claim.booster, claim.network))
    return f"Does {booster} blow {network} out of the water?"
