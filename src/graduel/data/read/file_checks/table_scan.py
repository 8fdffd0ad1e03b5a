"""Reading of a whole file, block by block if it is a table, as a process of its own.

The process is ``python -m graduel.data.read.file_checks.table_scan MEMORY FILE [PART]``. It ends
with exit code 0 if the file can be read with that number of bytes of memory, otherwise it prints
the error.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from graduel.data.read.file_checks.isolated_check import limit_memory
from graduel.data.read.reader import detect_table, read_source
from graduel.data.read.row_stream import open_stream
from graduel.errors import UserError


def main(arguments: Sequence[str]) -> int:
    """Read the file; print the error if it cannot be read."""
    memory, file, *part = arguments
    limit_memory(int(memory))
    try:
        if detect_table(Path(file)) is None:
            read_source(file)
            return 0
        for _ in open_stream(file, part=part[0] if part else None).blocks:
            pass
    except UserError as error:
        print(error)
        return 2
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.exit(main(sys.argv[1:]))
