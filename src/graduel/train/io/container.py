"""What stands around a model's arrays: suspicion before the file is opened, JSON, a checksum."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from graduel.errors import UserError

FORMAT = 2
"""1: without a checksum. Files of every format keep loading."""
KEY = "graduel"
"""Under this key stands the JSON in the file's metadata. Of two keys the order would be chance."""
CHECKSUM = "sha256"
"""Under this key of that JSON stands a checksum of the rest of it and of all arrays."""
DTYPES = {"float32": "F32", "float64": "F64", "uint8": "U8"}
"""What safetensors calls the dtypes of weights, and of bytes."""
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


def compute_checksum(about: Mapping[str, Any], arrays: Iterable[tuple[str, NDArray[Any]]]) -> str:
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


def pack_file(about: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> bytes:
    """Return the content of a file: the arrays, and their description with a checksum of it all.

    Raises
    ------
    UserError
        If the header is longer than a reader takes.
    """
    described = about | {CHECKSUM: compute_checksum(about, arrays.items())}
    text = json.dumps(described, ensure_ascii=False)
    size, content = len(text.encode()), b""
    if size <= HEADER:
        content = save(arrays, metadata={KEY: text})
        size = header_size(content)
    if size > HEADER:
        raise UserError(
            f"the network's description and the notes must fit into {HEADER:,} bytes of JSON; "
            f"got {size:,}. Write large notes to a file of their own"
        )
    return content


def parse_header(text: str) -> dict[str, Any]:
    """Read the JSON of the metadata.

    Raises
    ------
    UserError
        If it is none of a model's, or of a newer format.
    """
    try:
        about = parse(text)
    except UserError as error:
        raise UserError(f"the model's description is damaged ({error})") from None
    number = about.get("format") if isinstance(about, dict) else None
    if type(number) is not int or number < 1:
        raise UserError("the model's description is damaged (it has no format number)")
    if number > FORMAT:
        raise UserError(
            f"expected a model of format {FORMAT} or older; got format {one_line(number, 20)}, "
            f"written by graduel {one_line(about.get('graduel'), 20)}. Install that version or a "
            "newer one"
        )
    if not isinstance(about.get("notes"), dict):
        raise UserError("the model's description is damaged (it has no notes by name)")
    return dict(about)


def check_sum(about: dict[str, Any], arrays: Iterable[tuple[str, NDArray[Any]]]) -> None:
    """Hold a file against its checksum, which is taken out of the description.

    Raises
    ------
    UserError
        If they do not fit.
    """
    if about["format"] > 1 or CHECKSUM in about:  # the first format had none
        told = about.pop(CHECKSUM, None)
        if told != compute_checksum(about, arrays):
            raise UserError("the file is damaged: its numbers or notes do not fit its checksum")


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: beside its place, then moved there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        with aside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
