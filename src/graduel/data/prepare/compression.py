"""The plain form of a preparation in a file's header, which has a limit: compressed where long."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from graduel.data.prepare.values import HIGHEST
from graduel.errors import UserError

LONG = 1 << 16
"""Characters from which plain data are compressed."""
MOST = 1 << 26
"""Bytes that compressed data may come to."""
DAMAGED = "the preparation in the file is damaged"


def compress_spec(spec: dict[str, Any]) -> Any:
    """Return the spec of a preparation for a file's notes: readable, or compressed if long."""
    text = json.dumps(spec, ensure_ascii=False)
    if len(text) < LONG:
        return spec
    return base64.b85encode(zlib.compress(text.encode(), 9)).decode("ascii")


def decompress_spec(data: Any) -> Any:
    """Return the spec that :func:`compress_spec` took.

    Numbers beyond float64, NaN, and half of a surrogate pair, which JSON allows and a preparation
    cannot have, count as damage.
    """
    if isinstance(data, str):
        unzip = zlib.decompressobj()
        try:
            text = unzip.decompress(base64.b85decode(data), MOST)
            data = json.loads(text) if unzip.eof else None
        except (ValueError, zlib.error) as error:
            raise UserError(f"{DAMAGED}: {error}") from None
        if not unzip.eof:
            raise UserError(f"{DAMAGED}: it is cut short or too long")
    rest = [data]
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            rest += [*value, *value.values()]
        elif isinstance(value, list):
            rest += value
        elif isinstance(value, str):
            if value != value.encode(errors="replace").decode():
                raise UserError(f"{DAMAGED}: expected text; got {value[:40]!r}")
        elif isinstance(value, int | float) and not abs(value) <= HIGHEST:
            raise UserError(f"{DAMAGED}: expected a finite number; got {str(value)[:40]}")
    return data
