"""The file container: safetensors with JSON metadata and a checksum, checked before opening."""

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
from safetensors.numpy import save

from graduel.errors import UserError

FORMAT = 2
"""The version of the file format; from the first release on, files of every version load."""
KEY = "graduel"
"""The only key of the file's metadata: safetensors writes several in random order."""
CHECKSUM = "sha256"
"""Key of the checksum in that JSON; it covers the rest of the JSON and all arrays."""
DTYPES = {"float32": "F32", "float64": "F64", "uint8": "U8"}
"""safetensors' names of the dtypes of weights and of bytes."""
HEADER = 3 << 18
"""The maximum header size in bytes. Reading it takes up to 72 times as much memory."""
OTHER = "expected a model file; this one is another file, damaged or truncated"


def one_line(text: object, max_length: int = 1000) -> str:
    r"""Return text made safe for a message: control characters escaped, truncated.

    >>> print(one_line("a\nb"))
    a\nb
    """
    shown = str(text)
    cut = shown[:max_length] + "…" * (len(shown) > max_length)
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut
    )


def parse(text: str) -> Any:
    """Parse JSON; raise `UserError` if it is invalid or a key occurs twice in an object."""
    try:
        return json.loads(text, object_pairs_hook=_unique_keys)
    except (ValueError, RecursionError) as error:
        raise UserError(f"invalid JSON: {error}") from None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a key occurs twice in one object")
    return content


def compute_checksum(about: Mapping[str, Any], arrays: Iterable[tuple[str, NDArray[Any]]]) -> str:
    """Return the SHA-256 of a description and of each array's name, dtype, shape and bytes.

    The description is hashed as ASCII JSON with sorted keys and no spaces, then the arrays sorted
    by name, little-endian.
    """
    digest = sha256(json.dumps(about, sort_keys=True, separators=(",", ":")).encode())
    for name, array in sorted(arrays, key=lambda pair: pair[0]):
        head = [name, DTYPES[array.dtype.name], array.shape]
        digest.update(b"\n" + json.dumps(head).encode() + b"\n")
        digest.update(np.asarray(array, array.dtype.newbyteorder("<")).reshape(-1).data)
    return digest.hexdigest()


def check_file(path: Path) -> None:
    """Raise `UserError` unless a path is a regular file with a header of at most HEADER bytes.

    It runs before the file is opened: a pipe could block, a device never end, and a long header
    exhaust memory. safetensors checks the rest of the header against the file size.
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
    """Return the header size in bytes, read from the first eight bytes of a file."""
    return int.from_bytes(content[:8], "little")


def pack_file(about: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> bytes:
    """Return the bytes of a file with the arrays, their description and a checksum of both."""
    described = about | {CHECKSUM: compute_checksum(about, arrays.items())}
    text = json.dumps(described, ensure_ascii=False)
    size, content = len(text.encode()), b""
    if size <= HEADER:
        content = save(arrays, metadata={KEY: text})
        size = header_size(content)
    if size > HEADER:
        raise UserError(
            f"the network's description and the notes must fit into {HEADER:,} bytes of JSON; "
            f"got {size:,}. Save large notes in another file"
        )
    return content


def parse_header(text: str) -> dict[str, Any]:
    """Parse the JSON of the metadata; raise `UserError` unless it has this format version."""
    try:
        about = parse(text)
    except UserError as error:
        raise UserError(f"the model's description is damaged ({error})") from None
    number = about.get("format") if isinstance(about, dict) else None
    if type(number) is not int or number < 1:
        raise UserError("the model's description is damaged (it has no format number)")
    if number != FORMAT:
        raise UserError(
            f"expected a model of format {FORMAT}; got format {one_line(number, 20)}, "
            f"written by graduel {one_line(about.get('graduel'), 20)}. Install that version"
        )
    if not isinstance(about.get("notes"), dict):
        raise UserError("the model's description is damaged (its notes are not a JSON object)")
    return dict(about)


def check_sum(about: dict[str, Any], arrays: Iterable[tuple[str, NDArray[Any]]]) -> None:
    """Remove the checksum from a description; raise `UserError` if it does not match."""
    if about.pop(CHECKSUM, None) != compute_checksum(about, arrays):
        raise UserError(
            "the file is damaged: its numbers or notes do not match its checksum. Copy or save it "
            "again"
        )
