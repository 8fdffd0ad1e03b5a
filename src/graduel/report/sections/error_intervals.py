"""Test errors of the contenders with confidence intervals."""

from __future__ import annotations

from matplotlib.figure import Figure

from graduel.duel.result.outcome import Run
from graduel.number_format import count_decimals, format_interval, format_percent
from graduel.report.draw.contender_names import list_looks, list_titles
from graduel.report.draw.interval_rows import (
    create_rows,
    draw_tracks,
    draw_whisker,
    write_in_row,
)
from graduel.report.draw.picture import Picture, TextTable, draw_picture
from graduel.report.draw.style import escape_text
from graduel.report.sections.protocol_text import name_run


def errors(run: Run) -> Figure:
    """Draw the test error of each contender with its 95 % CI and a small mark for each run."""
    entries, titles, looks = run.result.contenders, list_titles(run), list_looks(run)
    decimals = count_decimals(len(run.y_test))
    fig, ax = create_rows(len(entries), 0.5, 0.66)
    ends = [1e-4]
    for y, (name, entry) in enumerate(entries.items()):
        color, mark = looks[name].color.light, looks[name].mark
        error, interval = entry.test_error, entry.test_error_interval
        write_in_row(ax, 0, y - 0.3, escape_text(titles[name], 24), color, bold=True)
        text = f"{format_percent(error, decimals)}  ({format_interval(interval, decimals)})"
        write_in_row(ax, 1, y - 0.3, text)
        draw_whisker(ax, y, error, interval, color, mark)
        if len(entry.test_errors) > 1:
            shares = [100 * share for share in entry.test_errors]
            ax.plot(shares, [y + 0.2] * len(shares), "|", color=color, ms=5, mew=1)
        ends += [error, *interval, *entry.test_errors]
    draw_tracks(ax, len(entries), 0, 105 * max(ends), "test error, %")
    return fig


def build_table(run: Run) -> TextTable:
    """Return the test error of each contender, its CI, and the error of each run."""
    titles, decimals = list_titles(run), count_decimals(len(run.y_test))
    return TextTable(
        "Test errors",
        ("Contender", "Test error", "95 % CI, %", f"By {name_run(run).lower()}"),
        tuple(
            (
                titles[name],
                format_percent(entry.test_error, decimals),
                format_interval(entry.test_error_interval, decimals),
                ", ".join(format_percent(share, decimals) for share in entry.test_errors),
            )
            for name, entry in run.result.contenders.items()
        ),
    )


def build_picture(run: Run) -> Picture:
    """Return the test errors for a page."""
    table = build_table(run)
    values = "; ".join(f"{title} {error}, {interval}" for title, error, interval, _ in table.rows)
    return draw_picture(
        "errors",
        errors(run),
        f"Test error of each contender with 95 % CI. {values}.",
        "Test error, the share of misclassified test rows, with 95 % CI. To compare contenders, "
        "see their paired difference: they predict the same rows, so that a difference can be "
        "significant although the intervals overlap.",
        table,
    )
