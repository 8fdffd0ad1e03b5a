"""The scale and layout of pixels: inferred by value, in the same way in training and prediction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from graduel.data import finding
from graduel.data.prepare.pixel_format import (
    PixelFormat,
    convert_pixels,
    has_channels_first,
    infer_format,
    normalize_pixels,
)
from graduel.data.read.arrays.labeled_arrays import dataset_from_arrays
from graduel.data.schema import Schema
from graduel.errors import UserError

LABELS = np.array([0, 1, 0])
TYPES = (np.uint8, np.int16, np.uint16, np.int64, np.float32, np.float64)


@st.composite
def images_of_8_bits(draw):
    """Three images of 8 bits, at least one of whose pixels is bright."""
    shape = (3, *draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6)))
    X = draw(hnp.arrays(np.uint8, shape))
    X.flat[0] = draw(st.integers(32, 255))
    return X


@settings(deadline=None)
@given(X=images_of_8_bits(), dtype=st.sampled_from(TYPES))
def test_pixels_of_every_type_are_the_same_data(X, dtype):
    dataset = dataset_from_arrays("same", X.astype(dtype), LABELS)
    assert dataset.X.dtype == np.uint8
    np.testing.assert_array_equal(dataset.X, X)
    assert dataset.pixels == PixelFormat()
    assert Schema.of(dataset).scale == 1 / 255
    codes = [one.code for one in dataset.findings]
    assert codes == ([] if dtype == np.uint8 else [finding.PIXEL_SCALE.code])


@settings(deadline=None)
@given(
    X=images_of_8_bits(),
    trained=st.sampled_from([1, 255, 65535]),
    scale=st.sampled_from([1, 255, 65535]),
)
def test_images_of_another_scale_are_converted_to_that_of_training(X, trained, scale):
    X = X.reshape(3, -1)[:, :, np.newaxis]
    X = np.concatenate([X, np.full_like(X, 255)], axis=1)

    def stored(top):
        return X / 255 if top == 1 else X.astype(np.int64) * (top // 255)

    dataset = dataset_from_arrays("some", stored(trained), LABELS)
    assert dataset.pixels.high == trained
    schema = Schema.of(dataset)
    matrix, notes = schema.read_images(stored(scale))
    expected = dataset.table.astype(float) * schema.scale
    np.testing.assert_allclose(matrix * schema.scale, expected, atol=1e-6)
    assert len(notes) == (trained != scale)
    if trained == scale:
        assert matrix.dtype == dataset.table.dtype
        np.testing.assert_array_equal(matrix, dataset.table)
        scaled = stored(trained).reshape(3, -1) * schema.input_scale
        np.testing.assert_allclose(scaled, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("values", "dtype", "text", "known"),
    [
        ([0, 1], np.uint8, "0 to 1", True),
        ([0, 0], np.uint8, "0 to 255", True),
        ([0, 0.25], float, "0 to 1", True),
        ([0, 16], float, "0 to 16", False),
        ([0, 16], np.uint8, "0 to 255", True),
        ([0.5, 200.5], float, "0 to 255", True),
        ([0, 1000], int, "0 to 1023", True),
        ([0, 4095], np.uint16, "0 to 4095", True),
        ([0, 65535], np.int32, "0 to 65535", True),
        ([0, 70_000], np.int32, "0 to 70000", False),
        ([0, 300.5], float, "0 to 300.5", False),
        ([-1, 1], np.float32, "-1 to 1", False),
    ],
)
def test_scales(values, dtype, text, known):
    pixels = infer_format(np.array(values, dtype))
    assert (str(pixels), pixels.is_known) == (text, known)


def test_black_and_white_images_of_whole_numbers_become_0_and_255():
    X = np.array([[[0, 1]], [[1, 0]], [[1, 1]]])
    for dtype in (bool, np.uint8, np.int64):
        dataset = dataset_from_arrays("two", X.astype(dtype), LABELS)
        np.testing.assert_array_equal(dataset.X, X * 255)
        matrix, notes = Schema.of(dataset).read_images(X.astype(dtype))
        np.testing.assert_array_equal(matrix, dataset.table)
        assert not notes
    assert normalize_pixels(X.astype(float), PixelFormat(high=1)).dtype == float


def test_dark_and_black_images_keep_the_scale_of_training():
    expected = PixelFormat()
    for X in (np.zeros((2, 3)), np.array([[0.0, 7.0]]), np.array([[0, 2]], np.int64)):
        matrix, note = convert_pixels(X, expected, 1 / 255)
        np.testing.assert_array_equal(matrix, X)
        assert not note


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([[0, np.nan], [0, 1]], r"1 of them have missing or infinite pixels \(first: row 1\)"),
        ([[0, 1], [np.inf, 1]], r"\(first: row 2\)"),
        ([[-1, 1]], "expected pixels from 0 to 255, as in training; got -1 to 1"),
        ([[0, 300.5]], "got 0 to 300.5"),
    ],
)
def test_pixels_that_cannot_be_converted_are_refused(X, message):
    schema = Schema("some", ("a", "b"), (1, 2, 1), 1 / 255)
    with pytest.raises(UserError, match=message):
        schema.flatten(np.array(X, float))


def test_missing_pixels_are_refused_whatever_the_model_states():
    with pytest.raises(UserError, match="missing or infinite"):
        Schema("old", ("a", "b"), (1, 2, 1)).flatten(np.array([[0, np.nan]]))


def test_pixels_of_an_unknown_scale_are_used_unscaled_with_a_warning():
    X = np.linspace(-2, 3, 24).reshape(3, 2, 4)
    dataset = dataset_from_arrays("standardized", X, LABELS)
    assert dataset.X is X
    assert [one.code for one in dataset.findings] == [finding.UNKNOWN_PIXEL_SCALE.code]
    schema = Schema.of(dataset)
    assert schema.read_images(X * 0.9)[1] == []
    for other in (X * 100, X / 100):
        matrix, notes = schema.read_images(other)
        np.testing.assert_array_equal(matrix, other.reshape(3, -1))
        assert "not scaled; in training they were -2 to 3" in notes[0]


@settings(deadline=None, max_examples=50)
@given(
    channels=st.sampled_from([1, 3, 4]),
    height=st.integers(5, 8),
    width=st.integers(5, 8),
)
def test_channels_first_is_channels_last(channels, height, width):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (3, height, width, channels), np.uint8)
    first = np.moveaxis(X, -1, 1)
    assert has_channels_first(first.shape)
    dataset = dataset_from_arrays("first", first, LABELS)
    np.testing.assert_array_equal(dataset.X, X)
    assert [one.code for one in dataset.findings] == [finding.IMAGES_CHANGED.code]
    schema = Schema.of(dataset)
    np.testing.assert_array_equal(schema.read_images(first)[0], dataset.table)
    np.testing.assert_array_equal(schema.read_images(X)[0], dataset.table)


def test_channels_in_the_wrong_place_are_refused():
    with pytest.raises(UserError, match="Put the channels last"):
        dataset_from_arrays("many", np.zeros((3, 13, 64, 64), np.uint8), LABELS)
    schema = Schema("some", ("a", "b"), (2, 6, 1), 1 / 255)
    for shape in ((3, 6, 2), (3, 3, 4), (3, 13)):
        with pytest.raises(UserError, match="expected images of 2 × 6 pixels, shape"):
            schema.read_images(np.zeros(shape, np.uint8))


def test_a_damaged_format_is_refused():
    for fields in ({"high": np.nan}, {"low": 2.0, "high": 1.0}, {"high": 0.0}):
        with pytest.raises(UserError, match="scale of pixels"):
            PixelFormat(**fields)
