"""Check that a table fits into memory before it is read."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from graduel.data.read.tables.table_format import ReadOptions, TableFormat
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

HEAD = 10_000
"""Number of first rows from which the size of a table is estimated."""
SMALL = 1 << 23
"""File size in bytes below which the check is skipped."""
CONTAINER = Path("/sys/fs/cgroup")
EVERY = 1 << 26
"""Bytes between two checks of a :class:`MemoryGuard`."""


def table_bytes(path: Path, table_format: TableFormat | None, part: str | None = None) -> int:
    """Estimate the size of a table in memory, in bytes; 0 for small files and other formats.

    Parameters
    ----------
    table_format : the result of :func:`graduel.data.read.reader.detect_table`
    part : the table in a file of several tables
    """
    if table_format is None or path.stat().st_size < SMALL:
        return 0
    return table_format.memory_bytes(path, ReadOptions(part=part))


def estimate_bytes(head: pl.DataFrame, n_rows: int) -> int:
    """Estimate the size of a table in memory, in bytes, from its first :data:`HEAD` rows."""
    return int(head.estimated_size() / max(len(head), 1) * n_rows)


def free_bytes() -> int:
    """Return the available memory in bytes, within a container's and the process's own limits."""
    import psutil

    free = min(int(psutil.virtual_memory().available), _free_of_limit())
    try:
        limit = int((CONTAINER / "memory.max").read_text(encoding="ascii"))
        lines = (CONTAINER / "memory.stat").read_text(encoding="ascii").splitlines()
        used = next(int(line.split()[1]) for line in lines if line.startswith("anon "))
    except (OSError, ValueError, StopIteration):  # not in a container, or no limit
        return free
    return max(min(free, limit - used), 0)


def _free_of_limit() -> int:
    """Return what RLIMIT_DATA leaves of private memory, on Linux; elsewhere a large number."""
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_DATA)[0]
        if limit == resource.RLIM_INFINITY:
            return sys.maxsize
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return max(limit - 1024 * int(status.split("VmData:")[1].split()[0]), 0)
    except (ImportError, OSError, IndexError, ValueError):
        return sys.maxsize


def check_memory(path: Path, size: int, copies: float) -> None:
    """Raise if `copies` copies of a table of `size` bytes do not fit into memory."""
    need, free = size * copies, free_bytes()
    if need > free:
        raise UserError(
            f"{path}: needs about {_format_size(need)} of memory; {_format_size(free)} are free. "
            "Give --rows N to read a sample of the rows"
        )


@dataclass(slots=True)
class MemoryGuard:
    """The size of the blocks that were read from a file of unknown size in memory."""

    path: Path
    n_bytes: int = 0
    unchecked: int = 0

    def add(self, n_bytes: int) -> None:
        """Count a block; now and then, raise if as much memory again is not free.

        Raises
        ------
        UserError
            If the table is about to exceed the free memory.
        """
        self.n_bytes += n_bytes
        self.unchecked += n_bytes
        if self.unchecked >= EVERY:
            self.unchecked = 0
            check_memory(self.path, self.n_bytes, 1)


def _format_size(size: float) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.1f} MB"
