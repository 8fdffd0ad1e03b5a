"""Rows of JSON files: an object per line, or one document."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeGuard

from graduel.data.read.column_names import join_names, quote_name
from graduel.data.read.delimited.encoding import detect_encoding, open_text
from graduel.data.read.file_checks.memory_check import check_memory
from graduel.data.read.file_names import unpacked_name
from graduel.errors import UserError

LINES = (".jsonl", ".ndjson")
"""Endings of files with an object per line."""
LONGEST = 1 << 26
"""Most characters of a line."""
DOCUMENT_COPIES = 8
"""Approximate size of a document in memory, as text and Python objects, by its length."""
EXPECTED = (
    "expected an object per line, a list of objects, or an object with a list of values per column"
)


class ListText(str):
    """A list as text in JSON."""

    __slots__ = ()


Row = dict[tuple[str, ...], Any]
"""A row: values by the path of keys that leads to them."""


def open_rows(
    path: Path, encoding: str | None = None
) -> tuple[Callable[[], Iterator[Row]], list[str]]:
    """Return a function that returns an iterator over a file's rows, and notes.

    A document is read into memory; lines are read again by each iterator. Nested objects become
    values of their own, and a list becomes its text in JSON.

    Raises
    ------
    UserError
        If the file is not JSON, or not a table.
    """
    encoding = detect_encoding(path, encoding)
    if _has_lines(path, encoding):
        return lambda: _read_lines(path, encoding), []
    pieces, size = list[str](), 0
    with open_text(path, encoding) as file:
        while piece := file.read(LONGEST):
            pieces.append(piece)
            size += len(piece)
            check_memory(path, size, DOCUMENT_COPIES)
    with _json_errors(path, ""):
        value = _parse("".join(pieces))
    records, notes = _find_records(value, path)

    def read_document() -> Iterator[Row]:
        with _json_errors(path, ""):
            for record in records:
                yield _flatten(record)

    return read_document, notes


def _has_lines(path: Path, encoding: str) -> bool:
    """Return whether each line of a file is an object of its own, instead of one document."""
    with open_text(path, encoding) as file:
        lines = (line for line in iter(lambda: file.readline(LONGEST), "") if line.strip())
        first = next(lines, None)
        if first is None:
            raise UserError(f"{path}: expected a table in JSON; the file is empty")
        if unpacked_name(path).endswith(LINES):
            return True
        return _is_object(first) and next(lines, None) is not None


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _read_lines(path: Path, encoding: str) -> Iterator[Row]:
    with open_text(path, encoding) as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST), ""), 1):
            if not line.strip():
                continue
            where = f"line {number:,}: "
            if len(line) == LONGEST:
                raise UserError(
                    f"{path}: {where}expected at most {LONGEST:,} characters. Write an object per "
                    "line"
                )
            with _json_errors(path, where):
                record = _parse(line)
                if not isinstance(record, dict):
                    raise UserError(
                        f"{path}: {where}expected an object, {{…}}; got "
                        f"{quote_name(line.strip())}. Write an object per line"
                    )
                yield _flatten(record)


def _parse(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_build_object)


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; raise `ValueError` if it has a key twice, since one value would be lost."""
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in record if keys.count(key) > 1)
        raise ValueError(f"an object has the key {quote_name(twice)} twice")
    return record


@contextmanager
def _json_errors(path: Path, where: str) -> Iterator[None]:
    """Turn the errors of a JSON parser into a UserError with the file's name and the place."""
    try:
        yield
    except UserError:
        raise
    except RecursionError:
        raise UserError(
            f"{path}: {where}expected JSON; it is nested too deeply. Flatten it first"
        ) from None
    except ValueError as error:
        raise UserError(f"{path}: {where}expected JSON; got {error}. Correct it") from None


def _flatten(record: dict[str, Any], prefix: tuple[str, ...] = ()) -> Row:
    """Return the values of nested objects by their paths.

    >>> _flatten({"a": 1, "b": {"c": [1, 2]}})
    {('a',): 1, ('b', 'c'): '[1, 2]'}
    """
    row: Row = {}
    for key, value in record.items():
        if isinstance(value, dict) and value:
            row |= _flatten(value, (*prefix, key))
        elif isinstance(value, list | dict):
            text = json.dumps(value, ensure_ascii=False)
            row[(*prefix, key)] = ListText(text) if value else None
        else:
            row[(*prefix, key)] = value
    return row


def _find_records(value: Any, path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows of a document as objects, and notes."""
    notes: list[str] = []
    if isinstance(value, dict):
        lists = [key for key, rows in value.items() if _is_list_of(dict, rows) and rows]
        if len(lists) > 1:
            raise UserError(
                f"{path}: expected one table; got a list of objects under each of "
                f"{join_names(lists)}. Write one of them to a file of its own"
            )
        if lists:
            notes.append(f"the rows are the list under {quote_name(lists[0])}")
            return value[lists[0]], notes
        value = _records_of_columns(value)
    if not isinstance(value, list):
        raise UserError(f"{path}: {EXPECTED}; got other JSON. Write one of these")
    for number, record in enumerate(value, 1):
        if not isinstance(record, dict):
            raise UserError(
                f"{path}: row {number:,}: expected an object, {{…}}; got {quote_name(record)}. "
                "Write an object per row"
            )
    return value, notes


def _records_of_columns(value: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Return the rows of an object of columns, in the forms that pandas writes; None if it differs.

    >>> _records_of_columns({"a": [1, 2], "b": ["x", "y"]})
    [{'a': 1, 'b': 'x'}, {'a': 2, 'b': 'y'}]
    >>> _records_of_columns({"a": {"0": 1, "1": 2}, "b": {"0": "x", "1": "y"}})
    [{'a': 1, 'b': 'x'}, {'a': 2, 'b': 'y'}]
    >>> _records_of_columns({"columns": ["a", "b"], "index": [0], "data": [[1, "x"]]})
    [{'a': 1, 'b': 'x'}]
    """
    columns: list[Any] = list(value.values())
    names: Any = value.get("columns")
    rows: Any = value.get("data")
    if _is_list_of(str, names) and _is_list_of(list, rows):
        fits = all(len(row) == len(names) for row in rows)
        return [dict(zip(names, row, strict=True)) for row in rows] if fits else None
    if columns and _is_list_of(list, columns):
        if len({len(column) for column in columns}) > 1:
            return None
        return [dict(zip(value, row, strict=True)) for row in zip(*columns, strict=True)]
    if columns and _is_list_of(dict, columns):
        if [*value] == [str(i) for i in range(len(value))]:  # the rows by their numbers
            return columns
        labels = [*columns[0]]
        if all([*column] == labels for column in columns):
            return [{name: value[name][label] for name in value} for label in labels]
    return None


def _is_list_of(kind: type, values: Any) -> TypeGuard[list[Any]]:
    return isinstance(values, list) and all(isinstance(value, kind) for value in values)
