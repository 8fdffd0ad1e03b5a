"""Write files whole or not at all: the one way in which graduel writes to disk.

A file is written beside its place, flushed to the disk, and renamed over its place; so a process
that is killed at any moment leaves the old file or the new one, never a part of one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4


def atomic_write(path: str | Path, content: bytes | str) -> None:
    """Write a file whole or not at all; text becomes UTF-8. Missing folders are made.

    Raises
    ------
    OSError
        If the file cannot be written; what stood there before is unchanged.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with atomic_path(path) as aside, aside.open("xb") as file:
        file.write(data)


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a path beside `path` for a writer that needs one; rename it to `path` at the end.

    The file is flushed to the disk before it is renamed. If the block raises, nothing of it stays.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        yield aside
        with aside.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    sync_folder(path.parent)


def atomic_write_folder(path: str | Path, files: Mapping[str, bytes]) -> None:
    """Write a new folder of files, given by name, whole or not at all.

    Raises
    ------
    OSError
        If it cannot be written, or a folder of files is there already.
    """
    path = Path(path)
    aside = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        for name, content in files.items():
            atomic_write(aside / name, content)
        os.replace(aside, path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    sync_folder(path.parent)


def remove_unfinished(folder: Path) -> None:
    """Remove what writers that were killed left in a folder; no writer may be at work there."""
    for left in folder.glob(".*.tmp"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk, where the system can (Windows cannot)."""
    with suppress(OSError):
        entry = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(entry)
        finally:
            os.close(entry)
