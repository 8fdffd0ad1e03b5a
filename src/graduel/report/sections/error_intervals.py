"""Test errors (in a regression, RMSE) of the contenders with confidence intervals."""

from __future__ import annotations

from matplotlib.figure import Figure

from graduel.duel.result.outcome import Run
from graduel.report.draw.contender_names import list_looks, list_titles
from graduel.report.draw.interval_rows import (
    create_rows,
    draw_tracks,
    draw_whisker,
    write_in_row,
)
from graduel.report.draw.loss_scale import curve_scale
from graduel.report.draw.picture import Picture, TextTable, draw_picture
from graduel.report.draw.style import escape_text
from graduel.report.sections.protocol_text import name_run


def errors(run: Run) -> Figure:
    """Draw the test error of each contender with its 95 % CI and a small mark for each run."""
    entries, titles, looks = run.result.contenders, list_titles(run), list_looks(run)
    scale = curve_scale(run)
    fig, ax = create_rows(len(entries), 0.5, 0.66)
    ends = [scale.lowest]
    for y, (name, entry) in enumerate(entries.items()):
        color, mark = looks[name].color.light, looks[name].mark
        error, interval = entry.curve_loss, entry.curve_loss_interval
        write_in_row(ax, 0, y - 0.3, escape_text(titles[name], 24), color, bold=True)
        text = f"{scale.text(error)}  ({scale.interval(interval)})"
        write_in_row(ax, 1, y - 0.3, text)
        draw_whisker(ax, y, error, interval, color, mark, scale.factor)
        if len(entry.curve_losses) > 1:
            shares = [scale.factor * share for share in entry.curve_losses]
            ax.plot(shares, [y + 0.2] * len(shares), "|", color=color, ms=5, mew=1)
        ends += [error, *interval, *entry.curve_losses]
    low, high = (0, 1.05 * scale.factor * max(ends))
    draw_tracks(ax, len(entries), low, high, scale.axis)
    return fig


def build_table(run: Run) -> TextTable:
    """Return the test error of each contender, its CI, and the error of each run."""
    titles, scale = list_titles(run), curve_scale(run)
    return TextTable(
        f"{scale.title}{'s' if scale.unit else ''}",
        (
            "Contender",
            scale.title,
            f"95 % CI{',' if scale.unit else ''}{scale.unit}",
            f"By {name_run(run).lower()}",
        ),
        tuple(
            (
                titles[name],
                scale.text(entry.curve_loss),
                scale.interval(entry.curve_loss_interval),
                ", ".join(scale.text(share) for share in entry.curve_losses),
            )
            for name, entry in run.result.contenders.items()
        ),
    )


def build_picture(run: Run) -> Picture:
    """Return the test errors for a page."""
    table, scale = build_table(run), curve_scale(run)
    what = (
        "Test error, the share of misclassified test rows"
        if scale.unit
        else "RMSE, the root mean squared error on the test rows, in the unit of the target"
    )
    values = "; ".join(f"{title} {error}, {interval}" for title, error, interval, _ in table.rows)
    return draw_picture(
        "errors",
        errors(run),
        f"{scale.title} of each contender with 95 % CI. {values}.",
        f"{what}, with 95 % CI. To compare contenders, "
        "see their paired difference: they predict the same rows, so that a difference can be "
        "significant although the intervals overlap.",
        table,
    )
