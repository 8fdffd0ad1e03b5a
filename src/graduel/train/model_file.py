"""What stands around a model's arrays: suspicion before the file is opened, JSON, a checksum."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.errors import UserError

DTYPES = {"float32": "F32", "float64": "F64"}
"""What safetensors calls the dtypes of weights."""
HEADER = 3 << 18
"""The longest header, in bytes. To read it, safetensors may need 72 times as much memory."""
OTHER = "expected a model that save_model wrote; the file is another's, damaged or cut short"


def one_line(text: object, most: int = 1000) -> str:
    r"""Return text that is safe in a message: control characters escaped, not too long.

    >>> print(one_line("a\nb"))
    a\nb
    """
    shown = str(text)
    cut = shown[:most] + "…" * (len(shown) > most)
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut
    )


def parse(text: str) -> Any:
    """Read JSON in which no key stands twice.

    Raises
    ------
    UserError
        If it is none.
    """
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise UserError(f"no proper JSON: {error}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def checksum(about: Mapping[str, Any], arrays: Iterable[tuple[str, NDArray[Any]]]) -> str:
    """Return the SHA-256 of a description and of each array's name, dtype, shape and bytes.

    The description counts as JSON in ASCII, its keys sorted, without spaces. Then come the arrays
    in the order of their names, little-endian, wherever they lie in the file.
    """
    digest = sha256(json.dumps(about, sort_keys=True, separators=(",", ":")).encode())
    for name, array in sorted(arrays, key=lambda pair: pair[0]):
        head = [name, DTYPES[array.dtype.name], array.shape]
        digest.update(b"\n" + json.dumps(head).encode() + b"\n")
        digest.update(np.asarray(array, array.dtype.newbyteorder("<")).reshape(-1).data)
    return digest.hexdigest()


def check_file(path: Path) -> None:
    """Check that there is a regular file whose header is not too long, before it is opened.

    A pipe could wait for ever, a device never end, and a long header take any memory. What else
    the header says, safetensors holds against the file's size.

    Raises
    ------
    UserError, OSError
        If it is another thing, or cannot be read.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
        raise UserError(f"cannot be read (expected a file, got {kind})")
    with path.open("rb") as file:
        size, length = os.fstat(file.fileno()).st_size, header_size(file.read(8))
    if not 2 <= length <= min(size - 8, HEADER):
        raise UserError(
            f"{OTHER} (a header of {length:,} bytes, {HEADER:,} at most, in a file of {size:,})"
        )


def header_size(content: bytes) -> int:
    """Return how long the header is, as the file's first eight bytes tell."""
    return int.from_bytes(content[:8], "little")
