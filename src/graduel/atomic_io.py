"""Atomic writes of files and folders: every file that graduel writes goes through this module.

A file is written under a temporary name beside its destination, flushed to disk, and renamed. A
process that is killed at any moment leaves the old file or the new one, never a partial one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4


def atomic_write(path: str | Path, content: bytes | str) -> None:
    """Write a file atomically; text is encoded as UTF-8, and missing folders are created.

    Raises
    ------
    OSError
        If the file cannot be written; an existing file is then unchanged.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with atomic_path(path) as temporary, temporary.open("xb") as file:
        file.write(data)


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path to write to; flush it to disk and rename it to `path` at the end.

    If the block raises, the temporary file is removed and `path` is unchanged.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def atomic_write_folder(path: str | Path, files: Mapping[str, bytes]) -> None:
    """Write a new folder atomically; `files` maps file names to contents.

    Raises
    ------
    OSError
        If the folder cannot be written, or `path` is already a folder with files in it.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        for name, content in files.items():
            atomic_write(temporary / name, content)
        os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    sync_folder(path.parent)


def remove_unfinished(folder: Path) -> None:
    """Remove the temporary files of killed writers from a folder.

    No other process may be writing to the folder at the same time.
    """
    for path in folder.glob(".*.tmp"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Flush a folder's directory entries to disk where the system supports it (not on Windows)."""
    with suppress(OSError):
        entry = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(entry)
        finally:
            os.close(entry)
