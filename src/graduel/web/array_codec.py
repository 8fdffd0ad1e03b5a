"""Encoding of arrays as base64 in JSON, lossless and compact."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.web.http_error import ClientError

Array = NDArray[Any]


def pack(array: Any) -> dict[str, Any]:
    """Encode an array as plain data: shape, dtype (float32 or uint8), little-endian base64.

    >>> pack(np.array([[0, 255]], np.uint8))
    {'shape': [1, 2], 'dtype': 'uint8', 'data': 'AP8='}
    """
    array = np.asarray(array)
    dtype = "uint8" if array.dtype == np.uint8 else "<f4"
    data = np.ascontiguousarray(array, dtype).tobytes()
    return {
        "shape": list(array.shape),
        "dtype": "uint8" if dtype == "uint8" else "float32",
        "data": base64.b64encode(data).decode("ascii"),
    }


def unpack_pixels(text: str, size: int) -> Array:
    """Decode `size` uint8 pixels.

    Raises a ClientError (422) if the text is invalid or has a different size.

    >>> unpack_pixels("AP8=", 2)
    array([  0, 255], dtype=uint8)
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ClientError(422, "expected pixels as base64; got invalid base64") from None
    if len(data) != size:
        raise ClientError(422, f"expected {size:,} pixels; got {len(data):,}")
    return np.frombuffer(data, np.uint8).copy()
