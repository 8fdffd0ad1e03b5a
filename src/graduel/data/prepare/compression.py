"""Long plain data as compressed text: the header of a file has a limit."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

LONG = 1 << 16
"""Characters from which plain data are compressed."""
MOST = 1 << 26
"""Bytes that compressed data may come to."""


def compress_spec(spec: dict[str, Any]) -> Any:
    """Return the spec of a preparation for a file's notes: readable, or compressed if long."""
    text = json.dumps(spec, ensure_ascii=False)
    if len(text) < LONG:
        return spec
    return base64.b85encode(zlib.compress(text.encode(), 9)).decode("ascii")


def decompress_spec(data: Any) -> Any:
    """Return the spec that :func:`compress_spec` took.

    Raises
    ------
    ValueError
        If it is damaged; zlib.error as well.
    """
    if not isinstance(data, str):
        return data
    unzip = zlib.decompressobj()
    text = unzip.decompress(base64.b85decode(data), MOST)
    if not unzip.eof:
        raise ValueError("a preparation is cut short or too long")
    return json.loads(text)
