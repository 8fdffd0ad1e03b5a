"""The report of a suite: one self-contained HTML page."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from graduel.atomic_io import atomic_write
from graduel.duel.result.outcome import Suite
from graduel.duel.verdict.sentences import capitalize_the, join_words, with_article
from graduel.number_format import NONE, agree, format_number, format_quantity
from graduel.report.draw.contender_names import list_looks, list_titles
from graduel.report.draw.html import render_template
from graduel.report.draw.wording import capitalize, split_sentence
from graduel.report.page import PAGE, VERDICTS_OPEN
from graduel.report.sections.differences import find_beaten
from graduel.report.sections.protocol_text import describe_workers
from graduel.report.sections.settings import build_environment_table
from graduel.report.suite import by_dataset, critical_difference, pair_differences, wins
from graduel.report.suite.metric_text import format_rope

SUITE_PAGE = "suite.html"


def write_suite(suite: Suite, path: str | os.PathLike[str] | None = None) -> Path:
    """Write the report of `suite` to `path` atomically, and return the file's path.

    If `path` is a folder, the file is ``suite.html`` in it. By default it is the suite's folder.
    """
    target = Path(suite.path if path is None else path)
    if target.is_dir():
        target = target / SUITE_PAGE
    atomic_write(target, render_suite(suite))
    return target


def render_suite(suite: Suite) -> str:
    """Return the report of a suite as HTML."""
    result, across = suite.result, suite.result.across
    return render_template(
        "suite.html.j2",
        title=_build_title(suite),
        headline=build_headline(suite),
        verdicts=[split_sentence(one.sentence) for one in across.pairs] if across else [],
        verdicts_open=VERDICTS_OPEN,
        failures=result.failures,
        unfinished=result.unfinished,
        names=list(suite.result.contenders),
        looks=list_looks(suite),
        result=by_dataset.build_table(suite) if result.datasets else None,
        links={
            one.name: f"{quote(one.name)}/{PAGE}"
            for one in result.datasets
            if (suite.path / one.name / PAGE).exists()
        },
        picture=by_dataset.build_picture(suite) if result.datasets else None,
        differences=pair_differences.build_pictures(suite) if across else [],
        wins=wins.build_picture(suite) if across else None,
        pairs=wins.build_table(suite) if across else None,
        ranks=critical_difference.build_table(suite) if across else None,
        diagram=critical_difference.build_picture(suite) if across else None,
        across=across,
        friedman=critical_difference.describe_friedman(across) if across else "",
        by_log_loss=_build_log_loss_part(suite),
        other_metrics=describe_other_metrics(suite),
        protocol=_build_terms(suite),
        command=result.environment.command,
        environment=build_environment_table(result.environment),
        version=result.environment.versions.get("graduel", ""),
    )


def _build_log_loss_part(suite: Suite) -> dict[str, Any] | None:
    """Return the content of the log-loss section; None if log loss is the leading metric."""
    other = suite.by_log_loss()
    if other is None or other.result.across is None:
        return None
    table = by_dataset.build_table(other)
    # The last columns hold verdicts by the metrics of the duels.
    table = replace(table, head=table.head[:-3], rows=tuple(row[:-3] for row in table.rows))
    return {
        "headline": build_headline(other),
        "diagram": critical_difference.build_picture(other, "-by-log-loss"),
        "ranks": critical_difference.build_table(other),
        "friedman": critical_difference.describe_friedman(other.result.across),
        "result": table,
        "pairs": wins.build_table(other),
        "rope": format_rope(other),
    }


def _build_title(suite: Suite) -> str:
    protocol = suite.result.protocol
    rows = f", at most {protocol.rows:,} training rows" if protocol.rows else ""
    title = f"{'quick ' if protocol.quick else ''}suite of duels on {_count_datasets(suite)}{rows}"
    return capitalize(title)


def _count_datasets(suite: Suite) -> str:
    return format_quantity(len(suite.result.datasets), "data set")


def build_headline(suite: Suite) -> str:
    """Return the main result in one sentence."""
    across = suite.result.across
    titles = list_titles(suite)
    titles = {name: with_article(name, titles) for name in titles}
    if not suite.result.datasets:
        return "The duels on all data sets failed."
    if across is None:
        one = "contender" if len(titles) == 1 else "data set"
        return f"Only one {one}: nothing to compare across data sets."
    best = min(across.ranks, key=lambda name: across.ranks[name])
    beaten = find_beaten(across.pairs, by=best)
    others = [title for name, title in titles.items() if name != best]
    unbeaten = [title for name, title in titles.items() if name not in (best, *beaten)]
    rank = f"{format_number(across.ranks[best], 2)} of {len(titles)}"
    sentence = capitalize_the(
        f"{titles[best]} has the best mean rank on {_count_datasets(suite)}, {rank}"
    )
    if unbeaten:
        return f"{sentence}, but is not shown to be better than {join_words(unbeaten)}."
    rest = join_words(others) if len(others) < 4 else "all others"
    return f"{sentence}, and is better than {rest}."


def describe_other_metrics(suite: Suite) -> str:
    """Return a sentence on duels decided by another metric than the suite's; empty without one."""
    protocol = suite.result.protocol
    others = [one for one in suite.result.datasets if one.protocol.metric != protocol.metric]
    if not others:
        return ""
    names = join_words([one.name for one in others])
    metrics = join_words(sorted({one.protocol.metric_title for one in others}))
    subject = agree(len(others), "duel on {} is", "duels on {} are").format(names)
    return (
        f"The {subject} decided by {metrics}; "
        f"the comparison across data sets uses {protocol.metric_title}."
    )


def _build_terms(suite: Suite) -> list[tuple[str, str]]:
    """Return the protocol as (term, description) pairs."""
    protocol, datasets = suite.result.protocol, suite.result.datasets
    splits = sorted({one.protocol.split for one in datasets})
    terms = [
        ("Data sets", f"{len(datasets)}, each with its own duel and report"),
        ("Splits", ", ".join(splits) or NONE),
        ("Metric", protocol.metric_title),
        ("ROPE", f"up to {format_rope(suite)}"),
        ("Threads", f"{protocol.threads} for each fit, one fit at a time"),
    ]
    if protocol.workers > 1:
        terms.append(("Workers", describe_workers(protocol.workers)))
    if protocol.seeds:
        terms.append(("Seeds", str(protocol.seeds)))
    if protocol.rows:
        terms.append(("Rows", f"at most {protocol.rows:,} for training and validation"))
    if protocol.quick:
        terms.append(
            ("Quick", "yes: few rows and small budgets; the full duels may have other results")
        )
    return terms
