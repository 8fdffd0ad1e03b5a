"""TabularMLPRegressor: scikit-learn's checks, tables as they are, files, validation rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks
from table_mixed import plain

from graduel import TabularMLPRegressor
from graduel.estimators.table.number_fit import validate_numbers

SMALL = "layers=32 members=2 epochs=30 batch_size=16 lr=0.05"
OTHER_ROWS = "two equal rows are in two mini-batches, or on two sides of the validation split"
FAILURES = {"check_sample_weight_equivalence_on_dense_data": OTHER_ROWS}


@parametrize_with_checks(
    [TabularMLPRegressor(recipe=plain("layers=32 epochs=40 batch_size=16 lr=0.02 loss=squared"))],
    expected_failed_checks=lambda estimator: FAILURES,
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def table(n=300, seed=0):
    rng = np.random.default_rng(seed)
    size, town = rng.uniform(20, 200, n), rng.choice(["Bonn", "Kiel", "Ulm"], n)
    y = 3000 * size + 90_000 * (town == "Ulm") + rng.normal(0, 9000, n)
    frame = pd.DataFrame({"size": size, "town": town, "sold": pd.Timestamp("2024-01-01")})
    frame["sold"] += pd.to_timedelta(rng.integers(0, 700, n), "D")
    frame.loc[::11, "size"] = None
    frame.loc[::13, "town"] = None
    return frame, y


X, Y = table()
NET = TabularMLPRegressor(recipe=SMALL, random_state=0).fit(X, Y)


def test_it_predicts_numbers_of_a_table_within_the_range_of_training():
    other, y = table(seed=1)
    p = NET.predict(other)
    assert p.shape == (300,)
    assert Y.min() <= p.min() <= p.max() <= Y.max()
    known = other["size"].notna()
    assert NET.score(other[known], y[known]) > 0.9
    assert not hasattr(NET, "classes_")


def test_new_categories_and_missing_cells_are_accepted():
    odd = pd.DataFrame({"size": [None, 90.0], "town": ["Rome", None], "sold": [pd.NaT, pd.NaT]})
    assert np.isfinite(NET.predict(odd)).all()


def test_a_file_gives_the_same_predictions(tmp_path):
    NET.save(tmp_path / "net.safetensors")
    again = TabularMLPRegressor.load(tmp_path / "net.safetensors")
    assert (again.predict(X) == NET.predict(X)).all()
    assert again.validation_error_curve_ == NET.validation_error_curve_


@pytest.mark.parametrize("metric", ["rmse", "mae"])
def test_the_metric_selects_the_epoch(metric):
    net = TabularMLPRegressor(recipe=SMALL, metric=metric, random_state=0)
    net.fit(X[:200], Y[:200], eval_set=(X[200:], Y[200:]))
    error = np.abs(net.predict(X[200:]) - Y[200:])
    expected = np.sqrt(np.mean(error**2)) if metric == "rmse" else error.mean()
    assert -max(net.validation_scores_) == pytest.approx(expected, rel=1e-5)
    curve = net.validation_error_curve_ if metric == "rmse" else net.validation_loss_curve_
    assert curve[net.best_epoch_ - 1] == pytest.approx(expected, rel=1e-5)


def test_equal_seeds_give_equal_bits_and_rows_of_weight_0_have_no_influence():
    weight = np.ones(300)
    weight[::3] = 0
    one = clone(NET).fit(X, Y, sample_weight=weight)
    spoiled = Y.copy()
    spoiled[::3] = 1e9
    two = clone(NET).fit(X, spoiled, sample_weight=weight)
    assert (one.predict(X) == two.predict(X)).all()


def test_losses_by_name_and_cross_validation():
    for loss in ("huber", "absolute", "poisson"):
        net = TabularMLPRegressor(recipe=f"{SMALL} loss={loss}", random_state=0).fit(X, Y)
        assert net.score(X, Y) > 0.5
    scores = cross_val_score(clone(NET).set_params(max_epochs=5), X, Y, cv=3)
    assert scores.shape == (3,)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["a", "b"] * 150, "expected y with a number in each row; got str"),
        (None, "requires y to be passed"),
        ([np.nan] * 300, "contains NaN"),
        (np.ones((300, 2)), "y should be a 1d array"),
    ],
)
def test_other_targets_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        clone(NET).fit(X, y)


def test_numbers_of_other_types():
    assert validate_numbers([True, False]).tolist() == [1.0, 0.0]
    assert validate_numbers(np.array(["1.5", "2"], object)).tolist() == [1.5, 2.0]
    with pytest.raises(ValueError, match="loss must be one of squared"):
        TabularMLPRegressor(recipe="loss=softmax").fit(X, Y)
