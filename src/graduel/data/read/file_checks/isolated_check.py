"""Check of a file by reading it in a separate process, which a damaged file may crash."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from graduel.data.read.file_checks.memory_check import free_bytes
from graduel.errors import UserError

TABLE_SCAN = "graduel.data.read.file_checks.table_scan"
SPARE = 1 << 31
"""Bytes that a process maps without using them: stacks of threads, pools of libraries."""


def check_isolated(path: Path, part: str | None, title: str) -> None:
    """Raise if a table cannot be read; a damaged length may crash only the other process.

    Parameters
    ----------
    part : the table in a file of several tables
    title : the format's name, for the message
    """
    expected = f"{path}: expected a complete {title} file"
    run_isolated(TABLE_SCAN, [str(path), *filter(None, [part])], expected)


def run_isolated(module: str, arguments: Sequence[str], expected: str) -> None:
    """Run a module in another process, with the free memory in bytes as its first argument.

    Parameters
    ----------
    expected : the file's name and what it should be

    Raises
    ------
    UserError
        If the process fails: what it printed, or that the file cannot be read.
    """
    command = [sys.executable, "-P", "-m", module, str(free_bytes()), *arguments]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        raise UserError(done.stdout.strip() or f"{expected}; it cannot be read. Get the file again")


def limit_memory(n_bytes: int) -> None:
    """Limit this process's private memory, where the system can."""
    try:
        import resource

        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        n_bytes += SPARE
        limit = n_bytes if hard == resource.RLIM_INFINITY else min(n_bytes, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    except (ImportError, OSError, ValueError):
        return
