"""Each operation, NumPy's and Numba's, against the same computed plainly in float64."""

from __future__ import annotations

import copy

import image_operations  # noqa: F401  # these modules add their cases to OPERATIONS
import numpy as np
import pytest
import rule_operations  # noqa: F401
import table_operations  # noqa: F401
from hypothesis import given, settings
from hypothesis import strategies as st
from operations import OPERATIONS, Sizes

import graduel.kernels
import graduel.kernels.numpy

ROUNDINGS = 64
"""How many times the dtype's precision a result may be off, by the size of what it is a sum of."""


@pytest.fixture(scope="module", params=["numpy", "numba"])
def module(request):
    """The operations of one module."""
    if request.param == "numba":
        return pytest.importorskip("graduel.kernels.numba")
    return graduel.kernels.numpy


def run(module, name, arguments):
    """Return what an operation leaves of a copy of its arguments, and what it returns."""
    copies = {
        # A copy that lies in memory as the original does; two names of one array stay so.
        id(value): value if not isinstance(value, np.ndarray) else _copy(value)
        for value in arguments.values()
    }
    given = {key: copies[id(value)] for key, value in arguments.items()}
    with np.errstate(all="ignore"):
        result = getattr(module, name)(*given.values())
    return given | {"return": result}


def _copy(array):
    whole = array if array.base is None else array.base
    if whole.ndim != array.ndim or whole.dtype != array.dtype:
        return array.copy()
    again = np.lib.stride_tricks.as_strided(copy.copy(whole), array.shape, array.strides)
    again[...] = array
    return again


SCRATCH = ("raw", "scratch", "gate", "g", "right", "slope", "jump", "product", "means")
SCRATCH += ("here", "taken", "share", "inside", "curve", "lift", "inner", "codes")
SCRATCH += ("rest", "e", "de", "du", "dz")
SCRATCH += ("around", "aligned", "both", "sums", "positions", "tap")
sizes = st.builds(
    Sizes,
    n=st.sampled_from([0, 1, 2, 5, 33]),
    k=st.sampled_from([1, 2, 3, 8, 17]),
    dtype=st.sampled_from(["float32", "float64"]).map(np.dtype),
    rng=st.integers(0, 2**32).map(np.random.default_rng),
    values=st.sampled_from(["plain", "denormal", "special", "zero"]),
)


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=40)
@given(data=st.data())
def test_it_computes_what_its_formula_says(module, name, data):
    case, made = OPERATIONS[name], data.draw(sizes)
    made.n = max(made.n, case.rows_min)
    arguments = case.make(made)
    plain = {
        key: value.astype(np.float64)
        if isinstance(value, np.ndarray) and value.dtype.kind == "f"
        else value
        for key, value in arguments.items()
    }
    with np.errstate(all="ignore"):
        expected = case.reference(**plain)
    left = run(module, name, arguments)
    again = run(module, name, arguments)
    info = np.finfo(made.dtype)
    for key, (value, size) in expected.items():
        with np.errstate(all="ignore"):
            bound = ROUNDINGS * (float(info.eps) * np.asarray(size) + float(info.tiny))
            found = np.asarray(left[key], np.float64)
            near = np.abs(found - value) <= bound
        alike = near | (found == value) | (np.isnan(found) & np.isnan(value))
        # Too large for float32 is infinite there.
        alike |= np.isinf(found) & (np.abs(value) > float(info.max) / 2) & ~np.isnan(value)
        assert np.all(alike), (key, found[~alike][:3], np.asarray(value)[~alike][:3])
        np.testing.assert_array_equal(left[key], again[key])  # the same bits


@pytest.mark.parametrize("name", OPERATIONS)
def test_it_leaves_its_inputs_as_they_are(module, name):
    made = Sizes(4, 3, np.dtype("float32"), np.random.default_rng(0), "plain")
    arguments = OPERATIONS[name].make(made)
    plain = {
        k: v.astype(float) if getattr(v, "dtype", None) == np.float32 else v
        for k, v in arguments.items()
    }
    written = {*OPERATIONS[name].reference(**plain), *SCRATCH}
    left = run(module, name, arguments)
    for key, value in arguments.items():
        if isinstance(value, np.ndarray) and key not in written:
            np.testing.assert_array_equal(left[key], value)


def test_every_operation_has_a_case():
    assert sorted(OPERATIONS) == sorted(graduel.kernels.operations())


def test_both_modules_document_the_same_operations():
    numba = pytest.importorskip("graduel.kernels.numba")
    for name in graduel.kernels.operations():
        plain, fused = getattr(graduel.kernels.numpy, name), getattr(numba, name)
        assert fused.__doc__.splitlines()[0] == plain.__doc__.splitlines()[0], name
        code = getattr(fused, "py_func", fused).__code__
        assert (
            code.co_varnames[: code.co_argcount]
            == (plain.__code__.co_varnames[: plain.__code__.co_argcount])
        ), name
