"""The preparation for networks against scikit-learn; its plain form; errors."""

from __future__ import annotations

import copy
import datetime
import json
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from sklearn.preprocessing import OneHotEncoder, RobustScaler

from graduel.data.column import Column
from graduel.data.prepare.preparation import NetPreparation, TreePreparation
from graduel.errors import UserError
from graduel.nn import Columns, Dense, Network


def fit(frame, kind="numeric", make=NetPreparation, **options):
    return make.fit(frame, [Column(name, kind) for name in frame.columns], **options)


def one(values, kind="numeric", other=None, **options):
    """Fit on one column, and return the matrix of it or of other values."""
    fitted = fit(pl.DataFrame({"x": values}), kind, **options)
    return fitted.transform(pl.DataFrame({"x": values if other is None else other}))


def clipped(z):
    return z / np.sqrt(1 + (z / 3) ** 2)


def test_numbers_have_robust_scaling_with_smooth_clipping():
    rng = np.random.default_rng(0)
    x = rng.standard_cauchy(size=(501, 3)) * [1, 1e6, 1e-6] + [0, 1e7, 5]
    frame = pl.DataFrame(x, schema=["a", "b", "c"])
    want = clipped(RobustScaler(quantile_range=(25, 75)).fit(x[:400]).transform(x))
    fitted = fit(frame, rows=np.arange(400))
    np.testing.assert_allclose(fitted.transform(frame), want, rtol=1e-5, atol=1e-6)
    assert fitted.names == ("a", "b", "c")


def test_equal_quartiles_fall_back_to_the_range_and_constants_are_zero():
    x = [0.0] * 9 + [4.0]
    np.testing.assert_allclose(one(x)[:, 0], clipped(np.array(x) / 2))
    assert one([7.0, 7.0], other=[7.0, 8.0, np.inf, None]).tolist() == [[0]] * 4
    assert one([7.0, 7.0, np.inf], other=[7.0, np.inf, -np.inf]).tolist() == [[0], [3], [-3]]
    assert one([np.nan, None], other=[1.0, None]).tolist() == [[0, 0], [0, 1]]


def test_infinite_and_enormous_numbers_are_clipped_to_three():
    x = np.array([-1.7, -0.8, 0, 0.8, 1.7])
    assert one(x * 1e308)[:, 0] == pytest.approx(clipped(x / 1.6))
    assert (np.diff(one(np.array([-1.7, -1.6, 0, 1.6, 1.7]) * 1e308)[:, 0]) > 0).all()
    assert one([1.0, 2.0, 3.0], other=[np.inf, -np.inf, 1e300]).tolist() == [[3], [-3], [3]]
    assert one([5e-324, 0.0], other=[1.0, -1.0, 0.0]).tolist() == [[0]] * 3  # practically constant
    assert one([1.0, np.inf, 2.0, -np.inf, 3.0])[:, 0] == pytest.approx(
        [clipped(-1), 3, 0, -3, clipped(1)]
    )


def test_missing_values_have_an_indicator_if_the_fitted_rows_have_them():
    x = [1.0, 2.0, 3.0, None]
    assert one(x).tolist()[3] == [0, 1]
    fitted = fit(pl.DataFrame({"x": x}), rows=np.arange(3))
    assert fitted.names == ("x",)
    assert fitted.transform(pl.DataFrame({"x": x})).tolist()[3] == [0]
    x = [True, False, None]
    assert one(x, "boolean").tolist() == [[1, 0], [-1, 0], [0, 1]]
    assert one(x[:2], "boolean", x).tolist() == [[1], [-1], [0]]


def test_one_hot_encoding_agrees_with_scikit_learn():
    rng = np.random.default_rng(1)
    x = rng.choice(np.array([*"abcdé", None], object), size=(60, 2))
    frame = pl.DataFrame({"u": x[:, 0].tolist(), "v": x[:, 1].tolist()})
    new = pl.DataFrame({"u": ["a", "?", None], "v": ["é", "b", "?"]})
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(x)
    fitted = fit(frame, "categorical")
    np.testing.assert_array_equal(fitted.transform(frame), encoder.transform(x))
    np.testing.assert_array_equal(
        fitted.transform(new), encoder.transform(new.to_numpy().astype(object))
    )
    assert fitted.names[:2] == ("u = a", "u = b")
    assert fitted.names[5] == "u is missing"


def test_two_categories_are_signs_and_unseen_ones_are_zero():
    new = ["f", "m", "?", None]
    assert one(["m", "f", "f"], "categorical", new).tolist() == [[-1], [1], [0], [0]]
    assert one(["f", None], "categorical", new).tolist() == [[-1], [0], [0], [1]]
    assert one(["f"], "categorical", new).tolist() == [[1], [0], [0], [0]]


def test_rare_categories_share_a_column():
    x = ["c"] * 3 + ["b"] * 2 + ["d"] * 2 + ["a", "e", None]
    frame = pl.DataFrame({"x": x})
    fitted = fit(frame, "categorical", limit=2)
    assert fitted.names == ("x = b", "x = c", "x is another", "x is missing")
    new = pl.DataFrame({"x": ["c", "b", "d", "?", None]})
    assert fitted.transform(new).argmax(axis=1).tolist() == [1, 0, 2, 2, 3]
    assert (fitted.transform(new).sum(axis=1) == 1).all()
    many = pl.DataFrame({"x": [str(i) for i in range(100)]})
    assert len(fit(many, "categorical").names) == 65
    assert fit(many, "categorical", embed=True).categorical == (101,)
    codes = fit(frame, "categorical", embed=True, limit=2)
    assert codes.categorical == (4,)
    assert codes.transform(new)[:, 0].tolist() == [2, 1, 3, 3, 0]
    assert fit(frame[::-1], "categorical", limit=2) == fitted


def test_codes_come_last_and_work_with_embeddings():
    frame = pl.DataFrame({"c": ["x", "y", "z", None], "n": [1.0, 2, 3, None], "b": ["u", "v"] * 2})
    columns = [Column("c", "categorical"), Column("n", "numeric"), Column("b", "categorical")]
    fitted = NetPreparation.fit(frame, columns, embed=True)
    assert fitted.names == ("n", "n is missing", "c", "b")
    assert (fitted.numeric, fitted.categorical) == (2, (4, 3))
    x = fitted.transform(frame)
    assert x[:, 2:].tolist() == [[1, 1], [2, 2], [3, 1], [0, 2]]
    net = Network((Columns(fitted.numeric, fitted.categorical), Dense(3)), (len(fitted.names),))
    assert net.predict(x, net.init(np.random.default_rng(0))).shape == (4, 3)


def test_dates_are_days_and_cyclic_encodings():
    start = datetime.datetime(2023, 1, 30, 6)
    times = [start + datetime.timedelta(days=i, hours=i) for i in range(40)]
    fitted = fit(pl.DataFrame({"t": [*times, None]}), "date")
    got = fitted.transform(pl.DataFrame({"t": [*times, None]}))
    days = np.array([t.timestamp() for t in times]) / 86400
    want = clipped(RobustScaler().fit_transform(days[:, None]))
    np.testing.assert_allclose(got[:-1, :1], want, rtol=1e-5, atol=1e-6)
    assert got[-1].tolist() == [0, 1] + [0] * 8
    turns = [
        ((t.month - 1) / 12, (t.day - 1) / 31, t.weekday() / 7, (t.hour * 60 + t.minute) / 1440)
        for t in times
    ]
    angles = 2 * np.pi * np.array(turns)
    np.testing.assert_allclose(got[:-1, 2::2], np.sin(angles), atol=1e-6)
    np.testing.assert_allclose(got[:-1, 3::2], np.cos(angles), atol=1e-6)
    assert fitted.names[2:4] == ("t, sine of month", "t, cosine of month")


def test_date_parts_that_do_not_vary_are_dropped():
    days = [datetime.date(2024, m, 1) for m in range(1, 5)]
    assert fit(pl.DataFrame({"t": days}), "date").names == (
        *("t", "t, sine of month", "t, cosine of month"),
        *("t, sine of weekday", "t, cosine of weekday"),
    )
    assert fit(pl.DataFrame({"t": days}), "date", rows=np.array([2])).names == ("t",)
    early = pl.DataFrame({"t": [datetime.date(1, 1, 1), datetime.date(9999, 12, 31)]})
    assert np.isfinite(fit(early, "date").transform(early)).all()
    far = pl.DataFrame({"t": pl.Series([2**31 - 1, -(2**31)], dtype=pl.Int32).cast(pl.Date)})
    assert np.isfinite(fit(early, "date").transform(far)).all()


def test_text_is_dropped_and_tables_may_be_empty():
    frame = pl.DataFrame({"x": [1.0], "t": ["once upon a time"]})
    fitted = NetPreparation.fit(frame, [Column("x", "numeric"), Column("t", "text")])
    assert fitted.transform(frame.drop("t")).shape == (1, 1)
    assert NetPreparation.fit(frame, []).transform(frame).shape == (1, 0)
    for kind in ("numeric", "categorical", "boolean", "date"):
        for make in (NetPreparation, TreePreparation):
            fitted = fit(frame[:0, :1], kind, make)
            assert len(fitted.transform(frame[:0, :1])) == 0
            assert not np.isinf(fitted.transform(pl.DataFrame({"x": [None]}))).any()


@pytest.mark.parametrize(
    ("kind", "wrong", "message"),
    [
        ("numeric", ["1", "abc", "x"], "numbers; got 'abc' and 1 more"),
        ("numeric", [datetime.date(2024, 1, 1)], "numbers; got the type Date"),
        ("numeric", [[1]], r"numbers; got the type List\(Int64\)"),
        ("boolean", [0, 2], "true or false; got '2'"),
        ("boolean", ["maybe"], "true or false; got 'maybe'"),
        ("boolean", [{"a": 1}], "true or false; got the type Struct"),
        ("date", ["2024-13-01"], "dates such as 2024-02-29 .*; got '2024-13-01'"),
        ("date", [19000], "dates; got the type Int64"),
        ("categorical", [b"\xff"], "categories; got the type Binary"),
        ("categorical", [object()], "categories; got the type Object"),
    ],
)
def test_errors_name_the_invalid_column(kind, wrong, message):
    right = {"numeric": 1.5, "boolean": True, "date": datetime.date(2024, 1, 1)}.get(kind, "a")
    for make in (NetPreparation, TreePreparation):
        fitted = fit(pl.DataFrame({"x": [right]}), kind, make)
        for call in (fitted.transform, lambda frame, make=make: fit(frame, kind, make)):
            with pytest.raises(UserError, match=f"^column 'x' must hold {message}"):
                call(pl.DataFrame({"x": wrong}))


def test_errors_of_missing_and_duplicate_columns():
    frame = pl.DataFrame({"a": [1.0], "b": [2.0], "c": [3.0]})
    fitted = fit(frame)
    with pytest.raises(UserError, match="lacks 2 columns that the preparation needs: 'a', 'c'"):
        fitted.transform(frame[["b"]])
    with pytest.raises(UserError, match="lacks 1 column that the preparation needs: 'z'"):
        NetPreparation.fit(frame, [Column("z", "numeric")])
    with pytest.raises(UserError, match="expected a Polars DataFrame; got dict"):
        fitted.transform({"a": [1.0]})
    with pytest.raises(UserError, match="named once; got 'a' twice"):
        NetPreparation.fit(frame, [Column("a", "numeric")] * 2)
    with pytest.raises(
        UserError, match=r"kind of column 'a' must be one of 'numeric'.*Did you mean"
    ):
        NetPreparation.fit(frame, [Column("a", "numerics")])
    with pytest.raises(UserError, match="limit of categories must be at least 1; got 0"):
        fit(frame, limit=0)


WRONG = (None, -1.5, "?", [3], ["a", "a"], {}, 10**400, float("nan"), ["\ud800"], "\ud800", True)


def damaged(spec):
    """Yield copies of plain data in which one value is missing or of another type."""
    parts = spec.items() if isinstance(spec, dict) else enumerate(spec)
    for key, part in parts:
        if isinstance(spec, dict):
            yield {k: v for k, v in spec.items() if k != key}
        replacements = [w for w in WRONG if w != part or type(w) is not type(part)]
        if isinstance(part, dict | list):
            replacements += damaged(part)
        for replacement in replacements:
            changed = copy.copy(spec)
            changed[key] = replacement
            yield changed


def test_damaged_plain_data_are_rejected_or_still_a_preparation():
    frame = pl.DataFrame({"n": [1.0, None], "c": ["a", "b"], "b": [True, None]})
    frame = frame.with_columns(t=pl.Series([datetime.date(2024, 1, 1), datetime.date(2024, 2, 5)]))
    columns = [Column("n", "numeric"), Column("c", "categorical"), Column("b", "boolean")]
    columns += [Column("t", "date")]
    refused = total = 0
    for fitted in (
        NetPreparation.fit(frame, columns),
        NetPreparation.fit(frame, columns, embed=True),
        NetPreparation.fit(frame, columns, scaling="both"),
        TreePreparation.fit(frame, columns),
    ):
        spec = fitted.to_spec()
        encoders = spec["encoders"]
        twice = [{**spec, "encoders": [*encoders, encoder]} for encoder in encoders]
        for wrong in [None, [], "x", *damaged(spec), *twice]:
            total += 1
            try:
                preparation = type(fitted).from_spec(wrong)
            except UserError as error:
                refused += 1
                assert "\n" not in str(error)
                continue
            try:
                matrix = preparation.transform(frame)
            except UserError:  # a changed column name
                continue
            assert not np.isinf(matrix).any()
            assert fitted.for_trees or np.isfinite(matrix).all()
    assert refused > 0.9 * total
    for kind in (NetPreparation, TreePreparation):
        other = NetPreparation if kind is TreePreparation else TreePreparation
        spec = other.fit(frame, columns).to_spec()
        with pytest.raises(UserError, match=r"is damaged: Invalid value '(net|tree)' - at \$.type"):
            kind.from_spec(spec)
        with pytest.raises(UserError, match=r"expected an encoder for|Invalid value 'OneHot'"):
            kind.from_spec({**spec, "type": kind.__struct_config__.tag})
    codes = NetPreparation.fit(frame, columns, embed=True).to_spec()
    codes["encoders"].reverse()
    with pytest.raises(UserError, match="codes of a preparation must be its last"):
        NetPreparation.from_spec(codes)
    spec = fit(frame[["n"]]).to_spec()
    spec["encoders"][0]["scaler"]["center"] = "1"
    with pytest.raises(UserError, match=r"Expected float, got str - at \$.encoders.*center"):
        NetPreparation.from_spec(spec)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "\ud800"),
        ("categories", ["a", "\udfff"]),
        ("categories", ["a", "a"]),
        ("categories", [1]),
        ("others", 0),
    ],
)
def test_damaged_categories_are_rejected(field, value):
    for embed in (False, True):
        spec = fit(pl.DataFrame({"x": ["a", "b"]}), "categorical", embed=embed).to_spec()
        spec["encoders"][0][field] = value
        with pytest.raises(UserError, match="the preparation in the file is damaged"):
            NetPreparation.from_spec(spec)


def test_a_preparation_is_hashable_and_plain_data():
    fitted = fit(pl.DataFrame({"x": [0.1, 0.7, None]}))
    assert json.loads(json.dumps(fitted.to_spec())) == fitted.to_spec()
    assert hash(fitted) == hash(NetPreparation.from_spec(fitted.to_spec()))


def test_memory_of_a_large_table_is_little_more_than_its_matrix():
    import tracemalloc

    rng = np.random.default_rng(2)
    frame = pl.DataFrame({f"x{i}": rng.normal(size=100_000) for i in range(20)})
    fitted = fit(frame)
    tracemalloc.start()
    matrix = fitted.transform(frame)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.6 * matrix.nbytes
    parts = [fitted.transform(frame[i : i + 30_001]) for i in range(0, 100_000, 30_001)]
    np.testing.assert_array_equal(np.concatenate(parts), matrix)


def test_import_does_not_load_polars():
    code = "import sys, graduel.data.prepare.preparation; assert 'polars' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
