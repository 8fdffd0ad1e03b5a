"""Whether a table goes into memory, told before it is read."""

from __future__ import annotations

from pathlib import Path

import psutil

from graduel.data.read.delimited.csv import text_bytes
from graduel.data.read.parquet import parquet_bytes
from graduel.errors import UserError

SMALL = 1 << 23
"""Bytes of a file that need no look."""
CONTAINER = Path("/sys/fs/cgroup")


def table_bytes(path: Path, kind: str) -> int:
    """Estimate the memory that a table takes; 0 of a small file, and of what is no table.

    Parameters
    ----------
    kind : as :func:`graduel.data.read.reader.detect_format` tells it
    """
    if kind not in ("parquet", "text") or path.stat().st_size < SMALL:
        return 0
    return parquet_bytes(path) if kind == "parquet" else text_bytes(path)


def free_bytes() -> int:
    """Return how much memory is available, a container's limit on Linux included."""
    free = int(psutil.virtual_memory().available)
    try:
        limit = int((CONTAINER / "memory.max").read_text(encoding="ascii"))
        lines = (CONTAINER / "memory.stat").read_text(encoding="ascii").splitlines()
        used = next(int(line.split()[1]) for line in lines if line.startswith("anon "))
    except (OSError, ValueError, StopIteration):  # no container, or none with a limit
        return free
    return max(min(free, limit - used), 0)


def check_memory(path: Path, size: int, times: float) -> None:
    """Refuse a table that would not go into memory so many times.

    Raises
    ------
    UserError
        With what it would take, what is free, and the way around it.
    """
    need, free = size * times, free_bytes()
    if need > free:
        raise UserError(
            f"{path}: needs about {_giga(need)} of memory; {_giga(free)} are free. Give --rows N: "
            "then a sample of the rows is read, and no more is held"
        )


def _giga(size: float) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.1f} MB"
