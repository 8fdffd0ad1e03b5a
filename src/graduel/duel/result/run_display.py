"""Text, HTML and figures of a run and a suite, as methods.

Figures and HTML are :mod:`graduel.report`'s, which is above this package: it is imported by name
when a method needs it, so that a duel itself never draws.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from graduel.duel.result.duel_result import Result
from graduel.duel.result.suite_result import SuiteResult
from graduel.duel.verdict.types import Comparison
from graduel.number_format import format_percent, format_quantity, format_score, format_seconds
from graduel.short_view import join_lines

MOST_LISTED = 3
"""Most contenders, verdicts or failures in a text."""


class RunDisplay:
    """Methods of a run that show it."""

    __slots__ = ()

    path: Path
    result: Result

    def report(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Write the report, one HTML page, and return the path of the file.

        See :func:`graduel.report.write_report`.
        """
        written: Path = _report().write_report(self, path)
        return written

    def race(self, ax: Any = None) -> Any:
        """Draw test error over training time; return a matplotlib ``Figure``.

        A notebook shows the figure without a magic command.

        Parameters
        ----------
        ax : matplotlib axes to draw into; by default a new figure
        """
        return _report().race(self, ax=ax)

    def confusion(self, contender: str, ax: Any = None) -> Any:
        """Draw the confusion matrix of a contender; return a matplotlib ``Figure``.

        Parameters
        ----------
        contender : its name, a key of ``result.contenders``
        ax : matplotlib axes to draw into; by default a new figure

        Raises
        ------
        ValueError
            If there is no contender of that name.
        """
        return _report().confusion_matrix(self, contender, ax=ax)

    def __repr__(self) -> str:
        result, protocol = self.result, self.result.protocol
        lines = [f"Run on {result.dataset.name}, split {protocol.split}, in {self.path}"]
        entries = sorted(result.contenders.items(), key=lambda pair: pair[1].curve_loss)
        for name, entry in entries[:MOST_LISTED]:
            text = f"{name}: "
            text += (
                "" if entry.test_error is None else f"test error {format_percent(entry.test_error)}"
            )
            if entry.metric is not None:
                text += ", " if entry.test_error is not None else ""
                value = format_score(entry.metric, protocol.metric_unit)
                text += f"{protocol.metric_title} {value}"
            lines.append(f"{text}, fit in {format_seconds(entry.fit_seconds[0])}")
        if len(entries) > MOST_LISTED:
            lines[-1] += f"; {len(entries) - MOST_LISTED} more in table()"
        if result.missing is not None:
            failures = list(result.missing.failures.items())
            lines += [f"{name} failed: {message}" for name, message in failures[:1]]
            lines += [] if failures else [result.missing.sentence]
        lines += list_sentences(result.comparisons)
        return join_lines([*lines, *list_warnings(result)])

    def _repr_html_(self) -> str:
        html: str = _notebook().render_run(self)
        return html


class SuiteDisplay:
    """Methods of a suite that show it."""

    __slots__ = ()

    path: Path
    result: SuiteResult

    def report(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Write the report, one HTML page, and return the path of the file.

        See :func:`graduel.report.write_suite`.
        """
        written: Path = _report().write_suite(self, path)
        return written

    def __repr__(self) -> str:
        names = [dataset.name for dataset in self.result.datasets]
        count = format_quantity(len(names), "data set")
        lines = [
            f"Suite on {count} in {self.path}: {', '.join(names)}",
            f"contenders: {', '.join(self.result.contenders)}",
            *(f"failed: {one.name}: {one.message}" for one in self.result.failures[:MOST_LISTED]),
        ]
        if self.result.across is not None:
            lines += [pair.sentence for pair in self.result.across.pairs]
        return join_lines(lines, "verdicts")

    def _repr_html_(self) -> str:
        html: str = _notebook().render_suite(self)
        return html


def list_warnings(result: Result) -> list[str]:
    """Return a sentence with the titles of the warnings about the data, if there are any."""
    warnings = [one for one in result.dataset.warnings or () if one.severity == "warning"]
    if not warnings:
        return []
    titles = "; ".join(dict.fromkeys(f"{one.code} {one.title}" for one in warnings))
    return [f"{format_quantity(len(warnings), 'warning')} in result.dataset.warnings: {titles}"]


def list_sentences(comparisons: tuple[Comparison, ...]) -> list[str]:
    """Return the sentences of the first verdicts, and how many others there are."""
    sentences = [pair.sentence for pair in comparisons[:MOST_LISTED]]
    if len(comparisons) > MOST_LISTED:
        sentences.append(f"{len(comparisons) - MOST_LISTED} more in verdicts()")
    return sentences


def _report() -> Any:
    return import_module("graduel.report")


def _notebook() -> Any:
    return import_module("graduel.report.notebook_view")
