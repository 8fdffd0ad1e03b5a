"""Properties of the perturbations of images and tables."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from graduel.data import perturb

IMAGES = arrays(np.uint8, array_shapes(min_dims=3, max_dims=4, min_side=1, max_side=7))
BY_IMAGE = {
    "noise": (perturb.noise, st.floats(0, 2)),
    "rotate": (perturb.rotate, st.floats(0, 400)),
    "shift": (perturb.shift, st.integers(0, 12)),
    "occlude": (perturb.occlude, st.integers(0, 12)),
}
BY_TABLE = {"missing": perturb.missing, "scramble": perturb.scramble}


def table(n: int = 60) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "size": rng.normal(size=n),
            "town": [f"town {i}" for i in range(n)],
            "member": [i % 2 == 0 for i in range(n)],
            "since": pl.Series(np.arange(n)).cast(pl.Datetime("us")),
        }
    )


@pytest.mark.parametrize("name", BY_IMAGE)
@given(data=st.data())
def test_images_keep_shape_and_type_and_inputs_are_unchanged(name, data) -> None:
    perturb_as, strengths = BY_IMAGE[name]
    X, strength = data.draw(IMAGES), data.draw(strengths)
    before = X.copy()
    perturbed = perturb_as(X, strength, np.random.default_rng(1))
    again = perturb_as(X, strength, np.random.default_rng(1))
    assert perturbed.shape == X.shape
    assert perturbed.dtype == np.uint8
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(perturbed, again)
    assert not np.shares_memory(perturbed, X)
    np.testing.assert_array_equal(perturb_as(X, 0, np.random.default_rng(1)), X)


@pytest.mark.parametrize("name", BY_IMAGE)
def test_color_images_are_perturbed_like_their_channels(name) -> None:
    perturb_as, _ = BY_IMAGE[name]
    gray = np.random.default_rng(0).integers(0, 256, (5, 9, 8), dtype=np.uint8)
    if name == "noise":  # channels have independent noise
        return
    color = np.stack([gray, gray], axis=-1)
    perturbed = perturb_as(color, 3, np.random.default_rng(2))
    expected = perturb_as(gray, 3, np.random.default_rng(2))
    for channel in (0, 1):
        np.testing.assert_array_equal(perturbed[..., channel], expected)


def test_noise_has_the_given_standard_deviation() -> None:
    X = np.full((50, 20, 20), 128, np.uint8)
    perturbed = perturb.noise(X, 0.1, np.random.default_rng(0)).astype(float) - 128
    assert perturbed.std() == pytest.approx(25.5, rel=0.02)
    assert abs(perturbed.mean()) < 0.5
    assert perturb.noise(X // 8, 2.0, np.random.default_rng(0), top=16).max() == 16


def test_rotation_by_90_degrees_is_exact_and_both_directions_occur() -> None:
    X = np.random.default_rng(0).integers(0, 256, (40, 7, 7), dtype=np.uint8)
    X[:, [0, -1]] = X[:, :, [0, -1]] = 30  # the background
    np.testing.assert_array_equal(perturb.rotate(X, 90), np.rot90(X, axes=(1, 2)))
    perturbed = perturb.rotate(X, 90, np.random.default_rng(0))
    left = (perturbed == np.rot90(X, axes=(1, 2))).all(axis=(1, 2))
    right = (perturbed == np.rot90(X, axes=(2, 1))).all(axis=(1, 2))
    assert (left | right).all()
    assert 10 < left.sum() < 30


def test_shifts_in_four_directions_fill_with_the_background() -> None:
    X = np.full((200, 6, 6), 40, np.uint8)
    X[:, 2, 3] = 200
    perturbed = perturb.shift(X, 2, np.random.default_rng(0))
    positions = {tuple(np.argwhere(image == 200)[0]) for image in perturbed}
    assert positions == {(2, 5), (4, 3), (2, 1), (0, 3)}
    assert sorted(np.unique(perturbed)) == [40, 200]
    np.testing.assert_array_equal(perturb.shift(X, 6), np.full_like(X, 40))
    np.testing.assert_array_equal(perturb.shift(X, -1)[:, 2, 2], np.full(200, 200))


def test_occluding_squares_have_the_given_size_and_lie_inside_the_image() -> None:
    X = np.random.default_rng(0).integers(1, 256, (50, 9, 8), dtype=np.uint8)
    X[:, [0, -1]] = X[:, :, [0, -1]] = 0
    perturbed = perturb.occlude(X, 3, np.random.default_rng(0))
    inner = (perturbed != X)[:, 1:-1, 1:-1].sum(axis=(1, 2))
    assert inner.max() == 9  # all nine pixels of a square that does not touch the edge
    assert inner.min() >= 4
    assert (perturbed[perturbed != X] == 0).all()
    assert not perturb.occlude(X, 20, np.random.default_rng(0)).any()


@pytest.mark.parametrize("name", BY_TABLE)
@given(strength=st.floats(0, 1), seed=st.integers(0, 99))
def test_tables_keep_columns_and_types(name, strength, seed) -> None:
    X = table()
    perturbed = BY_TABLE[name](X, strength, np.random.default_rng(seed))
    assert perturbed.schema == X.schema
    assert perturbed.equals(BY_TABLE[name](X, strength, np.random.default_rng(seed)))
    assert X.equals(table())
    assert BY_TABLE[name](X, 0, np.random.default_rng(seed)).equals(X)


def test_cells_go_missing_at_the_given_rate_and_others_are_unchanged() -> None:
    X = table(2000)
    perturbed = perturb.missing(X, 0.3, np.random.default_rng(0))
    for name in X.columns:
        gone = perturbed[name].is_null()
        assert gone.mean() == pytest.approx(0.3, abs=0.05)
        assert perturbed[name].filter(~gone).equals(X[name].filter(~gone))
    assert perturbed["size"].is_null().to_list() != perturbed["town"].is_null().to_list()


def test_permutation_changes_only_the_order_of_the_given_columns() -> None:
    X = table()
    perturbed = perturb.permute(X, "town", np.random.default_rng(0))
    assert sorted(perturbed["town"]) == sorted(X["town"])
    assert not perturbed["town"].equals(X["town"])
    assert perturbed.drop("town").equals(X.drop("town"))
    perturbed = perturb.scramble(X, 0.6, np.random.default_rng(1))
    changed = [name for name in X.columns if not perturbed[name].equals(X[name])]
    assert len(changed) == 2
    for name in X.columns:
        assert perturbed[name].sort().equals(X[name].sort())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: perturb.noise(np.zeros((2, 3, 3)), 0.1, r), r"expected uint8 images .*float64"),
        (lambda r: perturb.shift(np.zeros((2, 3), np.uint8), 1, r), r"shape \(2, 3\)"),
        (lambda r: perturb.noise([1], 0.1, r), "got list"),
        (lambda r: perturb.noise(np.zeros((2, 3, 3), np.uint8), -1, r), "at least 0; got -1"),
        (lambda r: perturb.rotate(np.zeros((2, 3, 3), np.uint8), np.nan, r), "got nan"),
        (lambda r: perturb.shift(np.zeros((2, 3, 3), np.uint8), 1.5, r), "whole number of pixels"),
        (lambda r: perturb.missing(table(), 1.5, r), "share from 0 to 1; got 1.5"),
        (lambda r: perturb.scramble(table(), -0.1, r), "share from 0 to 1"),
        (lambda r: perturb.permute(table(), "nothing", r), "column must be one of 'size', 'town'"),
    ],
)
def test_invalid_arguments_are_rejected(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call(np.random.default_rng(0))
