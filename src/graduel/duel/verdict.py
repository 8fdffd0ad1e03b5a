"""The verdict on every pair of contenders, and on the claim that boosting wins by far.

The rules, in this order: (1) the 90 % interval of the paired difference, Bonferroni over the
pairs, lies inside ±ROPE: practically equal; (2) the Holm-adjusted p-value is below 0.05: one is
better; (3) undecided. ``docs/statistics.md`` says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from math import ceil, floor, log10
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graduel.duel.planning import rows_to_settle_equal, rows_to_settle_mcnemar, size_to_settle
from graduel.duel.statistics import by_row, holm, mcnemar_midp, paired_score_interval, two_way

ALPHA = 0.05
"""Chance of calling a pair different, over all the pairs, where none is."""

_DETERMINERS = ("the", "a", "an", "my", "our", "your")

Verdict = Literal["a better", "b better", "practically equal", "undecided"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the test set says about one pair. Errors and differences are shares, 0 to 1."""

    a: str
    b: str
    metric: str
    error_a: float
    error_b: float
    difference: float
    """Error of a minus error of b: positive where b is better."""
    interval: tuple[float, float]
    interval_level: float
    equivalence_interval: tuple[float, float]
    equivalence_level: float
    rope: float
    test: str
    why: str
    """Why that test."""
    p_value: float
    p_adjusted: float
    """Holm over all the pairs."""
    verdict: Verdict
    detectable: bool
    """Practically equal, and yet the adjusted p-value is below 0.05."""
    scope: str
    """What the verdict speaks of."""
    rows: int
    seeds: int
    more_rows: int | None
    """Undecided: test rows in all that would settle it; None where rows are not what is short."""
    more_seeds: int | None
    """Undecided: seeds in all that would settle it; None where seeds are not what is short."""
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to "does the booster blow the network out of the water?"."""

    booster: str
    network: str
    answer: Literal["yes", "no"]
    ratio: float | None
    """The network's errors over the booster's; None where the booster makes none."""
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        return asdict(self)


def compare_all(
    wrong: Mapping[str, NDArray[np.bool_]],
    *,
    rope: float,
    titles: Mapping[str, str] | None = None,
    against: str | None = None,
) -> list[Comparison]:
    """Compare every pair of contenders on one fixed test set, or all of them with one.

    One seed: McNemar's mid-p with Tango's score interval. Two: a t on the means by row. Three
    or more: the two-way (rows and seeds) variance.

    Parameters
    ----------
    wrong : mapping from name to bool array of shape (seeds, rows)
        Where each contender is wrong; the same seeds and rows for all.
    rope : float
        The region of practical equivalence: the largest difference of errors, as a share, that
        makes no difference in practice. 0.005 is half a percentage point.
    titles : mapping from name to title, optional
        What to call the contenders in sentences.
    against : str, optional
        Compare with this one only; fewer pairs need less correction.

    Returns
    -------
    list of Comparison
        Every pair in the order given, a before b.

    Raises
    ------
    ValueError
        If the arrays are not boolean, not of one shape, or too small; or if `rope` is no share.

    Examples
    --------
    >>> wrong = {"net": np.zeros((1, 1000), bool), "trees": np.zeros((1, 1000), bool)}
    >>> wrong["net"][0, :61] = wrong["trees"][0, :18] = True
    >>> [found] = compare_all(wrong, rope=0.005, titles={"trees": "XGBoost", "net": "NumPy net"})
    >>> found.verdict
    'b better'
    >>> print(found.sentence)
    XGBoost is better than the NumPy net: 1.8 % against 6.1 % error, a difference of 4.3 points \
(95 % interval 3.21 to 5.74).
    """
    seeds, rows = _check(wrong, rope)
    pairs = [pair for pair in combinations(wrong, 2) if against is None or against in pair]
    level = 1 - 0.1 / max(len(pairs), 1)
    found = [_weigh(wrong[a], wrong[b], level) for a, b in pairs]
    adjusted = holm([evidence.p_value for evidence in found])
    comparisons = []
    for (a, b), evidence, p_adjusted in zip(pairs, found, adjusted, strict=True):
        error_a, error_b = float(wrong[a].mean()), float(wrong[b].mean())
        verdict = _decide(evidence, p_adjusted, rope)
        more_rows = more_seeds = None
        if verdict == "undecided":
            more_rows, more_seeds = evidence.needed(ALPHA / len(pairs), rope, level)
        comparison = Comparison(
            a=a,
            b=b,
            metric="error",
            error_a=error_a,
            error_b=error_b,
            difference=evidence.difference,
            interval=evidence.interval,
            interval_level=0.95,
            equivalence_interval=evidence.equivalence_interval,
            equivalence_level=level,
            rope=rope,
            test=evidence.test,
            why=evidence.why,
            p_value=evidence.p_value,
            p_adjusted=p_adjusted,
            verdict=verdict,
            detectable=verdict == "practically equal" and p_adjusted < ALPHA,
            scope=_scope(seeds),
            rows=rows,
            seeds=seeds,
            more_rows=more_rows,
            more_seeds=more_seeds,
            sentence="",
        )
        comparisons.append(replace(comparison, sentence=_sentence(comparison, titles or {})))
    return comparisons


def judge_claim(
    comparison: Comparison,
    errors: Mapping[str, float],
    *,
    booster: str,
    network: str,
    titles: Mapping[str, str] | None = None,
) -> Claim:
    """Answer whether the booster blows the network out of the water.

    That means here: the verdict is that the booster is better, **and** it makes at most half of
    the network's errors.

    Parameters
    ----------
    comparison : Comparison
        The pair's comparison, in either order.
    errors : mapping from name to float
        The error rates, as shares.
    booster, network : str
        The names of the two.
    titles : mapping from name to title, optional
        What to call the two in the sentence.

    Raises
    ------
    ValueError
        If the comparison is of another pair, or an error rate is missing.

    Examples
    --------
    >>> wrong = {"net": np.zeros((1, 1000), bool), "trees": np.zeros((1, 1000), bool)}
    >>> wrong["net"][0, :61] = wrong["trees"][0, :18] = True
    >>> [found] = compare_all(wrong, rope=0.005)
    >>> claim = judge_claim(found, {"net": 0.061, "trees": 0.018}, booster="trees", network="net")
    >>> print(claim.sentence)
    Yes: net makes 3.3 times as many errors as trees (6.1 % against 1.8 %).
    """
    if {comparison.a, comparison.b} != {booster, network} or booster == network:
        raise ValueError(
            f"expected the comparison of {booster!r} and {network!r}; "
            f"got that of {comparison.a!r} and {comparison.b!r}"
        )
    if missing := {booster, network} - set(errors):
        raise ValueError(f"errors lack {sorted(missing)}; got {sorted(errors)}")
    ours, theirs = float(errors[booster]), float(errors[network])
    ratio = theirs / ours if ours else None
    winner = {"a better": comparison.a, "b better": comparison.b}.get(comparison.verdict)
    by_far = winner == booster and 2 * ours <= theirs + 1e-12
    trees, net = (_called(name, titles or {}) for name in (booster, network))
    figures = f"{_percent(theirs)} against {_percent(ours)}"
    if by_far and ratio is None:
        sentence = f"Yes: {trees} makes no error on these test rows, {net} {_percent(theirs)}."
    elif by_far and ratio is not None:
        sentence = f"Yes: {net} makes {_times(ratio)} as many errors as {trees} ({figures})."
    elif winner == booster:
        times = _times(ratio or 1.0)
        sentence = (
            f"No: {trees} is better, but {net} makes only {times} as many errors ({figures}); "
            "blown out of the water would be twice as many."
        )
    elif winner == network:
        sentence = (
            f"No, the reverse: {net} is better than {trees} "
            f"({_percent(theirs)} against {_percent(ours)} error)."
        )
    elif comparison.verdict == "practically equal":
        sentence = f"No: {trees} and {net} are practically equal ({_percent(ours)} against "
        sentence += f"{_percent(theirs)} error)."
    else:
        sentence = f"No: it is not even settled which of {trees} and {net} is better "
        sentence += f"({_percent(ours)} against {_percent(theirs)} error)."
    return Claim(booster, network, "yes" if by_far else "no", ratio, sentence)


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What one design's statistics say about one pair."""

    difference: float
    interval: tuple[float, float]
    equivalence_interval: tuple[float, float]
    p_value: float
    test: str
    why: str
    needed: Callable[[float, float, float], tuple[int | None, int | None]]
    """(alpha, rope, level) to rows and seeds in all; None for what need not grow."""


def _weigh(a: NDArray[np.bool_], b: NDArray[np.bool_], level: float) -> _Evidence:
    """Choose the statistics by the design, and apply them."""
    seeds, rows = a.shape
    if seeds == 1:
        return _by_counts(
            int((a & ~b).sum()),
            int((b & ~a).sum()),
            rows,
            level,
            "Both were scored once on the same test rows, so only the rows count that one gets "
            "right and the other wrong.",
        )
    d = a.astype(np.int8) - b.astype(np.int8)
    estimate = by_row if seeds == 2 else two_way
    at_95, at_level = estimate(d), estimate(d, level)
    if at_95.se == 0:
        signed = round(at_95.mean * rows)
        return _by_counts(
            max(signed, 0),
            max(-signed, 0),
            rows,
            level,
            "All rows say the same, so that a t has no variation to go by; the rows are counted.",
        )

    def needed(alpha: float, rope: float, level: float) -> tuple[int | None, int | None]:
        size = size_to_settle(at_95, alpha=alpha, rope=rope, level=level)
        if size is None:
            return None, None
        return size[0] if size[0] > rows else None, size[1] if size[1] > seeds else None

    return _Evidence(
        at_95.mean,
        (max(at_95.low, -1.0), min(at_95.high, 1.0)),
        (max(at_level.low, -1.0), min(at_level.high, 1.0)),
        at_95.p_value,
        "paired t by row" if seeds == 2 else "two-way t (rows and seeds)",
        "Both were scored on the same test rows with two seeds each; two are too few to tell how "
        "seeds vary, so that each row's mean over them is compared."
        if seeds == 2
        else f"Both were scored on the same test rows with {seeds} seeds each, so that the chance "
        "in the rows and the chance in the seeds both count.",
        needed,
    )


def _by_counts(b: int, c: int, rows: int, level: float, why: str) -> _Evidence:
    """McNemar's test and Tango's interval: b rows only the first gets wrong, c only the second."""

    def needed(alpha: float, rope: float, level: float) -> tuple[int | None, int | None]:
        apart = rows_to_settle_mcnemar(b, c, rows, alpha)
        equal = rows_to_settle_equal(b, c, rows, rope=rope, level=level)
        sizes = [size for size in (apart, equal) if size is not None]
        return (max(min(sizes), rows + 1) if sizes else None), None

    return _Evidence(
        (b - c) / rows,
        paired_score_interval(b, c, rows, 0.95),
        paired_score_interval(b, c, rows, level),
        mcnemar_midp(b, c),
        "McNemar mid-p",
        why,
        needed,
    )


def _decide(evidence: _Evidence, p_adjusted: float, rope: float) -> Verdict:
    low, high = evidence.equivalence_interval
    if -rope < low and high < rope:
        return "practically equal"
    if p_adjusted < ALPHA and evidence.difference < 0:
        return "a better"
    if p_adjusted < ALPHA and evidence.difference > 0:
        return "b better"
    return "undecided"


def _scope(seeds: int) -> str:
    if seeds >= 3:
        return (
            "This speaks of these procedures, on this training set: of new seeds and new test rows "
            "like these, not of other training rows."
        )
    return (
        "This speaks of these fitted models on new test rows like these; trained again with "
        "another seed or on other rows they may compare otherwise."
    )


def _sentence(found: Comparison, titles: Mapping[str, str]) -> str:
    """Put the verdict into words, the one with fewer errors first."""
    better, worse, errors = found.a, found.b, (found.error_a, found.error_b)
    sign = -1
    if found.error_b < found.error_a:
        better, worse, errors, sign = worse, better, errors[::-1], 1
    first, second = _called(better, titles), _called(worse, titles)
    figures = f"{_percent(errors[0])} against {_percent(errors[1])} error"
    points = _points(abs(found.difference))

    def span(interval: tuple[float, float], level: float) -> str:
        low, high = sorted(sign * limit for limit in interval)
        return f"{_number(100 * level, 1)} % interval {_number(100 * low)} to {_number(100 * high)}"

    if found.verdict == "practically equal":
        equal = span(found.equivalence_interval, found.equivalence_level)
        words = (
            f"{first} and {second} are practically equal: {figures}, a difference of {points} "
            f"({equal}), and up to {_points(found.rope)} count as equal."
        )
        if found.detectable:
            p = "p < 0.001" if found.p_adjusted < 0.001 else f"p = {found.p_adjusted:.2g}"
            words += f" Small as it is, the difference can be told from chance ({p})."
    elif found.verdict == "undecided":
        words = (
            f"Undecided between {first} and {second}: {figures}, a difference of {points} "
            f"({span(found.interval, found.interval_level)}). {_outlook(found)}"
        )
    else:
        words = (
            f"{first} is better than {second}: {figures}, a difference of {points} "
            f"({span(found.interval, found.interval_level)})."
        )
    return "T" + words[1:] if words.startswith("the ") else words


def _outlook(found: Comparison) -> str:
    """Say how large a duel would settle an undecided pair."""
    needs = []
    if found.more_rows is not None:
        step = 10 ** max(floor(log10(found.more_rows)) - 1, 0)
        about = ceil(found.more_rows / step) * step
        needs.append(f"about {about:,} test rows (there are {found.rows:,})")
    if found.more_seeds is not None:
        needs.append(f"about {found.more_seeds:,} seeds (there are {found.seeds:,})")
    if not needs:
        return "No practicable number of test rows or seeds would settle a difference of this size."
    return f"To settle a difference of this size would take {' and '.join(needs)}."


def _called(name: str, titles: Mapping[str, str]) -> str:
    """Return what to call a contender within a sentence: names as they are, phrases with "the"."""
    title = titles.get(name, name)
    first, *more = title.split(" ")
    return f"the {title}" if more and first.lower() not in _DETERMINERS else title


def _number(x: float, digits: int = 2) -> str:
    """Return at most `digits` decimals, none that says nothing, and more for what is tiny."""
    if x and abs(x) < 0.5 * 10**-digits:
        digits = 1 - floor(log10(abs(x)))
    text = f"{x + 0.0:.{digits}f}"  # + 0.0: no minus before a zero
    return text.rstrip("0").rstrip(".") if "." in text else text


def _percent(share: float) -> str:
    return f"{_number(100 * share)} %"


def _points(share: float) -> str:
    number = _number(100 * share)
    return f"{number} point" if number == "1" else f"{number} points"


def _times(ratio: float) -> str:
    """Return a ratio in words, rounded down, so that 1.999 never reads as twice."""
    if abs(ratio - 2) < 1e-9:
        return "twice"
    digits = 2 if ratio < 2 else 1 if ratio < 10 else 0
    return f"{_number(floor(ratio * 10**digits + 1e-9) / 10**digits)} times"


def _check(wrong: Mapping[str, NDArray[np.bool_]], rope: float) -> tuple[int, int]:
    if not 0 <= rope < 1:
        raise ValueError(
            f"rope must be a share of at least 0 and below 1 (0.005 is half a point); got {rope}"
        )
    shapes = {name: np.shape(array) for name, array in wrong.items()}
    if not shapes:
        raise ValueError("expected a bool array for each contender; got none")
    shape = next(iter(shapes.values()))
    if len(shape) != 2 or 0 in shape or set(shapes.values()) != {shape}:
        raise ValueError(
            "expected for all contenders one and the same shape (seeds, rows), so that they can "
            f"be compared row by row; got {shapes}. Score all of them on the same rows and seeds."
        )
    for name, array in wrong.items():
        if array.dtype != np.bool_:
            raise ValueError(
                f"expected bool arrays, True where a prediction is wrong; got {array.dtype} for "
                f"{name!r}. Compare labels first: predicted != true."
            )
    return shape[0], shape[1]
