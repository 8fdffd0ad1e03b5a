"""Reading of NPZ files, NumPy's archives of arrays; nothing is unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.dataset import Dataset
from graduel.data.read.column_names import join_names
from graduel.data.read.labeled_arrays import dataset_from_arrays
from graduel.errors import UserError


def read_npz(path: Path) -> Dataset:
    """Read the arrays X and y, or a predefined split x_train, y_train, x_test and y_test."""
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            arrays = _select_arrays(archive, path)
    except UserError:
        raise
    except Exception as error:  # NumPy, zipfile and zlib raise many types for damaged files
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{path}: expected an NPZ file of plain arrays; it cannot be read ({what}). "
            "Save it again with numpy.savez, without object arrays"
        ) from None
    if len(arrays) == 2:
        return dataset_from_arrays(path.stem, *arrays, source=path.name)
    X, y, X_test, y_test = arrays
    if X.ndim == 0 or len(X) == 0 or X_test.shape[1:] != X.shape[1:] or len(X_test) == 0:
        raise UserError(
            f"{path}: expected training and test rows of the same shape; got {X.shape} and "
            f"{X_test.shape}"
        )
    if len(X) != len(y):
        raise UserError(f"{path}: expected as many labels as rows; got {len(y)} and {len(X)}")
    whole, labels = np.concatenate([X, X_test]), np.concatenate([y.ravel(), y_test.ravel()])
    return dataset_from_arrays(path.stem, whole, labels, n_train=len(X), source=path.name)


def _select_arrays(archive: Any, path: Path) -> list[NDArray[Any]]:
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise UserError(
            f"{path}: expected an NPZ file with X and y; got a single array of shape "
            f"{archive.shape}. Save both with numpy.savez"
        )
    names = {name.lower(): name for name in archive.files}
    for keys in (("x_train", "y_train", "x_test", "y_test"), ("x", "y"), ("data", "target")):
        if set(keys) <= set(names):
            return [archive[names[key]] for key in keys]
    raise UserError(
        f"{path}: expected arrays X and y, or x_train, y_train, x_test and y_test; "
        f"got {join_names(archive.files)}"
    )
