"""The format of Arrow files (IPC, Feather version 2) and of Arrow streams."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path

from graduel.data.read.column_names import sanitize_names
from graduel.data.read.file_checks.isolated_check import check_isolated
from graduel.data.read.file_checks.memory_check import HEAD, estimate_bytes
from graduel.data.read.reading_errors import reading_errors
from graduel.data.read.tables.streamed_format import STRIDE, stream_frame, streamed_format
from graduel.data.read.tables.table_format import Block, ReadOptions, Stream
from graduel.errors import UserError

ENDINGS = (".arrow", ".feather", ".ipc")
MAGIC, STREAM, OLD = b"ARROW1", b"\xff\xff\xff\xff", b"FEA1"
"""The first bytes of a file, of a stream, and of Feather version 1."""
EXPECTED = "a complete Arrow file"


def _recognize(path: Path, head: bytes) -> bool:
    if head.startswith(OLD):
        raise UserError(
            f"{path}: expected an Arrow file; got Feather version 1, an old format. Save the table "
            "as Parquet"
        )
    if head.startswith((MAGIC, STREAM)):
        return True
    if path.suffix.lower() in ENDINGS:
        raise UserError(
            f"{path}: expected an Arrow file; got one that begins with {head[:6]!r}. Name it after "
            "its format"
        )
    return False


def _scan(path: Path, _: ReadOptions) -> Stream:
    import polars as pl

    if _is_stream(path):
        with reading_errors(path, EXPECTED):
            frame = pl.read_ipc_stream(path)
        return stream_frame(frame, path)
    with reading_errors(path, EXPECTED):
        types = dict(pl.read_ipc_schema(path))
        n_rows = int(pl.scan_ipc(glob.escape(str(path))).select(pl.len()).collect().item())
    if not types:
        raise UserError(f"{path}: expected a table; it has no columns")
    names, renamed = sanitize_names(list(types))

    def blocks() -> Iterator[Block]:
        for start in range(0, n_rows, STRIDE):
            with reading_errors(path, EXPECTED):
                block = pl.scan_ipc(glob.escape(str(path))).slice(start, STRIDE).collect()
            block.columns = names
            yield Block(block, block)

    schema = dict(zip(names, types.values(), strict=True))
    return Stream(schema, ".", blocks(), tuple(renamed))


def _is_stream(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(STREAM)) == STREAM


def _memory_bytes(path: Path, _: ReadOptions) -> int:
    """Estimate the size of a table in memory: blocks may be compressed."""
    import polars as pl

    if _is_stream(path):
        return path.stat().st_size
    with reading_errors(path, EXPECTED):
        table = pl.scan_ipc(glob.escape(str(path)))
        head, n_rows = table.head(HEAD).collect(), int(table.select(pl.len()).collect().item())
    return estimate_bytes(head, n_rows)


ARROW = streamed_format(
    title="Arrow",
    endings=ENDINGS,
    recognize=_recognize,
    scan=_scan,
    memory_bytes=_memory_bytes,
    check=lambda path, options: check_isolated(path, options.part, "Arrow"),
)
