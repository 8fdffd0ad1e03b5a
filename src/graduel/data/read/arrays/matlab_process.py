"""Reading of a file of MATLAB 5 to 7, as a process of its own.

The process is ``python -m graduel.data.read.arrays.matlab_process MEMORY FILE RESULT``: it writes
the arrays to RESULT as NPZ, or prints why it cannot.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.read.file_checks.isolated_check import limit_memory
from graduel.data.read.reading_errors import reading_errors
from graduel.errors import UserError

UNREADABLE = np.dtype("M8[s]")
"""Type that stands for cell arrays and structures, which are not read."""


def main(arguments: Sequence[str]) -> int:
    """Read the file and write its arrays; print the error if it cannot be read."""
    memory, path, result = arguments
    limit_memory(int(memory))
    try:
        with reading_errors(Path(path), "a complete MATLAB file"):
            arrays = _load(path)
            numbered: dict[str, Any] = {f"array_{i}": one for i, one in enumerate(arrays.values())}
            np.savez(result, names=np.array([*arrays], dtype=str), **numbered)
    except UserError as error:
        print(error)
        return 2
    return 0


def _load(path: str) -> dict[str, NDArray[Any]]:
    from scipy.io import loadmat

    content = loadmat(path, chars_as_strings=True, verify_compressed_data_integrity=True)
    arrays: dict[str, NDArray[Any]] = {}
    for name, array in content.items():
        if name.startswith("__"):
            continue
        if array.dtype.names and array.size == 1:
            record = array.ravel()[0]
            arrays |= {f"{name}/{key}": np.asarray(record[key]) for key in array.dtype.names}
        else:
            arrays[name] = np.asarray(array)
    return {name: _plain(array) for name, array in arrays.items()}


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """Return a cell array of texts as an array of texts; other arrays of objects as unreadable."""
    if array.dtype.kind == "O":
        cells = [np.asarray(cell) for cell in array.ravel()]
        if all(cell.dtype.kind == "U" and cell.size <= 1 for cell in cells):
            return np.array(["".join(cell.ravel()) for cell in cells], dtype=str)
    return np.zeros(array.shape, UNREADABLE) if array.dtype.hasobject else array


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.exit(main(sys.argv[1:]))
