"""TabularMLPClassifier: input, predictions and errors."""

from __future__ import annotations

import pickle
import threading

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from table_mixed import SMALL, as_polars, mixed, plain, quick

from graduel.train.recipes import NetRecipe

X, Y = mixed()
NET = quick().fit(X, Y)
P = NET.predict_proba(X)


def changed(**columns):
    return X.assign(**columns)


def test_column_types_are_inferred():
    kinds = {column.name: column.kind for column in NET.columns_}
    assert kinds == {
        "age": "numeric",
        "city": "categorical",
        "size": "categorical",
        "member": "boolean",
        "since": "date",
        "took": "numeric",
        "visits": "numeric",
        "paid": "boolean",
    }
    why = {one.name: one.why for one in NET.set_aside_}
    assert why == {"note": "identifier", "row": "identifier", "one": "constant"}
    assert NET.feature_names_in_.tolist() == X.columns.tolist()
    assert NET.n_features_in_ == X.shape[1]


def test_it_fits_an_interaction_of_two_kinds_of_columns():
    more, y = mixed(400)
    net = quick(recipe=plain(SMALL.replace("12", "40"))).fit(more[:300], y[:300])
    assert net.score(more[300:], y[300:]) > 0.8


def test_the_fitted_attributes():
    assert NET.recipe_.epochs == NET.n_iter_ == 12
    assert 1 <= NET.best_epoch_ <= 12
    curves = (
        NET.loss_curve_,
        NET.validation_error_curve_,
        NET.validation_loss_curve_,
        NET.validation_scores_,
    )
    assert [len(curve) for curve in curves] == [12] * 4
    pairs = list(zip(NET.validation_error_curve_, NET.validation_loss_curve_, strict=True))
    assert pairs.index(min(pairs)) == NET.best_epoch_ - 1
    assert NET.network_.input_shape == (len(NET.preparation_.names),)
    assert NET.classes_.tolist() == ["goes", "stays"]


def test_probabilities_are_in_the_order_of_the_classes():
    assert P.shape == (len(X), 2)
    np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-12)
    assert (NET.predict(X) == NET.classes_[P.argmax(axis=1)]).all()
    np.testing.assert_allclose(np.exp(NET.predict_log_proba(X)), P, rtol=1e-5)


def test_a_polars_dataframe_gives_identical_predictions():
    frame = as_polars(X)
    net = quick().fit(frame, pl.Series(Y))
    assert net.columns_ == NET.columns_
    assert (net.predict_proba(frame) == P).all()
    assert (net.predict_proba(frame.lazy()) == P).all()


def test_a_subclass_of_a_pandas_dataframe_is_accepted():
    class Custom(pd.DataFrame):
        pass

    net = quick().fit(Custom(X), Y)
    assert net.columns_ == NET.columns_
    assert (net.predict_proba(Custom(X)) == P).all()


def test_the_same_seed_gives_identical_predictions():
    assert (quick().fit(X, Y).predict_proba(X) == P).all()
    assert (quick(random_state=1).fit(X, Y).predict_proba(X) != P).any()
    stream = np.random.RandomState(0)
    assert (quick(random_state=stream).fit(X, Y).predict_proba(X) == P).all()


@pytest.mark.parametrize(
    "columns",
    [
        {"city": "Paris", "size": "4"},
        dict.fromkeys(X.columns),
        {"member": "n.a.", "visits": np.inf},
        {"note": 3, "row": "x", "one": 2},
    ],
    ids=["new categories", "all missing", "new words", "columns that are not used"],
)
def test_predictions_accept_unseen_values(columns):
    p = NET.predict_proba(changed(**columns))
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)


def test_unused_columns_do_not_affect_predictions():
    assert (NET.predict_proba(changed(note=None, row=7, one=None)) == P).all()


@pytest.mark.parametrize(
    "columns",
    [
        {"age": X["age"].astype(object), "visits": X["visits"].astype("Float64")},
        {"age": X["age"].map(str), "paid": X["paid"].map({True: "yes", False: "no"})},
        {"size": X["size"].astype(float), "city": X["city"].astype("category")},
        {"size": X["size"].astype(str), "since": X["since"].dt.strftime("%Y-%m-%d")},
        {"member": X["member"] == "yes", "took": X["took"].dt.total_seconds()},
    ],
    ids=["objects", "text", "numbers for categories", "dates as text", "booleans for words"],
)
def test_columns_can_have_other_dtypes_in_predictions(columns):
    np.testing.assert_array_equal(NET.predict_proba(changed(**columns)), P)


def test_predictions_of_a_row_do_not_depend_on_other_rows():
    one_by_one = np.concatenate([NET.predict_proba(X[i : i + 1]) for i in range(len(X))])
    np.testing.assert_allclose(one_by_one, P, rtol=1e-9)


def test_arrays_and_lists_are_accepted():
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(60, 3))
    y = (numbers[:, 0] > 0).astype(int)
    net = quick().fit(numbers, y)
    assert [column.name for column in net.columns_] == ["x0", "x1", "x2"]
    assert net.score(numbers, y) > 0.9
    assert not hasattr(net, "feature_names_in_")
    np.testing.assert_array_equal(net.predict(numbers.tolist()), net.predict(numbers))
    rows = [["a" if x > 0 else "b", x, None] for x in numbers[:, 0]]
    rows[0][2], rows[1][2] = 3.5, 2.0
    net = quick().fit(rows, y)
    assert [column.kind for column in net.columns_] == ["categorical", "numeric", "numeric"]
    assert net.score(rows, y) > 0.9
    rows[5] = [pd.NA, np.nan, None]
    assert len(net.predict(np.array(rows, dtype=object))) == 60


def test_categorical_features_by_name_index_or_mask():
    mask = [name in ("age", "visits") for name in X.columns]
    for columns in (["age", "visits"], [0, 6], ["age", np.int64(6)], mask, np.array(mask)):
        net = quick(categorical_features=columns, max_epochs=1).fit(X, Y)
        kinds = {column.name: column.kind for column in net.columns_}
        assert (kinds["age"], kinds["visits"], kinds["took"]) == ("categorical",) * 2 + ("numeric",)
    net = quick(categorical_features=["note"], max_epochs=1).fit(X, Y)
    assert "note" in [column.name for column in net.columns_]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["citty"], "categorical_features must name a column .* got 'citty'. Did you mean 'city'"),
        ([11], "indices from 0 to 10, or True or False for each column; got 11"),
        ([True, False], "a mask must have 11 entries, one for each column; got 2"),
    ],
)
def test_invalid_categorical_features_raise(columns, message):
    with pytest.raises(ValueError, match=message):
        quick(categorical_features=columns).fit(X, Y)


def test_copies_and_pickles(tmp_path):
    joblib.dump(NET, tmp_path / "net.joblib")
    for net in (pickle.loads(pickle.dumps(NET)), joblib.load(tmp_path / "net.joblib")):
        assert (net.predict_proba(X) == P).all()
    fresh = clone(quick(recipe=NetRecipe(layers=(8,))))
    assert fresh.get_params()["recipe"] == NetRecipe(layers=(8,))
    assert "classes_" not in vars(clone(NET))


def test_a_failed_fit_keeps_the_previous_one():
    net = quick().fit(X, Y)
    with pytest.raises(ValueError, match="one class"):
        net.fit(X, np.full(len(X), "a"))
    assert (net.predict_proba(X) == P).all()


def test_threads_predict_while_another_fits():
    net, wrong, end = quick().fit(X, Y), [], threading.Event()
    other = net.predict_proba(X), clone(net).set_params(random_state=1).fit(X, Y).predict_proba(X)

    def predict():
        while not end.is_set():
            p = net.predict_proba(X)
            if not any((p == one).all() for one in other):
                wrong.append(p)

    threads = [threading.Thread(target=predict) for _ in range(3)]
    for thread in threads:
        thread.start()
    net.set_params(random_state=1).fit(X, Y)
    end.set()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recipe": "epoch=3"}, "a key in recipe must be .* Did you mean 'epochs'"),
        ({"recipe": "augment=warp"}, "images"),
        ({"recipe": f"{SMALL} lr=1e30".replace("lr=0.02 ", "")}, "lower lr"),
        ({"metric": "eror"}, "'metric' parameter"),
        ({"class_weight": {"goes": -1}}, "at least 0; got -1 for 'goes'"),
        ({"validation_fraction": 1.0}, "'validation_fraction' parameter"),
        ({"recipe": 3}, "'recipe' parameter"),
    ],
)
def test_invalid_parameters_raise(options, message):
    with pytest.raises(ValueError, match=message):
        quick(**options).fit(X, Y)


@pytest.mark.parametrize(
    ("table", "y", "message"),
    [
        (X, None, "requires y"),
        (X, [*Y[:-1], None], r"label in each row; got 1 missing, the first in row 120"),
        (X, np.full(len(X), "a"), "at least two classes; got one class, 'a'"),
        (X, Y[:-1], "inconsistent numbers"),
        (X[["row", "one"]], Y, r"'row' \(identifier\), 'one' \(constant\)"),
        (X[:1], Y[:1], "1 sample"),
        (X["age"], Y, "2-dimensional"),
    ],
)
def test_invalid_data_raise(table, y, message):
    with pytest.raises(ValueError, match=message):
        quick().fit(table, y)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (X.drop(columns=["city", "age"]), "missing:\n- age\n- city"),
        (X[X.columns[::-1]], "same order"),
        (X.assign(more=1), "unseen at fit time:\n- more"),
        (X.to_numpy()[:, :3], "3 features, but TabularMLPClassifier is expecting 11"),
        (
            X.assign(age=["?"] * 7 + ["old"] * 113),
            r"expected numbers; rows 8, 9, 10 hold 'old'.*categorical_features=\['age'\]",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
def test_rows_with_other_columns_raise(table, message):
    with pytest.raises(ValueError, match=message):
        NET.predict(table)


def test_predict_before_fit_raises():
    with pytest.raises(NotFittedError):
        quick().predict(X)
