"""File names: a part of a file, ``book.xlsx::Sheet``, and the endings of compressed files."""

from __future__ import annotations

import os
import re
from pathlib import Path

from graduel.errors import UserError

SIGN = "::"
"""The sign between a file and the name of a table in it, or a query."""
PACKED = (".gz", ".zip")
"""Endings of compressed files."""
QUERY = re.compile(r"\s*(select|with)\b.*\s", re.I | re.S)


def split_part(text: str | Path) -> tuple[Path, str | None]:
    """Return the path of a file, and the part of it that a text names; None without a part.

    >>> split_part("shop.db::customers")[1], split_part("shop.db")[1]
    ('customers', None)
    """
    name = str(text)
    if SIGN not in name or os.path.exists(name):  # a long query is not a path
        return Path(text), None
    file, _, part = name.partition(SIGN)
    if not part.strip():
        raise UserError(f"{name}: expected the name of a table after {SIGN}; got none")
    return Path(file), part.strip()


def is_query(part: str) -> bool:
    """Return whether a part is a query in SQL instead of the name of a table.

    >>> is_query("SELECT a FROM t"), is_query("selected")
    (True, False)
    """
    return bool(QUERY.match(part))


def name_part(stem: str, part: str | None) -> str:
    """Return the name of the data in a part of a file.

    >>> name_part("shop", "customers"), name_part("shop", "SELECT a FROM t")
    ('shop-customers', 'shop')
    """
    return stem if part is None or is_query(part) else f"{stem}-{part}"


def unpacked_name(path: str | Path) -> str:
    """Return a file's name in lower case, without the endings of compressed files.

    >>> unpacked_name("data/Rows.JSONL.gz")
    'rows.jsonl'
    """
    name = Path(path).name.lower()
    for ending in PACKED:
        name = name.removesuffix(ending)
    return name
