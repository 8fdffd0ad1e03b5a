"""Reading of the IDX format of MNIST: a header of dimensions, then numbers, all big-endian.

Source: the format's description by LeCun, Cortes and Burges, published with MNIST (1998).
"""

from __future__ import annotations

import gzip
import os
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.dataset import Dataset
from graduel.data.finding import FILES_LEFT_OUT
from graduel.data.read.arrays.labeled_arrays import dataset_from_arrays
from graduel.data.read.column_names import join_names
from graduel.data.read.reading_errors import describe_error
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
NAME = re.compile(
    r"(?:(?P<set>.*)-)?(?P<part>train|t10k|test)-(?P<kind>images|labels)[-.]idx\d-ubyte(?:\.gz)?"
)
"""File names of MNIST and of data sets in its format."""
SIMILAR = re.compile(
    r"(?:(?P<set>.*?)[-_. ]*)?(?P<part>train|t10k|test)(?:ing)?[-_. ]*"
    r"(?P<kind>images?|labels?)(?![a-z]).*",
    re.IGNORECASE,
)
"""File names that are similar: the content decides."""
KEYS = tuple((part, kind) for part in ("train", "test") for kind in ("images", "labels"))
"""The four files, in the order in which they are read."""
DEPTH = 3
"""Levels of folders in which IDX files are looked for."""


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
                f"{path}: expected a complete gzip file; it is damaged or cut short "
                f"({describe_error(error)}). Get the file again"
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


@dataclass(frozen=True, slots=True)
class IdxSet:
    """The IDX files of one data set.

    Attributes
    ----------
    name : folder and first part of the file names, relative to the folder of all; "." without
    files : the four files by part (train, test) and kind (images, labels)
    copies : further files of a part and kind
    """

    name: str
    files: dict[tuple[str, str], Path]
    copies: list[Path]

    @property
    def missing(self) -> list[str]:
        """The files that are missing, in words."""
        return [f"{part} {kind}" for part, kind in KEYS if (part, kind) not in self.files]


def find_idx_sets(folder: Path) -> list[IdxSet]:
    """Return the data sets in IDX files in a folder and in its subfolders, complete ones first.

    Files belong together by the part of their names before ``train`` or ``test``, and by their
    folder; a folder that is named like its only file, as Kaggle has them, does not count.
    """
    sets: dict[str, IdxSet] = {}
    for path in _list_files(folder):
        if (match := parse_idx_name(path)) is None:
            continue
        home = path.parent
        if home != folder and NAME.fullmatch(home.name):
            home = home.parent
        name = (home.relative_to(folder) / (match["set"] or "")).as_posix()
        part = "train" if match["part"].lower() == "train" else "test"
        kind = "images" if match["kind"].lower().startswith("image") else "labels"
        one = sets.setdefault(name, IdxSet(name, {}, []))
        if one.files.setdefault((part, kind), path) != path:
            one.copies.append(path)
    return sorted(sets.values(), key=lambda one: bool(one.missing))


def find_own_set(path: Path) -> IdxSet | None:
    """Return the data set of an IDX file if its folder holds several; None for other files."""
    if parse_idx_name(path) is None:
        return None
    sets = find_idx_sets(path.parent)
    own = [one for one in sets if path in one.files.values()]
    return own[0] if own and len(sets) > 1 else None


def _list_files(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder, then those in folders in it, up to two levels deep."""
    folders = [folder]
    for _ in range(DEPTH):
        inner = []
        for one in folders:
            with os.scandir(one) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    if not entry.is_dir():
                        yield Path(entry.path)
                    elif not entry.name.startswith("."):
                        inner.append(Path(entry.path))
        folders = inner


def parse_idx_name(path: Path) -> re.Match[str] | None:
    """Return the match of an IDX file's name; None for another file.

    A name that is only similar to MNIST's counts if the file begins like an IDX file.
    """
    if match := NAME.fullmatch(path.name):
        return match
    match = SIMILAR.fullmatch(path.name)
    return match if match and path.is_file() and _has_idx_header(path) else None


def _has_idx_header(path: Path) -> bool:
    try:
        with path.open("rb") as raw:
            head = raw.read(4)
            if head[:2] == b"\x1f\x8b":
                raw.seek(0)
                head = gzip.GzipFile(fileobj=raw).read(4)
    except (OSError, EOFError, zlib.error):
        return False
    return len(head) == 4 and head[:2] == b"\0\0" and head[2] in TYPES and 0 < head[3] <= 4


def read_idx_folder(folder: Path, sets: list[IdxSet]) -> Dataset:
    """Read four IDX files as one data set with a predefined split.

    Raises
    ------
    UserError
        If a file is missing or damaged, or there are several data sets.
    """
    one, *others = sets
    complete = [other.name for other in sets if not other.missing]
    if len(complete) > 1:
        are_folders = all((folder / name).is_dir() for name in complete)
        example = next(iter(one.files.values())).name
        remedy = (
            "Give one of these folders" if are_folders else f"Give a file of one, such as {example}"
        )
        raise UserError(
            f"{folder}: expected one data set of four IDX files; got {len(complete)}: "
            f"{join_names(complete, max_names=10)}. {remedy}"
        )
    if one.missing:
        raise UserError(f"{folder}: expected four IDX files; {', '.join(one.missing)} are missing")
    images, labels, test_images, test_labels = (read_idx(one.files[key]) for key in KEYS)
    if images.shape[1:] != test_images.shape[1:] or not len(images) or not len(test_images):
        raise UserError(
            f"{folder}: expected training and test images of the same size; got {images.shape} and "
            f"{test_images.shape}"
        )
    if len(images) != len(labels):
        raise UserError(
            f"{folder}: expected as many labels as images; got {len(labels)} and {len(images)}"
        )
    left_out = [*one.copies, *(path for other in others for path in other.files.values())]
    finding = FILES_LEFT_OUT.report(
        f"{len(left_out)} IDX files are not read, since they repeat others or are not all four of "
        f"a data set: {join_names(path.relative_to(folder).as_posix() for path in left_out)}"
    )
    return dataset_from_arrays(
        folder.resolve().name,
        np.concatenate([images, test_images]),
        np.concatenate([labels.ravel(), test_labels.ravel()]),
        n_train=len(images),
        source=folder.name,
        notes=() if one.name == "." else (f"the IDX files are those of {one.name}",),
        findings=(finding,) if left_out else (),
    )
