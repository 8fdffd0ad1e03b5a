"""Check of a Parquet file by decoding it in a separate process.

The process is ``python -m graduel.data.read.file_checks.parquet_check``. Some damaged files crash
the process that decodes them: a damaged length requests more memory than there is, and Polars
aborts.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from graduel.data.read.parquet import scan_parquet
from graduel.errors import UserError


def check_parquet(path: Path) -> None:
    """Raise if a Parquet file cannot be read."""
    command = [sys.executable, "-P", "-m", "graduel.data.read.file_checks.parquet_check", str(path)]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        message = done.stdout.strip() or (
            f"{path}: expected a complete Parquet file; it cannot be read. Get the file again"
        )
        raise UserError(message)


def main(path: str) -> int:
    """Read every block; print the error if one cannot be read."""
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
