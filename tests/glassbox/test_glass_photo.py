"""Ink extraction from photos: paper, lighting, dust, invalid images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from graduel.errors import UserError
from graduel.glassbox import draw_digit, draw_strokes, extract_ink, prepare_digit

N = 60


def shaded(ink, rng):
    """Render dark ink on paper that is lit from one side."""
    row, column = np.mgrid[0 : ink.shape[0], 0 : ink.shape[1]] / max(ink.shape)
    paper = 225 - 90 * row - 40 * column
    return (paper * (1 - 0.75 * ink) + rng.normal(0, 3, ink.shape)).clip(0, 255).astype(np.uint8)


def dusty(ink, rng):
    page = 235 - 190 * ink
    for y, x in rng.integers(4, np.array(ink.shape) - 4, (6, 2)):
        page[y : y + 2, x : x + 2] = 90
    return page.astype(np.uint8)


CONDITIONS = {
    "dark on light": lambda ink, rng: np.rint(240 - 200 * ink).astype(np.uint8),
    "light on dark": lambda ink, rng: np.rint(20 + 220 * ink).astype(np.uint8),
    "pencil": lambda ink, rng: np.rint(230 - 60 * ink).astype(np.uint8),
    "shaded": shaded,
    "dusty": dusty,
    "large": lambda ink, rng: np.kron(240 - 200 * ink, np.ones((4, 4))).astype(np.uint8),
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_photographed_digits_are_classified(condition, digit_net):
    rng, labels = np.random.default_rng(11), np.arange(N) % 10
    inks = [draw_strokes(*draw_digit(int(d), rng)) for d in labels]
    photos = [extract_ink(CONDITIONS[condition](ink, rng)) for ink in inks]
    rows = np.stack([prepare_digit(ink, steps=False).image.reshape(-1) for ink in photos])
    assert np.mean(digit_net.predict_proba(rows).argmax(axis=1) == labels) >= 0.93


def test_transparent_pixels_are_paper():
    ink = draw_strokes(*draw_digit(3, np.random.default_rng(0)))
    opacity = np.rint(255 * ink).astype(np.uint8)
    drawn = np.dstack([np.zeros((*ink.shape, 3), np.uint8), opacity])
    result = prepare_digit(extract_ink(Image.fromarray(drawn))).image.astype(float)
    assert np.abs(result - prepare_digit(ink).image).mean() < 4


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=50)))
def test_any_image_gives_valid_ink(image):
    result = extract_ink(image)
    assert result.shape == image.shape
    assert result.dtype == np.float32
    assert 0 <= result.min() <= result.max() <= 1
    prepare_digit(result)


@settings(deadline=None)
@given(st.integers(0, 255))
def test_an_empty_page_has_no_ink(gray):
    assert not extract_ink(np.full((40, 40), gray, np.uint8)).any()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
def test_every_pillow_mode_is_accepted(mode):
    page = Image.new("L", (50, 50), 250)
    page.paste(10, (20, 5, 30, 45))
    result = extract_ink(page.convert("I").convert(mode) if mode == "I;16" else page.convert(mode))
    assert result.shape == (50, 50)


@pytest.mark.parametrize(
    "image", [np.zeros(5, np.uint8), np.zeros((4, 4)), np.zeros((3, 3, 2), "u1")]
)
def test_invalid_images_are_rejected(image):
    with pytest.raises(UserError, match="an image must be uint8"):
        extract_ink(image)
