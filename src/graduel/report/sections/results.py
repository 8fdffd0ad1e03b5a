"""The main table: metrics and costs of each contender."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import stdev

from graduel.duel.result.duel_result import ConformalResult
from graduel.duel.result.outcome import Run
from graduel.number_format import (
    NONE,
    format_exact,
    format_number,
    format_percent,
    format_score,
)
from graduel.report.draw.contender_names import list_titles
from graduel.report.draw.loss_scale import LossScale, curve_scale
from graduel.report.draw.picture import TextTable
from graduel.report.draw.wording import capitalize
from graduel.report.sections.calibration import Scaling, read_calibrations
from graduel.report.sections.cost import read_costs, read_latency_rows
from graduel.report.sections.protocol_text import name_run

ECE_NOTE = (
    "ECE: expected calibration error; in parentheses, the ECE that a perfectly calibrated "
    "contender would show by chance."
)
"""The explanation of the ECE below the table."""


def list_notes(run: Run) -> list[str]:
    """Return the explanations of the table's rows."""
    return [ECE_NOTE] if run.result.dataset.n_classes else []


def build_table(run: Run) -> TextTable:
    """Return the main table: a row for each metric and cost, a column for each contender."""
    entries = list(run.result.contenders.values())
    scale = curve_scale(run)
    rows: list[tuple[str, ...]] = []
    best: set[tuple[int, int]] = set()

    def add(label: str, losses: Sequence[float | None], texts: list[str]) -> None:
        measured = [loss for loss in losses if loss is not None]
        if len(measured) > 1:
            # Values that read the same count as equal.
            winner = texts[losses.index(min(measured))]
            best.update((len(rows), i + 1) for i, text in enumerate(texts) if text == winner)
        rows.append((label, *texts))

    def add_calibration(scaling: Scaling, added: str, *, losses: bool) -> None:
        calibrations = read_calibrations(run, scaling).values()
        if losses:
            for label, scores in (
                ("Log loss", [one.log_loss for one in calibrations]),
                ("Brier score", [one.brier for one in calibrations]),
            ):
                add(label + added, scores, list(map(format_number, scores)))
        texts = [
            f"{format_percent(one.ece)} ({format_percent(one.ece_by_chance)})"
            for one in calibrations
        ]
        add("ECE (by chance)" + added, [one.ece for one in calibrations], texts)

    errors = [entry.curve_loss for entry in entries]
    add(scale.title, errors, [scale.text(error) for error in errors])
    rows.append(("95 % CI", *(scale.interval(entry.curve_loss_interval) for entry in entries)))
    if name_run(run) == "Fit":
        spreads = [
            f"± {format_number(scale.factor * stdev(entry.curve_losses), scale.decimals)}"
            if len(entry.curve_losses) > 1
            else NONE
            for entry in entries
        ]
        rows.append((f"SD over folds{', points' if scale.unit else ''}", *spreads))
    if (leading := _leading_metric(run)) is not None:
        add(*leading)
    if run.result.dataset.n_classes:
        for label, scores in (
            ("Log loss", [entry.log_loss for entry in entries]),
            ("Brier score", [entry.brier for entry in entries]),
        ):
            add(label, scores, list(map(format_number, scores)))
        add_calibration("before", "", losses=False)
        add_calibration("after", ", temperature-scaled", losses=True)
    else:
        for label, scores in (
            ("Mean absolute error", [entry.mae for entry in entries]),
            ("Median absolute error", [entry.median_error for entry in entries]),
        ):
            add(label, scores, list(map(scale.text, scores)))
        r2 = [entry.r2 or 0.0 for entry in entries]
        add("R² (higher is better)", [-one for one in r2], list(map(format_number, r2)))
        intervals = [entry.conformal for entry in entries if entry.conformal]
        if len(intervals) == len(entries):
            rows += _list_intervals(intervals, scale)
    latency = read_latency_rows(run)
    for one in read_costs(run):
        # Times are not comparable if one is too long.
        losses = [None] * len(entries) if one.marked else list(one.values.values())
        add(one.label, losses, one.format_all())
        if one.key in latency:
            rows.append(latency[one.key])
    head = ("Lower is better", *list_titles(run).values())
    return TextTable("Results on the test rows", head, tuple(rows), frozenset(best))


def _list_intervals(results: Sequence[ConformalResult], scale: LossScale) -> list[tuple[str, ...]]:
    """Return the rows on coverage and width of conformal intervals."""
    what = f"{format_exact(100 * results[0].level)} % intervals"
    return [
        (f"{what}: coverage", *(format_percent(one.coverage, 1) for one in results)),
        (f"{what}: mean width", *(scale.text(one.size) for one in results)),
    ]


def _leading_metric(run: Run) -> tuple[str, list[float], list[str]] | None:
    """Return the row of the leading metric as (label, losses, texts).

    None if another row of the table shows it.
    """
    protocol = run.result.protocol
    if protocol.metric in ("error", "log_loss", "brier", "rmse", "mae", "medae", "r2"):
        return None
    values = [entry.leading_metric for entry in run.result.contenders.values()]
    texts = [format_score(value, protocol.metric_unit) for value in values]
    title = capitalize(protocol.metric_title)
    if protocol.lower_is_better:
        return title, values, texts
    return f"{title} (higher is better)", [-value for value in values], texts
