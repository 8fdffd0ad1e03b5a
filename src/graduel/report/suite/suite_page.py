"""One self-contained page about a finished suite."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from graduel.duel.result.outcome import Suite
from graduel.report.draw import units
from graduel.report.draw.html import render_template, write_whole
from graduel.report.draw.style import assign_looks
from graduel.report.draw.svg import to_inline_svg
from graduel.report.draw.wording import describe_machine, join_words, split_sentence
from graduel.report.page import PAGE, VERDICTS_OPEN
from graduel.report.sections.numbers import phrase
from graduel.report.sections.pictures import WIDE, Picture
from graduel.report.suite import suite_figures as figures
from graduel.report.suite import suite_tables as tables
from graduel.report.suite.critical_difference import critical_difference

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from graduel.report.sections.tables import Table

SUITE_PAGE = "suite.html"
MOST_PAIRS = 3
"""Of more pairs the page draws those that matter most; the tables have all of them."""
USUAL = (("net", "xgboost"), ("textbook", "xgboost"), ("textbook", "net"))


def write_suite(suite: Suite) -> Path:
    """Write ``suite.html`` into the suite's folder, whole or not at all; return where it lies."""
    target = suite.path / SUITE_PAGE
    write_whole(target, render_suite(suite))
    return target


def render_suite(suite: Suite) -> str:
    """Return the page about a suite as HTML."""
    result, called = suite.result, tables.titles(suite)
    across = result["across"]
    datasets = result["datasets"]
    return render_template(
        "suite.html.j2",
        title=_title(result),
        headline=headline(suite),
        verdicts=[split_sentence(one["sentence"]) for one in across["pairs"]] if across else [],
        verdicts_open=VERDICTS_OPEN,
        failures=result["failures"],
        names=list(called),
        looks=assign_looks(called),
        result=tables.results(suite) if datasets else None,
        links={
            one["name"]: f"{quote(one['name'])}/{PAGE}"
            for one in datasets
            if (suite.path / one["name"] / PAGE).exists()
        },
        picture=_results(suite) if datasets else None,
        differences=[_differences(suite, a, b) for a, b in _main_pairs(suite)] if across else [],
        wins=_wins(suite) if across else None,
        pairs=tables.pairs(suite) if across else None,
        ranks=tables.ranks(suite) if across else None,
        diagram=_diagram(suite) if across and across["critical_difference"] else None,
        across=across,
        friedman=friedman(across) if across else "",
        second=_second(suite),
        mixed=mixed(result),
        protocol=_protocol(suite),
        command=str(result["environment"].get("command", "")),
        environment=describe_machine(result["environment"]),
        version=result["environment"].versions.get("graduel", ""),
    )


def _second(suite: Suite) -> dict[str, Any] | None:
    """Return what the page says of the log loss where another metric leads."""
    other = suite.by_log_loss()
    if other is None:
        return None
    across, result = other.result["across"], tables.results(other)
    # (Without who is ahead, and by what: those are the verdicts of the duels' own metrics.)
    return {
        "headline": headline(other),
        "diagram": _diagram(other, "-by-log-loss") if across["critical_difference"] else None,
        "ranks": tables.ranks(other),
        "friedman": friedman(across),
        "result": replace(result, head=result.head[:-3], rows=tuple(r[:-3] for r in result.rows)),
        "pairs": tables.pairs(other),
        "rope": tables.rope(other),
    }


def _title(result: dict[str, Any]) -> str:
    protocol = result["protocol"]
    quick = "quick " if protocol.get("quick") else ""
    count = len(result["datasets"])
    rows = (
        f", with at most {units.rows(protocol['rows'])} to learn from"
        if protocol.get("rows")
        else ""
    )
    return f"The {quick}suite of duels on {_sets(count)}{rows}"


def _sets(count: int) -> str:
    return "1 data set" if count == 1 else f"{count} data sets"


def headline(suite: Suite) -> str:
    """Return what can be said in one line."""
    across, datasets = suite.result["across"], suite.result["datasets"]
    called = {name: phrase(title) for name, title in tables.titles(suite).items()}
    if not datasets:
        return "No data set could be duelled on."
    if across is None:
        one = "One contender alone" if len(called) == 1 else "One data set alone"
        return f"{one}: there is nothing to compare across data sets."
    ranks = {name: float(rank) for name, rank in across["ranks"].items()}
    best = min(ranks, key=lambda name: ranks[name])
    beaten = {
        loser
        for pair in across["pairs"]
        for winner, loser, verdict in (
            (pair["a"], pair["b"], "a better"),
            (pair["b"], pair["a"], "b better"),
        )
        if winner == best and pair["verdict"] == verdict
    }
    others = [title for name, title in called.items() if name != best]
    open_ = [title for name, title in called.items() if name not in (best, *beaten)]
    rank = f"the best mean rank on {_sets(len(datasets))}, {ranks[best]:.2f} of {len(called)}"
    said = f"{called[best]} has {rank}"
    said = "T" + said[1:] if said.startswith("the ") else said
    if open_:
        return f"{said}, but is not shown to be better than {join_words(open_)}."
    return f"{said}, and is better than {join_words(others) if len(others) < 4 else 'all others'}."


def friedman(across: dict[str, Any]) -> str:
    """Say what Friedman's test says."""
    p = across["iman_davenport_p"]
    if p is None:
        return ""
    says = "some contenders differ" if p < 0.05 else "no contender is shown to differ from another"
    return (
        f"Friedman’s test over all contenders at once, by Iman and Davenport’s F: "
        f"p = {units.p_value(p)}".replace("= <", "<")
        + f" ({units.p_value(across['friedman_p'])} by χ²): {says}."
    )


def mixed(result: dict[str, Any]) -> str:
    """Say which duels are decided by another metric than the suite; empty where none is."""
    metric = result["protocol"]["metric"]
    others = [one for one in result["datasets"] if one["protocol"]["metric"] != metric]
    if not others:
        return ""
    which = join_words([one["name"] for one in others])
    by = join_words(sorted({one["protocol"]["metric_title"] for one in others}))
    alone = len(others) == 1
    return (
        f"The duel{'' if alone else 's'} on {which} {'is' if alone else 'are'} decided by {by}; "
        f"across data sets all are compared by {result['protocol']['metric_title']}."
    )


def _main_pairs(suite: Suite) -> list[tuple[str, str]]:
    """Return the pairs that are drawn: the usual ones first."""
    every = [(one["a"], one["b"]) for one in suite.result["across"]["pairs"]]
    usual = [pair for a, b in USUAL for pair in ((a, b), (b, a)) if pair in every]
    ranks = suite.result["across"]["ranks"]
    rest = sorted((p for p in every if p not in usual), key=lambda p: ranks[p[0]] + ranks[p[1]])
    return [*usual, *rest][:MOST_PAIRS]


def _picture(
    slug: str, figure: Figure, alt: str, caption: str, table: Table, wide: Figure | None = None
) -> Picture:
    large = None if wide is None else to_inline_svg(wide, prefix=f"{slug}-wide", label=alt)
    return Picture(slug, to_inline_svg(figure, prefix=slug, label=alt), caption, table, large)


def _results(suite: Suite) -> Picture:
    table = tables.results(suite)
    called = tables.titles(suite)
    title = suite.result["protocol"]["metric_title"]
    said = "; ".join(
        f"{line['name']}: "
        + ", ".join(f"{called[name]} {tables.value(suite, line, name)}" for name in called)
        for line in suite.result["datasets"]
    )
    known = any(tables.interval(line, name) for line in suite.result["datasets"] for name in called)
    interval = ", with 95 % intervals" if known else ""
    return _picture(
        "results-figure",
        figures.results(suite),
        f"Dot plot of the {title} of every contender on every data set. {said}.",
        f"The {title} of every contender on every data set{interval}. The intervals are each "
        "contender’s own; whether two differ is a matter of pairs, below."
        if interval
        else f"The {title} of every contender on every data set.",
        table,
        wide=figures.results(suite, width=WIDE),
    )


def _differences(suite: Suite, a: str, b: str) -> Picture:
    called = tables.titles(suite)
    table: Table = tables.differences(suite, a, b)
    said = "; ".join(f"{name} {value}, {verdict}" for name, value, _, verdict in table.rows)
    return _picture(
        f"differences-{_main_pairs(suite).index((a, b))}",
        figures.differences(suite, a, b),
        f"Differences of {called[a]} and {called[b]} on every data set. {said}.",
        f"{called[a]} − {called[b]} on every data set: left of zero {phrase(called[a])} is better. "
        "The band counts as equal. Filled marks are verdicts, hollow ones are undecided or "
        "practically equal; the last line is the median over all data sets with its interval.",
        table,
    )


def _wins(suite: Suite) -> Picture:
    table = tables.pairs(suite)
    said = "; ".join(f"{r[0]}: {r[1]} wins, {r[2]} ties, {r[3]} losses" for r in table.rows)
    return _picture(
        "wins",
        figures.wins(suite),
        f"Bars of wins, ties and losses for every pair. {said}.",
        f"On how many data sets each of a pair wins, by more than {tables.rope(suite)}; grey are "
        "ties. A win here is a difference of that size, whether or not it is more than chance on "
        "that data set.",
        table,
    )


def _diagram(suite: Suite, suffix: str = "") -> Picture:
    table = tables.ranks(suite)
    across, called = suite.result["across"], tables.titles(suite)
    said = "; ".join(f"{name} {rank}" for name, rank, _ in table.rows)
    groups = (
        "; ".join(join_words([called[n] for n in group]) for group in across["groups"]) or "none"
    )
    return _picture(
        f"critical-difference{suffix}",
        critical_difference(suite),
        f"Critical-difference diagram of mean ranks: {said}. Critical difference "
        f"{across['critical_difference']:.2f}. Not told apart: {groups}.",
        "Mean ranks, the best at the right. A bar joins contenders whose mean ranks differ by less "
        "than Nemenyi’s critical difference at 5 %.",
        table,
    )


def _protocol(suite: Suite) -> list[tuple[str, str]]:
    protocol, datasets = suite.result["protocol"], suite.result["datasets"]
    splits = sorted({str(one["protocol"]["split"]) for one in datasets})
    found = [
        ("Data sets", f"{len(datasets)}, each with a duel and a page of its own"),
        ("Splits", ", ".join(splits) or units.NONE),
        ("Metric", protocol["metric_title"]),
        ("Counts as equal", f"up to {tables.rope(suite)}"),
        ("Threads", f"{protocol['threads']} for each contender, one at a time"),
    ]
    if protocol.get("seeds"):
        found.append(("Seeds", str(protocol["seeds"])))
    if protocol.get("rows"):
        found.append(("Rows", f"at most {protocol['rows']:,} to learn from"))
    if protocol.get("quick"):
        found.append(("Quick", "yes: few rows and small budgets; the full duels may end otherwise"))
    return found
