"""Drawings and photos of digits, brought to 28 × 28 pixels."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import Any

import numpy as np

from graduel.glassbox import prepare_digit, shrink_drawing
from graduel.glassbox.digit.photo import extract_ink
from graduel.web.array_codec import Array, pack
from graduel.web.http_error import ClientError

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_PIXELS = 25_000_000
MAX_SIDE = 320
"""Larger pictures are reduced to this many pixels a side first."""


def prepare_drawing(ink: Array, prepare: bool) -> tuple[list[dict[str, Any]], Array]:
    """Return the steps of MNIST's preparation as pictures, and the digit, uint8 of 28 × 28.

    Without the preparation, the drawing is only reduced in size.
    """
    if not prepare:
        pixels = shrink_drawing(ink)
        text = "Only reduced: the whole canvas as 28 × 28 pixels, wherever the digit is."
        return [{"name": "raw", "text": text, "image": pack(pixels)}], pixels
    digit = prepare_digit(ink)
    steps = [{"name": s.name, "text": s.text, "image": pack(s.image)} for s in digit.steps]
    return steps, digit.image


def read_picture(content: bytes) -> Array:
    """Return a picture's file as ink on paper, uint8: bright is ink.

    ClientError 415 if it is not a PNG, JPEG or WebP, 413 if it has too many pixels.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(content), formats=FORMATS) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise ClientError(
                        413,
                        f"expected at most {MAX_PIXELS:,} pixels; "
                        f"got {picture.width} × {picture.height}",
                    )
                picture.draft("L", (2 * MAX_SIDE, 2 * MAX_SIDE))
                upright = ImageOps.exif_transpose(picture).convert("RGBA")
    except ClientError:
        raise
    except Exception:  # a damaged file may lead anywhere in Pillow
        raise ClientError(415, "expected a picture: a PNG, JPEG or WebP file") from None
    paper = Image.new("RGBA", upright.size, "white")
    grey = Image.alpha_composite(paper, upright).convert("L")
    grey.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX)
    return np.rint(255 * extract_ink(grey)).astype(np.uint8)
