"""MNIST's preparation of drawings: each step, random digits, accuracy of the models."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from graduel.errors import UserError
from graduel.glassbox import draw_digit, draw_strokes, prepare_digit, shrink_drawing

N = 200


def drawn(seed):
    rng = np.random.default_rng(seed)
    labels = np.arange(N) % 10
    return [draw_strokes(*draw_digit(int(d), rng)) for d in labels], labels


@pytest.fixture(scope="module")
def drawings():
    return drawn(7)


def as_rows(images):
    return np.stack([image.reshape(-1) for image in images])


def test_the_network_classifies_prepared_drawings(drawings, digit_net):
    inks, labels = drawings
    with_preparation = as_rows([prepare_digit(ink, steps=False).image for ink in inks])
    without = as_rows([shrink_drawing(ink) for ink in inks])
    right = np.mean(digit_net.predict_proba(with_preparation).argmax(axis=1) == labels)
    plain = np.mean(digit_net.predict_proba(without).argmax(axis=1) == labels)
    assert right >= 0.95
    assert plain < 0.5


def test_the_trees_classify_prepared_drawings(drawings, digit_trees):
    inks, labels = drawings
    with_preparation = as_rows([prepare_digit(ink, steps=False).image for ink in inks])
    without = as_rows([shrink_drawing(ink) for ink in inks])
    assert np.mean(digit_trees.predict(with_preparation) == labels) >= 0.95
    assert np.mean(digit_trees.predict(without) == labels) < 0.5


def cut(image):
    """Crop the empty border."""
    rows, columns = np.nonzero(image)
    return image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def test_mnists_own_digits_are_unchanged(mnist):
    digits = mnist.X[60_000:60_200]
    same = np.stack([prepare_digit(digit, steps=False).image for digit in digits])
    # If a digit's center of mass lies between two pixels, the digit moves by one pixel.
    moved = np.array([(a != b).any() for a, b in zip(same, digits, strict=True)])
    assert moved.mean() < 0.25
    for a, b in zip(same[moved], digits[moved], strict=True):
        assert np.array_equal(cut(a), cut(b))


@settings(max_examples=80, deadline=None)
@given(
    hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=60),
        elements=st.floats(0, 1, width=32),
    )
)
def test_any_drawing_is_centered(ink):
    result = prepare_digit(ink)
    assert result.image.shape == (28, 28)
    assert result.image.dtype == np.uint8
    assert result.empty == (not (ink >= 0.5 / 255).any())
    if result.empty:
        assert not result.image.any()
        return
    assert [step.name for step in result.steps] == ["drawing", "crop", "scale", "center"]
    assert max(result.steps[2].image.shape) == 20
    if result.image.sum() > 255:
        mass = result.image / result.image.sum()
        row, column = np.arange(28) @ mass.sum(axis=1), mass.sum(axis=0) @ np.arange(28)
        assert abs(row - 14) < 0.6 or result.image[[0, -1]].any()
        assert abs(column - 14) < 0.6 or result.image[:, [0, -1]].any()


@pytest.mark.parametrize("position", [(0, 0), (150, 10), (60, 170)])
@pytest.mark.parametrize("scale", [1, 2])
def test_position_and_size_do_not_matter(position, scale):
    rng = np.random.default_rng(3)
    ink = draw_strokes(
        *draw_digit(3, rng, size=100, height=(60, 60), thickness=(6, 6)), size=(100, 100)
    )
    field = np.zeros((300, 300), np.float32)
    enlarged = np.kron(ink, np.ones((scale, scale), np.float32))
    top, left = (min(p, 300 - len(enlarged)) for p in position)
    field[top : top + len(enlarged), left : left + len(enlarged)] = enlarged
    a, b = prepare_digit(ink).image.astype(float), prepare_digit(field).image.astype(float)
    if scale == 1:
        np.testing.assert_array_equal(a, b)
    assert np.abs(a - b).mean() < 2


def test_the_aspect_ratio_is_preserved():
    wide = np.zeros((100, 200))
    wide[40:60, 20:180] = 1
    result = prepare_digit(wide).steps[2].image
    assert result.shape == (2, 20)
    assert (result == 255).all()


def test_uint8_and_floats_give_the_same_image():
    ink = draw_strokes(*draw_digit(5, np.random.default_rng(0)))
    as_bytes = np.rint(ink * 255).astype(np.uint8)
    np.testing.assert_array_equal(
        prepare_digit(as_bytes).image, prepare_digit(as_bytes.astype(float) / 255).image
    )


def test_an_empty_field_is_empty():
    result = prepare_digit(np.zeros((50, 50)))
    assert result.empty
    assert not result.image.any()


@pytest.mark.parametrize(
    "ink",
    [
        np.zeros(5),
        np.zeros((0, 5)),
        np.full((4, 4), 2.0),
        np.full((4, 4), np.nan),
        np.full((4, 4), 1e300),
        np.full((4, 4), 2, np.int64),
        np.array([["a"]]),
        -np.ones((3, 3)),
    ],
)
def test_invalid_drawings_are_rejected(ink):
    with pytest.raises(UserError, match="a drawing must be numbers"):
        prepare_digit(ink)


def test_digits_depend_on_the_generator_only():
    a, b = (draw_digit(8, np.random.default_rng(5)) for _ in range(2))
    assert a == b
    assert a != draw_digit(8, np.random.default_rng(6))


@given(st.integers(0, 9), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_drawn_digits_stay_in_the_field(digit, seed):
    points, pen = draw_digit(digit, np.random.default_rng(seed))
    every = np.concatenate([np.array(stroke) for stroke in points])
    assert every.min() - pen / 2 >= 0
    assert every.max() + pen / 2 <= 280


@pytest.mark.parametrize(
    ("points", "options", "message"),
    [
        ([[(0, 0)]], {"thickness": 0}, "must be positive"),
        ([[(0, 0)]], {"size": (0, 9)}, "must be positive"),
        ([[(0, 0, 1)]], {}, "must be points"),
        ([[(0, float("nan"))]], {}, "must be points"),
        ([[]], {}, "must be points"),
    ],
)
def test_invalid_strokes_are_rejected(points, options, message):
    with pytest.raises(UserError, match=message):
        draw_strokes(points, **options)


def test_a_dot_is_a_disc_of_the_pens_thickness():
    ink = draw_strokes([[(50, 40)]], thickness=20, size=(100, 100))
    assert ink.sum() == pytest.approx(np.pi * 100, rel=0.06)
    rows, columns = np.nonzero(ink)
    assert rows.mean() == pytest.approx(40, abs=1)
    assert columns.mean() == pytest.approx(50, abs=1)


def test_a_field_need_not_be_square():
    ink = draw_strokes([[(110, 30)]], thickness=10, size=(60, 120))
    assert ink.shape == (60, 120)
    rows, columns = np.nonzero(ink)
    assert rows.mean() == pytest.approx(30, abs=1)
    assert columns.mean() == pytest.approx(110, abs=1)
    assert len(set(rows)) == len(set(columns)) == pytest.approx(10, abs=2)


def test_invalid_digits_are_rejected():
    with pytest.raises(UserError, match="from 0 to 9"):
        draw_digit(10, np.random.default_rng(0))
