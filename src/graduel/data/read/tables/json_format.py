"""The format of JSON files: an object per line, a list of objects, or an object of columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from graduel.data.read.column_names import join_names, sanitize_names
from graduel.data.read.file_checks.memory_check import check_memory
from graduel.data.read.file_names import PACKED, unpacked_name
from graduel.data.read.json_rows import LINES, ListText, Row, open_rows
from graduel.data.read.python_values import ValueTypes, valid_text
from graduel.data.read.tables.streamed_format import STRIDE, streamed_format
from graduel.data.read.tables.table_format import Block, ReadOptions, Stream
from graduel.errors import UserError

LIKE = re.compile(rb'(\xef\xbb\xbf)?\s*(\{\s*("|$)|\[\s*(\{|$))')
"""The beginning of a document or of an object per line."""
CELLS = 1 << 24
"""Most cells of a block."""
COMPRESSION = 8
"""Typical factor by which JSON is compressed."""


def _recognize(path: Path, head: bytes) -> bool:
    return unpacked_name(path).endswith((".json", *LINES)) or bool(LIKE.match(head))


def _scan(path: Path, options: ReadOptions) -> Stream:
    import polars as pl

    iter_rows, notes = open_rows(path, options.encoding)
    types, n_rows = dict[tuple[str, ...], ValueTypes](), 0
    for row in iter_rows():
        n_rows += 1
        for key, value in row.items():
            if key not in types:
                types[key] = ValueTypes()
            types[key].add(value)
    if not types:
        raise UserError(f"{path}: expected objects with values; got none")
    check_memory(path, 8 * n_rows * len(types), 1)
    names, renamed = sanitize_names([valid_text(".".join(key)) for key in types])
    if nested := [name for name, key in zip(names, types, strict=True) if len(key) > 1]:
        notes.append(f"values of nested objects are columns: {join_names(nested)}")
    columns = list(zip(names, types.items(), strict=True))
    if lists := [name for name, (_, one) in columns if ListText in one.kinds]:
        notes.append(f"lists are read as text: {join_names(lists)}")
    size = max(1, min(STRIDE, CELLS // len(types)))

    def blocks() -> Iterator[Block]:
        rows: Iterator[Row] = iter_rows()
        while part := list(islice(rows, size)):
            block = pl.DataFrame(
                [
                    one.to_series([row.get(key) for row in part], name)
                    for name, (key, one) in columns
                ]
            )
            yield Block(block, block)

    schema = {name: one.dtype for name, (_, one) in columns}
    return Stream(schema, ".", blocks(), (*notes, *renamed))


def _memory_bytes(path: Path, _: ReadOptions) -> int:
    size = path.stat().st_size
    return size * COMPRESSION if path.suffix.lower() in PACKED else size


JSON = streamed_format(
    title="JSON",
    endings=LINES,  # other .json files in a folder of tables are often not tables
    recognize=_recognize,
    scan=_scan,
    memory_bytes=_memory_bytes,
)
