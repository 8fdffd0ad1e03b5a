"""Variance, shape, orthogonality and reproducibility of the initializers."""

from __future__ import annotations

import json
from math import prod, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graduel.nn import (
    Constant,
    Dense,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LeCunNormal,
    LeCunUniform,
    Network,
    Normal,
    Orthogonal,
    Uniform,
    Zeros,
)

DENSE, KERNEL = (300, 200), (3, 5, 20, 30)
# Initializer and its variance for n_in inputs and n_out outputs.
SPREADS = [
    (Normal(), lambda n_in, n_out: 1e-4),
    (Normal(std=2.0), lambda n_in, n_out: 4),
    (Uniform(0.3), lambda n_in, n_out: 0.03),
    (GlorotNormal(), lambda n_in, n_out: 2 / (n_in + n_out)),
    (GlorotNormal(gain=3.0), lambda n_in, n_out: 18 / (n_in + n_out)),
    (GlorotUniform(), lambda n_in, n_out: 2 / (n_in + n_out)),
    (GlorotUniform(gain=3.0), lambda n_in, n_out: 18 / (n_in + n_out)),
    (HeNormal(), lambda n_in, n_out: 2 / n_in),
    (HeNormal(gain=1.5), lambda n_in, n_out: 2.25 / n_in),
    (HeUniform(), lambda n_in, n_out: 2 / n_in),
    (HeUniform(gain=1.5), lambda n_in, n_out: 2.25 / n_in),
    (LeCunNormal(), lambda n_in, n_out: 1 / n_in),
    (LeCunUniform(), lambda n_in, n_out: 1 / n_in),
]
RANDOM = [part for part, _ in SPREADS] + [Orthogonal(), Orthogonal(gain=0.5)]
EVERY = [Zeros(), Constant(0.25), *RANDOM]


def named(value):
    """Return a case name that is the same in each process, without function addresses."""
    return repr(value).split(" at 0x")[0][:30]


def fresh(part, shape, dtype="float64", seed=0):
    return part(np.random.default_rng(seed), shape, dtype)


@pytest.mark.parametrize(("part", "variance"), SPREADS, ids=named)
@pytest.mark.parametrize(
    ("shape", "n_in", "n_out"), [(DENSE, 300, 200), (KERNEL, 3 * 5 * 20, 3 * 5 * 30)]
)
def test_mean_and_variance_are_those_of_theory(part, variance, shape, n_in, n_out):
    W = fresh(part, shape)
    n, expected = prod(shape), variance(n_in, n_out)
    uniform = "Uniform" in type(part).__name__
    # Five standard errors; that of a variance is σ² √((κ − 1) / n), κ = 3 or 9/5.
    assert abs(W.mean()) < 5 * sqrt(expected / n)
    kurtosis = 9 / 5 if uniform else 3
    assert abs(W.var() / expected - 1) < 5 * sqrt((kurtosis - 1) / n)
    assert np.mean(W**4) / W.var() ** 2 == pytest.approx(kurtosis, rel=0.1)
    if uniform:
        assert abs(W).max() <= sqrt(3 * expected)


def test_normal_has_the_given_mean():
    W = fresh(Normal(std=0.5, mean=2.0), DENSE)
    assert abs(W.mean() - 2) < 5 * 0.5 / sqrt(W.size)


@pytest.mark.parametrize(
    "shape", [(7, 7), (9, 4), (4, 9), (3, 3, 2, 5), (1, 1, 2, 5), (1, 4), (4,)]
)
@pytest.mark.parametrize("gain", [1.0, 0.3])
def test_an_orthogonal_matrix_keeps_lengths(shape, gain):
    W = fresh(Orthogonal(gain), shape)
    assert W.shape == shape
    assert W.flags.c_contiguous
    matrix = W.reshape(-1, shape[-1])
    rows, columns = matrix.shape
    product = matrix.T @ matrix if rows >= columns else matrix @ matrix.T
    np.testing.assert_allclose(product, gain**2 * np.eye(len(product)), atol=1e-14)


def test_orthogonal_matrices_are_uniform():
    # Without the sign correction, the diagonal of LAPACK's R has one sign and Q is biased.
    rng = np.random.default_rng(1)
    W = np.array([Orthogonal()(rng, (3, 3), "float64") for _ in range(2000)])
    # Each row is a point on the sphere, so each entry has mean 0 and variance 1/3.
    assert (abs(W.mean(axis=0)) < 5 * sqrt(1 / 3 / len(W))).all()
    np.testing.assert_allclose(W.var(axis=0), 1 / 3, atol=5 * sqrt(4 / 45 / len(W)))
    assert abs(np.sign(np.linalg.det(W)).mean()) < 5 / sqrt(len(W))


@pytest.mark.parametrize("part", EVERY, ids=repr)
@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (3, 3, 2, 4), (5,), (1, 1), (4, 0), ()])
def test_every_dtype_and_the_same_seed_give_the_same_numbers(part, shape):
    W = fresh(part, shape)
    narrow = fresh(part, shape, "float32")
    assert W.shape == narrow.shape == shape
    assert W.dtype == np.float64
    assert narrow.dtype == np.float32
    np.testing.assert_array_equal(narrow, W.astype("float32"))
    np.testing.assert_array_equal(fresh(part, shape), W)


@pytest.mark.parametrize("part", RANDOM, ids=repr)
def test_seeds_give_different_numbers(part):
    assert not np.isclose(fresh(part, (6, 4)), fresh(part, (6, 4), seed=1)).any()


def test_he_normal_gives_stored_numbers():
    shape = (7, 3)
    expected = np.random.default_rng(5).normal(0.0, sqrt(2) / sqrt(7), size=shape)
    np.testing.assert_array_equal(fresh(HeNormal(), shape, seed=5), expected)


@given(
    st.sampled_from(EVERY), st.lists(st.integers(1, 6), max_size=4).map(tuple), st.integers(0, 99)
)
def test_any_shape_is_finite(part, shape, seed):
    W = fresh(part, shape, "float32", seed)
    assert W.shape == shape
    assert np.isfinite(W).all()


@pytest.mark.parametrize("part", EVERY, ids=repr)
def test_a_spec_keeps_the_initializer(part):
    net = Network((Dense(5, init=part),), (4,))
    back = Network.from_spec(json.loads(json.dumps(net.to_spec())))
    assert back == net
    theta = net.init(np.random.default_rng(3)).theta
    np.testing.assert_array_equal(back.init(np.random.default_rng(3)).theta, theta)


@pytest.mark.parametrize(
    "part",
    [GlorotNormal, GlorotUniform, HeNormal, HeUniform, LeCunNormal, LeCunUniform, Orthogonal],
)
def test_parameters_out_of_range_raise(part):
    with pytest.raises(ValueError, match="gain must be a finite number, at least 0; got -1"):
        part(gain=-1)
    with pytest.raises(ValueError, match="std must be a finite number, at least 0; got inf"):
        Normal(std=float("inf"))
    with pytest.raises(ValueError, match="limit must be a finite number, at least 0; got nan"):
        Uniform(float("nan"))
