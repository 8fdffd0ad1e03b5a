"""Models of other libraries: a loaded model predicts as the fitted one, and executes no code."""

from __future__ import annotations

import io
import json
import os
import zipfile
from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from graduel.contenders import Budget, LabelledRows, get_family, make_contender
from graduel.contenders.contender import finish_fit
from graduel.data.schema import Schema
from graduel.data.source import source_from_arrays
from graduel.duel.plan.user_estimators import describe_estimator
from graduel.errors import UserError
from graduel.models import library_model
from graduel.models.library_model import CannotSaveError, dump_estimator
from graduel.models.model_file import load_model, save_model

RECIPES = {
    "lightgbm": {"n_estimators": 6, "min_child_samples": 5, "early_stopping_rounds": 3},
    "catboost": {"n_estimators": 6, "depth": 3, "early_stopping_rounds": 3},
    "hist": {"max_iter": 6, "min_samples_leaf": 5},
    "forest": {"n_estimators": 5},
    "logistic": {},
    "mlp": {"hidden_layer_sizes": [8], "batch_size": 16, "max_iter": 3},
}


def table(classes="abc", n=160):
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "size": [None if i % 9 == 0 else float(x) for i, x in enumerate(rng.normal(size=n))],
            "town": rng.choice(["Ulm", "Kiel", "Bonn"], n),
            "when": [f"2024-01-{1 + i % 28:02}" for i in range(n)],
            "target": [classes[i] for i in rng.integers(len(classes), size=n)],
        }
    )
    return source_from_arrays(frame, target="target", categorical=("town",)).load()


def images(n=90):
    from graduel.data import Dataset

    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (n, 4, 4), dtype=np.uint8)
    return Dataset(name="images", X=X, y=np.arange(n) % 3, n_train=60, classes=("x", "y", "z"))


def fit(data, contender, rows=slice(0, 100)):
    k = len(data.classes)
    train, valid = (
        LabelledRows(data.table[part], data.y[part], k, data.image, data.columns)
        for part in (rows, slice(100, None) if data.columns else slice(60, None))
    )
    rng = np.random.default_rng(0)
    return finish_fit(
        contender.fit(train, valid, rng=rng, budget=Budget(1), notify=lambda stage: None)
    )


def round_trip(data, fitted, family, path):
    """Save and load the model; return it and its predictions of all rows."""
    model = get_family(family).to_model(fitted, Schema.of(data), "title")
    save_model(path, replace(model, notes={"mine": 1}))
    loaded = load_model(path)
    assert (loaded.title, loaded.classes, loaded.notes) == ("title", data.classes, {"mine": 1})
    return loaded, loaded.predict_proba(data.X if data.columns else data.table)


@pytest.mark.parametrize("classes", ["ab", "abc"])
@pytest.mark.parametrize("name", RECIPES)
def test_a_loaded_model_predicts_as_the_fitted_one(name, classes, tmp_path):
    data = table(classes)
    fitted = fit(data, make_contender(name, name, RECIPES[name]))
    loaded, p = round_trip(data, fitted, name, tmp_path / "m.safetensors")
    np.testing.assert_allclose(p, fitted.predict_proba(data.X), atol=1e-6)
    shuffled = data.X.select(reversed(data.X.columns)).with_columns(more=pl.lit(1))
    np.testing.assert_array_equal(loaded.predict_proba(shuffled), p)
    assert len(loaded.input_names) == loaded.library_model.n_features


@pytest.mark.parametrize("name", ["logistic", "forest"])
def test_images_are_scaled_as_in_training(name, tmp_path):
    data = images()
    fitted = fit(data, make_contender(name, name, RECIPES[name]), slice(0, 60))
    _, p = round_trip(data, fitted, name, tmp_path / "m.safetensors")
    np.testing.assert_array_equal(p, fitted.predict_proba(data.table))


def own(estimator):
    mine = describe_estimator("mine", estimator)
    return make_contender("mine", "user", {**vars_of(mine.recipe)}, "error", mine.pickled())


def vars_of(recipe):
    return {name: getattr(recipe, name) for name in recipe.__dataclass_fields__}


@pytest.mark.parametrize(
    "estimator",
    [
        KNeighborsClassifier(3),
        RidgeClassifier(),
        make_pipeline(
            make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["town"])),
            LogisticRegression(),
        ),
    ],
    ids=["trees of neighbors", "no predict_proba", "a DataFrame"],
)
def test_a_users_own_classifier(estimator, tmp_path):
    data = table()
    fitted = fit(data, own(estimator))
    _, p = round_trip(data, fitted, "user", tmp_path / "m.safetensors")
    np.testing.assert_array_equal(p, fitted.predict_proba(data.X))


@given(present=st.sets(st.integers(0, 3), min_size=2))
@settings(max_examples=8, deadline=None)
def test_classes_without_training_rows_have_probability_0(present, tmp_path_factory):
    data = table("abcd")
    y = np.array(sorted(present))[np.arange(len(data.y)) % len(present)]
    data = replace(data, y=y)
    for contender, family in (
        (make_contender("logistic", "logistic", {"max_iter": 20}), "logistic"),
        (own(RidgeClassifier()), "user"),
    ):
        fitted = fit(data, contender)
        _, p = round_trip(data, fitted, family, tmp_path_factory.mktemp("m") / "m.safetensors")
        np.testing.assert_array_equal(p, fitted.predict_proba(data.X))
        assert not p[:, [k for k in range(4) if k not in present]].any()


class Mine(ClassifierMixin, BaseEstimator):
    """A classifier that only this test has."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def test_a_type_of_another_package_is_refused_with_its_name():
    with pytest.raises(CannotSaveError, match=r"Mine is no type of scikit-learn.*execute its code"):
        dump_estimator(Mine())
    with pytest.raises(CannotSaveError, match="<lambda> is no type"):
        dump_estimator(make_pipeline(LogisticRegression(), lambda x: x))
    with pytest.raises(CannotSaveError, match="system is no type"):
        dump_estimator(FunctionTransformer(partial(os.system, "true")))


def test_without_skops_the_command_is_named(monkeypatch):
    monkeypatch.setattr(library_model, "find_spec", lambda name: None)
    with pytest.raises(CannotSaveError, match=r"pip install 'graduel\[skops\]'"):
        dump_estimator(LogisticRegression())


def test_a_file_with_other_types_is_not_loaded(tmp_path, monkeypatch):
    """A model whose bytes name a function that would leave a mark."""
    data = table()
    fitted = fit(data, make_contender("logistic", "logistic", {}))
    model = get_family("logistic").to_model(fitted, Schema.of(data), "title")
    content = model.library_model.to_bytes()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name == "schema.json":
                schema = json.loads(text)
                schema["__module__"], schema["__class__"] = "os", "system"
                text = json.dumps(schema).encode()
            new.writestr(name, text)
    monkeypatch.setattr(library_model.LibraryModel, "to_bytes", lambda self: out.getvalue())
    monkeypatch.setattr(os, "system", lambda *args: pytest.fail("code was executed"))
    save_model(tmp_path / "m", model)
    with pytest.raises(UserError, match="not trusted, and is not loaded"):
        load_model(tmp_path / "m")


def test_a_damaged_file_raises_one_line(tmp_path):
    data = table()
    fitted = fit(data, make_contender("forest", "forest", RECIPES["forest"]))
    path = tmp_path / "m"
    round_trip(data, fitted, "forest", path)
    content = bytearray(path.read_bytes())
    for position in range(0, len(content), len(content) // 20):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        with pytest.raises(UserError) as error:
            load_model(path)
        assert "\n" not in str(error.value)
