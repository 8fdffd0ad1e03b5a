"""The format of Parquet files."""

from __future__ import annotations

from pathlib import Path

from graduel.data.read import parquet
from graduel.data.read.column_names import sanitize_names
from graduel.data.read.file_checks.isolated_check import check_isolated
from graduel.data.read.tables.table_format import (
    Block,
    RawTable,
    ReadOptions,
    Stream,
    TableFormat,
    require_target,
)
from graduel.errors import UserError


def _recognize(path: Path, head: bytes) -> bool:
    magic = head[: len(parquet.MAGIC)]
    if magic != parquet.MAGIC and path.suffix.lower() == ".parquet":
        raise UserError(
            f"{path}: expected a Parquet file; got one that begins with {magic!r}. "
            "Name it after its format"
        )
    return magic == parquet.MAGIC


def _read(path: Path, _: ReadOptions) -> RawTable:
    frame, notes = parquet.read_parquet(path)
    return RawTable(frame, tuple(notes))


def _scan(path: Path, _: ReadOptions) -> Stream:
    types = parquet.parquet_schema(path)
    names, _notes = sanitize_names(list(types))
    blocks = (Block(block, block) for block in parquet.scan_parquet(path))
    return Stream(dict(zip(names, types.values(), strict=True)), None, blocks)


def _sample(path: Path, options: ReadOptions, target: str | None, size: int) -> RawTable:
    if not parquet.parquet_rows(path):
        return _read(path, options)
    if target is None:
        require_target(next(parquet.scan_parquet(path)))
    frame, notes = parquet.sample_parquet(path, target, size)
    return RawTable(frame, tuple(notes))


PARQUET = TableFormat(
    title="Parquet",
    endings=(".parquet", ".pq"),
    recognize=_recognize,
    read=_read,
    scan=_scan,
    sample=_sample,
    memory_bytes=lambda path, _: parquet.parquet_bytes(path),
    check=lambda path, _: check_isolated(path, None, "Parquet"),
)
