"""Build a data set from a table or arrays that were read, as their spec says."""

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
    spec: SourceSpec,
    content: pl.DataFrame | Dataset,
    target: str | None = None,
    decimal: str = ".",
    notes: tuple[str, ...] = (),
    origin: str = "",
) -> Dataset:
    """Infer the schema of a table; take images with their labels as they are.

    Raises
    ------
    UserError
        If the spec names something that the data do not have.
    """
    if not isinstance(content, Dataset):
        return _build_table(spec, content, spec.target or target, decimal, notes, origin)
    options = [
        name
        for name in ("target", "categorical", "numeric", "drop", "bins", "group", "time")
        if getattr(spec, name)
    ]
    if content.X.ndim != 2:
        if options:
            raise UserError(
                f"--{options[0]} goes with a table; {spec.file} holds images with their labels"
            )
        return replace(content, name=spec.name)
    if options and options[0] == "target":
        raise UserError(f"--target goes with a table; {spec.file} has its labels in an array")
    dataset = _build_table(spec, _to_frame(content), "target", ".", notes, content.source)
    return replace(dataset, n_train=content.n_train)


def _to_frame(arrays: Dataset) -> pl.DataFrame:
    """Return a DataFrame of rows of numbers and their labels."""
    import polars as pl

    from graduel.data.read.dataframe import from_values

    columns = [from_values(arrays.X[:, i], f"f{i}") for i in range(arrays.X.shape[1])]
    labels = pl.Series("target", arrays.y).replace_strict(
        range(len(arrays.classes)), arrays.classes, return_dtype=pl.String
    )
    return pl.DataFrame([*columns, labels.cast(pl.Categorical)])


def _build_table(
    spec: SourceSpec,
    frame: pl.DataFrame,
    target: str | None,
    decimal: str,
    notes: tuple[str, ...],
    origin: str,
) -> Dataset:
    from graduel.data.schema_inference import infer_table

    group = None if spec.group is None else find(spec.group, frame.columns, "group")
    time = None if spec.time is None else find(spec.time, frame.columns, "time")
    if target is not None and target in (group, time):
        raise UserError(f"rows cannot be split by the target {quote_name(target)}")
    drop = spec.drop
    if group is not None and group not in drop:
        drop = (*drop, group)
    table = infer_table(
        frame,
        name=spec.name,
        target=target,
        categorical=spec.categorical,
        numeric=spec.numeric,
        drop=drop,
        bins=spec.bins,
        decimal=decimal,
    )
    if group is not None:
        aside = tuple(
            DroppedColumn(one.name, one.why, "rows are split by it") if one.name == group else one
            for one in table.set_aside
        )
        table = replace(table, set_aside=aside)
    table = replace(table, notes=(*notes, *table.notes))
    return from_table(
        table,
        origin=origin,
        groups=None if group is None else _codes(frame[group].gather(table.rows)),
        times=None if time is None else _times(frame[time].gather(table.rows), decimal),
    )


def from_table(
    table: Table,
    *,
    origin: str = "",
    groups: NDArray[np.int64] | None = None,
    times: NDArray[np.int64] | None = None,
) -> Dataset:
    """Return the data set of a table whose schema is inferred."""
    return Dataset(
        name=table.name,
        X=table.frame,
        y=table.y,
        classes=table.classes,
        kinds=tuple(column.kind for column in table.columns),
        source=origin,
        inferred_table=table,
        groups=groups,
        times=times,
    )


def _codes(column: pl.Series) -> NDArray[np.int64]:
    """Return each row's group code, in order of appearance; a missing value is its own group."""
    codes: dict[Any, int] = {}
    row_codes = [
        codes.setdefault(("row", i) if value is None else ("value", value), len(codes))
        for i, value in enumerate(column)
    ]
    return np.array(row_codes, np.int64)


def _times(column: pl.Series, decimal: str) -> NDArray[np.int64]:
    """Return the rank of each row's time, equal for equal times."""
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
    if n_missing := column.null_count():
        raise UserError(
            f"--time must name a column without missing values; {quote_name(column.name)} has "
            f"{n_missing:,}"
        )
    return np.array(column.rank("dense").cast(pl.Int64))
