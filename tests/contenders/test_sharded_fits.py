"""Fits on tables larger than memory against fits in memory: accuracy, same bits, peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace

import numpy as np
import polars as pl
import pytest

from graduel.contenders import LabelledRows, make_contender
from graduel.contenders.contender import Budget, finish_fit
from graduel.contenders.sharded import sharded_xgboost
from graduel.contenders.sharded.sharded_net import start_streamed_training
from graduel.contenders.xgboost_recipes import XGBoostRecipe
from graduel.data.row_groups.parquet_shards import open_shards
from graduel.data.row_groups.row_assignment import TEST, TRAIN
from graduel.data.row_groups.shard_scan import infer_schema
from graduel.data.row_groups.sharded_table import ShardedTable
from graduel.errors import UserError
from graduel.train.loop.training import BestEpoch
from graduel.train.recipes import NetRecipe, net_recipe

SMALL = NetRecipe(layers=(32,), epochs=6, batch_size=64, lr=5e-3)


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> ShardedTable:
    folder = tmp_path_factory.mktemp("table")
    rng = np.random.default_rng(0)
    for number in range(3):
        x, word = rng.normal(size=(2_000, 4)), rng.choice(["red", "green", "blue"], 2_000)
        y = np.where(x[:, 0] + x[:, 1] + (word == "red") > 0.3, "yes", "no")
        columns = {f"x{i}": x[:, i] for i in range(4)} | {"word": word, "y": y}
        pl.DataFrame(columns).write_parquet(folder / f"{number}.parquet", row_group_size=500)
    shards = open_shards(folder)
    return ShardedTable.of(shards, infer_schema(shards, target="y"))


def rows(table: ShardedTable, role: int) -> LabelledRows:
    blocks = list(table.blocks(role))
    X, y = pl.concat([X for X, _ in blocks]), np.concatenate([y for _, y in blocks])
    return LabelledRows(X, y, len(table.schema.classes), None, table.schema.columns)


def train(table: ShardedTable, recipe: NetRecipe, buffer_rows: int = 700):
    prepare, training = start_streamed_training(recipe, table, 0, buffer_rows)
    best = BestEpoch(training.prediction_weights.copy())
    for _ in training.validated_epochs(prepare(table.valid[0]), table.valid[1], best):
        pass
    return prepare, training, best


def test_a_streamed_network_is_as_accurate_as_one_in_memory(table):
    test = rows(table, TEST)
    prepare, training, best = train(table, SMALL)
    p = training.predict_proba(prepare(test.X), best.weights)
    contender = make_contender("net", "net", asdict(SMALL))
    valid = replace(test, X=table.valid[0], y=table.valid[1])
    fitted = finish_fit(
        contender.fit(
            rows(table, TRAIN),
            valid,
            rng=np.random.default_rng(0),
            budget=Budget(1),
            notify=lambda stage: None,
        )
    )
    errors = [(one.argmax(axis=1) != test.y).mean() for one in (p, fitted.predict_proba(test.X))]
    assert errors[0] < 0.05
    assert abs(errors[0] - errors[1]) < 0.02


@pytest.mark.parametrize(
    "recipe",
    [
        replace(SMALL, epochs=2, norm="batch", ema=0.99),
        replace(SMALL, epochs=2, loss="binary"),
        replace(SMALL, epochs=2, class_weight="balanced"),
        replace(net_recipe(True, 4_000), epochs=2, layers=(16,)),
    ],
)
def test_the_same_seed_gives_the_same_bits(table, recipe):
    first, second = (train(table, recipe)[2] for _ in range(2))
    assert first.error < 0.3
    np.testing.assert_array_equal(first.weights.theta, second.weights.theta)
    np.testing.assert_array_equal(first.weights.state, second.weights.state)


@pytest.mark.parametrize("change", [{"optimizer": "gd"}, {"optimizer": "lbfgs", "dropout": 0.0}])
def test_a_recipe_that_needs_all_rows_is_refused(table, change):
    with pytest.raises(UserError, match="needs all training rows in memory"):
        start_streamed_training(replace(SMALL, **change), table, 0)


BOOSTED = XGBoostRecipe(n_estimators=40, colsample_bynode=1.0)


def boost(table: ShardedTable, recipe: XGBoostRecipe = BOOSTED):
    model, details, _ = sharded_xgboost.fit_xgboost(
        recipe,
        table,
        metric="error",
        title="XGBoost",
        seed=0,
        threads=1,
        notify=lambda stage: None,
    )
    return model, details


def test_bins_on_disk_give_the_trees_of_bins_in_memory(table, monkeypatch):
    model, details = boost(table)
    monkeypatch.setattr(sharded_xgboost, "SHARE_OF_MEMORY", 0)
    on_disk, other = boost(table)
    assert (details["bins"], other["bins"]) == ("in memory", "on disk")
    np.testing.assert_array_equal(
        model.predict_proba(table.valid[0]), on_disk.predict_proba(table.valid[0])
    )


def test_xgboost_from_row_groups_is_as_accurate_as_in_memory(table):
    test = rows(table, TEST)
    model, details = boost(table)
    contender = make_contender("xgboost", "xgboost", asdict(BOOSTED))
    fitted = finish_fit(
        contender.fit(
            rows(table, TRAIN),
            replace(test, X=table.valid[0], y=table.valid[1]),
            rng=np.random.default_rng(0),
            budget=Budget(1),
            notify=lambda stage: None,
        )
    )
    errors = [(one.predict_proba(test.X).argmax(1) != test.y).mean() for one in (model, fitted)]
    assert errors[0] < 0.08
    assert abs(errors[0] - errors[1]) < 0.015
    assert details.keys() >= fitted.details.keys()


def test_early_stopping_selects_the_best_round(table):
    recipe = replace(BOOSTED, n_estimators=400, learning_rate=1.0, early_stopping_rounds=5)
    model, details = boost(table, recipe)
    assert details["best_round"] + 5 == details["rounds"] < 400
    assert model.booster.num_boosted_rounds() == details["best_round"]


def test_copies_of_rows_are_refused(table):
    with pytest.raises(UserError, match="augmented copies of rows need all rows in memory"):
        boost(table, replace(BOOSTED, copies=1))


def test_a_class_without_training_rows_gets_probability_0(table):
    counts = np.c_[table.counts, [0, 0, 5]]
    classes = (*table.schema.classes, "rare")
    more = replace(table, counts=counts, schema=replace(table.schema, classes=classes))
    model, _ = boost(more, replace(BOOSTED, n_estimators=3))
    p = model.predict_proba(table.valid[0])
    assert p.shape[1] == 3
    assert not p[:, 2].any()
    _, _, best = train(more, replace(SMALL, epochs=1))
    assert best.error < 0.3


CHILD = """
import json, sys
from pathlib import Path
from graduel.contenders.sharded.sharded_net import start_streamed_training
from graduel.data.row_groups.parquet_shards import open_shards
from graduel.data.row_groups.shard_scan import infer_schema
from graduel.data.row_groups.sharded_table import ShardedTable
from graduel.train.recipes import NetRecipe

def kib(name):
    text = Path("/proc/self/status").read_text()
    return int(text.split(name + ":")[1].split()[0])

shards = open_shards(sys.argv[1])
table = ShardedTable.of(shards, infer_schema(shards, target="y", sample=10_000))
start = kib("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
recipe = NetRecipe(layers=(8,), epochs=1, batch_size=1024)
prepare, training = start_streamed_training(recipe, table, 0, 20_000)
for epoch in training.epochs():
    pass
rows = 4 * len(prepare.preparation.names) * table.n_train / 1024
print(json.dumps({"grown": kib("VmHWM") - start, "rows": rows, "n": table.n_train}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_table(tmp_path):
    pytest.importorskip("datasketches")
    rng = np.random.default_rng(0)
    for number in range(6):
        x = rng.normal(size=(75_000, 60)).astype(np.float32)
        columns = {f"x{i}": x[:, i] for i in range(60)} | {"y": x[:, 0] > 0}
        pl.DataFrame(columns).write_parquet(tmp_path / f"{number}.parquet", row_group_size=15_000)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"GRADUEL_KERNELS": "numpy"},  # compiled kernels take memory once
    )
    memory = json.loads(done.stdout)
    assert memory["n"] > 10 * 20_000
    assert memory["grown"] < 0.6 * memory["rows"]
