"""From what was read to a data set: understood as its description says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.dataset import Dataset
from graduel.data.read.column_names import find, quote_name
from graduel.data.table import DroppedColumn, Table
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

    from graduel.data.spec import SourceSpec


def build_dataset(
    described: SourceSpec,
    content: pl.DataFrame | Dataset,
    target: str | None = None,
    decimal: str = ".",
    notes: tuple[str, ...] = (),
    origin: str = "",
) -> Dataset:
    """Understand what was read.

    Raises
    ------
    UserError
        If the description asks for what the data do not have.
    """
    if not isinstance(content, Dataset):
        return _table(described, content, described.target or target, decimal, notes, origin)
    given = [
        name
        for name in ("target", "categorical", "numeric", "drop", "bins", "group", "time")
        if getattr(described, name)
    ]
    if content.X.ndim != 2:
        if given:
            raise UserError(
                f"--{given[0]} goes with a table; {described.file} holds images with their labels"
            )
        return replace(content, name=described.name)
    if given and given[0] == "target":
        raise UserError(f"--target goes with a table; {described.file} has labels of its own")
    made = _table(described, _frame(content), "target", ".", notes, content.source)
    return replace(made, n_train=content.n_train)


def _frame(arrays: Dataset) -> pl.DataFrame:
    """Make a table of rows of numbers and their labels."""
    import polars as pl

    from graduel.data.read.dataframe import from_values

    columns = [from_values(arrays.X[:, i], f"f{i}") for i in range(arrays.X.shape[1])]
    labels = pl.Series("target", arrays.y).replace_strict(
        range(len(arrays.classes)), arrays.classes, return_dtype=pl.String
    )
    return pl.DataFrame([*columns, labels.cast(pl.Categorical)])


def _table(
    described: SourceSpec,
    frame: pl.DataFrame,
    target: str | None,
    decimal: str,
    notes: tuple[str, ...],
    origin: str,
) -> Dataset:
    from graduel.data.schema_inference import infer_table

    group = None if described.group is None else find(described.group, frame.columns, "group")
    time = None if described.time is None else find(described.time, frame.columns, "time")
    if target is not None and target in (group, time):
        raise UserError(f"the target {quote_name(target)} cannot be what rows are split by as well")
    drop = described.drop
    if group is not None and group not in drop:
        drop = (*drop, group)
    found = infer_table(
        frame,
        name=described.name,
        target=target,
        categorical=described.categorical,
        numeric=described.numeric,
        drop=drop,
        bins=described.bins,
        decimal=decimal,
    )
    if group is not None:
        aside = tuple(
            DroppedColumn(one.name, one.why, "rows are split by it") if one.name == group else one
            for one in found.set_aside
        )
        found = replace(found, set_aside=aside)
    found = replace(found, notes=(*notes, *found.notes))
    return from_table(
        found,
        origin=origin,
        groups=None if group is None else _codes(frame[group].gather(found.rows)),
        times=None if time is None else _times(frame[time].gather(found.rows), decimal),
    )


def from_table(
    table: Table,
    *,
    origin: str = "",
    groups: NDArray[np.int64] | None = None,
    times: NDArray[np.int64] | None = None,
) -> Dataset:
    """Make a data set of a table that is understood."""
    return Dataset(
        name=table.name,
        X=table.frame,
        y=table.y,
        classes=table.classes,
        kinds=tuple(column.kind for column in table.columns),
        source=origin,
        columns=table.columns,
        understood=table,
        groups=groups,
        times=times,
    )


def _codes(column: pl.Series) -> NDArray[np.int64]:
    """Return a code for each group, in the order in which they appear; a missing one is alone."""
    codes: dict[Any, int] = {}
    found = [
        codes.setdefault(("row", i) if value is None else ("value", value), len(codes))
        for i, value in enumerate(column)
    ]
    return np.array(found, np.int64)


def _times(column: pl.Series, decimal: str) -> NDArray[np.int64]:
    """Return each row's place in time, equal for equal times."""
    import polars as pl

    from graduel.data.coerce import to_kind
    from graduel.data.read.delimited.cells import to_numbers

    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    if column.dtype == pl.String:
        numbers = to_numbers(column, decimal)
        column = to_kind(column, "date") if numbers is None else numbers
    if not (column.dtype.is_numeric() or column.dtype.is_temporal()):
        raise UserError(
            f"--time must name a column of dates or numbers; {quote_name(column.name)} holds "
            f"{column.dtype}"
        )
    if gone := column.null_count():
        raise UserError(
            f"--time must name a column without missing values; {quote_name(column.name)} lacks "
            f"{gone:,}"
        )
    return np.array(column.rank("dense").cast(pl.Int64))
