"""Data augmentation: invariants of warps, their random draws, and their use in training."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graduel import kernels
from graduel.errors import UserError
from graduel.train import Rows, WeightAverage
from graduel.train.augment.augmentation import (
    BLOCK,
    N_FIELDS,
    Augmented,
    Warp,
    elastic_fields,
)
from graduel.train.build.network_builder import build_augmentations
from graduel.train.build.recipe_parser import parse_recipe, validate_recipe
from graduel.train.loop.training import Training
from graduel.train.recipes import NetRecipe

STILL = Warp(angle=0, scale=0, shear=0, shift=0, elastic=0)
IMAGES = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 3))


def images(image, n=5, dtype="uint8", seed=0):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 256, size=(n, int(np.prod(image))))
    return X.astype(dtype) if dtype == "uint8" else (X / 255).astype(dtype)


@given(
    IMAGES, st.integers(1, 9), st.integers(1, 4), st.sampled_from(["uint8", "float32", "float64"])
)
def test_a_zero_warp_changes_nothing(image, n, share, dtype):
    X = images(image, n, dtype)
    warped = replace(STILL, share=share).apply(X, image, np.random.default_rng(0))
    assert warped.dtype == X.dtype
    np.testing.assert_array_equal(warped, X)


@given(
    IMAGES, st.integers(1, 7), st.integers(1, 4), st.sampled_from(["uint8", "float32", "float64"])
)
def test_warped_values_lie_between_those_of_their_image_and_channel(image, n, share, dtype):
    X = images(image, n, dtype)
    before = X.copy()
    warped = Warp(angle=90, scale=0.5, shear=1, shift=5, elastic=3, smooth=1, share=share).apply(
        X, image, np.random.default_rng(1)
    )
    np.testing.assert_array_equal(X, before)
    assert warped.shape == X.shape
    assert warped.dtype == X.dtype
    old, new = (a.reshape(n, -1, image[2]).astype(float) for a in (X, warped))
    assert (new <= old.max(axis=1, keepdims=True, initial=0) + 1e-6).all()
    assert (new >= old.min(axis=1, keepdims=True, initial=255) - 1e-6).all()


@given(IMAGES, st.integers(0, 255))
def test_a_uniform_image_stays_uniform(image, level):
    X = np.full((3, int(np.prod(image))), level, np.uint8)
    np.testing.assert_array_equal(Warp().apply(X, image, np.random.default_rng(2)), X)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    X = images((8, 8, 1), 20, "float32")
    a, b, c = (Warp().apply(X, (8, 8, 1), np.random.default_rng(s)) for s in (3, 3, 4))
    assert a.tobytes() == b.tobytes()
    assert a.tobytes() != c.tobytes()


def test_channels_move_together():
    gray = images((7, 6, 1), 9, "float32")
    colors = np.repeat(gray, 3, axis=1)
    warped = Warp().apply(gray, (7, 6, 1), np.random.default_rng(5))
    np.testing.assert_array_equal(
        Warp().apply(colors, (7, 6, 3), np.random.default_rng(5)), np.repeat(warped, 3, axis=1)
    )


def test_share_images_have_the_same_warp():
    n = 3 * BLOCK + 7  # several blocks of warps, the last one incomplete
    X = np.tile(images((9, 9, 1), 1, "float32"), (n, 1))
    warped = Warp(share=3).apply(X, (9, 9, 1), np.random.default_rng(6))
    equal = (warped[:, None] == warped).all(axis=2)
    group = np.arange(n) // 3
    np.testing.assert_array_equal(equal, group[:, None] == group)


@pytest.mark.parametrize("share", [1, 4, 6, 11])
def test_an_image_is_warped_alike_wherever_it_is_in_its_group(share):
    X = np.tile(images((9, 7, 2), 1, "float32"), (share, 1))
    warped = Warp(share=share).apply(X, (9, 7, 2), np.random.default_rng(8))
    np.testing.assert_array_equal(warped, np.tile(warped[:1], (share, 1)))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_positions_that_are_no_numbers_read_nothing_outside_of_an_image():
    X = images((5, 4, 1), 6, "float32")
    with np.errstate(all="ignore"):
        warped = Warp(shear=1e39, shift=1e39, scale=0.9, share=2).apply(
            np.concatenate([X, X]), (5, 4, 1), np.random.default_rng(9)
        )
    assert warped.shape == (12, 20)
    finite = warped[np.isfinite(warped)]
    assert ((finite >= X.min() - 1e-6) & (finite <= X.max() + 1e-6)).all()


class Fixed(np.random.Generator):
    """Generator that returns fixed numbers."""

    def __init__(self, draws):
        super().__init__(np.random.PCG64(0))
        self.draws = draws

    def uniform(self, low, high, size):
        return np.reshape(self.draws, size)


def test_a_shift_moves_pixels_and_repeats_the_edge():
    X = np.arange(12, dtype=np.uint8).reshape(1, 12)
    # angle, v, u, shear, shift along rows, shift along columns
    warped = replace(STILL, shift=1).apply(X, (3, 4, 1), Fixed([0, 0, 0, 0, 1, 0]))
    np.testing.assert_array_equal(warped.reshape(3, 4), X.reshape(3, 4)[[1, 2, 2]])
    warped = replace(STILL, shift=2).apply(X, (3, 4, 1), Fixed([0, 0, 0, 0, 0, -1]))
    np.testing.assert_array_equal(warped.reshape(3, 4), X.reshape(3, 4)[:, [0, 0, 0, 1]])


def test_a_rotation_by_90_degrees_equals_numpys():
    X = images((5, 5, 1), 1)
    warped = replace(STILL, angle=90).apply(X, (5, 5, 1), Fixed([1, 0, 0, 0, 0, 0]))
    turned = np.rot90(X.reshape(5, 5), 1), np.rot90(X.reshape(5, 5), -1)
    assert any((warped.reshape(5, 5) == one).all() for one in turned)


def test_scale_and_shear_follow_the_formula():
    warp = Warp(angle=30, scale=0.2, shear=0.3, shift=1.5, elastic=0)
    draws = np.array([0.5, -0.4, 0.7, 0.9, 0.2, -0.6])
    rows, columns = warp.draw_positions(1, (5, 4, 1), Fixed(draws))[:, 0]
    t = np.radians(15)
    turn = np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
    M = turn @ np.array([[1 - 0.08, 0.27], [0, 1.14]])
    center = np.array([2, 1.5])
    for i in range(5):
        for j in range(4):
            expected = M @ (np.array([i, j]) - center) + center + [0.3, -0.9]
            np.testing.assert_allclose([rows[i, j], columns[i, j]], expected, atol=1e-5)


@given(IMAGES)
def test_taps_interpolate_the_position_with_factors_of_sum_1(image):
    height, width, channels = image
    size = height * width * channels
    positions = np.random.default_rng(0).uniform(-3, 12, (2, 4, height, width))
    inside = np.clip(positions, 0, np.array([height - 1, width - 1])[:, None, None, None])
    index, factor = np.zeros((4, 4, size), np.intp), np.zeros((4, 4, size))
    kernels.compute_taps(positions, image, index, factor)
    assert index.min() >= 0
    assert index.max() < size
    np.testing.assert_allclose(factor.sum(axis=0), 1)
    assert (factor >= 0).all()
    assert (index % channels == np.arange(size) % channels).all()
    for axis, where in enumerate(np.divmod(index // channels, width)):
        interpolated = (factor * where).sum(axis=0).reshape(4, height, width, channels)
        expected = np.repeat(inside[axis][..., None], channels, -1)
        np.testing.assert_allclose(interpolated, expected, atol=1e-9)


def test_elastic_fields_are_smooth_with_root_mean_square_1():
    fields = elastic_fields((28, 28), 4.0, np.random.default_rng(0))
    assert fields.shape == (N_FIELDS, 28, 28)
    assert fields.dtype == np.float32
    assert np.sqrt(np.mean(fields**2)) == pytest.approx(1, rel=1e-4)
    steps = np.sqrt(np.mean(np.diff(fields, axis=2) ** 2))
    # White noise smoothed by a Gaussian of σ falls by a factor of exp(−1/4σ²) from pixel to pixel.
    assert steps == pytest.approx(np.sqrt(2 - 2 * np.exp(-1 / 64)), rel=0.1)
    assert np.isfinite(elastic_fields((1, 1), 4.0, np.random.default_rng(0))).all()


def test_blocks_are_not_augmented_and_batches_get_every_step():
    X = images((6, 6, 1), 40)
    steps = [Warp(elastic=0), Warp(angle=0)]
    rows = Augmented(Rows.of(X), steps, rng=np.random.default_rng(0), image=(6, 6, 1))
    assert (len(rows), rows.n_features, rows.dtype) == (40, 36, "float32")
    np.testing.assert_array_equal(rows.block(3, 9), Rows.of(X).block(3, 9))
    take = rows.gather(16)
    index = np.array([5, 1, 30])
    warped = take(index)
    assert warped.shape == (3, 36)
    assert abs(warped - Rows.of(X).gather(3)(index)).max() > 0.05


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Warp(angle=-1), "angle must be at least 0; got -1"),
        (lambda: Warp(scale=1.0), "scale must be at least 0 and below 1"),
        (lambda: Warp(smooth=0.0), "smooth must be above 0"),
        (lambda: Warp(share=0), "share must be at least 1"),
    ],
)
def test_parameters_out_of_range_raise(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_images_of_another_size_raise():
    with pytest.raises(ValueError, match="augment=warp expects 9 values per row"):
        Warp().prepare(10, (3, 3, 1), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("augment=wrap", r"Did you mean 'warp'\?"),
        ("augment=warp(angel=3)", r"Did you mean 'angle'\?"),
        ("augment=warp(scale=2)", "scale must be at least 0 and below 1"),
        ("augment=warp(share=1.5)", "share of augment warp must be an integer"),
        ("augment=none,warp", "augment"),
    ],
)
def test_invalid_augment_texts_raise(text, message):
    with pytest.raises(UserError, match=message):
        parse_recipe(text, NetRecipe())


def test_augmentations_are_parsed_from_text():
    text = "warp(angle=10,scale=0.1,shear=0.1,shift=1,elastic=0.5),warp"
    recipe = validate_recipe(parse_recipe(f"augment={text}", NetRecipe()))
    assert recipe.augment == text
    assert build_augmentations(recipe.augment, (2, 2, 1)) == (
        Warp(angle=10, scale=0.1, shear=0.1, shift=1, elastic=0.5),
        Warp(),
    )
    assert build_augmentations(NetRecipe().augment, None) == ()


SMALL = NetRecipe(layers=(8,), epochs=2, batch_size=16, norm="batch", augment="warp(share=4)")


def trained(recipe, image=(4, 4, 1)):
    X, y = images((4, 4, 1), 60), np.arange(60) % 3
    training = Training(recipe, X, y, 3, rng=np.random.default_rng(0), image=image)
    for _ in training.epochs():
        pass
    return training


def test_the_same_seed_gives_the_same_training():
    a, b, plain = (trained(r) for r in (SMALL, SMALL, replace(SMALL, augment="none")))
    assert a.prediction_weights.theta.tobytes() == b.prediction_weights.theta.tobytes()
    assert a.prediction_weights.theta.tobytes() != plain.prediction_weights.theta.tobytes()


def test_rows_other_than_images_and_lbfgs_raise():
    with pytest.raises(UserError, match="augment=warp expects images; got rows without"):
        trained(SMALL, image=None)
    with pytest.raises(UserError, match="optimizer=lbfgs does not support augment"):
        trained(replace(SMALL, optimizer="lbfgs", norm="none", dropout=0.0))


def test_the_state_of_averaged_weights_is_computed_from_augmented_rows(monkeypatch):
    seen = []
    plain = WeightAverage.weights

    def watched(self, network, rows, **more):
        seen.append(type(rows))
        return plain(self, network, rows, **more)

    monkeypatch.setattr(WeightAverage, "weights", watched)
    training = trained(replace(SMALL, ema=0.9))
    assert isinstance(training.rows, Rows)
    assert seen == [Augmented, Augmented]
