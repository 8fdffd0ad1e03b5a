"""Reading of the IDX format of MNIST: a header of dimensions, then numbers, all big-endian.

Source: the format's description by LeCun, Cortes and Burges beside MNIST (1998).
"""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.dataset import Dataset
from graduel.data.read.labeled_arrays import dataset_from_arrays
from graduel.errors import UserError

TYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype("u1"),
    0x09: np.dtype("i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
PIECE = 1 << 24
"""Bytes read at a time, so that a wrong header cannot allocate all memory."""
NAME = re.compile(r"(?:.*-)?(train|t10k|test)-(images|labels)[-.]idx\d-ubyte(?:\.gz)?")
"""File names of MNIST and of data sets in its format."""


def read_idx(path: str | Path) -> NDArray[Any]:
    """Read one IDX file, gzipped or not, into an array of native byte order.

    Raises
    ------
    UserError
        If the file is not an IDX file, or its length contradicts its header.
    FileNotFoundError, PermissionError
        If the file cannot be opened.
    """
    path = Path(path)
    with path.open("rb") as raw:
        is_gzip = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        try:
            return _parse(gzip.GzipFile(fileobj=raw) if is_gzip else raw, path)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise UserError(
                f"{path}: expected a complete gzip file; it is damaged or cut short ({error}). "
                "Get the file again"
            ) from None


def _parse(file: IO[bytes] | gzip.GzipFile, path: Path) -> NDArray[Any]:
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in TYPES or head[3] == 0:
        raise UserError(
            f"{path}: expected an IDX file (two zero bytes, a type, a number of dimensions); "
            f"it begins with {head.hex(' ') or 'nothing'}"
        )
    dtype, rank = TYPES[head[2]], head[3]
    dims = file.read(4 * rank)
    if len(dims) < 4 * rank:
        raise UserError(
            f"{path}: expected {rank} dimensions in the IDX header; the file ends first"
        )
    shape = struct.unpack(f">{rank}I", dims)
    size = prod(shape) * dtype.itemsize
    body = bytearray()
    while piece := file.read(min(PIECE, size + 1 - len(body))):
        body += piece
    if len(body) != size:
        got = f"only {len(body):,}" if len(body) < size else "more"
        raise UserError(
            f"{path}: expected {size:,} bytes of data for shape {shape}; got {got}. "
            "The file is damaged or cut short: get it again"
        )
    array = np.frombuffer(body, dtype).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def find_idx_files(folder: Path) -> dict[tuple[str, str], Path]:
    """Return the IDX files in a folder by part (train, test) and kind (images, labels)."""
    files: dict[tuple[str, str], Path] = {}
    for path in sorted(folder.iterdir()):
        if match := NAME.fullmatch(path.name):
            part = "train" if match[1] == "train" else "test"
            files.setdefault((part, match[2]), path)
    return files


def read_idx_folder(folder: Path, files: dict[tuple[str, str], Path]) -> Dataset:
    """Read four IDX files as one data set with a predefined split."""
    keys = [(part, kind) for part in ("train", "test") for kind in ("images", "labels")]
    missing = [f"{part} {kind}" for part, kind in keys if (part, kind) not in files]
    if missing:
        raise UserError(f"{folder}: expected four IDX files; {', '.join(missing)} are missing")
    images, labels, test_images, test_labels = (read_idx(files[key]) for key in keys)
    if images.shape[1:] != test_images.shape[1:] or not len(images) or not len(test_images):
        raise UserError(
            f"{folder}: expected training and test images of the same size; got {images.shape} and "
            f"{test_images.shape}"
        )
    if len(images) != len(labels):
        raise UserError(
            f"{folder}: expected as many labels as images; got {len(labels)} and {len(images)}"
        )
    return dataset_from_arrays(
        folder.resolve().name,
        np.concatenate([images, test_images]),
        np.concatenate([labels.ravel(), test_labels.ravel()]),
        n_train=len(images),
        source=folder.name,
    )
