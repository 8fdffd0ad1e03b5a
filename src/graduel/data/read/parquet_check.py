"""Decode a Parquet file once in a separate process.

The process is ``python -m graduel.data.read.parquet_check``.

Some damaged files end the process that decodes them: a length that was hit asks for more memory
than there can be, and Polars aborts. Here that process is another one, and what it was about to
write of it is not shown.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from graduel.data.read.parquet import scan_parquet
from graduel.errors import UserError


def check_parquet(path: Path) -> None:
    """See that a Parquet file can be read.

    Raises
    ------
    UserError
        If it is damaged.
    """
    command = [sys.executable, "-P", "-m", "graduel.data.read.parquet_check", str(path)]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        told = done.stdout.strip() or (
            f"{path}: expected a whole Parquet file; it cannot be read. Get the file again"
        )
        raise UserError(told)


def main(path: str) -> int:
    """Read every block and forget it; print why not, if that goes wrong."""
    try:
        for _ in scan_parquet(Path(path)):
            pass
    except UserError as error:
        print(error)
        return 2
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.exit(main(sys.argv[1]))
