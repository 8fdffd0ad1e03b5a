"""The temporary folder of a divided fit, which does not outlast a killed process for long."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

PREFIX = "graduel-rows-"


@contextmanager
def rows_folder() -> Iterator[Path]:
    """Yield a new temporary folder for prepared rows; remove it at the exit.

    A killed process cannot remove its folder: the next one does. A folder is in use while a process
    holds the lock of the file next to it; the system releases it when the process ends.
    """
    remove_stale_folders()
    folder = Path(tempfile.gettempdir()) / f"{PREFIX}{uuid4().hex}"
    with FileLock(_lock_path(folder)):
        try:
            folder.mkdir(mode=0o700)
            yield folder
        finally:
            _remove(folder)


def remove_stale_folders() -> None:
    """Remove the folders of this user that no process holds."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError, Timeout):
            lock = _lock_path(folder)
            if folder.is_dir() and _is_own(folder) and _is_own(lock):
                with FileLock(lock, timeout=0):
                    _remove(folder)


def _lock_path(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # on Windows, where it is open: it stays, and is empty
        _lock_path(folder).unlink()


def _is_own(path: Path) -> bool:
    """Return whether a path is no link and, where files have owners, belongs to this user."""
    about = path.lstat()
    return not path.is_symlink() and about.st_uid == getattr(os, "getuid", lambda: about.st_uid)()
