"""SHA-256 of files and folders, to detect changed data."""

from __future__ import annotations

import hashlib
from pathlib import Path

from graduel.errors import UserError


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file's content, or of a folder's files with their names."""
    try:
        if not path.is_dir():
            return file_sha256(path)
        digest = hashlib.sha256()
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            digest.update(f"{file.relative_to(path).as_posix()}\0{file.stat().st_size}\0".encode())
            with file.open("rb") as content:
                hashlib.file_digest(content, lambda: digest)
        return digest.hexdigest()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
