"""SHA-256 of files and folders, to detect changed data."""

from __future__ import annotations

import hashlib
from pathlib import Path

from graduel.data.read.images.idx import find_own_set
from graduel.errors import UserError


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file's content, or of a folder's files with their names.

    An IDX file in a folder of several data sets stands for the four files of its own.
    """
    try:
        own = None if path.is_dir() else find_own_set(path)
        if not path.is_dir() and own is None:
            return file_sha256(path)
        files = path.rglob("*") if own is None else iter(own.files.values())
        folder = path if own is None else path.parent
        digest = hashlib.sha256()
        for file in sorted(p for p in files if p.is_file()):
            digest.update(
                f"{file.relative_to(folder).as_posix()}\0{file.stat().st_size}\0".encode()
            )
            with file.open("rb") as content:
                hashlib.file_digest(content, lambda: digest)
        return digest.hexdigest()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
