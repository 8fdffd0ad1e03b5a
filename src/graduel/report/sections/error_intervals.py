"""Test errors of the contenders, each with its confidence interval."""

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
    """Draw every contender's test error with its 95 % interval, and a small mark for each run."""
    entries, titles, looks = run.result.contenders, list_titles(run), list_looks(run)
    places = count_decimals(len(run.y_test))
    fig, ax = create_rows(len(entries), 0.5, 0.66)
    ends = [1e-4]
    for y, (name, entry) in enumerate(entries.items()):
        color, mark = looks[name].color.light, looks[name].mark
        error, interval = entry.test_error, entry.test_error_interval
        write_in_row(ax, 0, y - 0.3, escape_text(titles[name], 24), color, bold=True)
        text = f"{format_percent(error, places)}  ({format_interval(interval, places)})"
        write_in_row(ax, 1, y - 0.3, text)
        draw_whisker(ax, y, error, interval, color, mark)
        if len(entry.test_errors) > 1:
            shares = [100 * share for share in entry.test_errors]
            ax.plot(shares, [y + 0.2] * len(shares), "|", color=color, ms=5, mew=1)
        ends += [error, *interval, *entry.test_errors]
    draw_tracks(ax, len(entries), 0, 105 * max(ends), "test error, %")
    return fig


def build_table(run: Run) -> TextTable:
    """Return every contender's error, its interval, and the error of each run."""
    titles, places = list_titles(run), count_decimals(len(run.y_test))
    return TextTable(
        "Test errors",
        ("Contender", "Test error", "95 % interval, %", f"By {name_run(run).lower()}"),
        tuple(
            (
                titles[name],
                format_percent(entry.test_error, places),
                format_interval(entry.test_error_interval, places),
                ", ".join(format_percent(share, places) for share in entry.test_errors),
            )
            for name, entry in run.result.contenders.items()
        ),
    )


def build_picture(run: Run) -> Picture:
    """Return the test errors with their intervals for a page."""
    table = build_table(run)
    values = "; ".join(f"{title} {error}, {interval}" for title, error, interval, _ in table.rows)
    return draw_picture(
        "errors",
        errors(run),
        f"Test error of each contender with its 95 % interval. {values}.",
        "The share of the test rows that each contender gets wrong, with its 95 % interval. To "
        "compare two contenders, look at their difference: both answer the same rows, so their "
        "intervals may overlap although the difference is certain.",
        table,
    )
