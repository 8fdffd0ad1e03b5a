"""Compression of a preparation's spec for a model file's header, whose size is limited."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from graduel.data.prepare.values import HIGHEST
from graduel.errors import UserError

LONG = 1 << 16
"""Number of characters of JSON from which a spec is compressed."""
REMEDY = ". Save the model again, or copy the file again"
MOST = 1 << 26
"""Maximum size of decompressed data, in bytes."""
DAMAGED = "the preparation in the file is damaged"


def compress_spec(spec: dict[str, Any]) -> Any:
    """Return a spec for a file's notes: plain data if short, otherwise compressed text."""
    text = json.dumps(spec, ensure_ascii=False)
    if len(text) < LONG:
        return spec
    return base64.b85encode(zlib.compress(text.encode(), 9)).decode("ascii")


def decompress_spec(data: Any) -> Any:
    """Return the spec from the result of :func:`compress_spec`.

    Raises
    ------
    UserError
        If the data are damaged. This includes values that JSON allows and a preparation cannot
        have: numbers beyond float64, NaN, and unpaired surrogates.
    """
    if isinstance(data, str):
        unzip = zlib.decompressobj()
        try:
            text = unzip.decompress(base64.b85decode(data), MOST)
            data = json.loads(text) if unzip.eof else None
        except (ValueError, zlib.error) as error:
            raise UserError(f"{DAMAGED}: {error}{REMEDY}") from None
        if not unzip.eof:
            raise UserError(
                f"{DAMAGED}: expected at most {MOST:,} bytes, complete; got others{REMEDY}"
            )
    queue = [data]
    while queue:
        value = queue.pop()
        if isinstance(value, dict):
            queue += [*value, *value.values()]
        elif isinstance(value, list):
            queue += value
        elif isinstance(value, str):
            if value != value.encode(errors="replace").decode():
                raise UserError(f"{DAMAGED}: expected text; got {value[:40]!r}{REMEDY}")
        elif isinstance(value, int | float) and not abs(value) <= HIGHEST:
            raise UserError(f"{DAMAGED}: expected a finite number; got {str(value)[:40]}{REMEDY}")
    return data
