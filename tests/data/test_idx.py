"""The IDX reader: exact round trips, and one-line errors for damaged files."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from graduel import read_idx
from graduel.data.read.images.idx import TYPES
from graduel.errors import UserError

CODES = {dtype.newbyteorder("="): code for code, dtype in TYPES.items()}
ARRAYS = st.sampled_from(list(CODES)).flatmap(
    lambda dtype: hnp.arrays(
        dtype, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=6)
    )
)


def encode(array):
    head = bytes([0, 0, CODES[array.dtype], array.ndim])
    return (
        head
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.astype(array.dtype.newbyteorder(">")).tobytes()
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("idx") / "file"


@settings(deadline=None)
@given(array=ARRAYS, zipped=st.booleans())
def test_round_trip(path, array, zipped):
    data = encode(array)
    path.write_bytes(gzip.compress(data) if zipped else data)
    read = read_idx(path)
    np.testing.assert_array_equal(read, array)
    assert read.dtype == array.dtype
    assert read.dtype.isnative


@settings(deadline=None, max_examples=300)
@given(array=ARRAYS, zipped=st.booleans(), data=st.data())
def test_damaged_files_raise_only_user_errors(path, array, zipped, data):
    whole = encode(array)
    raw = bytearray(gzip.compress(whole) if zipped else whole)
    if data.draw(st.booleans()):
        del raw[data.draw(st.integers(0, len(raw) - 1)) :]
    else:
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(raw)
    try:
        read_idx(path)
    except UserError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_arbitrary_bytes_raise_only_user_errors(path, raw):
    path.write_bytes(raw)
    try:
        read_idx(path)
    except UserError as error:
        assert "expected" in str(error)


@pytest.mark.parametrize("zipped", [False, True])
def test_a_wrong_header_does_not_allocate_memory(path, zipped):
    import tracemalloc

    data = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**32 - 1, 2**32 - 1, 2**32 - 1) + b"abc"
    path.write_bytes(gzip.compress(data) if zipped else data)
    tracemalloc.start()
    with pytest.raises(UserError, match=r"expected [\d,]+ bytes .* got only 3"):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000_000


def test_surplus_data_are_rejected(path):
    path.write_bytes(encode(np.arange(5, dtype=np.uint8)) + b"x")
    with pytest.raises(UserError, match=r"expected 5 bytes .* got more"):
        read_idx(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "none")
