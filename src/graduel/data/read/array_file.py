"""Reading of one array from a ``.npy`` file or from columns of a table; nothing is unpickled."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.read.reader import detect_table
from graduel.data.read.tables.format_registry import table_endings
from graduel.data.read.tables.table_format import ReadOptions
from graduel.errors import UserError, unknown

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class ArrayFile:
    """An array from a file, with column names if it comes from several columns of a table."""

    name: str
    array: NDArray[Any]
    columns: tuple[str, ...] | None = None


def read_array(text: str) -> ArrayFile:
    """Read an array from ``file.npy``, ``table.csv``, or one column, ``table.csv:column``.

    A table is read as by ``graduel duel``; a text file must have a header. One column gives an
    array of shape (n,), several columns one of shape (n, n_columns).

    Raises
    ------
    UserError
        If the file or the column does not exist, or the file is not an array without missing
        values.
    """
    endings = table_endings()
    ending = "|".join(map(re.escape, endings))
    column = re.compile(rf"(?P<file>.+(?:{ending})):(?P<column>[^/\\]+)", re.IGNORECASE)
    match = None if Path(text).is_file() else column.fullmatch(text)
    path = Path(match["file"] if match else text)
    if not path.is_file():
        what = "it is a folder" if path.is_dir() else "there is no such file"
        raise UserError(f"{path}: expected a file; {what}")
    kind = path.suffix.lower()
    if kind == ".npy":
        return ArrayFile(path.stem, _read_npy(path))
    if kind in endings:
        return _read_table(path, match["column"] if match else None)
    raise UserError(
        f"{path}: expected a .npy file, or a table ({', '.join(endings)}); got "
        f"'{kind or path.name}'. Save arrays with numpy.save"
    )


def _read_npy(path: Path) -> NDArray[Any]:
    try:
        with path.open("rb") as file:
            array = np.load(file, allow_pickle=False)
    except Exception as error:  # NumPy raises several types for damaged files and pickles
        what = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise UserError(
            f"{path}: expected one plain array as numpy.save writes it; it cannot be read "
            f"({what}). Object arrays are not supported: save labels as whole numbers or text"
        ) from None
    if not isinstance(array, np.ndarray):
        raise UserError(f"{path}: expected one array as numpy.save writes it; got an archive")
    return array


def _read_table(path: Path, column: str | None) -> ArrayFile:
    frame = _read_frame(path)
    if column is not None and column not in frame.columns:
        raise unknown(f"{path}: the column", column, frame.columns)
    if column is not None:
        frame = frame.select(column)
    if frame.is_empty():
        raise UserError(f"{path}: expected rows under the header; got only the header")
    for name in frame.columns:
        missing = frame[name].null_count()
        if missing:
            raise UserError(
                f"{path}: column '{name}' has {missing:,} missing of {len(frame):,} values"
            )
    if frame.width == 1:
        return ArrayFile(column or path.stem, _to_array(frame.to_series(), path))
    odd = [name for name in frame.columns if not frame[name].dtype.is_numeric()]
    if odd:
        raise UserError(
            f"{path}: expected one column, or a column of probabilities for each class; "
            f"'{odd[0]}' is not numeric. Name one column: {path}:{odd[0]}"
        )
    return ArrayFile(path.stem, frame.to_numpy(), tuple(frame.columns))


def _read_frame(path: Path) -> pl.DataFrame:
    table_format = detect_table(path)
    assert table_format is not None  # the file has the ending of a table
    return table_format.read(path, ReadOptions(header=True, reject_blank=True)).frame


def _to_array(column: pl.Series, path: Path) -> NDArray[Any]:
    if column.dtype.is_numeric():
        return np.asarray(column.to_numpy())
    import polars as pl

    if column.dtype in (pl.String, pl.Categorical, pl.Enum, pl.Boolean):
        return np.array([str(value) for value in column.to_list()])
    raise UserError(f"{path}: expected labels or numbers; '{column.name}' is {column.dtype}")
