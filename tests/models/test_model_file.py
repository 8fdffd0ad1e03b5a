"""Model files: a loaded model predicts as the saved one; damaged files raise."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.contenders import Budget, get_family, make_contender
from graduel.data import Dataset
from graduel.data.schema import Schema
from graduel.data.source import open_source, source_from_arrays
from graduel.duel.plan.protocol import Cell
from graduel.duel.plan.splits import Split
from graduel.duel.run.cell import run_cell
from graduel.errors import UserError
from graduel.metrics.probabilities import expand_classes
from graduel.models.model_file import load_model, save_model
from graduel.nn import Dense, Network
from graduel.serialize import from_plain, to_plain
from graduel.train import load_network, save_network

RECIPES = {
    "textbook": {"layers": [8], "rate": 0.2, "steps": 5},
    "net": {"layers": [8], "norm": "batch", "lr": 0.01, "epochs": 2, "batch_size": 32},
    "xgboost": {"n_estimators": 5, "early_stopping_rounds": 3},
}


def table(n: int = 240, classes: str = "abc") -> Dataset:
    rng = np.random.default_rng(0)
    y = np.arange(n) % len(classes)
    numbers = np.where(rng.random(n) < 0.1, None, (rng.normal(size=n) + y).round(2))
    frame = pl.DataFrame(
        {
            "size": pl.Series(list(numbers), dtype=pl.Float64),
            "town": rng.choice(["Ulm", "Kiel", "01", "Köln"], n),
            "grade": pl.Series(rng.choice([1.5, 2.0, 3.0], n)).cast(pl.String),
            "paid": rng.choice(["yes", "no"], n),
            "when": [f"{1 + i % 28:02}.03.2024" for i in range(n)],
            "target": [classes[i] for i in y],
        }
    )
    return source_from_arrays(frame, target="target", categorical=("grade",)).load()


def to_model(fitted, schema, title, notes=None):
    """Convert a fitted contender to a model by its family."""
    family = get_family(type(fitted).__module__.rpartition(".")[2])
    return replace(family.to_model(fitted, schema, title), notes=notes or {})


def fitted(data: Dataset, name: str, **more):
    n = len(data.y)
    rows = Split(np.arange(n // 2), np.arange(n // 2, n * 3 // 4), np.arange(n * 3 // 4, n))
    rows = replace(rows, **more)
    contender = make_contender(name, name, RECIPES[name])
    outcome, model = run_cell(contender, data, rows, Cell(name, 0), Budget(threads=1))
    return outcome, model, rows


@pytest.fixture(scope="module")
def digits(mnist):
    keep = np.r_[0:300, 60_000:60_100]
    return replace(mnist, X=mnist.X[keep], y=mnist.y[keep], n_train=300)


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("kind", ["table", "digits", "two"])
def test_a_loaded_model_predicts_as_the_saved_one(tmp_path, digits, name, kind):
    data = {"table": table(), "digits": digits, "two": table(classes="ab")}[kind]
    outcome, model, rows = fitted(data, name)
    saved = to_model(model, Schema.of(data), "a title", {"more": [1]})
    assert saved is not None
    save_model(tmp_path / "a", saved)
    save_model(tmp_path / "b", saved)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    back = load_model(tmp_path / "a")
    X = data.table[rows.test]
    close = partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6)
    close(back.predict_proba(X), outcome.probabilities)
    if name != "textbook":  # the engine multiplies in another order
        np.testing.assert_array_equal(back.predict_proba(X), outcome.probabilities)
    assert (back.family, back.title) == ("xgboost" if name == "xgboost" else "net", "a title")
    assert (back.classes, back.image, back.notes) == (data.classes, data.image, {"more": [1]})
    assert [c.name for c in back.columns] == [c.name for c in data.columns]
    save_model(tmp_path / "c", back)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "c").read_bytes()


def test_a_class_without_training_rows_has_probability_0(tmp_path):
    data = table()
    train = np.flatnonzero(data.y[:120] != 2)
    _, model, rows = fitted(data, "xgboost", train=train)
    save_model(tmp_path / "a", to_model(model, Schema.of(data), "trees"))
    p = load_model(tmp_path / "a").predict_proba(data.table[rows.test])
    assert p.shape[1] == 3
    assert (p[:, 2] == 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("name", ["net", "xgboost"])
def test_a_table_as_text_in_other_order_and_chunks_gives_equal_predictions(tmp_path, name):
    """``graduel predict`` reads a CSV file in chunks, with every cell as text."""
    data = table()
    _, model, _ = fitted(data, name)
    save_model(tmp_path / "a", to_model(model, Schema.of(data), name))
    loaded = load_model(tmp_path / "a")
    dates = data.X["when"].dt.strftime("%d.%m.%Y")
    paid = data.X["paid"].cast(pl.String).replace({"true": " YES", "false": "no"})
    text = data.X.with_columns(dates.alias("when"), paid.alias("paid")).cast(pl.String)
    text = text.with_columns(pl.col("grade").replace({"1.5": "1.50", "2": "2.0"}))
    text = text.select(pl.lit("x").alias("other"), *reversed(text.columns))
    expected = loaded.predict_proba(data.X)
    parts = [loaded.predict_proba(text[i : i + 7]) for i in range(0, len(text), 7)]
    # Products of seven rows and of many can round differently.
    np.testing.assert_allclose(np.concatenate(parts), expected, rtol=1e-5, atol=1e-6)
    pandas = pd.DataFrame(text.to_dict(as_series=False))
    np.testing.assert_array_equal(loaded.predict_proba(pandas), expected)


def test_new_categories_and_new_missing_values_are_accepted(tmp_path):
    data = table()
    for name in ("net", "xgboost"):
        _, model, _ = fitted(data, name)
        save_model(tmp_path / name, to_model(model, Schema.of(data), name))
        odd = data.X.head(3).with_columns(
            pl.Series("town", ["Bonn", None, ""]), pl.lit(None, pl.Boolean).alias("paid")
        )
        p = load_model(tmp_path / name).predict_proba(odd)
        assert np.isfinite(p).all()


def test_a_table_that_does_not_match_raises_with_column_and_row(tmp_path):
    data = table()
    _, model, _ = fitted(data, "net")
    loaded = to_model(model, Schema.of(data), "net")
    assert loaded is not None
    with pytest.raises(UserError, match="2 of them are not in the table: 'town', 'paid'"):
        loaded.predict_proba(data.X.drop("town", "paid"))
    bad = data.X.with_columns(pl.Series("size", ["1"] * 5 + ["big"] + ["2"] * (len(data.X) - 6)))
    with pytest.raises(UserError, match="column 'size': expected numbers; row 6 holds 'big'"):
        loaded.predict_proba(bad)
    with pytest.raises(UserError, match="row 1,006 holds 'big'"):
        loaded.prepare(bad, first_row=1000)


def test_images_of_another_size_raise(digits):
    _, model, _ = fitted(digits, "net")
    loaded = to_model(model, Schema.of(digits), "net")
    assert loaded is not None
    assert loaded.predict_proba(digits.X[:2]).shape == (2, 10)
    with pytest.raises(
        UserError, match=r"expected images of 28 × 28 pixels, shape .*; got an array of shape"
    ):
        loaded.predict_proba(np.zeros((2, 8, 8), np.uint8))


def test_a_long_preparation_is_compressed(tmp_path):
    rng = np.random.default_rng(0)
    n, wide = 60, 1500
    frame = pl.DataFrame({f"column {i}": rng.normal(size=n) for i in range(wide)})
    frame = frame.with_columns(pl.Series("target", ["a", "b"] * (n // 2)))
    data = source_from_arrays(frame, target="target").load()
    for name in ("net", "xgboost"):
        outcome, model, rows = fitted(data, name)
        save_model(tmp_path / name, to_model(model, Schema.of(data), name))
        back = load_model(tmp_path / name)
        p = back.predict_proba(data.table[rows.test])
        np.testing.assert_array_equal(p, outcome.probabilities)


@pytest.mark.parametrize("name", ["net", "xgboost"])
def test_a_changed_byte_raises_in_one_line(tmp_path, name):
    data = table()
    _, model, _ = fitted(data, name)
    path = tmp_path / "a"
    save_model(path, to_model(model, Schema.of(data), name))
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for position in rng.choice(len(content), 60, replace=False):
        damaged = bytearray(content)
        damaged[position] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        try:
            load_model(path)
        except UserError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused >= 58  # some bytes are padding of the header
    for cut in (0, 5, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:cut])
        with pytest.raises(UserError):
            load_model(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    st.lists,
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_schema_with_random_data_loads_or_raises(data):
    plain = to_plain(Schema.of(table(60)))
    key = data.draw(st.sampled_from(sorted(plain)))
    plain[key] = data.draw(JSON)
    if data.draw(st.booleans()):
        del plain[data.draw(st.sampled_from(sorted(plain)))]
    try:
        schema = from_plain(Schema, json.loads(json.dumps(plain)), "schema")
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert from_plain(Schema, to_plain(schema)) == schema


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        ({}, "got a network without classes"),
        ({"estimator": "MLPClassifier"}, r"MLPClassifier.load\(…\)"),
        ({"model": 5}, "is damaged"),
        ({"classes": ["a", "b"]}, "got a network without classes"),
    ],
)
def test_other_models_raise_with_the_function_that_loads_them(tmp_path, notes, message):
    network = Network((Dense(3),), (4,))
    save_network(tmp_path / "a", network, network.init(np.random.default_rng(0)), notes)
    with pytest.raises(UserError, match=message):
        load_model(tmp_path / "a")


def test_numeric_categories_are_recorded():
    assert Schema.of(table()).numeric_categories == ("grade",)
    assert Schema.of(open_source("iris").load()).numeric_categories == ()


def test_probabilities_are_expanded_to_all_classes():
    p = np.array([[0.25, 0.75]], np.float32)
    assert expand_classes(p, (0, 1), 2) is p
    assert expand_classes(p, (2, 0), 3).tolist() == [[0.75, 0.0, 0.25]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"class_codes": [-1]}, "a class code is negative"),
        ({"class_codes": [1, 1]}, "a class code occurs twice"),
        ({"class_codes": [True]}, "is damaged"),
        ({"title": 3}, "is damaged"),
        ({"preparation": "no base85"}, "is damaged"),
        ({"schema": []}, "is damaged"),
        ({"family": "xgboost"}, "classes, a network with outputs of shape"),
    ],
)
def test_a_damaged_description_raises(tmp_path, digits, change, message):
    _, model, _ = fitted(digits, "net")
    saved = to_model(model, Schema.of(digits), "net")
    assert saved is not None
    save_model(tmp_path / "a", saved)
    network = load_network(tmp_path / "a")
    network.notes["model"] |= change
    save_network(tmp_path / "a", network.network, network.weights, network.notes)
    with pytest.raises(UserError, match=message):
        load_model(tmp_path / "a")
