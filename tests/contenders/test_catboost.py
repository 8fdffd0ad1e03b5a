"""CatBoost: the selected round, its saved form, and what it shares with CatBoostClassifier."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from catboost import CatBoostClassifier, Pool

from graduel.contenders import Budget, LabelledRows, make_contender
from graduel.contenders.catboost import CatBoostRecipe
from graduel.contenders.contender import finish_fit
from graduel.data.source import source_from_arrays
from graduel.errors import UserError
from graduel.metrics.metric import get_metric
from graduel.models.library_model import LibraryModel, catboost_bytes, load_catboost

SMALL = {"n_estimators": 12, "depth": 3, "learning_rate": 0.3, "early_stopping_rounds": 4}


def table(classes=2, n=240):
    rng = np.random.default_rng(0)
    size, town = rng.normal(size=n), rng.integers(4, size=n)
    score = size + np.array([0.0, 1.0, -1.0, 0.5])[town] + rng.normal(size=n) / 2
    y = np.searchsorted(np.quantile(score, np.arange(1, classes) / classes), score)
    frame = pl.DataFrame(
        {
            "size": [None if i % 7 == 0 else float(x) for i, x in enumerate(size)],
            "town": [None if i % 11 == 0 else "ABCD"[k] for i, k in enumerate(town)],
            "target": ["uvwx"[k] for k in y],
        }
    )
    return source_from_arrays(frame, target="target", categorical=("town",)).load()


def fit(data, metric="error", notify=lambda stage: None, **recipe):
    train, valid = (
        LabelledRows(data.table[part], data.y[part], len(data.classes), data.image, data.columns)
        for part in (slice(0, 150), slice(150, None))
    )
    contender = make_contender("catboost", "catboost", SMALL | recipe, metric)
    rng = np.random.default_rng(0)
    return finish_fit(contender.fit(train, valid, rng=rng, budget=Budget(1), notify=notify)), valid


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("metric", ["error", "brier", "auc"])
def test_the_selected_round_has_the_least_loss(classes, metric):
    fitted, valid = fit(table(classes), metric)
    details, model = fitted.details, fitted.model
    selecting = get_metric("log_loss" if metric == "error" else metric)
    rows = fitted.prepare(valid.X)
    losses = []
    for n in range(1, details["rounds"] + 1):
        fitted.details = details | {"best_round": n}
        losses.append(selecting.loss(fitted.predict(rows), valid.y))
    fitted.details = details
    assert details["selected_by"] == selecting.name
    assert details["best_round"] == np.argmin(losses) + 1
    assert details["valid_selected"] == pytest.approx(selecting.shown(min(losses)), rel=1e-5)
    assert details["rounds"] in (12, details["best_round"] + 4)
    wrong = (fitted.predict_proba(valid.X).argmax(axis=1) != valid.y).mean()
    assert details["valid_error"] == pytest.approx(wrong)
    assert fitted.best().tree_count_ == details["best_round"] <= model.tree_count_


def test_it_is_catboost_with_these_parameters():
    data = table()
    fitted, valid = fit(data)
    seed = int(np.random.default_rng(0).integers(2**31))
    rows = [fitted.prepare(data.table[part]) for part in (slice(0, 150), slice(150, None))]
    frames = [
        Pool(
            pd.DataFrame({"size": x[:, 0], "town": np.nan_to_num(x[:, 1], nan=-1).astype(int)}),
            y,
            cat_features=["town"],
        )
        for x, y in zip(rows, (data.y[:150], valid.y), strict=True)
    ]
    plain = CatBoostClassifier(
        iterations=12,
        depth=3,
        learning_rate=0.3,
        bootstrap_type="Bernoulli",
        subsample=0.8,
        max_ctr_complexity=4,  # which the library reduces for a single category
        leaf_estimation_iterations=1,
        thread_count=1,
        random_seed=seed,
        early_stopping_rounds=4,
        allow_writing_files=False,
        verbose=False,
    ).fit(frames[0], eval_set=frames[1])
    assert plain.tree_count_ == fitted.details["best_round"]
    expected = plain.predict_proba(frames[1])
    np.testing.assert_allclose(fitted.predict_proba(valid.X), expected, atol=1e-6)


def test_the_recipe_has_the_defaults_of_the_library_but_for_these():
    model = CatBoostClassifier(iterations=1, allow_writing_files=False, verbose=False)
    model.fit(np.arange(40.0).reshape(-1, 2), [0, 1] * 10)
    own = {"learning_rate", "bootstrap_type", "subsample", "leaf_estimation_iterations"}
    library = model.get_all_params()
    recipe = CatBoostRecipe()
    names = {"colsample_bylevel": "rsm"}
    for name in CatBoostRecipe.__dataclass_fields__:
        key = names.get(name, name)
        if key in library and name not in own:
            assert getattr(recipe, name) == pytest.approx(library[key]), name


def test_the_saved_form_is_reproducible_and_executes_nothing():
    fitted, valid = fit(table(3))
    again, _ = fit(table(3))
    assert fitted.to_bytes() == again.to_bytes()
    content = catboost_bytes(fitted.best())
    assert content.startswith(b"CBM1")
    assert catboost_bytes(load_catboost(content)) == content
    rows = fitted.prepare(valid.X)
    loaded = LibraryModel.from_bytes("catboost", content, "matrix")
    assert loaded.n_features == 2
    np.testing.assert_allclose(loaded.predict(rows, (0, 1, 2)), fitted.predict(rows), atol=1e-6)


def test_a_notification_ends_the_fit():
    shares = []

    def notify(stage):
        shares.append(stage.share)
        return len(shares) == 3

    fitted, _ = fit(table(), notify=notify)
    assert shares == pytest.approx([1 / 12, 2 / 12, 3 / 12])
    assert fitted.details["rounds"] == 3


def test_a_saved_model_names_the_missing_package(monkeypatch):
    content = catboost_bytes(fit(table())[0].best())
    monkeypatch.setitem(sys.modules, "catboost", None)
    with pytest.raises(UserError, match=r"needs CatBoost.*pip install 'graduel\[catboost\]'"):
        LibraryModel.from_bytes("catboost", content, "matrix")
