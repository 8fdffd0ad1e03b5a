"""The table of ``graduel verdict --scores``: a row for each fold, a column for each model."""

from __future__ import annotations

import numpy as np

from graduel.data.read.arrays.array_file import read_array
from graduel.data.read.tables.table_format import ReadOptions
from graduel.duel.verdict.scores import compare_scores
from graduel.duel.verdict.types import Comparison
from graduel.errors import UserError, unknown

NUMBERING = ("fold", "repeat", "split", "run", "seed", "")
"""Columns that number the rows, in lower case; they are no scores."""


def compare_columns(
    file: str,
    metric: str,
    n_rows: int | None,
    repeats: int | None,
    rope: float | None,
    names: tuple[str, ...] | None,
    options: ReadOptions,
) -> Comparison:
    """Compare two columns of a table of scores by fold.

    Parameters
    ----------
    file : the table; columns named fold, repeat, split, run or seed only number its rows
    metric : the metric of the scores
    n_rows : number of rows that were split
    repeats : number of repeats; by default that of the column ``repeat``, or 1
    rope : the region of practical equivalence
    names : the two columns; needed if there are more
    options : the format of a text file

    Raises
    ------
    UserError
        If the file is no such table, or the columns are unknown.
    """
    table = read_array(file, options)
    if table.columns is None:
        raise UserError(
            f"{file}: expected a table with a column of scores for each model and a header; got "
            "one column. Save both models' scores in one table"
        )
    numbers = {name.strip().lower(): i for i, name in enumerate(table.columns)}
    models = [name for name in table.columns if name.strip().lower() not in NUMBERING]
    columns = list(names) if names is not None else models
    for name in columns:
        if name not in models:
            raise unknown("--names", name, models)
    if len(columns) != 2:
        raise UserError(
            f"{file}: expected two columns of scores; got {', '.join(columns) or 'none'}. Name two "
            "of them: --names A,B"
        )
    array = np.asarray(table.array)
    if repeats is None and "repeat" in numbers:
        column = array[:, numbers["repeat"]]
        array = array[np.argsort(column, kind="stable")]
        repeats = len(np.unique(column))
    one, other = (array[:, table.columns.index(name)] for name in columns)
    return compare_scores(
        one,
        other,
        metric=metric,
        n_rows=n_rows,
        repeats=repeats,
        rope=rope,
        names=(columns[0], columns[1]),
    )
