"""Test rows in a table: their number and, where a report may show rows, their features."""

from __future__ import annotations

from graduel.duel.result.outcome import Run
from graduel.number_format import NONE, format_setting

MOST_CELLS = 40
"""Of wider tables, the first columns are shown."""


def find_row_number(run: Run, row: int) -> int:
    """Return the number that a reader knows a test row by: in user data its row there, from 1."""
    return row if run.rows is None else int(run.rows[row]) + 1


def describe_numbering(run: Run) -> str:
    """Return how :func:`find_row_number` counts."""
    if run.rows is None:
        return "test rows counted from 0"
    return "counted in the table from 1, without its header"


def list_cell_names(run: Run) -> tuple[str, ...]:
    """Return the names of the columns that may be shown; empty where no row may be."""
    return () if run.cells is None else tuple(run.cells.columns[:MOST_CELLS])


def format_cells(run: Run, row: int) -> tuple[str, ...]:
    """Return the features of a test row, one text for each of :func:`list_cell_names`."""
    values = (run.cells[name][row] for name in list_cell_names(run))
    return tuple(NONE if value is None else format_setting(value) for value in values)
