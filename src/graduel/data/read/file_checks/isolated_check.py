"""Check of a file by reading it in a separate process, which a damaged file may crash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from graduel.data.read.file_checks.memory_check import free_bytes
from graduel.errors import UserError


def check_isolated(path: Path, part: str | None, title: str) -> None:
    """Raise if a table cannot be read; a damaged length may crash only the other process.

    Parameters
    ----------
    part : the table in a file of several tables
    title : the format's name, for the message
    """
    module = "graduel.data.read.file_checks.table_scan"
    command = [
        sys.executable,
        "-P",
        "-m",
        module,
        str(free_bytes()),
        str(path),
        *filter(None, [part]),
    ]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        raise UserError(
            done.stdout.strip()
            or f"{path}: expected a complete {title} file; it cannot be read. Get the file again"
        )
