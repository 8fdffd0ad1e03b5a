"""Lock files on a shared file system: they name their holder and are refreshed while it lives.

A lock file is created with ``O_EXCL``, so one process gets it. It holds host, process number and
time. A heartbeat refreshes its time of modification every minute. It is stale, and may be taken
over, if its holder was a process of this host that has died, or a process elsewhere that has not
refreshed it for ten minutes. Ages are measured by the clock of the file system, because clocks of
hosts differ.
"""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Thread
from uuid import uuid4

from filelock import FileLock

from graduel.errors import UserError
from graduel.serialize import from_plain

REFRESH_SECONDS, STALE_SECONDS = 60.0, 600.0
TAKEOVER = ".takeover"
"""The mutex of processes that take over a stale lock; the system releases it if they die."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a lock."""

    host: str
    pid: int
    started: str
    """Start of the process in ticks since boot, which distinguishes reused process numbers."""
    processes: str
    """Namespace of the process number: containers of one host may have the same numbers."""
    since: float
    """Time of the lock, in seconds since 1970."""
    token: str
    """A random name of this lock."""

    @classmethod
    def current(cls) -> Holder:
        """Return this process as a holder, with a new token."""
        pid = os.getpid()
        return cls(socket.gethostname(), pid, _started(pid), _namespace(), time.time(), uuid4().hex)

    def is_dead(self) -> bool:
        """Return whether this was a process of this host that has ended."""
        if (self.host, self.processes) != (socket.gethostname(), _namespace()):
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:  # another user's process
            return False
        return _started(self.pid) != self.started


def _started(pid: int) -> str:
    """Return the start time of a process in ticks since boot; empty where /proc does not exist."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("latin-1").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


class LockFile:
    """A lock file held by this process, refreshed by a thread until it is released."""

    def __init__(self, path: Path, holder: Holder) -> None:
        self.path, self.holder = path, holder
        self._released = Event()
        Thread(target=self._refresh, daemon=True).start()

    def is_held(self) -> bool:
        """Return whether the lock still is this process's; another may have taken it over."""
        return read_holder(self.path) == self.holder

    def release(self) -> None:
        """Remove the file if it still is this process's."""
        self._released.set()
        if self.is_held():
            self.path.unlink(missing_ok=True)

    def _refresh(self) -> None:
        while not self._released.wait(REFRESH_SECONDS):
            with suppress(OSError):  # a hiccup of the file system
                if self.is_held():
                    os.utime(self.path)


def acquire(path: Path) -> LockFile | None:
    """Create a lock file, or take over a stale one; return None if another process holds it.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    holder = Holder.current()
    if (lock := _create(path, holder)) or not is_stale(path):
        return lock
    with FileLock(path.parent / TAKEOVER):
        if path.exists() and not is_stale(path):  # another process was first
            return None
        path.unlink(missing_ok=True)
        return _create(path, holder)


def _create(path: Path, holder: Holder) -> LockFile | None:
    """Create a lock file unless it exists; remove it if a signal stops the process meanwhile."""
    try:
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    except FileExistsError:
        return None
    try:
        with open(file, "wb") as opened:
            opened.write(json.dumps(asdict(holder)).encode())
            opened.flush()
            os.fsync(file)
        return LockFile(path, holder)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def read_holder(path: Path) -> Holder | None:
    """Return the holder in a lock file; None if there is none, or it is not yet written."""
    try:
        return from_plain(Holder, json.loads(path.read_bytes()))
    except (OSError, ValueError, UserError):
        return None


def is_stale(path: Path) -> bool:
    """Return whether a lock file was left by a process that has died."""
    holder = read_holder(path)
    if holder is not None:
        if holder.is_dead():
            return True
        if (holder.host, holder.processes) == (socket.gethostname(), _namespace()):
            return False  # it lives, perhaps suspended
    try:
        return _file_system_time(path.parent) - path.stat().st_mtime > STALE_SECONDS
    except FileNotFoundError:
        return False


def is_locked(path: Path) -> bool:
    """Return whether a process that lives holds the lock file."""
    return path.exists() and not is_stale(path)


def _file_system_time(folder: Path) -> float:
    probe = folder / f".{uuid4().hex}.clock"
    try:
        probe.touch()
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)
