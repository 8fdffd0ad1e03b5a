"""The data set in the arrays of a MATLAB or HDF5 file: a table, or images with labels."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from graduel.data.read.arrays.array_archive import Arrays, list_shapes, read_arrays
from graduel.data.read.arrays.array_names import find_class_arrays, select_parts
from graduel.data.read.arrays.array_parts import ArrayPart, join_parts
from graduel.data.read.arrays.labeled_arrays import join_class_arrays
from graduel.data.read.column_names import join_names, quote_name
from graduel.data.read.dataframe import from_values
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

    from graduel.data.dataset import Dataset

Item = TypeVar("Item")
TARGET = "target"


def holds_table(path: Path) -> bool:
    """Return whether a file holds one table, instead of images or training and test parts."""
    shapes = _without_prefix(list_shapes(path))
    parts = select_parts(shapes)
    if parts is None:
        return find_class_arrays(shapes) is None
    return not parts.test and len(shapes[parts.train[0][0]]) <= 2


def read_archive(path: Path) -> tuple[Dataset, list[str]]:
    """Read images and labels, or training and test parts, from a MATLAB or HDF5 file.

    In files of MATLAB the examples are often the last dimension; they become the first.

    Returns
    -------
    The data set, and notes.

    Raises
    ------
    UserError
        If the arrays are not a data set.
    """
    arrays = _without_prefix(read_arrays(path))
    names = select_parts(arrays)
    if names is None and (classes := find_class_arrays(arrays)):
        return join_class_arrays(path.name, arrays, classes), []
    assert names is not None  # holds_table
    notes: list[str] = []
    parts = [ArrayPart((x, y), *_turn(arrays, x, y, notes)) for x, y in (*names.train, *names.test)]
    dataset = join_parts(path, parts, len(names.train), names.findings)
    return dataset, notes


def read_columns(path: Path, part: str | None) -> tuple[pl.DataFrame, list[str], str | None]:
    """Return the table in a MATLAB or HDF5 file, notes, and the target if the file has labels.

    The table is, in this order: features and labels; an array of records; arrays of one column
    each; an array of two dimensions.

    Raises
    ------
    UserError
        If the arrays are not a table.
    """
    import polars as pl

    arrays, notes = _without_prefix(read_arrays(path, part)), list[str]()
    if names := select_parts(arrays):
        x, y = names.train[0]
        X, labels = _turn(arrays, x, y, notes)
        if X.ndim != 2 or len(X) != len(labels):
            raise UserError(
                f"{path}: expected as many labels as rows; got {quote_name(x)} of shape {X.shape} "
                f"and {quote_name(y)} of shape {arrays[y].shape}"
            )
        columns = _split(X, "f", 0)
        notes.append(f"features are {quote_name(x)}, labels are {quote_name(y)}")
        notes += _note_unused(arrays, (x, y))
        return pl.DataFrame([*columns, _column(labels, TARGET)]), notes, TARGET
    usable = {name: _flatten(array) for name, array in arrays.items() if array.dtype.kind in KINDS}
    records = [name for name, array in usable.items() if array.dtype.names]
    flat = [name for name, array in usable.items() if array.ndim == 1 and len(array) > 1]
    matrices = [name for name, array in usable.items() if array.ndim == 2]
    if len(records) == 1:
        used, frame = records, _from_records(usable[records[0]])
    elif len(flat) > 1 and len({len(usable[name]) for name in flat}) == 1:
        used, frame = flat, pl.DataFrame([_column(usable[name], name) for name in flat])
    elif len(matrices) == 1:
        name = matrices[0]
        used, frame = matrices, pl.DataFrame(_split(usable[name], f"{name}_", 1))
        notes.append(f"the columns are those of the array {quote_name(name)}")
    else:
        raise _not_a_table(path, arrays)
    return frame, [*notes, *_note_unused(arrays, used)], None


def _note_unused(arrays: Arrays, used: Collection[str]) -> list[str]:
    """Return a note on the arrays that are not read, if there are any."""
    unused = [name for name in arrays if name not in used]
    return [f"the arrays {join_names(unused)} are not read"] if unused else []


def _not_a_table(path: Path, arrays: Arrays) -> UserError:
    shapes = [f"{name} {array.shape}" for name, array in arrays.items()]
    return UserError(
        f"{path}: expected arrays X and y, an array of records, or arrays of one length; got "
        f"{join_names(shapes) or 'none'}. Name a group or an array after ::"
    )


KINDS = "biufUSV"
"""Kinds of arrays that are read: numbers, text and records."""


def _flatten(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array of one row or one column as a vector; others unchanged."""
    is_vector = array.ndim == 2 and 1 in array.shape
    return array.ravel() if is_vector else array


def _turn(arrays: Arrays, x: str, y: str, notes: list[str]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return features and labels; the examples are the last dimension if only that one fits."""
    X, labels = arrays[x], _flatten(arrays[y])
    if X.ndim > 1 and len(X) != len(labels) == X.shape[-1]:
        X = np.moveaxis(X, -1, 0)
        notes.append(f"the examples are the last dimension of {quote_name(x)}")
    return X, labels


def _without_prefix(arrays: dict[str, Item]) -> dict[str, Item]:
    """Return arrays by their names without the group or structure that holds all of them.

    >>> list(_without_prefix({"data/X": np.zeros(1), "data/y": np.zeros(1)}))
    ['X', 'y']
    """
    groups = {name.rpartition("/")[0] for name in arrays}
    return (
        {name.rpartition("/")[2]: array for name, array in arrays.items()}
        if len(groups) == 1
        else arrays
    )


def _column(array: NDArray[Any], name: str) -> pl.Series:
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", errors="replace")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return from_values(array, name)


def _split(X: NDArray[Any], prefix: str, first: int) -> list[pl.Series]:
    return [_column(X[:, i], f"{prefix}{i + first}") for i in range(X.shape[1])]


def _from_records(array: NDArray[Any]) -> pl.DataFrame:
    """Return records as columns; a field of several values becomes several columns."""
    import polars as pl

    columns = []
    for name in array.dtype.names or ():
        values = array[name].reshape(array.size, -1) if array[name].ndim > 1 else array[name]
        if values.dtype.kind not in KINDS:
            continue
        columns += _split(values, f"{name}_", 0) if values.ndim > 1 else [_column(values, name)]
    return pl.DataFrame(columns)
