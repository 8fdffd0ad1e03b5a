"""The preparation for XGBoost: native categories, missing values, any name, no infinity."""

from __future__ import annotations

import datetime

import numpy as np
import polars as pl
import pytest
import xgboost

from graduel.data.column import Column
from graduel.data.prepare.preparation import TreePreparation
from graduel.errors import UserError


def fit(frame, *kinds, **options):
    columns = [Column(name, kind) for name, kind in zip(frame.columns, kinds, strict=True)]
    return TreePreparation.fit(frame, columns, **options)


def load(fitted, frame, y=None, kind=xgboost.DMatrix):
    return kind(
        fitted.transform(frame),
        y,
        feature_names=fitted.feature_names,
        feature_types=fitted.feature_types,
        enable_categorical=True,
    )


def mixed(rng, n):
    c = rng.choice(["red", "green", "blue", None], size=n)
    x = rng.normal(size=n)
    frame = pl.DataFrame(
        {
            "size [cm] < 10": pl.Series(np.where(rng.random(n) < 0.1, np.inf, x)),
            "a\nb": pl.Series(c.tolist()),
            "a\tb": rng.random(n) < 0.5,
            "größe ☃": pl.Series(rng.integers(0, 2**31, n) * 10**6).cast(pl.Datetime("us")),
            "": pl.Series([None] * n, dtype=pl.String),
        }
    )
    return frame, ((c == "green") ^ (x > 0)).astype(int)


@pytest.mark.parametrize("kind", [xgboost.DMatrix, xgboost.QuantileDMatrix])
def test_xgboost_trains_on_it_and_predicts_unseen_values(kind):
    rng = np.random.default_rng(0)
    frame, y = mixed(rng, 600)
    fitted = fit(frame, "numeric", "categorical", "boolean", "date", "categorical")
    assert fitted.feature_types[:4] == ["q", "c", "i", "q"]
    booster = xgboost.train(
        {"tree_method": "hist", "objective": "binary:logistic", "max_depth": 4},
        load(fitted, frame, y, kind),
        10,
    )
    assert "a_b:{" in "".join(booster.get_dump())  # a split between sets of categories
    assert ((booster.predict(load(fitted, frame)) > 0.5) == y).mean() > 0.85
    new = pl.DataFrame(
        {
            "size [cm] < 10": [-np.inf, 1e300, None],
            "a\nb": ["violet", None, "red"],
            "a\tb": [None, True, False],
            "größe ☃": [None, "1066-10-14", "2999-01-01 10:20:30.5"],
            "": ["now", None, "seen"],
        }
    )
    assert np.isfinite(booster.predict(load(fitted, new))).all()
    again = xgboost.Booster(model_file=booster.save_raw("ubj"))
    np.testing.assert_array_equal(
        again.predict(load(fitted, new)), booster.predict(load(fitted, new))
    )


def test_names_are_made_unique_and_valid():
    names = ["a[0]", "a(0)", "a_0_", "a]0<", "a\0b", "a\nb", "a_0_ (2)", "", "ä b"]
    frame = pl.DataFrame({name: [1.5] for name in names})
    fitted = fit(frame, *["numeric"] * len(names))
    assert fitted.names == tuple(names)
    assert len(set(fitted.feature_names)) == len(names)
    assert fitted.feature_names[-1] == "ä b"
    assert load(fitted, frame).feature_names == fitted.feature_names


def test_numbers_are_unchanged_where_float32_separates_them():
    frame = pl.DataFrame({"i": [1, 2, None], "x": [0.1, np.inf, -np.inf], "b": [True, None, False]})
    fitted = fit(frame, "numeric", "numeric", "boolean")
    assert fitted.feature_types == ["int", "q", "i"]
    want = np.array([[1, 0.1, 1], [2, 1e38, np.nan], [np.nan, -1e38, 0]], np.float32)
    np.testing.assert_array_equal(fitted.transform(frame), want)


def test_numbers_that_float32_would_merge_are_shifted():
    rng = np.random.default_rng(1)
    seconds = 1_700_000_000 + rng.permutation(1000)
    frame = pl.DataFrame({"t": seconds, "x": 1e6 + rng.random(1000) / 1000})
    got = fit(frame, "numeric", "numeric").transform(frame)
    assert len(np.unique(np.float32(seconds))) < 20
    for column, values in zip(got.T, frame, strict=True):
        assert len(np.unique(column)) == 1000
        assert (np.argsort(column) == np.argsort(values.to_numpy())).all()
    fitted = fit(frame, "numeric", "numeric")
    assert fitted.feature_types == ["int", "q"]
    dense = pl.DataFrame({"x": 1 + rng.random(20_000)})  # a few coincide in float32
    np.testing.assert_array_equal(
        fit(dense, "numeric").transform(dense), dense.to_numpy().astype(np.float32)
    )


def test_categories_are_codes_and_unseen_ones_are_missing():
    frame = pl.DataFrame({"c": ["b", "a", "a", "d", None, "d"]})
    new = pl.DataFrame({"c": ["a", "b", "d", "x", None]})
    got = fit(frame, "categorical").transform(new)[:, 0]
    np.testing.assert_array_equal(got, [0, 1, 2, np.nan, np.nan])
    got = fit(frame, "categorical", limit=2).transform(new)[:, 0]
    np.testing.assert_array_equal(got, [0, 2, 1, 2, np.nan])
    with pytest.raises(UserError, match="limit of categories must be at least 1; got -1"):
        fit(frame, "categorical", limit=-1)


def test_a_date_is_days_and_parts():
    times = [datetime.datetime(2024, 2, 29, 12, 30), datetime.datetime(2023, 1, 1), None]
    frame = pl.DataFrame({"t": times})
    fitted = fit(frame, "date")
    assert fitted.names == ("t", "t, month", "t, day", "t, weekday", "t, hour")
    assert fitted.feature_types == ["q", "int", "int", "int", "int"]
    days = (times[0] - datetime.datetime(1970, 1, 1)) / datetime.timedelta(days=1)
    np.testing.assert_allclose(fitted.transform(frame)[0], [days, 1, 28, 3, 750])
    assert np.isnan(fitted.transform(frame)[2]).all()
    dates = pl.DataFrame({"t": [t and t.date() for t in times]})
    assert fit(dates, "date").feature_types == ["int", "int", "int", "int"]
