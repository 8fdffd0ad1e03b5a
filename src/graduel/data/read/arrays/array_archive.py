"""Arrays by name from MATLAB files and HDF5 files; nothing is unpickled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.read.arrays.matlab_file import read_matlab
from graduel.data.read.file_checks.memory_check import check_memory
from graduel.data.read.optional_package import import_package
from graduel.data.read.reading_errors import reading_errors
from graduel.errors import UserError

HDF5 = b"\x89HDF\r\n\x1a\n"
"""The first bytes of an HDF5 file; those of MATLAB 7.3 begin at byte 512."""
MATLAB, MATLAB_HDF5 = b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file"
MOST_ARRAYS = 10_000

Arrays = dict[str, NDArray[Any]]


def is_archive(head: bytes) -> bool:
    """Return whether a file holds named arrays, by its first bytes."""
    return head.startswith((HDF5, MATLAB, MATLAB_HDF5))


def is_matlab(path: Path) -> bool:
    """Return whether a file is one of MATLAB, of any version."""
    return is_matlab_5(path) or _is_matlab_7(path)


def list_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array of a file, in the order in which NumPy would index it."""
    with reading_errors(path, "a file of MATLAB or an HDF5 file"):
        if is_matlab_5(path):
            from scipy.io import whosmat

            return {name: tuple(map(int, shape)) for name, shape, _ in whosmat(path)}
        with _open_hdf5(path) as file:
            is_matlab_7 = _is_matlab_7(path)
            return {
                name: dataset.shape[::-1] if is_matlab_7 else dataset.shape
                for name, dataset in _iter_datasets(file, path)
            }


def read_arrays(path: Path, part: str | None = None) -> Arrays:
    """Return the arrays of a file by name; nested ones by their path, such as ``train/X``.

    Parameters
    ----------
    part : a group or an array of an HDF5 file; by default all arrays are read

    Raises
    ------
    UserError
        If the file cannot be read, or its arrays do not fit into memory.
    """
    with reading_errors(path, "a file of MATLAB or an HDF5 file"):
        if is_matlab_5(path):
            check_memory(path, path.stat().st_size, 2)
            return read_matlab(path)
        with _open_hdf5(path) as file:
            return _read_hdf5(file, path, part)


def is_matlab_5(path: Path) -> bool:
    """Return whether a file is one of MATLAB 5 to 7, which is read in a process of its own."""
    with path.open("rb") as file:
        return file.read(len(MATLAB)) == MATLAB


def _is_matlab_7(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MATLAB_HDF5)) == MATLAB_HDF5


def _open_hdf5(path: Path) -> Any:
    h5py = import_package("h5py", "HDF5 files", "hdf5")
    return h5py.File(path, "r")


def _iter_datasets(group: Any, path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the names and datasets in a group; links to other files are not followed."""
    h5py = import_package("h5py", "HDF5 files", "hdf5")
    pending, n_items = [("", group)], 0
    while pending:
        prefix, parent = pending.pop()
        for key in parent:
            name = f"{prefix}{key}"
            if key.startswith("#") or not isinstance(parent.get(key, getlink=True), h5py.HardLink):
                continue
            n_items += 1
            if n_items > MOST_ARRAYS:
                raise UserError(f"{path}: expected at most {MOST_ARRAYS:,} arrays; got more")
            item = parent[key]
            if isinstance(item, h5py.Group):
                pending.append((f"{name}/", item))
            elif isinstance(item, h5py.Dataset):
                yield name, item


def _read_hdf5(file: Any, path: Path, part: str | None) -> Arrays:
    h5py = import_package("h5py", "HDF5 files", "hdf5")
    datasets: Mapping[str, Any] = dict(_iter_datasets(file, path))
    if part is not None:
        inside = part.strip("/")
        below = {k: v for k, v in datasets.items() if k == inside or k.startswith(f"{inside}/")}
        if not below:
            raise UserError(
                f"{path}: expected the name of an array or a group after ::, such as "
                f"{next(iter(datasets), 'none')}; got '{part}'"
            )
        datasets = {k.removeprefix(f"{inside}/"): v for k, v in below.items()}
    check_memory(path, sum(int(one.nbytes) for one in datasets.values()), 1)
    arrays: Arrays = {}
    for name, dataset in datasets.items():
        if h5py.check_string_dtype(dataset.dtype) is not None:
            arrays[name] = np.asarray(dataset.asstr()[()]).astype(str)
        elif h5py.check_dtype(ref=dataset.dtype) is None:
            arrays[name] = dataset[()]
    if _is_matlab_7(path):
        return {name: np.asarray(array).T for name, array in arrays.items()}
    return {name: np.asarray(array) for name, array in arrays.items()}
