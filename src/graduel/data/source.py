"""Data sources: a file, a folder, a name, or arrays and DataFrames in memory."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graduel.data.builtin import DATASETS
from graduel.data.dataset import Dataset
from graduel.data.load import load
from graduel.data.read.checksum import fingerprint
from graduel.data.read.file_names import name_part, split_part
from graduel.data.spec import SourceSpec
from graduel.errors import UserError, unknown

if TYPE_CHECKING:
    import polars as pl

LARGE = 1 << 30
"""Size of a table in memory, in bytes, from which a sample of its rows is read."""
LEAST, SPARE = 100_000, 2.1
"""Rows of such a sample: the minimum, and the multiple of the training rows."""
DUEL_COPIES = 8
"""Approximate number of copies of a table in a duel's memory: the table, its splits and matrices,
in two processes."""


@dataclass(frozen=True, slots=True)
class DataSource:
    """A data set before it is loaded: its location, and the spec of how it is read.

    Attributes
    ----------
    spec : everything that determines the data, except for their location
    place : the file or folder; None for data known by name
    content : for data in memory, the bytes of a Parquet or NPZ file instead of a file
    test_place : the file of the test table, if the spec names one

    Examples
    --------
    >>> DataSource.builtin("mnist").is_builtin, open_source("iris").is_builtin
    (True, False)
    """

    spec: SourceSpec
    place: Path | None = None
    content: bytes | None = None
    test_place: Path | None = None

    @classmethod
    def builtin(cls, name: str) -> DataSource:
        """Return the source of a built-in data set.

        Raises
        ------
        UserError
            If there is no data set of that name; the message suggests the closest.
        """
        if name not in DATASETS:
            raise unknown("data set", name, DATASETS)
        return cls(SourceSpec(name, name))

    @property
    def name(self) -> str:
        """The data's name."""
        return self.spec.name

    @property
    def is_builtin(self) -> bool:
        """Whether this is a built-in data set."""
        return self.place is None and self.content is None and self.spec.file in DATASETS

    def load(self) -> Dataset:
        """Read the data and infer their schema.

        Raises
        ------
        UserError
            If they cannot be read, or have changed since the source was opened.
        """
        return load(self.spec, self.place, self.content, self.test_place)


def open_source(text: str | Path, **options: Any) -> DataSource:
    """Return the data source with this name or path, with its fingerprint and options.

    Parameters
    ----------
    text : ``mnist``, or a path or name for :func:`graduel.data.read.read_source`
    options : fields of :class:`SourceSpec`

    Raises
    ------
    UserError
        If the source does not exist, or does not take options.

    Examples
    --------
    >>> open_source("iris", drop=("petal width (cm)",)).load().X.shape
    (150, 3)
    """
    from graduel.data.read.named_data.database_url import is_url
    from graduel.data.read.named_data.openml import fetch
    from graduel.data.read.named_data.toy_datasets import TOYS
    from graduel.data.read.reader import OPENML, detect_format, read_source, reject_part

    path, part = split_part(text)
    name = str(text)
    if name in DATASETS:
        if options:
            option = next(iter(options)).replace("sample", "rows").replace("_", "-")
            raise UserError(
                f"--{option} applies to tables only; {name} is a built-in data set of images. "
                "Leave it out"
            )
        return DataSource.builtin(name)
    if is_url(name):
        read = read_source(name)
        data = source_from_arrays(read.content, **options)
        return replace(data, spec=replace(data.spec, name=read.name))
    has_no_path = name.startswith(OPENML) or (name in TOYS and not path.exists())
    if name.startswith(OPENML):
        one = fetch(name.removeprefix(OPENML))
        spec = SourceSpec(one.name, f"{OPENML}{one.number}", one.sha256)
    elif has_no_path:
        spec = SourceSpec(name, name)
    else:
        kind = detect_format(path)
        reject_part(path, kind, part)
        plain = path.resolve().name
        stem = plain if kind == "folder" else plain.partition(".")[0] or plain
        spec = SourceSpec(name_part(stem, part), plain, fingerprint(path), part=part)
    options, test_place = _find_test(options)
    return DataSource(
        replace(spec, **options), None if has_no_path else path.resolve(), test_place=test_place
    )


def _find_test(options: dict[str, Any]) -> tuple[dict[str, Any], Path | None]:
    """Return the options with the name and fingerprint of a test table, and its path."""
    from graduel.data.read.reader import detect_table

    if options.get("test") is None:
        return options, None
    path = Path(options["test"])
    if detect_table(path) is None:
        raise UserError(f"--test: expected a table; {path} holds images or arrays. Name a table")
    if options.get("time") is not None:
        raise UserError(
            "--time makes the latest rows the test rows, and --test names other ones. Leave one of "
            "them out"
        )
    named = {"test": path.resolve().name, "test_sha256": fingerprint(path)}
    return options | named, path.resolve()


def sample_if_large(data: DataSource, n_train: int | None) -> DataSource:
    """Return the source with sampling turned on if its table is large and a sample is enough.

    The choice depends on the table, not on the machine, so that the same command is the same duel.
    The sample has more rows than are trained on: validation and test rows come from it too.

    Parameters
    ----------
    n_train : the number of training rows; None for all

    Raises
    ------
    UserError
        If all rows are requested, and the copies that a duel holds do not fit into memory.
    """
    from graduel.data.read.file_checks.memory_check import check_memory, table_bytes
    from graduel.data.read.reader import detect_table

    if data.place is None or data.spec.sample is not None:
        return data
    size = table_bytes(data.place, detect_table(data.place), data.spec.part)
    if n_train is None:
        check_memory(data.place, size, DUEL_COPIES)
    elif size > LARGE:
        sample = max(LEAST, math.ceil(SPARE * n_train))
        return replace(data, spec=replace(data.spec, sample=sample))
    return data


def source_from_arrays(
    X: Any, y: Any = None, *, X_test: Any = None, y_test: Any = None, **options: Any
) -> DataSource:
    """Return the source of data in memory: features and labels, or a DataFrame.

    Parameters
    ----------
    X, y : features and labels; without `y`, a DataFrame with a target column
    X_test, y_test : the test rows, in the same form; by default test rows are split off
    options : fields of :class:`SourceSpec`

    Raises
    ------
    UserError
        If X and y have different numbers of rows, are neither DataFrames nor arrays, or the test
        rows differ from them in columns, shape or classes.
    """
    options, test_place = _find_test(options)
    data, target = _convert(X, y)
    if X_test is not None:
        from graduel.data.read.dataframe import append_rows

        if (y is None) != (y_test is None):
            raise UserError("X_test and y_test must be given together, as X and y are")
        n_train = len(data.y) if isinstance(data, Dataset) else data.height
        other, other_target = _convert(X_test, y_test)
        if not isinstance(other, Dataset) and target is not None and other_target is not None:
            other = other.rename({other_target: target})
        data = append_rows(data, other, "X_test", "X")
        options["n_train"] = n_train
    elif y_test is not None:
        raise UserError("y_test needs X_test, the features of the same rows; got none")
    if not isinstance(data, Dataset) and target is not None:
        options["target"] = target
    buffer = BytesIO()
    if isinstance(data, Dataset):
        np.savez(buffer, X=_join_images(X, X_test), y=np.array(data.classes)[data.y])
    else:
        data.write_parquet(buffer)
    content = buffer.getvalue()
    ending = "npz" if isinstance(data, Dataset) else "parquet"
    spec = SourceSpec("data", f"data.{ending}", sha256(content).hexdigest())
    return DataSource(replace(spec, **options), content=content, test_place=test_place)


def _join_images(X: Any, X_test: Any) -> Any:
    """Return images as they were given, with those of the test rows after them."""
    if X_test is None:
        return np.asarray(X)
    images, others = np.asarray(X), np.asarray(X_test)
    if images.dtype != others.dtype:
        raise UserError(
            f"X_test must have pixels of the type of X, {images.dtype}; got {others.dtype}"
        )
    return np.concatenate([images, others])


def _convert(X: Any, y: Any) -> tuple[pl.DataFrame | Dataset, str | None]:
    """Return data in memory as a DataFrame or data set, and the target column of labels `y`."""
    from graduel.data.read.dataframe import from_arrays, from_frame

    if y is None:
        return from_frame(X)[0], None
    data, target, _ = from_arrays(X, y)
    return data, target
