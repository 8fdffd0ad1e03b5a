"""TabularMLPClassifier with scikit-learn's tools, and in files."""

from __future__ import annotations

import importlib.util
import json
from contextlib import suppress
from copy import deepcopy
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from table_mixed import SMALL, mixed, plain, quick

from graduel import MLPClassifier, TabularMLPClassifier
from graduel.duel.plan.user_estimators import describe_estimator
from graduel.train import load_network, save_network
from graduel.train.recipes import NetRecipe

X, Y = mixed()


def test_cross_validation():
    scores = cross_val_score(quick(), X, Y, cv=3, scoring="neg_log_loss")
    assert scores.shape == (3,)
    assert np.isfinite(scores).all()
    assert cross_val_predict(quick(), X, Y, cv=3, method="predict_proba").shape == (len(X), 2)


def test_a_grid_search_over_recipes():
    grid = {"recipe": [SMALL, NetRecipe(layers=(8,), epochs=3)], "class_weight": [None, "balanced"]}
    search = GridSearchCV(quick(), grid, cv=2).fit(X, Y)
    assert search.best_params_["recipe"] in grid["recipe"]
    assert search.predict(X).shape == Y.shape


def test_permutation_importance_finds_the_relevant_columns():
    more, y = mixed(300)
    net = quick(max_epochs=None, recipe=plain("layers=32 epochs=40 batch_size=16 lr=0.02")).fit(
        more, y
    )
    result = permutation_importance(net, more, y, n_repeats=3, random_state=0)
    means = result.importances_mean
    order = [more.columns[i] for i in np.argsort(-means)]
    assert set(order[:2]) == {"age", "city"}
    assert means[more.columns.get_loc("row")] == 0


def test_a_pipeline_of_dataframes():
    scaled = make_column_transformer(
        (StandardScaler(), ["age"]), remainder="passthrough", verbose_feature_names_out=False
    )
    pipe = make_pipeline(scaled, quick()).set_output(transform="pandas").fit(X, Y)
    assert pipe[-1].feature_names_in_.tolist() == X.columns.tolist()
    assert pipe.predict(X).shape == Y.shape
    polars = make_pipeline(FunctionTransformer(lambda X: X), quick()).fit(X, Y)
    assert (polars.predict_proba(X) == quick().fit(X, Y).predict_proba(X)).all()


def test_in_a_duel_it_gets_a_dataframe():
    assert describe_estimator("mine", quick()).recipe.takes == "frame"


# --- files ---


def round_trip(net, folder):
    net.save(folder / "net.safetensors")
    return TabularMLPClassifier.load(folder / "net.safetensors")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {
            "recipe": NetRecipe(
                layers=(8,), epochs=3, category_embedding=4, members=2, scaling="quantile"
            )
        },
        {"class_weight": {"goes": 2.0, "stays": 1}, "categorical_features": ["visits"]},
        {"validation_fraction": 0, "random_state": np.random.RandomState(0)},
    ],
)
def test_a_round_trip_through_a_file(options, tmp_path):
    net = quick(**options).fit(X, Y)
    back = round_trip(net, tmp_path)
    assert (back.predict_proba(X) == net.predict_proba(X)).all()
    assert (
        back.predict(X[:3].assign(city="Paris")) == net.predict(X[:3].assign(city="Paris"))
    ).all()
    expected, params = net.get_params(), back.get_params()
    if "random_state" in options:
        expected["random_state"] = None
    assert params == expected
    ours = {k: v for k, v in vars(net).items() if k.endswith("_")}
    for name in ours.keys() - {"weights_", "classes_", "feature_names_in_"}:
        assert getattr(back, name) == ours[name], name
    assert back.feature_names_in_.tolist() == X.columns.tolist()
    assert (back.classes_ == net.classes_).all()
    with pytest.raises(ValueError, match="same order"):
        back.predict(X[X.columns[::-1]])


GOLDEN = Path(__file__).parents[1] / "golden"
SPEC = importlib.util.spec_from_file_location("make_tabular", GOLDEN / "make_tabular.py")
MADE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(MADE)
CASES = json.loads((GOLDEN / "tabular" / "tabular.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", CASES)
def test_files_of_every_format_load(file):
    net, expected = TabularMLPClassifier.load(GOLDEN / "tabular" / file), CASES[file]
    rows = MADE.frame(MADE.ROWS).with_columns(day=date(2025, 1, 1))
    np.testing.assert_allclose(net.predict_proba(rows), expected["probabilities"], rtol=1e-4)
    assert net.classes_.tolist() == expected["classes"]
    assert [[c.name, c.kind] for c in net.columns_] == expected["columns"]
    assert [[c.name, c.why] for c in net.set_aside_] == expected["set_aside"]
    assert (net.best_epoch_, net.loss_curve_) == (expected["best_epoch"], expected["loss_curve"])


@pytest.mark.parametrize("y", [np.array([0, 1]), np.array([True, False]), np.array(["b", "a"])])
def test_labels_of_every_kind_are_preserved(y, tmp_path):
    y = np.resize(y, len(X))
    back = round_trip(quick(max_epochs=1).fit(X.to_numpy(), y), tmp_path)
    assert back.classes_.dtype == np.unique(y).dtype
    assert not hasattr(back, "feature_names_in_")
    assert back.predict(X.to_numpy()).dtype == y.dtype


def test_a_column_of_many_categories_can_be_saved(tmp_path):
    names = [f"a category with a long name, number {i:05d}" for i in range(2000)]
    table = pd.DataFrame({"a": pd.Categorical(np.resize(names, 4100)), "b": np.arange(4100) % 7})
    y = np.arange(4100) % 3
    net = quick(recipe="layers=4 epochs=1 category_embedding=1 batch_size=512").fit(table, y)
    back = round_trip(net, tmp_path)
    assert (back.predict_proba(table) == net.predict_proba(table)).all()


def test_files_of_other_estimators_raise(tmp_path):
    path = tmp_path / "net.safetensors"
    with pytest.raises(NotFittedError):
        quick().save(path)
    MLPClassifier(max_iter=1, learning_rate="cosine").fit([[0.0], [1.0]], [0, 1]).save(path)
    with pytest.raises(ValueError, match=r"expected a TabularMLPClassifier; .* 'MLPClassifier'"):
        TabularMLPClassifier.load(path)
    quick(max_epochs=1).fit(X, Y).save(path)
    with pytest.raises(ValueError, match=r"expected an MLPClassifier; .* 'TabularMLPClassifier'"):
        MLPClassifier.load(path)


def iter_paths(value, path=()):
    """Yield every path of keys in plain data."""
    yield path
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from iter_paths(part, (*path, key))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "net.safetensors"
    quick(max_epochs=1).fit(X, Y).save(path)
    return load_network(path)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_notes_changed_at_random_raise_or_give_a_valid_estimator(model, tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "changed.safetensors"
    notes = deepcopy(model.notes)
    where = data.draw(st.sampled_from([path for path in iter_paths(notes) if path]))
    *way, last = where
    inner = notes
    for key in way:
        inner = inner[key]
    if isinstance(inner, dict) and data.draw(st.booleans()):
        del inner[last]
    else:
        inner[last] = data.draw(
            st.sampled_from([None, True, -1, 3, 2.5, "", "age", [], ["age"], {}, {"a": 1}])
        )
    json.dumps(notes)
    save_network(path, model.network, model.weights, notes)
    try:
        net = TabularMLPClassifier.load(path)
    except ValueError as error:
        assert "\n" not in str(error)
        return
    with suppress(ValueError):  # the columns can have other names or types
        assert net.predict_proba(X).shape == (len(X), 2)
