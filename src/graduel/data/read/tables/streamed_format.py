"""Formats that are defined by their scan alone: reading and sampling use its blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from graduel.data.read.column_names import find, sanitize_names
from graduel.data.read.file_checks.memory_check import MemoryGuard
from graduel.data.read.stratified_sample import sampled_note, stratified_sample
from graduel.data.read.tables.table_format import (
    Block,
    RawTable,
    ReadOptions,
    Stream,
    TableFormat,
    require_target,
)
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

STRIDE = 1 << 16
"""Most rows of a block."""

Scan = Callable[[Path, ReadOptions], Stream]


def streamed_format(
    *,
    title: str,
    endings: tuple[str, ...],
    recognize: Callable[[Path, bytes], bool],
    scan: Scan,
    memory_bytes: Callable[[Path, ReadOptions], int],
    check: Callable[[Path, ReadOptions], None] | None = None,
    parts: str = "",
) -> TableFormat:
    """Return a format that is read and sampled by its scan; see :class:`TableFormat`."""

    def read(path: Path, options: ReadOptions) -> RawTable:
        import polars as pl

        stream = scan(path, options)
        guard = MemoryGuard(path)
        frames = [pl.DataFrame(schema=stream.schema)]
        for block in stream.blocks:
            guard.add(int(block.read.estimated_size()))
            frames.append(block.read)
        return RawTable(
            pl.concat(frames), stream.notes, stream.decimal or ".", target=stream.target
        )

    def sample(path: Path, options: ReadOptions, target: str | None, size: int) -> RawTable:
        stream = scan(path, options)
        first = next(stream.blocks, None)
        if first is None:
            return read(path, options)
        target = target or stream.target
        if target is None:
            require_target(first.read)
        column = find(target, first.read.columns, "target")
        frame, total = stratified_sample(
            lambda: (block.read for block in scan(path, options).blocks),
            lambda: (block.read[column] for block in scan(path, options).blocks),
            size,
        )
        notes = (*stream.notes, sampled_note(len(frame), total))
        return RawTable(frame, notes, stream.decimal or ".", target=stream.target)

    return TableFormat(
        title=title,
        endings=endings,
        recognize=recognize,
        read=read,
        scan=scan,
        sample=sample,
        memory_bytes=memory_bytes,
        check=check,
        parts=parts,
    )


def stream_frame(
    frame: pl.DataFrame, path: Path, notes: tuple[str, ...] = (), target: str | None = None
) -> Stream:
    """Return the stream of a table in memory; its columns get unique names.

    Raises
    ------
    UserError
        If the table has no columns.
    """
    if not frame.width:
        raise UserError(f"{path}: expected a table; it has no columns")
    names, renamed = sanitize_names(frame.columns)
    frame.columns = names

    def blocks() -> Iterator[Block]:
        for start in range(0, len(frame), STRIDE):
            block = frame.slice(start, STRIDE)
            yield Block(block, block)

    return Stream(dict(frame.schema), ".", blocks(), (*notes, *renamed), target)
