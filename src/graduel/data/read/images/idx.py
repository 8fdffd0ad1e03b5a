"""Read the IDX format of MNIST: a header of dimensions, then numbers, all big-endian.

Source: the format's description by LeCun, Cortes and Burges beside MNIST (1998).
"""

from __future__ import annotations

import gzip
import struct
import zlib
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

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
"""Bytes read at a time, so that a false header cannot allocate memory."""


def read_idx(path: str | Path) -> NDArray[Any]:
    """Read one IDX file, gzipped or not, into an array of the machine's byte order.

    Raises
    ------
    UserError
        If the file is not IDX, is cut short, or holds more than its header says.
    FileNotFoundError, PermissionError
        If it cannot be opened.
    """
    path = Path(path)
    with path.open("rb") as raw:
        is_gzip = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        try:
            return _parse(gzip.GzipFile(fileobj=raw) if is_gzip else raw, path)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise UserError(
                f"{path}: expected a whole gzip file; it is damaged or cut short ({error}). "
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
