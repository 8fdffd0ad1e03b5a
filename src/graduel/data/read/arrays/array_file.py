"""Reading of one array from a ``.npy`` file or from columns of a table; nothing is unpickled."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.read.file_names import is_query
from graduel.data.read.reader import detect_table, reject_part
from graduel.data.read.reading_errors import reading_errors
from graduel.data.read.tables.format_registry import list_titles
from graduel.data.read.tables.table_format import RawTable, ReadOptions
from graduel.errors import UserError, unknown

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class ArrayFile:
    """An array from a file, with column names if it comes from several columns of a table.

    Attributes
    ----------
    notes : decisions of the reader of a table, one sentence each
    """

    name: str
    array: NDArray[Any]
    columns: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()


def read_array(text: str, options: ReadOptions | None = None) -> ArrayFile:
    """Read an array from ``file.npy``, a table in a file, or one column, ``table.csv:column``.

    Of a file of several tables, ``book.xlsx::Sheet`` is one, and ``book.xlsx::Sheet:column``.

    A table is read as by ``graduel duel``. One column gives an array of shape (n,), several columns
    one of shape (n, n_columns).

    Parameters
    ----------
    options : the format of text files; detected by default

    Raises
    ------
    UserError
        If the file or the column does not exist, or the file is not an array without missing
        values.
    """
    path, column = _split_column(text)
    part, column = _split_table(column)
    if not path.is_file():
        what = "it is a folder" if path.is_dir() else "there is no such file"
        raise UserError(f"{path}: expected a file; {what}")
    if path.suffix.lower() == ".npy":
        return ArrayFile(path.stem, _read_npy(path))
    table_format = detect_table(path)
    if table_format is None:
        raise UserError(
            f"{path}: expected a .npy file, or a table ({list_titles()}); got "
            f"'{path.suffix.lower()}'. Save arrays with numpy.save"
        )
    reject_part(path, table_format, part)
    reading = replace(options or ReadOptions(), reject_blank=True, part=part)
    table = table_format.read(path, reading)
    return _select_columns(table, path, column)


def _split_table(column: str | None) -> tuple[str | None, str | None]:
    """Return the table and the column that follow a file's name and a colon.

    >>> _split_table("y"), _split_table(":Sheet"), _split_table(":Sheet:y")
    ((None, 'y'), ('Sheet', None), ('Sheet', 'y'))
    """
    if column is None or not column.startswith(":"):
        return None, column
    part = column[1:]
    if is_query(part):
        return part, None
    table, _, name = part.partition(":")
    return table, name or None


def _split_column(text: str) -> tuple[Path, str | None]:
    """Return the file and the column that ``file:column`` names; None if there is no column."""
    if not Path(text).is_file():
        for match in reversed([*re.finditer(":", text)]):
            if (path := Path(text[: match.start()])).is_file() and match.end() < len(text):
                return path, text[match.end() :]
    return Path(text), None


def _read_npy(path: Path) -> NDArray[Any]:
    expected = "one plain array as numpy.save writes it"
    remedy = "Object arrays are not supported: save labels as whole numbers or text"
    with reading_errors(path, expected, remedy), path.open("rb") as file:
        array = np.load(file, allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise UserError(f"{path}: expected one array as numpy.save writes it; got an archive")
    return array


def _select_columns(table: RawTable, path: Path, column: str | None) -> ArrayFile:
    frame = table.frame
    decisions = (*table.notes, *(finding.message for finding in table.findings))
    notes = tuple(f"{path.name}: {decision}" for decision in decisions)
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
    is_compressed = path.suffix.lower() in (".gz", ".zip")
    name = Path(path.stem).stem if is_compressed else path.stem
    if frame.width == 1:
        return ArrayFile(column or name, _to_array(frame.to_series(), path), None, notes)
    odd = [name for name in frame.columns if not frame[name].dtype.is_numeric()]
    if odd:
        raise UserError(
            f"{path}: expected one column, or a column of probabilities for each class; "
            f"'{odd[0]}' is not numeric. Name one column: {path}:{odd[0]}"
        )
    return ArrayFile(name, frame.to_numpy(), tuple(frame.columns), notes)


def _to_array(column: pl.Series, path: Path) -> NDArray[Any]:
    if column.dtype.is_numeric():
        return np.asarray(column.to_numpy())
    import polars as pl

    if column.dtype in (pl.String, pl.Categorical, pl.Enum, pl.Boolean):
        return np.array([str(value) for value in column.to_list()])
    raise UserError(f"{path}: expected labels or numbers; '{column.name}' is {column.dtype}")
