"""Handler for table uploads; a table is held in memory, for its session only."""

from __future__ import annotations

from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request

from graduel.data import Dataset
from graduel.data.read import read_source
from graduel.data.read.reader import detect_table
from graduel.data.read.tables.delimited_format import DELIMITED
from graduel.data.schema_inference import infer_table
from graduel.errors import UserError
from graduel.web.dependencies import CurrentClient
from graduel.web.http_error import ClientError
from graduel.web.limits import Limits
from graduel.web.page_messages import to_page
from graduel.web.routes.client_session import describe_table
from graduel.web.state.holdout import HoldoutData

router = APIRouter(prefix="/sessions/{session}")

ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"PAR1", b"%PDF")
"""Magic bytes of binary formats; such files are rejected without unpacking."""


@router.post("/table")
async def upload(
    request: Request,
    client: CurrentClient,
    target: Annotated[str | None, Query(max_length=500)] = None,
    name: Annotated[str, Query(max_length=200)] = "table",
) -> dict[str, Any]:
    """Read a CSV file; without a target, return the columns to choose from."""
    content = await request.body()
    data = await to_thread.run_sync(lambda: read_table(content, name, target, client.server.limits))
    if isinstance(data, list):
        return {"table": None, "columns": data}
    nbytes = int(data.X.estimated_size())
    session = client.session
    with session.lock:
        client.server.sessions.check_memory(nbytes)
        session.table, session.table_bytes = HoldoutData.of(data), nbytes
    return {"table": describe_table(data), "columns": None}


def read_table(
    content: bytes, name: str, target: str | None, limits: Limits
) -> Dataset | list[dict[str, Any]]:
    """Parse a CSV file; without a target, return its columns with the number of distinct values.

    ClientError 415 if it is not delimited text, 422 if it has too many rows, columns or classes;
    UserError if parsing fails.
    """
    if not content.strip():
        raise ClientError(422, "expected a CSV file; got an empty file")
    if content.startswith(ARCHIVES) or (b"\0" in content[:4096] and not _is_utf16(content)):
        raise ClientError(
            415, "expected a CSV file: text with column names in the first line; got a binary file"
        )
    # The reader needs a file on disk.
    with TemporaryDirectory(prefix="graduel-") as folder:
        path = FilePath(folder) / "table.csv"
        path.write_bytes(content)
        try:
            return _parse_table(path, name or "table", target, limits)
        except UserError as error:
            raise UserError(to_page(str(error), path, f"{name or 'table'}.csv")) from None


def _parse_table(
    path: FilePath, name: str, target: str | None, limits: Limits
) -> Dataset | list[dict[str, Any]]:
    """Parse a file on disk; errors as those of :func:`read_table`, in the reader's words."""
    table_format = detect_table(path)
    if table_format is not None and table_format is not DELIMITED:
        raise ClientError(
            415,
            "expected a CSV file: text with column names in the first line; got "
            f"{table_format.title}",
        )
    source = read_source(path)
    frame = source.content
    if isinstance(frame, Dataset):
        raise ClientError(415, "expected a CSV file; got arrays")
    if len(frame) > limits.rows or frame.width > limits.columns:
        raise ClientError(
            422,
            f"expected at most {limits.rows:,} rows and {limits.columns:,} columns; got "
            f"{len(frame):,} and {frame.width:,}. Use graduel duel FILE for larger tables",
        )
    if target is None:
        return [{"name": column.name, "distinct": int(column.n_unique())} for column in frame]
    table = infer_table(frame, name=name, target=target, decimal=source.decimal)
    if not 2 <= len(table.classes) <= limits.classes:
        got = f"has {len(table.classes)}" if len(table.classes) else "holds numbers"
        raise ClientError(
            422,
            f"expected a target with 2 to {limits.classes} classes; {target!r} {got}. Choose "
            "another column",
        )
    return Dataset.from_table(table, source="uploaded", findings=source.findings)


def _is_utf16(content: bytes) -> bool:
    return content[:2] in (b"\xff\xfe", b"\xfe\xff")
