"""Calibration: reliability diagrams and ECE, before and after temperature scaling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.figure import Figure

from graduel.duel.result.outcome import Run
from graduel.number_format import (
    format_count,
    format_exact,
    format_interval,
    format_number,
    format_percent,
)
from graduel.report.draw.contender_names import list_looks, list_titles
from graduel.report.draw.notebook_figure import create_axes
from graduel.report.draw.picture import Picture, TextTable, draw_picture
from graduel.report.draw.style import MUTED, PAPER, WIDTH, draw_legend
from graduel.stats.proportions import wilson_interval

if TYPE_CHECKING:
    from graduel.metrics.calibration import Bin, Calibration

Scaling = Literal["before", "after"]

JOINED_FROM = 10
"""Fewest rows of a bin that the line joins; with fewer, the line would mislead."""
CAPTIONS: dict[Scaling, str] = {
    "before": "Reliability diagram before temperature scaling: accuracy over the probability of "
    "the predicted class, in ten bins, with 95 % CI. Larger markers are bins of more rows; bins of "
    "fewer than ten rows are not joined. A calibrated contender is on the dashed line, an "
    "overconfident one below it. ECE, the expected calibration error, is the mean distance between "
    "accuracy and probability, weighted by rows; in brackets the ECE that a perfectly calibrated "
    "contender would show by chance alone.",
    "after": "Reliability diagram after temperature scaling: each probability p is replaced by "
    "p^(1/T), normalized, with the T of the lowest log loss on the validation rows. Predicted "
    "classes stay the same; only their probabilities change.",
}


def read_calibrations(run: Run, scaling: Scaling = "before") -> dict[str, Calibration]:
    """Return each contender's calibration before or after temperature scaling.

    ``docs/statistics.md`` defines the expected calibration error (ECE) and its estimates.
    """
    entries = run.result.contenders.items()
    return {
        name: getattr(entry.calibration, scaling) for name, entry in entries if entry.calibration
    }


def describe_ece(one: Calibration) -> str:
    """Return the ECE as usually reported, with the ECE that chance alone would give."""
    return f"ECE {format_percent(one.ece)} (chance: {format_percent(one.ece_by_chance)})"


def find_interval(one: Bin) -> tuple[float, float]:
    """Return the 95 % Wilson interval of the accuracy in a bin."""
    return wilson_interval(round(one.right * one.rows), one.rows)


def calibration(run: Run, scaling: Scaling = "before") -> Figure:
    """Draw the reliability diagrams: accuracy over predicted probability, with the ECE.

    `scaling` is "before" or "after" temperature scaling.
    """
    calibrations = read_calibrations(run, scaling)
    titles, looks = list_titles(run), list_looks(run)
    fig, ax = create_axes(WIDTH, WIDTH * 0.86 + 0.19 * len(calibrations), grid="both")
    ax.plot([0, 100], [0, 100], color=MUTED.light, linewidth=0.9, linestyle=(0, (4, 3)))
    most = max(one.rows for entry in calibrations.values() for one in entry.diagram)
    for name, entry in calibrations.items():
        look, bins = looks[name], entry.diagram
        color = look.color.light
        confidences, accuracies = _in_percent(bins)
        lows, highs = zip(*map(find_interval, bins), strict=True)
        ax.vlines(
            confidences,
            [100 * low for low in lows],
            [100 * high for high in highs],
            color=color,
            linewidth=1,
            alpha=0.45,
        )
        joined = _in_percent([one for one in bins if one.rows >= JOINED_FROM])
        ax.plot(*joined, color=color, linewidth=1.5, linestyle=look.line)
        area = [14 + 46 * float(np.log1p(one.rows) / np.log1p(most)) for one in bins]
        ax.scatter(
            confidences,
            accuracies,
            s=area,
            marker=look.mark,
            color=color,
            edgecolor=PAPER.light,
            zorder=3,
        )
    ax.set_xlim(-1, 102)
    ax.set_ylim(-1, 102)
    ax.set_aspect("equal")
    ticks = range(0, 101, 20)
    ax.set_xticks(ticks)
    ax.set_yticks(ticks)
    ax.set_xlabel("probability of the predicted class, %")
    ax.set_ylabel("accuracy, %")
    labels = {
        name: f"{titles[name][:24]}: {describe_ece(entry)}" for name, entry in calibrations.items()
    }
    draw_legend(fig, ax, labels, looks)
    return fig


def _in_percent(bins: list[Bin] | tuple[Bin, ...]) -> tuple[list[float], list[float]]:
    """Return mean probability and accuracy of each bin, in percent."""
    return [100 * one.confidence for one in bins], [100 * one.right for one in bins]


def build_table(run: Run) -> TextTable:
    """Return log loss, Brier score and ECE, before and after temperature scaling."""
    titles, rows = list_titles(run), []
    for scaling, label in (("before", "unscaled"), ("after", "temperature-scaled")):
        for name, one in read_calibrations(run, scaling).items():  # type: ignore[arg-type]
            calibrated = run.result.contenders[name].calibration
            fitted = () if calibrated is None else calibrated.temperatures
            temperature = float(np.exp(np.mean(np.log(fitted))))
            rows.append(
                (
                    f"{titles[name]}, {label}",
                    "1" if scaling == "before" else format_number(temperature, 3),
                    format_number(one.log_loss),
                    format_number(one.brier),
                    format_percent(one.ece),
                    format_percent(one.ece_by_chance),
                    format_interval(one.ece_interval),
                )
            )
    return TextTable(
        "Calibration before and after temperature scaling",
        (
            "Contender",
            "Temperature",
            "Log loss",
            "Brier score",
            "ECE",
            "Chance alone",
            "Corrected 95 % CI",
        ),
        tuple(rows),
    )


def build_bin_table(run: Run, scaling: Scaling) -> TextTable:
    """Return the bins of every reliability diagram."""
    titles = list_titles(run)
    return TextTable(
        "Accuracy by probability of the predicted class",
        (
            "Contender",
            "Probability, %",
            "Test rows",
            "Mean probability",
            "Accuracy",
            "95 % CI, %",
        ),
        tuple(
            (
                titles[name],
                f"{100 * one.low:.0f} to {100 * one.high:.0f}",
                format_count(one.rows),
                format_percent(one.confidence, 1),
                format_percent(one.right, 1),
                format_interval(find_interval(one), 1),
            )
            for name, entry in read_calibrations(run, scaling).items()
            for one in entry.diagram
        ),
    )


def describe_sets(run: Run) -> str:
    """Return the sentence on conformal sets of classes; "" without any."""
    titles, parts, level = list_titles(run), [], 0.0
    for name, entry in run.result.contenders.items():
        if (one := entry.conformal) is not None:
            level = one.level
            covered, size = format_percent(one.coverage, 1), format_number(one.size, 2)
            parts.append(f"{titles[name]} {covered} with {size} classes")
    if not parts:
        return ""
    return (
        f"Conformal sets, calibrated on the validation rows to contain the true class of "
        f"{format_exact(100 * level)} % of the rows, contain it and hold on average: "
        f"{'; '.join(parts)}."
    )


def build_pictures(run: Run) -> list[Picture]:
    """Return the reliability diagrams before and after temperature scaling for a page."""
    titles, pictures = list_titles(run), []
    slugs: dict[Scaling, str] = {"before": "calibration", "after": "calibration-after"}
    for scaling, slug in slugs.items():
        errors = "; ".join(
            f"{titles[name]}, {describe_ece(entry)}"
            for name, entry in read_calibrations(run, scaling).items()
        )
        pictures.append(
            draw_picture(
                slug,
                calibration(run, scaling),
                f"Reliability diagram {scaling} temperature scaling. "
                f"Expected calibration error: {errors}.",
                CAPTIONS[scaling],
                build_bin_table(run, scaling),
            )
        )
    return pictures
