"""Drawings and photos of digits on their way to 28 × 28 pixels."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.glassbox import prepare_digit, shrink_drawing
from graduel.glassbox.digit.photo import extract_ink
from graduel.web.array_codec import pack
from graduel.web.http_error import ClientError

Array = NDArray[Any]

FORMATS = ("PNG", "JPEG", "WEBP")
MOST_PIXELS = 25_000_000
SIDE = 320
"""Pictures are brought to at most so many pixels a side first."""


def prepared(ink: Array, wanted: bool) -> tuple[list[dict[str, Any]], Array]:
    """Return the steps of MNIST's preparation as pictures, and the digit, uint8 of 28 × 28.

    Where the preparation is not wanted, the drawing is only made smaller.
    """
    if not wanted:
        pixels = shrink_drawing(ink)
        text = "Only made smaller: the whole canvas as 28 × 28 pixels, wherever the digit lies."
        return [{"name": "raw", "text": text, "image": pack(pixels)}], pixels
    found = prepare_digit(ink)
    steps = [{"name": s.name, "text": s.text, "image": pack(s.image)} for s in found.steps]
    return steps, found.image


def as_ink(content: bytes) -> Array:
    """Read a picture's file as ink on paper, uint8: bright is ink.

    What is paper and what is ink decides :func:`graduel.glassbox.digit.photo`.

    Raises
    ------
    Problem
        With status 415, if it is no such picture; 413, if it has too many pixels.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(content), formats=FORMATS) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise ClientError(
                        413,
                        f"expected at most {MOST_PIXELS:,} pixels; "
                        f"got {picture.width} × {picture.height}",
                    )
                picture.draft("L", (2 * SIDE, 2 * SIDE))
                upright = ImageOps.exif_transpose(picture).convert("RGBA")
    except ClientError:
        raise
    except Exception:  # a damaged file may lead anywhere in Pillow
        raise ClientError(415, "expected a picture: a PNG, JPEG or WebP file") from None
    paper = Image.new("RGBA", upright.size, "white")
    grey = Image.alpha_composite(paper, upright).convert("L")
    grey.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    return np.rint(255 * extract_ink(grey)).astype(np.uint8)
