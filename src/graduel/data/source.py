"""Where data come from: a file, a folder, a name, or arrays and DataFrames of a program."""

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
from graduel.data.spec import SourceSpec
from graduel.errors import UserError, unknown

if TYPE_CHECKING:
    import polars as pl

LARGE = 1 << 30
"""Bytes of a table in memory from which on a sample of its rows is enough."""
LEAST, SPARE = 100_000, 2.1
"""Rows of such a sample: at least so many, and a multiple of the training rows."""
DUEL_COPIES = 8
"""How many times a duel holds a table, about: whole, divided, and as matrices, in two processes."""


@dataclass(frozen=True, slots=True)
class DataSource:
    """A data set before it is loaded: how it is read, and where it is.

    Attributes
    ----------
    spec : all that decides the data but for where they are
    place : the file or folder; None for data known by name
    content : of data that a program holds, a file's bytes (Parquet or NPZ) in place of a file

    Examples
    --------
    >>> DataSource.builtin("mnist").is_builtin, open_source("iris").is_builtin
    (True, False)
    """

    spec: SourceSpec
    place: Path | None = None
    content: bytes | None = None

    @classmethod
    def builtin(cls, name: str) -> DataSource:
        """Return the source of a data set that comes with graduel.

        Raises
        ------
        UserError
            If there is no such data set; the message names the nearest.
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
        """Whether the data come with graduel."""
        return self.place is None and self.content is None and self.spec.file in DATASETS

    def load(self) -> Dataset:
        """Read the data and infer their schema.

        Raises
        ------
        UserError
            If they cannot be read, or have changed since they were described.
        """
        return load(self.spec, self.place, self.content)


def open_source(text: str | Path, **options: Any) -> DataSource:
    """Return the source with this name: its fingerprint, and the options by which it is read.

    Parameters
    ----------
    text : ``mnist``, or as :func:`graduel.data.read.read_source` takes it
    options : fields of :class:`SourceSpec`

    Raises
    ------
    UserError
        If there is no such source, or it takes no options.

    Examples
    --------
    >>> open_source("iris", drop=("petal width (cm)",)).load().X.shape
    (150, 3)
    """
    from graduel.data.read.openml import fetch
    from graduel.data.read.reader import OPENML, detect_format
    from graduel.data.read.toy_datasets import TOYS

    path = Path(text)
    name = str(text)
    if name in DATASETS:
        if options:
            option = next(iter(options)).replace("sample", "rows")
            raise UserError(f"--{option} goes with a table; {name} comes with graduel")
        return DataSource.builtin(name)
    known = name.startswith(OPENML) or (name in TOYS and not path.exists())
    if name.startswith(OPENML):
        one = fetch(name.removeprefix(OPENML))
        spec = SourceSpec(one.name, f"{OPENML}{one.number}", one.sha256)
    elif known:
        spec = SourceSpec(name, name)
    else:
        kind = detect_format(path)
        plain = path.resolve().name
        stem = plain if kind == "folder" else plain.partition(".")[0] or plain
        spec = SourceSpec(stem, plain, fingerprint(path))
    return DataSource(replace(spec, **options), None if known else path.resolve())


def sample_if_large(data: DataSource, n_train: int | None) -> DataSource:
    """Return data that fit into memory: of a large table a sample, where that is enough.

    This depends on the table alone, not on the machine, so that the same command is the same duel.
    The sample holds more rows than are trained on: validation and test rows come from it too.

    Parameters
    ----------
    n_train : the number of training rows; None for all

    Raises
    ------
    UserError
        If all rows are wanted, and the copies that a duel holds would not fit into memory.
    """
    from graduel.data.read.memory_check import check_memory, table_bytes
    from graduel.data.read.reader import detect_format

    if data.place is None or data.spec.sample is not None:
        return data
    size = table_bytes(data.place, detect_format(data.place))
    if n_train is None:
        check_memory(data.place, size, DUEL_COPIES)
    elif size > LARGE:
        sample = max(LEAST, math.ceil(SPARE * n_train))
        return replace(data, spec=replace(data.spec, sample=sample))
    return data


def source_from_arrays(X: Any, y: Any = None, **options: Any) -> DataSource:
    """Return the source of data that a program holds: features and labels, or a DataFrame.

    Raises
    ------
    UserError
        If X and y do not fit each other, or are neither DataFrames nor arrays.
    """
    from graduel.data.read.dataframe import from_arrays, from_frame

    data: pl.DataFrame | Dataset
    if y is None:
        data = from_frame(X)[0]
    else:
        data, target, _ = from_arrays(X, y)
        if not isinstance(data, Dataset):
            options["target"] = target
    buffer = BytesIO()
    if isinstance(data, Dataset):
        np.savez(buffer, X=data.X, y=np.array(data.classes)[data.y])
    else:
        data.write_parquet(buffer)
    content = buffer.getvalue()
    ending = "npz" if isinstance(data, Dataset) else "parquet"
    spec = SourceSpec("data", f"data.{ending}", sha256(content).hexdigest())
    return DataSource(replace(spec, **options), content=content)
