"""A folder reserved for one plan: locked by one process, or shared by those that run its cells.

A process with the exclusive lock holds ``.lock`` while it runs. Processes that share a folder hold
``.lock`` only while they start, and a lock file of their own in ``locks/`` while they run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from filelock import FileLock, Timeout

from graduel.duel.store.lock_file import acquire, is_stale, read_holder
from graduel.errors import UserError

LOCK, LOCKS = ".lock", "locks"
SHARED = "process-"
"""Prefix of the lock files of processes that share the folder."""
START_SECONDS = 30.0
"""Seconds that a process waits for others which start at the same time."""

Claimed = TypeVar("Claimed")


@contextmanager
def locked_folder(
    path: Path, plan: str, what: str, claim: Callable[[], Claimed]
) -> Iterator[Claimed]:
    """Lock a folder while the block runs.

    Parameters
    ----------
    path : the folder; created if it does not exist
    plan : name of the plan file, which marks a folder as graduel's
    what : the kind of plan for error messages: "duel" or "suite"
    claim : writes the plan or compares it with the existing one; its return value is yielded

    Raises
    ------
    UserError
        If the folder cannot be written, is in use, or holds other files.
    """
    with ExitStack() as stack:
        try:
            _create_folder(path, plan, what)
            stack.enter_context(FileLock(path / LOCK, timeout=0))
            _check_unshared(path)
            claimed = claim()
        except Timeout:
            raise UserError(
                f"{path} is in use by another graduel process; wait for it or choose another --out"
            ) from None
        except OSError as error:
            raise UserError(
                f"--out must be a folder that can be written; got {path}: {error.strerror}"
            ) from None
        yield claimed


@contextmanager
def shared_folder(path: Path) -> Iterator[None]:
    """Share a folder with other processes that run its cells, while the block runs.

    Raises
    ------
    UserError
        If a process has the exclusive lock, or the folder cannot be written.
    """
    try:
        with FileLock(path / LOCK, timeout=START_SECONDS):
            lock = acquire(path / LOCKS / f"{SHARED}{uuid4().hex}")
            assert lock is not None
    except Timeout:
        raise UserError(
            f"{path} is in use by a graduel process that runs all of its cells; wait for it or "
            "stop it"
        ) from None
    except OSError as error:
        raise UserError(
            f"expected a folder that can be written; got {path}: {error.strerror}"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _check_unshared(path: Path) -> None:
    """Raise if a process shares the folder; remove what dead processes left."""
    for lock in (path / LOCKS).glob(f"{SHARED}*"):
        if not is_stale(lock):
            holder = read_holder(lock)
            where = "" if holder is None else f" (process {holder.pid} on {holder.host})"
            raise UserError(
                f"{path} is in use by graduel cells{where}; wait for it or choose another --out"
            )
        lock.unlink(missing_ok=True)


def _create_folder(path: Path, plan: str, what: str) -> None:
    """Create the folder; raise if it holds other files."""
    if path.exists() and not path.is_dir():
        raise UserError(f"--out must be a folder; {path} is a file")
    path.mkdir(parents=True, exist_ok=True)
    if (path / plan).exists():
        return
    names = (entry.name for entry in path.iterdir())
    unfinished = f".{plan}."  # left by a process killed while writing the plan
    others = sorted(name for name in names if name != LOCK and not name.startswith(unfinished))
    if others:
        raise UserError(
            f"--out must be a new or empty folder, or the folder of this {what}; {path} holds "
            f"other files ({others[0]}). Choose another folder"
        )
