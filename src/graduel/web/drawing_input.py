"""Conversion of drawings and photos of digits to 28 × 28 pixels."""

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
"""Maximum side length in pixels; larger images are downscaled first."""


def prepare_drawing(ink: Array, prepare: bool) -> tuple[list[dict[str, Any]], Array]:
    """Return the steps of MNIST's preparation as images, and the digit, uint8 of 28 × 28.

    Without the preparation, the drawing is only downscaled.
    """
    if not prepare:
        pixels = shrink_drawing(ink)
        text = "Canvas downscaled to 28 × 28 pixels, without cropping or centering."
        return [{"name": "raw", "text": text, "image": pack(pixels)}], pixels
    digit = prepare_digit(ink)
    steps = [{"name": s.name, "text": s.text, "image": pack(s.image)} for s in digit.steps]
    return steps, digit.image


def read_picture(content: bytes) -> Array:
    """Read an image file as ink, uint8, 255 is ink.

    ClientError 415 if it is not a PNG, JPEG or WebP file, 413 if it has too many pixels.
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
    except Exception:  # Pillow raises many types for damaged files
        raise ClientError(
            415, "expected a PNG, JPEG or WebP image; the file cannot be decoded"
        ) from None
    paper = Image.new("RGBA", upright.size, "white")
    gray = Image.alpha_composite(paper, upright).convert("L")
    gray.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX)
    return np.rint(255 * extract_ink(gray)).astype(np.uint8)
