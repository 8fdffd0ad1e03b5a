"""Reading of a WebDataset: a tar file of images, each with its label in a file of the same name."""

from __future__ import annotations

import json
import lzma
import tarfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from graduel.data.dataset import Dataset
from graduel.data.read.column_names import join_names, quote_name
from graduel.data.read.file_checks.memory_check import check_memory
from graduel.data.read.images.image_bytes import ImageBytes
from graduel.data.read.images.image_files import ENDINGS
from graduel.data.read.images.image_folders import read_labeled
from graduel.data.read.reading_errors import describe_error
from graduel.errors import UserError

MAGIC, OFFSET = b"ustar", 257
PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ")
LABELS = (".cls", ".txt", ".json")
"""Endings of the files with a label; of ``.json``, the value under ``label`` or ``cls``."""
LONGEST_LABEL = 1 << 16
MOST_FILES = 20_000_000


def is_tar(path: Path, head: bytes) -> bool:
    """Return whether a file is a tar file, by its first bytes, or by its name if compressed."""
    if head[OFFSET:].startswith(MAGIC):
        return True
    name = path.name.lower()
    return head.startswith(PACKED) and name.endswith((".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"))


def read_tar(path: Path, size: tuple[int, int] | None = None) -> tuple[Dataset, list[str]]:
    """Read images and labels; nothing is unpacked to the disk, and links are ignored.

    Parameters
    ----------
    size : height and width to which images are resized; None if all have the same size

    Returns
    -------
    The data set, and notes.

    Raises
    ------
    UserError
        If the file is damaged, or an image has no label.
    """
    images, labels = dict[str, ImageBytes](), dict[str, str]()
    try:
        with tarfile.open(path) as archive:
            total = 0
            for member in archive:
                folder, _, file = member.name.rpartition("/")
                stem, dot, ending = file.partition(".")
                ending = dot + ending.lower()
                key = f"{folder}/{stem}"
                if not member.isreg() or not stem:
                    continue
                if ending in ENDINGS and key not in images:
                    total += member.size
                    check_memory(path, total, 1)
                    images[key] = ImageBytes(_read(archive, member), path, member.name)
                elif ending in LABELS and (key not in labels or ending == LABELS[0]):
                    labels[key] = _parse_label(path, archive, member, ending)
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        what = describe_error(error).rstrip(":")
        raise UserError(
            f"{path}: expected a complete tar file; it cannot be read ({what}). Get it again"
        ) from None
    if not images:
        raise UserError(f"{path}: expected images ({', '.join(sorted(ENDINGS))}); there are none")
    if bare := [image.name for key, image in images.items() if key not in labels]:
        raise UserError(
            f"{path}: expected a label of the same name for each image, such as 0001.cls for "
            f"0001.png; {join_names(bare)} have none. Add it"
        )
    return read_labeled(
        path.name.partition(".")[0],
        list(images.values()),
        np.array([labels[key] for key in images]),
        size,
        source=path.name,
    )


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return b"" if file is None else file.read()


def _parse_label(path: Path, archive: tarfile.TarFile, member: tarfile.TarInfo, ending: str) -> str:
    """Return the label in a file: its text, or a value of its JSON object."""
    what = f"{path}: {member.name}: expected a label"
    if member.size > LONGEST_LABEL:
        raise UserError(f"{what}; the file has {member.size:,} bytes. Write the class only")
    try:
        text = _read(archive, member).decode().strip()
        value: Any = json.loads(text) if ending == ".json" else text
    except (ValueError, RecursionError) as error:
        raise UserError(f"{what}; got {error}. Write the class as text") from None
    if isinstance(value, dict):
        value = next((value[key] for key in ("label", "cls", "class") if key in value), None)
    if not isinstance(value, str | int) or value == "":
        raise UserError(f"{what}; got {quote_name(value)}. Write the class as text")
    return str(value)
