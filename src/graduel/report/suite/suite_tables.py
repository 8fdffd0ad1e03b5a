"""The tables of a suite: what its figures draw, written for people."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import Any

from graduel.duel.result.outcome import Suite
from graduel.report.draw import units
from graduel.report.sections.tables import Table, verdict


def titles(suite: Suite) -> dict[str, str]:
    """Return what to call each contender; where two would read the same, with their names."""
    found = {name: str(entry["title"]) for name, entry in suite.result["contenders"].items()}
    often = Counter(found.values())
    return {k: title if often[title] == 1 else f"{title} ({k})" for k, title in found.items()}


def judged(line: dict[str, Any]) -> int:
    """Return how many rows of a data set were judged on: all of them where there are folds."""
    return int(line["rows"] if "x" in line["protocol"]["split"] else line["n_test"])


def value(suite: Suite, line: dict[str, Any], name: str) -> str:
    """Write a contender's metric on one data set."""
    found = float(line["contenders"][name]["value"])
    if suite.result["protocol"]["metric_unit"] == "%":
        return units.percent(found, units.decimals(judged(line)))
    return f"{found:.4f}"


def interval(line: dict[str, Any], name: str) -> tuple[float, float] | None:
    """Return the 95 % interval of a contender's metric, where there is one."""
    bounds = line["contenders"][name].get("interval")
    return None if bounds is None else (float(bounds[0]), float(bounds[1]))


def ahead(line: dict[str, Any], names: dict[str, str]) -> str:
    """Return who is beaten by nobody on one data set, by its own duel's verdicts.

    >>> pair = {"a": "net", "b": "trees", "verdict": "undecided"}
    >>> ahead({"comparisons": [pair]}, {"net": "network", "trees": "trees"})
    'undecided'
    >>> ahead({"comparisons": [pair | {"verdict": "a better"}]}, {"net": "network", "trees": "t"})
    'network'
    """
    found = line["comparisons"]
    beaten = {one["b"] for one in found if one["verdict"] == "a better"}
    beaten |= {one["a"] for one in found if one["verdict"] == "b better"}
    front = [name for name in names if name not in beaten]
    if len(front) == 1:
        return names[front[0]]
    among = {one["verdict"] for one in found if {one["a"], one["b"]} <= set(front)}
    how = "practically equal" if among == {"practically equal"} else "undecided"
    if len(front) in (0, len(names)):
        return how
    if len(front) > 2:
        return f"{len(front)} {how}"
    return f"{how}: {names[front[0]]}, {names[front[1]]}"


def results(suite: Suite) -> Table:
    """Return a line for each data set: every contender's metric, its interval, who is ahead."""
    called = titles(suite)
    rows, best = [], set()
    less = bool(suite.result["protocol"]["lower_is_better"])
    for number, line in enumerate(suite.result["datasets"]):
        texts, values = [], {}
        for place, name in enumerate(called):
            text = value(suite, line, name)
            values[place] = (line["contenders"][name]["value"] * (1 if less else -1), text)
            bounds = interval(line, name)
            between = "" if bounds is None else f" ({_bounds(suite, bounds, judged(line))})"
            texts.append(text + between)
        winner = min(values.values())[1]
        if len(called) > 1:
            best |= {(number, place + 1) for place, (_, text) in values.items() if text == winner}
        rows.append(
            (line["name"], *texts, ahead(line, called), _decided(line), units.count(line["rows"]))
        )
    title = suite.result["protocol"]["metric_title"]
    return Table(
        f"{title[0].upper()}{title[1:]} on every data set",
        ("Data set", *called.values(), "Ahead", "Decided by", "Rows"),
        tuple(rows),
        frozenset(best),
    )


def _bounds(suite: Suite, bounds: tuple[float, float], rows: int) -> str:
    if suite.result["protocol"]["metric_unit"] == "%":
        return units.interval(bounds, units.decimals(rows))
    return " to ".join(f"{bound:.4f}" for bound in bounds)


def _decided(line: dict[str, Any]) -> str:
    protocol = line["protocol"]
    split = protocol["split"]
    seeds = f", {protocol['seeds']} seeds" if protocol["seeds"] > 1 else ""
    return f"{protocol['metric_title']}, {split}{seeds}"


def size(suite: Suite, difference: float | None) -> str:
    """Write a difference of the suite's metric with its sign: points, or the bare number."""
    if suite.result["protocol"]["metric_unit"]:
        return units.points(difference, 2)
    return units.NONE if difference is None else units.points(difference / 100, 4)


def rope(suite: Suite) -> str:
    """Write what counts as equal: 1 point, or the bare number."""
    protocol = suite.result["protocol"]
    if not protocol["metric_unit"]:
        return f"{protocol['rope']:.3g} {protocol['metric_title']}"
    points = f"{100 * protocol['rope']:.3g}"
    return f"{points} point" if points == "1" else f"{points} points"


def pairs(suite: Suite) -> Table:
    """Return how every pair stands across the data sets."""
    called, across = titles(suite), suite.result["across"]
    unit = "points" if suite.result["protocol"]["metric_unit"] else "difference"
    rows = []
    for one in across["pairs"]:
        bounds = one["interval"]
        between = units.NONE if bounds is None else " to ".join(size(suite, b) for b in bounds)
        rows.append(
            (
                f"{called[one['a']]} − {called[one['b']]}",
                str(one["wins"]),
                str(one["ties"]),
                str(one["losses"]),
                verdict(one, called),
                size(suite, one["median_difference"]),
                between,
                units.p_value(one["p_value"]),
                units.p_value(one["p_adjusted"]),
                " / ".join(f"{100 * p:.0f}" for p in one["bayes"]),
            )
        )
    return Table(
        "Every pair across the data sets",
        (
            "First − second",
            "Wins",
            "Ties",
            "Losses",
            "Verdict",
            f"Median, {unit}",
            "95 % interval",
            "p (Wilcoxon)",
            "p, adjusted",
            "First / equal / second, %",
        ),
        tuple(rows),
    )


def ranks(suite: Suite) -> Table:
    """Return every contender's mean rank, and what its fits took."""
    called, across = titles(suite), suite.result["across"]
    times = {
        name: median(line["contenders"][name]["fit_seconds"] for line in suite.result["datasets"])
        for name in called
    }
    order = sorted(across["ranks"], key=lambda name: float(across["ranks"][name]))
    best = {(0, 1)} if len(order) > 1 else set()
    return Table(
        "Mean ranks (1 is best on every data set)",
        ("Contender", "Mean rank", "Median training"),
        tuple(
            (called[name], f"{across['ranks'][name]:.2f}", units.seconds(times[name]))
            for name in order
        ),
        frozenset(best),
    )


def differences(suite: Suite, a: str, b: str) -> Table:
    """Return the difference of one pair on every data set."""
    called = titles(suite)
    rows = []
    for line in suite.result["datasets"]:
        value_, bounds, said = difference(suite, line, a, b)
        between = units.NONE if bounds is None else " to ".join(size(suite, x) for x in bounds)
        rows.append((line["name"], size(suite, value_), between, said))
    return Table(
        f"{called[a]} − {called[b]} on every data set",
        ("Data set", "Difference", "95 % interval", "Verdict of its duel"),
        tuple(rows),
    )


def difference(
    suite: Suite, line: dict[str, Any], a: str, b: str
) -> tuple[float, tuple[float, float] | None, str]:
    """Return loss of `a` − loss of `b` on one data set, its interval, and the duel's verdict.

    The interval is the duel's own, where it was decided by the suite's metric.
    """
    sign = 1 if suite.result["protocol"]["lower_is_better"] else -1
    values = {name: float(line["contenders"][name]["value"]) for name in (a, b)}
    gap = sign * (values[a] - values[b])
    called = titles(suite)
    for one in line["comparisons"]:
        if {one["a"], one["b"]} != {a, b}:
            continue
        said = verdict(one, called)
        if one["metric"] != suite.result["protocol"]["metric"]:
            return gap, None, f"{said}, by {line['protocol']['metric_title']}"
        low, high = one["interval"]
        bounds = (low, high) if one["a"] == a else (-high, -low)
        return gap, bounds, said
    return gap, None, units.NONE
