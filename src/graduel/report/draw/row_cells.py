"""Cells for tables of test rows: the row number and, if the report may show them, features."""

from __future__ import annotations

from graduel.duel.result.outcome import Run
from graduel.number_format import NONE, format_setting

MOST_CELLS = 40
"""Most columns shown of a row; the first ones of wider tables."""


def find_row_number(run: Run, row: int) -> int:
    """Return the number of a test row: in user data its row in the table, from 1."""
    return row if run.rows is None else int(run.rows[row]) + 1


def describe_numbering(run: Run) -> str:
    """Return in words how :func:`find_row_number` counts rows."""
    if run.rows is None:
        return "test rows counted from 0"
    return "row numbers of the table, counted from 1 without its header"


def list_cell_names(run: Run) -> tuple[str, ...]:
    """Return the names of the columns to show; empty if the report may not show rows."""
    return () if run.cells is None else tuple(run.cells.columns[:MOST_CELLS])


def format_cells(run: Run, row: int) -> tuple[str, ...]:
    """Return the features of a test row as texts, in the order of :func:`list_cell_names`."""
    values = (run.cells[name][row] for name in list_cell_names(run))
    return tuple(NONE if value is None else format_setting(value) for value in values)
