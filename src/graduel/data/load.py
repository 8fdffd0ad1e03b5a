"""Loading of the data that a spec describes: from a file, a folder, bytes, or by name."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.builtin import DATASETS, load_dataset
from graduel.data.coerce import category_text, null_missing
from graduel.data.dataset import Dataset
from graduel.data.read.checksum import fingerprint
from graduel.data.read.column_names import find, quote_name
from graduel.data.read.images.pixel_columns import read_pixel_columns
from graduel.data.spec import SourceSpec
from graduel.data.table import DroppedColumn, Table
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

    from graduel.data.read.reader import Source


@lru_cache(maxsize=1)
def load(
    spec: SourceSpec,
    place: Path | None = None,
    content: bytes | None = None,
    test_place: Path | None = None,
) -> Dataset:
    """Read data and infer their schema; the last data set loaded is cached in memory.

    Parameters
    ----------
    spec : how the data are read
    place : the file or folder; None for data known by name
    content : the bytes of a Parquet or NPZ file, instead of a file
    test_place : the file of the test table that the spec names

    Raises
    ------
    UserError
        If the data cannot be read, or have changed since the spec was made.
    """
    from graduel.data.read.named_data.openml import fetch
    from graduel.data.read.reader import OPENML, read_source

    if content is not None:
        return build_dataset(spec, _read_content(spec, content), _read_test(spec, test_place))
    if place is None and spec.file in DATASETS:
        return load_dataset(spec.file)
    if place is None:
        sha256 = spec.sha256 and fetch(spec.file.removeprefix(OPENML)).sha256
    elif place.exists():
        sha256 = spec.sha256 and fingerprint(place)
    else:
        raise UserError(
            f"{place}: expected the data of this duel; there is no such file. Restore it"
        )
    if sha256 != spec.sha256:
        raise UserError(
            f"{spec.file} has changed since this duel began. Restore the old file, or start again "
            "in another folder"
        )
    source = read_source(
        spec.file if place is None else place,
        **_text_format(spec),
        size=spec.size,
        sample=spec.sample,
        part=spec.part,
        target=spec.target,
    )
    return build_dataset(spec, source, _read_test(spec, test_place))


def _read_test(spec: SourceSpec, place: Path | None) -> Source | None:
    """Read the test table that a spec names, if it names one."""
    from graduel.data.read.reader import read_source

    if spec.test is None:
        return None
    if place is None or not place.exists():
        raise UserError(
            f"{place or spec.test}: expected the test table of this duel; there is no such file. "
            "Restore it"
        )
    if fingerprint(place) != spec.test_sha256:
        raise UserError(
            f"{spec.test} has changed since this duel began. Restore the old file, or start again "
            "in another folder"
        )
    return read_source(place, **_text_format(spec))


def _text_format(spec: SourceSpec) -> dict[str, Any]:
    """Return the format of text files that a spec names, as parameters of `read_source`."""
    names = ("separator", "decimal", "encoding", "header", "names", "quote")
    return {name: getattr(spec, name) for name in names}


def _read_content(spec: SourceSpec, content: bytes) -> Source:
    """Read the bytes of a Parquet or NPZ file."""
    import polars as pl

    from graduel.data.read.arrays.labeled_arrays import dataset_from_arrays
    from graduel.data.read.reader import Source

    if spec.file.endswith(".parquet"):
        return Source(spec.name, pl.read_parquet(BytesIO(content)))
    with np.load(BytesIO(content)) as archive:
        return Source(spec.name, dataset_from_arrays(spec.name, archive["X"], archive["y"]))


def build_dataset(spec: SourceSpec, source: Source, test: Source | None = None) -> Dataset:
    """Return the data set of a source: infer the schema of a table; use images unchanged.

    The rows of the source `test`, or those after the first `n_train` of the spec, are test rows.
    """
    from graduel.data.read.reader import Source

    content = source.content
    names = (
        "target",
        "categorical",
        "numeric",
        "drop",
        "bins",
        "task",
        "group",
        "time",
        "log_target",
    )
    options = [
        name.replace("_", "-") for name in (*names, "missing", "date_order") if getattr(spec, name)
    ]
    if not isinstance(content, Dataset):
        target = spec.target or source.target
        if spec.n_train is not None:
            test = Source("X_test", content[spec.n_train :], decimal=source.decimal)
            content = content[: spec.n_train]
        images = (
            read_pixel_columns(content, target, spec.name) if set(options) <= {"target"} else None
        )
        if images is None:
            return _build_table(spec, source, content, target, test)
        if test is not None:
            images = _append_test_images(spec, images, test, target)
        findings = (*source.findings, *images.findings)
        return replace(images, source=source.origin, notes=source.notes, findings=findings)
    if test is not None:
        raise UserError(
            f"--test: expected a table with {spec.file}, which holds images or arrays; got "
            f"{spec.test}. Leave it out"
        )
    if spec.n_train is not None:
        content = replace(content, n_train=spec.n_train)
    if content.X.ndim != 2:
        if options:
            raise UserError(
                f"--{options[0]} applies to tables only; {spec.file} holds images. Leave it out"
            )
        return replace(content, name=spec.name, notes=(*source.notes, *content.notes))
    if options and options[0] == "target":
        raise UserError(
            f"--target applies to tables only; {spec.file} has its labels in an array. Leave it out"
        )
    rows = Source(spec.name, content, source.notes, origin=content.source)
    dataset = _build_table(spec, rows, _to_frame(content), "target")
    return replace(dataset, n_train=content.n_train, findings=content.findings)


def _to_frame(arrays: Dataset) -> pl.DataFrame:
    """Return rows of numbers and their labels as a DataFrame."""
    import polars as pl

    from graduel.data.read.dataframe import from_values

    columns = [from_values(arrays.X[:, i], f"f{i}") for i in range(arrays.X.shape[1])]
    labels = pl.Series("target", arrays.y).replace_strict(
        range(len(arrays.classes)), arrays.classes, return_dtype=pl.String
    )
    return pl.DataFrame([*columns, labels.cast(pl.Categorical)])


def _build_table(
    spec: SourceSpec,
    source: Source,
    frame: pl.DataFrame,
    target: str | None,
    test: Source | None = None,
) -> Dataset:
    import polars as pl

    from graduel.data.schema_inference import infer_table
    from graduel.data.target import check_logarithm

    group = None if spec.group is None else find(spec.group, frame.columns, "group")
    time = None if spec.time is None else find(spec.time, frame.columns, "time")
    if target is not None and target in (group, time):
        option = "group" if target == group else "time"
        raise UserError(
            f"--{option} must name a column other than the target; got {quote_name(target)}"
        )
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
        task=spec.task,
        time=time,
        decimal=spec.decimal or source.decimal,
        missing=spec.missing,
        date_order=spec.date_order,
    )
    if group is not None:
        dropped = tuple(
            DroppedColumn(one.name, one.why, "rows are split by it") if one.name == group else one
            for one in table.set_aside
        )
        table = replace(table, set_aside=dropped)
    table = replace(table, notes=(*source.notes, *table.notes))
    group_column = None if group is None else frame[group].gather(table.rows)
    n_train = None
    if test is not None:
        n_train = len(table.y)
        table = _append_test(spec, frame, table, test)
        if group_column is not None:
            others = _find_groups(test, str(group), table.rows[n_train:])
            group_column = pl.concat([category_text(group_column), category_text(others)])
    if spec.log_target:
        check_logarithm(table)
    return Dataset.from_table(
        table,
        log_target=spec.log_target,
        n_train=n_train,
        source=source.origin,
        findings=source.findings,
        groups=None if group_column is None else _encode_groups(group_column),
        times=None if time is None else _rank_times(frame[time], spec, source, table.rows),
    )


def _append_test_images(
    spec: SourceSpec, images: Dataset, test: Source, target: str | None
) -> Dataset:
    """Return images in a table's columns with those of a test table after them."""
    from graduel.data.read.dataframe import append_rows

    name, others = spec.test or test.name, None
    if not isinstance(test.content, Dataset):
        others = read_pixel_columns(test.content, target, name)
    if others is None:
        raise UserError(f"{name}: expected images in columns of pixels, as in the training rows")
    both = append_rows(images, others, name, "the training rows")
    assert isinstance(both, Dataset)
    return replace(both, n_train=len(images.y))


def _append_test(spec: SourceSpec, frame: pl.DataFrame, table: Table, test: Source) -> Table:
    """Return a table with the rows of a test table after those of training."""
    from graduel.data.read.appended_rows import append_test_rows
    from graduel.data.schema import Schema
    from graduel.data.target import numeric_if_possible, range_edges

    name = spec.test or test.name
    if isinstance(test.content, Dataset):
        raise UserError(f"--test: expected a table; {name} holds images or arrays")
    edges = None
    if spec.bins is not None:
        numbers = numeric_if_possible(null_missing(frame[table.target], table.missing), units=True)
        edges = range_edges(numbers.drop_nulls(), spec.bins)
    schema = Schema.of(Dataset.from_table(table))
    table = append_test_rows(
        table, schema, test.content, name=name, decimal=test.decimal, edges=edges
    )
    return replace(table, notes=(*table.notes, *(f"{name}: {note}" for note in test.notes)))


def _find_groups(test: Source, group: str, rows: NDArray[np.int64]) -> pl.Series:
    """Return the groups of the test rows."""
    assert not isinstance(test.content, Dataset)
    return test.content[find(group, test.content.columns, "group")].gather(rows)


def _encode_groups(column: pl.Series) -> NDArray[np.int64]:
    """Return each row's group code, in order of appearance; a missing value is its own group."""
    codes: dict[Any, int] = {}
    row_codes = [
        codes.setdefault(("row", i) if value is None else ("value", value), len(codes))
        for i, value in enumerate(column)
    ]
    return np.array(row_codes, np.int64)


def _rank_times(
    column: pl.Series, spec: SourceSpec, source: Source, rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the rank of each row's time, equal for equal times."""
    import polars as pl

    from graduel.data.coerce import null_missing, read_times
    from graduel.data.read.delimited.cells import MISSING
    from graduel.data.text.date_formats import parse_order

    column = null_missing(column.gather(rows), (*MISSING, *spec.missing))
    is_present = column.is_not_null()
    times = read_times(
        column.filter(is_present),
        source.decimal,
        parse_order(spec.date_order),
        rows[is_present.to_numpy()],
    )
    if n_missing := column.null_count():
        raise UserError(
            f"--time must name a column without missing values; {quote_name(column.name)} has "
            f"{n_missing:,}. Remove these rows, or name another column"
        )
    return np.array(times.rank("dense").cast(pl.Int64))
