"""Reading of NPZ files, NumPy's archives of arrays; nothing is unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from graduel.data.dataset import Dataset
from graduel.data.read.arrays.array_names import ArrayParts, find_class_arrays, select_parts
from graduel.data.read.arrays.array_parts import ArrayPart, join_parts
from graduel.data.read.arrays.labeled_arrays import join_class_arrays
from graduel.data.read.column_names import join_names
from graduel.data.read.reading_errors import reading_errors
from graduel.errors import UserError


def read_npz(path: Path) -> Dataset:
    """Read the arrays X and y, or a predefined split x_train, y_train, x_test and y_test.

    Validation arrays, as MedMNIST has them, are added to the training part. Arrays that hold the
    rows of one class each, such as train0 and test0, are joined.
    """
    remedy = "Save it again with numpy.savez, without object arrays"
    with reading_errors(path, "an NPZ file of plain arrays", remedy), path.open("rb") as file:
        archive = np.load(file, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise UserError(
                f"{path}: expected an NPZ file with X and y; got a single array of shape "
                f"{archive.shape}. Save both with numpy.savez"
            )
        names = select_parts(archive.files)
        if names is None and (classes := find_class_arrays(archive.files)):
            return join_class_arrays(path.name, dict(archive), classes)
        parts, n_train = _load_parts(archive, names, path)
    return join_parts(path, parts, n_train, () if names is None else names.findings)


def _load_parts(archive: Any, names: ArrayParts | None, path: Path) -> tuple[list[ArrayPart], int]:
    """Return the parts of the data, and the number of training parts."""
    if names is None:
        raise UserError(
            f"{path}: expected arrays X and y, or x_train, y_train, x_test and y_test; "
            f"got {join_names(archive.files)}"
        )
    pairs = (*names.train, *names.test)
    return [ArrayPart(pair, archive[pair[0]], archive[pair[1]]) for pair in pairs], len(names.train)
