"""The quantile transform: against scikit-learn, for any column, damaged files; `one_hot`."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from sklearn.preprocessing import QuantileTransformer

from graduel.data.column import Column
from graduel.data.prepare.encoders import OneHot
from graduel.data.prepare.preparation import NetPreparation
from graduel.data.prepare.scalers import FEWEST_KNOTS, MOST_KNOTS, Quantile, Robust
from graduel.errors import UserError
from graduel.train.recipes import NetRecipe

ANY = st.one_of(
    st.floats(),
    st.integers(-3, 3).map(float),
    st.sampled_from([np.inf, -np.inf, np.nan, 1.7e308, -1.7e308, 5e-324, 0.0, -0.0]),
)


def scores(fitted, x):
    out = np.full((len(x), len(fitted.names("x"))), np.nan, np.float32)
    fitted.fill(np.asarray(x, np.float64), out)
    return out[:, 0]


def preparation(frame, kind="numeric", **options):
    return NetPreparation.fit(frame, [Column(name, kind) for name in frame.columns], **options)


@pytest.mark.parametrize("draw", ["normal", "standard_cauchy", "standard_exponential", "ties"])
def test_scores_agree_with_scikit_learn(draw):
    rng = np.random.default_rng(0)
    x = (
        rng.integers(0, 6, 3000).astype(float) ** 3
        if draw == "ties"
        else getattr(rng, draw)(size=3000)
    )
    fitted, new = Quantile.fit(np.asarray(x)), np.concatenate([x, rng.normal(size=500) * 3])
    count = len(fitted.knots)
    assert count == 100
    theirs = QuantileTransformer(n_quantiles=count, output_distribution="normal", subsample=None)
    theirs.fit(x[:, None])
    # With the same knots the scores agree to the precision of float32.
    theirs_knots = theirs.quantiles_.copy()
    theirs.quantiles_ = np.array(fitted.knots)[:, None]
    want = np.clip(theirs.transform(new[:, None])[:, 0], -3, 3)
    # (Except for ties with the minimum or maximum, which are in the middle of their shares here.)
    ends = ((new <= x.min()) | (new >= x.max())) & (draw == "ties")
    new, want = new[~ends], want[~ends]
    np.testing.assert_allclose(scores(fitted, new), want, rtol=1e-6, atol=1e-6)
    # scikit-learn interpolates knots between two rows, so scores differ by a few rows' shares.
    theirs.quantiles_ = theirs_knots
    want = np.clip(theirs.transform(x[:, None])[:, 0], -3, 3)
    apart = np.abs(ndtr(scores(fitted, x)) - ndtr(want))
    assert apart[~np.isin(x, [x.min(), x.max()])].max() <= 5 / 3000


def test_any_distribution_becomes_normal():
    rng = np.random.default_rng(1)
    for x in (np.exp(8 * rng.normal(size=5000)), rng.random(5000), rng.standard_cauchy(5000)):
        y = scores(Quantile.fit(np.asarray(x)), x)
        assert y.mean() == pytest.approx(0, abs=0.02)
        assert y.std() == pytest.approx(1, abs=0.03)
        np.testing.assert_array_equal(
            np.argsort(x)[::500], np.argsort(x)[np.argsort(y[np.argsort(x)], kind="stable")][::500]
        )


def test_number_of_knots():
    for n, count in ((1, FEWEST_KNOTS), (300, 10), (330, 11), (10_000, MOST_KNOTS)):
        fitted = Quantile.fit(np.arange(float(n)))
        assert len(fitted.knots) == count
        assert set(fitted.knots) <= set(range(n))  # each knot is a value of a row
        assert fitted.knots[0] == 0
        assert fitted.knots[-1] == n - 1


def test_equal_rows_are_in_the_middle_of_their_shares():
    x = [0.0] * 500 + list(range(1, 501))
    y = ndtr(scores(Quantile.fit(np.asarray(x)), x).astype(float))
    np.testing.assert_allclose(y[:500], 0.25, atol=0.02)
    np.testing.assert_allclose(y[750], 0.75, atol=0.02)
    booleans = [0.0, 1.0] * 50
    np.testing.assert_allclose(
        ndtr(scores(Quantile.fit(np.array(booleans)), [0.0, 0.5, 1.0]).astype(float)),
        [0.25, 0.5, 0.75],
        atol=0.06,
    )


def test_constants_missing_and_infinite_values():
    constant = Quantile.fit(np.full(5, 7.0))
    assert scores(constant, [7.0, 8.0, -np.inf, np.nan]).tolist() == [0, 0, 0, 0]
    nothing = Quantile.fit(np.full(2, np.nan))
    assert (nothing.knots, nothing.missing) == ((), True)
    assert scores(nothing, [1.0, np.nan]).tolist() == [0, 0]
    signs = Quantile.fit(np.array([7.0, 7.0, 7.0, np.inf, -np.inf]))
    high, low, middle = scores(signs, [np.inf, -np.inf, 7.0])
    assert (high, middle) == (-low, 0)
    assert high > 1.5
    plain = Quantile.fit(np.arange(1000.0))
    assert scores(plain, [np.inf, -np.inf, 1e300]).tolist() == [3, -3, 3]
    some = Quantile.fit(np.array([1.0, np.nan, 3.0]))
    out = np.empty((2, 2), np.float32)
    some.fill(np.array([np.nan, 9.0]), out)
    assert out[0].tolist() == [0, 1]
    assert out[1].tolist() == [
        scores(some, [3.0])[0],
        0,
    ]  # a number above the maximum scores like the maximum
    assert some.names("x") == ("x", "x is missing")


@settings(max_examples=200, deadline=None)
@given(st.lists(ANY, max_size=40), st.lists(ANY, max_size=10))
def test_any_values(values, others):
    frame = pl.DataFrame({"x": pl.Series(values, dtype=pl.Float64)})
    fitted = preparation(frame, scaling="quantile")
    both = np.array([*values, *others, *fitted.encoders[0].scaler.knots])
    got = fitted.transform(pl.DataFrame({"x": both}))
    assert np.isfinite(got).all()
    assert (np.abs(got) <= 3).all()
    y = got[:, 0]
    known = ~np.isnan(both)
    order = np.argsort(both[known], kind="stable")
    assert (np.diff(y[known][order]) >= 0).all()  # monotone
    assert not y[~known].any()
    spec = json.loads(json.dumps(fitted.to_spec(), allow_nan=False))
    assert NetPreparation.from_spec(spec) == fitted


def test_damaged_plain_data_are_rejected():
    fitted = preparation(pl.DataFrame({"x": [1.0, 2.0, 5.0]}), scaling="quantile")
    spec = fitted.to_spec()
    encoder = spec["encoders"][0]

    def read(**changes):
        scaler = {**encoder["scaler"], **changes}
        return NetPreparation.from_spec({**spec, "encoders": [{**encoder, "scaler": scaler}]})

    for knots, message in [
        ([2.0, 1.0], "knots must be in ascending order"),
        ([1.0, float("nan")], "expected a finite number; got nan"),
        ([float("inf")], "expected a finite number; got inf"),
        ([10**400], "expected a finite number; got 1000"),
        (["1"], r"Expected float, got str - at \$.*knots\[0\]"),
        ([True], "Expected float, got bool"),
        ("12", "Expected array, got str"),
        (None, "Expected array, got null"),
        (3.0, "Expected array, got float"),
    ]:
        with pytest.raises(UserError, match=f"the preparation in the file is damaged: {message}"):
            read(knots=knots)
    for change in ({"missing": 1}, {"type": "Quantil"}, {"type": "Shift"}):
        with pytest.raises(UserError, match="damaged"):
            read(**change)
    for scaler in ({"type": "Quantile"}, {}, None):
        with pytest.raises(UserError, match="damaged"):
            NetPreparation.from_spec({**spec, "encoders": [{**encoder, "scaler": scaler}]})
    assert read(knots=[]).numeric == 1


def test_a_recipe_selects_the_scaler():
    frame = pl.DataFrame({"x": [1.0, 2.0, 5.0]})
    for recipe, kind in ((NetRecipe(), Robust), (NetRecipe(scaling="quantile"), Quantile)):
        fitted = preparation(frame, **recipe.preparation)
        assert [type(encoder.scaler) for encoder in fitted.encoders] == [kind]


def test_columns_with_few_categories_are_one_hot_with_embeddings():
    frame = pl.DataFrame({"three": ["a", "b", "c"] * 4, "four": ["a", "b", "c", "d"] * 3})

    def codes(**options):
        fitted = preparation(frame, "categorical", embed=True, **options)
        return {e.name for e in fitted.encoders if not isinstance(e, OneHot)}, fitted

    assert codes()[0] == {"three", "four"}
    assert codes(one_hot=2)[0] == {"three", "four"}
    embedded, fitted = codes(one_hot=3)
    assert embedded == {"four"}
    assert (fitted.numeric, fitted.categorical) == (3, (5,))  # codes come last
    assert fitted.transform(frame)[1].tolist() == [0, 1, 0, 2]
    assert fitted.numbers == ()
    assert codes(one_hot=4)[0] == set()
    assert codes(one_hot=3, limit=2)[0] == set()  # two categories and the others
    assert codes(one_hot=2, limit=2)[0] == {"three", "four"}
    nothing = pl.DataFrame({"x": pl.Series([None], dtype=pl.String)})
    assert preparation(nothing, "categorical", embed=True).categorical == (1,)
    recipe = NetRecipe(category_embedding=3).preparation
    assert (recipe["embed"], recipe["one_hot"]) == (True, 3)
    assert NetRecipe().preparation["embed"] is False


def test_columns_with_scaled_numbers_are_listed():
    frame = pl.DataFrame(
        {"a": [1.0, None, 3.0], "b": [True, False, True], "c": ["x", "y", "z"], "d": [1, 2, 4]}
    )
    columns = [
        *(Column("b", "boolean"), Column("a", "numeric"), Column("c", "categorical")),
        Column("d", "numeric"),
    ]
    fitted = NetPreparation.fit(frame, columns, scaling="quantile")
    assert [fitted.names[j] for j in fitted.numbers] == ["a", "d"]
