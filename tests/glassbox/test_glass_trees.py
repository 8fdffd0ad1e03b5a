"""Leaf values, paths and SHAP values against XGBoost's own predictions."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xgboost import DMatrix, XGBClassifier

from graduel.errors import UserError
from graduel.glassbox import explain_path, explain_shap, explain_votes, read_forest


def table(rng, n=300, classes=3):
    """Return numbers and a categorical column, both with missing values, and classes."""
    X = rng.normal(size=(n, 5)).astype(np.float32)
    X[:, 4] = rng.integers(0, 7, n)
    y = (X[:, 0] + (X[:, 4] % 3) + rng.normal(0, 0.3, n)).round().astype(int) % classes
    X[rng.random(X.shape) < 0.15] = np.nan
    return X, y


def fitted(classes=3, categories=True, **options):
    X, y = table(np.random.default_rng(0), classes=classes)
    types = ["q"] * 4 + ["c" if categories else "q"]
    model = XGBClassifier(
        n_estimators=12,
        max_depth=4,
        feature_types=types,
        enable_categorical=True,
        n_jobs=1,
        random_state=0,
        **options,
    ).fit(X, y)
    return model, X


MODELS = {
    "three classes, categories": fitted,
    "two classes": lambda: fitted(classes=2),
    "one-hot splits": lambda: fitted(max_cat_to_onehot=10),
    "parallel trees": lambda: fitted(num_parallel_tree=2),
    "vector leaves": lambda: fitted(categories=False, multi_strategy="multi_output_tree"),
    "custom base score": lambda: fitted(classes=2, base_score=0.3),
}


@pytest.fixture(scope="module", params=MODELS)
def case(request):
    model, X = MODELS[request.param]()
    return model, read_forest(model), X


def predict_directly(model, row, **what):
    booster = model.get_booster()
    matrix = DMatrix(row[None], feature_types=booster.feature_types, enable_categorical=True)
    return booster.predict(matrix, **what)


def test_votes_add_up_to_the_margin(case):
    model, forest, X = case
    for row in X[:25]:
        result = explain_votes(forest, row)
        np.testing.assert_array_equal(
            result.margin, predict_directly(model, row, output_margin=True).reshape(-1)
        )
        np.testing.assert_allclose(result.so_far[-1], result.margin, atol=2e-5)
        np.testing.assert_allclose(
            result.base + result.by_round.sum(axis=0), result.margin, atol=2e-5
        )
        np.testing.assert_array_equal(result.probabilities, model.predict_proba(row[None])[0])


def test_margins_by_round_equal_truncated_models(case):
    model, forest, X = case
    for rounds in (1, 5, 12):
        margin = predict_directly(model, X[3], output_margin=True, iteration_range=(0, rounds))
        so_far = explain_votes(forest, X[3]).so_far[rounds]
        np.testing.assert_allclose(so_far, margin.reshape(-1), atol=2e-5)


def test_shap_values_equal_xgboosts_and_add_up(case):
    model, forest, X = case
    if forest.vector_leaves:
        with pytest.raises(UserError, match="such as xgboost-plain"):
            explain_shap(forest, X[0])
        return
    for row in X[:10]:
        result = explain_shap(forest, row)
        raw = predict_directly(model, row, pred_contribs=True).reshape(forest.n_classes, -1)
        np.testing.assert_array_equal(result.values, raw[:, :-1])
        np.testing.assert_array_equal(result.bias, raw[:, -1])
        total = result.values.sum(axis=1) + result.bias
        np.testing.assert_allclose(total, result.margin, atol=1e-4)


def goes_left(tree, split, row):
    """Decide a split from the tree's structure, as XGBoost documents it."""
    value = row[split.feature]
    if np.isnan(value):
        return bool(tree.default_left[split.node])
    if split.node in tree.categories:
        return int(value) not in tree.categories[split.node]
    return bool(value < tree.condition[split.node])


def test_every_split_agrees_with_xgboost(case):
    _, forest, X = case
    missing = 0
    for row in X[:20]:
        for number, tree in enumerate(forest.trees):
            result = explain_path(forest, row, number)
            node = 0
            for split in result.splits:
                assert split.node == node
                assert split.went == ("left" if goes_left(tree, split, row) else "right")
                assert split.missing == bool(np.isnan(row[split.feature]))
                missing += split.missing
                node = int((tree.left if split.went == "left" else tree.right)[node])
            assert node == result.leaf
            assert tree.left[node] == -1
            if not forest.vector_leaves:
                assert result.value == tree.condition[node]
                assert np.flatnonzero(result.values).tolist() in ([tree.group], [])
    assert missing


def read_condition(condition, levels):
    """Return the categories for which a condition is true."""
    for sign, is_positive in (("= ", True), ("≠ ", False), ("in {", True), ("not in {", False)):
        if condition.startswith(sign):
            names = set(condition.removeprefix(sign).rstrip("}").split(", "))
            assert names <= set(levels)
            return names if is_positive else set(levels) - names
    raise AssertionError(condition)


def test_conditions_name_the_categories(case):
    _, forest, X = case
    if not any(tree.categories for tree in forest.trees):
        return
    levels = ["Graz", "Linz", "Ulm", "Kiel", "Bonn", "Bern", "Wien"]
    signs = set()
    for row in X[:20]:
        for number, tree in enumerate(forest.trees):
            for split in explain_path(forest, row, number, levels={4: levels}).splits:
                if split.feature != 4:
                    assert split.condition == f"< {tree.condition[split.node]:.7g}"
                    assert split.left_categories == ()
                    continue
                left = read_condition(split.condition, levels)
                assert left == set(split.left_categories)
                if not split.missing:
                    assert (levels[int(row[4])] in left) == (split.went == "left")
                signs.add(split.condition.split(" ")[0])
    assert signs


def test_paths_are_sorted_by_leaf_value(case):
    _, forest, X = case
    result = explain_votes(forest, X[0], top=5)
    sizes = [abs(one.value) for one in result.strongest]
    assert sizes == sorted(sizes, reverse=True)
    every = [explain_path(forest, X[0], i).value for i in range(len(forest.trees))]
    assert sizes == pytest.approx(sorted(map(abs, every), reverse=True)[:5])
    one = result.strongest[0]
    assert one.group == forest.trees[one.tree].group


def test_pixels_have_names_and_images(digit_trees, mnist):
    forest = read_forest(digit_trees)
    assert forest.kind == "one tree per class: 10 trees per round"
    names = [f"row {i // 28}, column {i % 28}" for i in range(784)]
    result = explain_votes(forest, mnist.table[60_007], top=3, names=names)
    split = result.strongest[0].splits[0]
    assert split.name == names[split.feature]
    assert explain_shap(forest, mnist.table[60_007]).values.shape == (10, 784)
    assert result.by_round.shape == (25, 10)
    json.dumps(result.as_dict(), allow_nan=False)
    json.dumps(explain_shap(forest, mnist.table[60_007]).as_dict(max_size=10_000), allow_nan=False)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 4), st.integers(1, 6))
def test_random_forests_add_up(seed, classes, depth):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(60, 3)).astype(np.float32), np.arange(60) % classes
    X[rng.random(X.shape) < 0.1] = np.nan
    model = XGBClassifier(n_estimators=4, max_depth=depth, n_jobs=1, subsample=0.8).fit(X, y)
    forest = read_forest(model.get_booster())
    result, values = explain_votes(forest, X[0]), explain_shap(forest, X[0])
    np.testing.assert_allclose(result.so_far[-1], result.margin, atol=1e-5)
    np.testing.assert_allclose(values.values.sum(axis=1) + values.bias, result.margin, atol=1e-5)
    np.testing.assert_allclose(result.probabilities, model.predict_proba(X[:1])[0], rtol=1e-6)


def test_the_kind_of_trees_is_described():
    model, X = fitted(categories=False, multi_strategy="multi_output_tree")
    forest = read_forest(model)
    assert forest.kind.startswith("one tree per round for all classes")
    p = explain_votes(forest, X[0]).probabilities
    np.testing.assert_array_equal(p, model.predict_proba(X[:1])[0])
    assert explain_path(forest, X[0], 3).group is None
    assert read_forest(fitted()[0]).kind == "one tree per class: 3 trees per round"
    assert (
        read_forest(fitted(classes=2)[0]).kind
        == "one tree per round, for the second of two classes"
    )


def test_boosters_without_trees_are_rejected():
    X, y = table(np.random.default_rng(0))
    model = XGBClassifier(booster="gblinear", n_estimators=2).fit(np.nan_to_num(X), y)
    with pytest.raises(UserError, match="expected boosted trees"):
        read_forest(model)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: explain_votes(f, np.zeros(3)), "expected an example of 5 numbers; got 3"),
        (lambda f: explain_path(f, np.zeros(5), 99), "tree must be from 0 to 35; got 99"),
    ],
)
def test_invalid_arguments_are_rejected(call, message):
    with pytest.raises(UserError, match=message):
        call(read_forest(fitted()[0]))
