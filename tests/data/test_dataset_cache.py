"""The cache of a data set: exact round trips, and detection of damaged files."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from graduel.data.dataset_cache import is_intact, read_dataset, write_dataset
from graduel.data.load import build_dataset
from graduel.data.read import Source
from graduel.data.read.arrays.labeled_arrays import dataset_from_arrays
from graduel.data.spec import SourceSpec
from graduel.errors import UserError

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
CELLS = {
    pl.Float64: st.floats(),
    pl.Float32: st.floats(width=32),
    pl.Int64: st.integers(-(2**63), 2**63 - 1),
    pl.UInt8: st.integers(0, 255),
    pl.Boolean: st.booleans(),
    pl.String: st.one_of(st.sampled_from(["a", "b", "NA", "3,5"]), WORDS),
    pl.Categorical: WORDS,
    pl.Date: st.dates(date(1700, 1, 1), date(2200, 1, 1)),
    pl.Datetime("us"): st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)),
}


def assert_same(one, other):
    """Compare all fields of two data sets, bit by bit."""
    fields = ("name", "classes", "n_train", "source", "columns", "n_features", "image")
    for name in (*fields, "pixels", "notes", "findings"):
        assert getattr(one, name) == getattr(other, name)
    for name in ("y", "groups", "times"):
        assert_same_array(getattr(one, name), getattr(other, name))
    if one.inferred_table is None:
        assert other.inferred_table is None
        assert_same_array(one.X, other.X)
        return
    a, b = one.inferred_table, other.inferred_table
    for name in ("name", "columns", "target", "classes", "set_aside", "notes"):
        assert getattr(a, name) == getattr(b, name)
    assert dict(a.formats) == dict(b.formats)
    assert_same_array(a.y, b.y)
    assert_same_array(a.rows, b.rows)
    assert other.X is b.frame
    assert one.X.schema == other.X.schema
    assert one.X.equals(other.X)
    for series in one.X:
        if series.dtype.is_float():
            assert_same_array(series.to_numpy(), other.X[series.name].to_numpy())


def assert_same_array(a, b):
    if a is None:
        assert b is None
        return
    assert type(a) is type(b)
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    assert a.tobytes() == b.tobytes()


@st.composite
def tables(draw):
    """Draw a DataFrame with columns of all types and missing cells, and a spec."""
    n = draw(st.integers(4, 30))
    kinds = draw(st.lists(st.sampled_from(list(CELLS)), min_size=1, max_size=6))
    columns = []
    for i, kind in enumerate(kinds):
        few = draw(st.lists(CELLS[kind], min_size=1, max_size=8))
        cells = draw(st.lists(st.sampled_from([None, *few]), min_size=n, max_size=n))
        columns.append(pl.Series(f"c{i} ü", cells, dtype=kind))
    labels = draw(st.lists(st.sampled_from(["yes", "no", "ä", None]), min_size=n, max_size=n))
    codes = draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))
    frame = pl.DataFrame(
        [*columns, pl.Series("who", codes), pl.Series("when", codes), pl.Series("y", labels)]
    )
    group, time = draw(st.sampled_from([(None, None), ("who", None), (None, "when")]))
    return frame, SourceSpec("table", "table.csv", target="y", group=group, time=time)


@settings(deadline=None, max_examples=60)
@given(table=tables(), n_train=st.one_of(st.none(), st.integers(1, 3)))
def test_round_trip_of_tables(table, n_train, tmp_path_factory):
    frame, spec = table
    try:
        dataset = build_dataset(spec, Source("t", frame, ("one",), origin="here"))
    except UserError:
        assume(False)
    if n_train is not None and n_train < len(dataset.y):
        dataset = replace(dataset, n_train=n_train)
    folder = tmp_path_factory.mktemp("cache") / "data"
    write_dataset(folder, dataset)
    assert is_intact(folder)
    assert_same(dataset, read_dataset(folder))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("n_train", [None, 4])
def test_round_trip_of_images(dtype, n_train, tmp_path):
    X = np.random.default_rng(0).integers(0, 255, size=(9, 4, 5, 3)).astype(dtype)
    labels = np.array(["a", "b", "c"] * 3)
    dataset = dataset_from_arrays("pictures", X, labels, n_train=n_train, source="here")
    write_dataset(tmp_path / "data", dataset)
    again = read_dataset(tmp_path / "data")
    assert_same(dataset, again)
    again.X[0] = 1  # changes are not written to the file
    assert is_intact(tmp_path / "data")


def test_missing_values_and_negative_zero_are_preserved(tmp_path):
    frame = pl.DataFrame(
        {
            "x": [1.5, math.nan, math.inf, None, -0.0, 2.0],
            "word": ["a", None, "NA", "b", "a", "b"],
            "y": ["p", "q"] * 3,
        }
    )
    dataset = build_dataset(SourceSpec("t", "t.csv", target="y"), Source("t", frame))
    write_dataset(tmp_path / "data", dataset)
    again = read_dataset(tmp_path / "data")
    assert again.X["x"].null_count() == 3
    assert math.copysign(1, again.X["x"][4]) == -1
    assert_same(dataset, again)


@pytest.mark.parametrize("damage", ["flip", "cut", "gone", "empty"])
def test_damage_of_any_file_is_detected(damage, tmp_path):
    frame = pl.DataFrame({"x": range(6), "who": [0, 0, 1, 1, 2, 2], "y": ["p", "q"] * 3})
    spec = SourceSpec("t", "t.csv", target="y", group="who", time="x")
    dataset = build_dataset(spec, Source("t", frame.with_columns(z=pl.col("who") * 0.5)))
    folder = tmp_path / "data"
    write_dataset(folder, dataset)
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["X.arrow", "dataset.json", "groups.npy", "rows.npy", "times.npy", "y.npy"]
    for name in names:
        path = folder / name
        content = path.read_bytes()
        if damage == "gone":
            path.unlink()
        else:
            middle = len(content) // 2
            changed = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
            path.write_bytes({"flip": changed, "cut": content[:-1], "empty": b""}[damage])
        if (damage, name) == (
            "cut",
            "dataset.json",
        ):  # the last character is an insignificant newline
            path.write_bytes(content[: len(content) // 2])
        assert not is_intact(folder)
        with pytest.raises(UserError, match=name):
            read_dataset(folder)
        path.write_bytes(content)
    assert_same(dataset, read_dataset(folder))


def test_an_invalid_manifest_is_rejected(tmp_path):
    (tmp_path / "dataset.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(UserError, match=r"dataset\.json.*damaged"):
        read_dataset(tmp_path)
