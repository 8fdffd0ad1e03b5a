"""erf and sigmoid against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special

from graduel.nn.special import PIECE, erf, sigmoid


def grid(dtype):
    """Return numbers of both signs, from the smallest normal ones to those where erf is 1."""
    small = np.logspace(np.log10(np.finfo(dtype).tiny) + 1, 0, 20_000)
    right = np.concatenate([small, np.linspace(0.4, 7, 100_000)])
    return np.concatenate([-right, right]).astype(dtype)


@pytest.mark.parametrize(("dtype", "relative"), [("float64", 1e-15), ("float32", 4e-7)])
def test_erf_has_the_documented_accuracy(dtype, relative):
    x = grid(dtype)
    expected = special.erf(x.astype(np.float64))
    y = erf(x)
    assert y.dtype == x.dtype
    np.testing.assert_allclose(y, expected, rtol=relative)
    assert np.abs(y).max() == 1


@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.float64]),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0),
        elements=st.floats(-10, 10, width=32),
    )
)
def test_erf_of_any_shape_is_odd_and_may_overwrite(x):
    expected = special.erf(x.astype(np.float64))
    single = x.dtype == np.float32
    y = erf(x)
    assert y.shape == x.shape
    np.testing.assert_allclose(y, expected, rtol=4e-7 if single else 1e-15, atol=1e-38)
    np.testing.assert_array_equal(erf(-x), -y)
    assert erf(x, out=x) is x
    np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_erf_of_large_numbers_is_one_and_nan_stays(dtype):
    x = np.array([-np.inf, -1e30, -6, -0.0, 6, 1e30, np.inf, np.nan], dtype)
    np.testing.assert_array_equal(erf(x), [-1, -1, -1, 0, 1, 1, 1, np.nan])
    assert np.signbit(erf(x)[3])


def test_erf_takes_integers_and_views_but_no_view_as_out():
    assert erf(1).dtype == np.float64
    np.testing.assert_allclose(erf([1, 2]), special.erf([1, 2]), rtol=1e-15)
    x = np.linspace(-3, 3, 24).reshape(4, 6)
    np.testing.assert_array_equal(erf(x.T[::2]), erf(x).T[::2])
    with pytest.raises(ValueError, match="out must be C-contiguous"):
        erf(x.T, out=np.empty((4, 6)).T)


def test_erf_in_blocks_equals_erf_of_the_whole():
    n = PIECE // 8
    x = np.linspace(-3, 3, 2 * n + 5)
    np.testing.assert_allclose(erf(x), special.erf(x), rtol=1e-15)
    np.testing.assert_array_equal(erf(x)[n:], erf(x[n:]))


@given(hnp.arrays(np.float64, st.integers(0, 9), elements=st.floats(-1e300, 1e300)))
def test_sigmoid_equals_scipys(x):
    np.testing.assert_allclose(sigmoid(x), special.expit(x), atol=2e-16)
    assert sigmoid(x.clip(-9, 9).astype(np.float32)).dtype == np.float32
