"""XGBoost on the training rows and augmented copies of them."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest

from graduel.contenders import Budget, LabelledRows, make_contender
from graduel.contenders.augmented_rows import BLOCK, augment_rows
from graduel.contenders.registry import get_contender
from graduel.contenders.xgboost_recipes import XGBoostRecipe
from graduel.data import Dataset
from graduel.data.source import DataSource, source_from_arrays
from graduel.duel.plan.protocol import Cell
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.duel.plan.splits import Split
from graduel.duel.run.cell import run_cell
from graduel.errors import UserError

WARP = "warp(angle=20,shift=1,elastic=0.5,share=2)"
COPIES = {"augment": WARP, "copies": 2}
RECIPE = XGBoostRecipe(n_estimators=4, early_stopping_rounds=2, **COPIES)
ROWS = Split(np.arange(90), np.arange(90, 120), np.arange(120, 150))


def images(dtype=np.uint8, n=150):
    rng = np.random.default_rng(0)
    y = np.arange(n) % 3
    X = rng.integers(0, 60, (n, 7, 6)).astype(np.float64)
    X[np.arange(n), 1 + y, 2] += 190
    return Dataset("toy", X.astype(dtype), y, ("a", "b", "c"))


def part(data, rows=slice(None)):
    return LabelledRows(data.table[rows], data.y[rows], 3, data.image, data.columns)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_rows_are_unchanged_and_copies_have_their_class_and_dtype(dtype):
    train = part(images(dtype, n=BLOCK + 33))  # one full block and a partial one
    before = train.X.copy()
    got = augment_rows(train, rng=np.random.default_rng(1), **COPIES)
    n = len(before)
    assert got.X.dtype == dtype
    np.testing.assert_array_equal(train.X, before)
    np.testing.assert_array_equal(got.X[:n], before)
    np.testing.assert_array_equal(got.y, np.concatenate([train.y] * 3))
    for copy in (got.X[n : 2 * n], got.X[2 * n :]):
        assert (copy != before).any(axis=1).all()
        assert 0 <= copy.min() <= copy.max() <= before.max()  # within the range of the originals
        # A copy is closer to its original than to another image.
        own = np.abs(copy.astype(float) - before).sum()
        assert own < np.abs(copy.astype(float) - np.roll(before, 1, axis=0)).sum()
    assert (got.X[n : 2 * n] != got.X[2 * n :]).any(axis=1).all()
    again = augment_rows(train, rng=np.random.default_rng(1), **COPIES)
    np.testing.assert_array_equal(again.X, got.X)
    assert (augment_rows(train, rng=np.random.default_rng(2), **COPIES).X != got.X).any()


def test_training_uses_copies_and_early_stopping_uses_unchanged_rows():
    from xgboost import XGBClassifier

    data = images()
    made = make_contender("augmented", "xgboost", asdict(RECIPE))
    outcome, fitted = run_cell(made, data, ROWS, Cell("augmented", 0), Budget(1))
    assert outcome.details["copies_of_each_row"] == 2
    assert outcome.details["rows_with_copies"] == 270
    rng = Cell("augmented", 0).rng()
    rows = augment_rows(part(data, ROWS.train), rng=rng, **COPIES)
    ours = ("augment", "copies", "stops_by")
    settings = {k: v for k, v in asdict(RECIPE).items() if k not in ours}
    reference = XGBClassifier(
        **settings,
        tree_method="hist",
        eval_metric=["merror", "mlogloss"],
        n_jobs=1,
        random_state=int(rng.integers(2**31)),
    )
    valid = part(data, ROWS.valid)
    reference.fit(rows.X, rows.y, eval_set=[(valid.X, valid.y)], verbose=0)
    np.testing.assert_array_equal(
        outcome.probabilities, reference.predict_proba(data.table[ROWS.test])
    )
    garbage = replace(data, X=np.where(np.arange(150)[:, None, None] < 120, data.X, 7))
    other, spoiled = run_cell(made, garbage, ROWS, Cell("augmented", 0), Budget(1))
    assert spoiled.to_bytes() == fitted.to_bytes()
    assert other.details == outcome.details


def test_without_copies_no_random_numbers_are_drawn_and_no_details_added():
    recipe = asdict(replace(RECIPE, augment="none", copies=0))
    made = make_contender("xgboost", "xgboost", recipe)
    outcome, _ = run_cell(made, images(), ROWS, Cell("xgboost", 0), Budget(1))
    selection = {"selected_by", "valid_selected"}
    assert set(outcome.details) == {"best_round", "rounds", "valid_error", *selection}


def test_rows_that_are_not_images_are_refused():
    data = Dataset("flat", np.zeros((150, 5), np.float32), np.arange(150) % 3, ("a", "b", "c"))
    with pytest.raises(UserError, match="augment=warp expects images; got rows without"):
        augment_rows(part(data), rng=np.random.default_rng(0), **COPIES)


def test_xgboost_augmented_is_for_images():
    spec = build_protocol(
        DataSource.builtin("mnist"), contenders=["xgboost-augmented"], threads=1
    ).contenders["xgboost-augmented"]
    assert "augmented" in spec["title"]
    assert spec["recipe"]["copies"] > 0
    assert spec["recipe"]["augment"] == get_contender("net-augmented")[1].images.full.augment
    table = source_from_arrays(np.random.default_rng(0).normal(size=(90, 3)), np.arange(90) % 3)
    with pytest.raises(UserError, match=r"xgboost-augmented is for images; .* Choose xgboost"):
        build_protocol(table, contenders=["xgboost-augmented"], threads=1)
