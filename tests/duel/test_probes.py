"""Robustness and permutation importance of fitted models."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from graduel.data import Dataset
from graduel.data.source import source_from_arrays
from graduel.duel.result.probe_results import Probes
from graduel.duel.run import probes
from graduel.duel.run.probes import merge_probes, run_probes
from graduel.errors import UserError
from graduel.serialize import from_plain, to_json, to_plain


class SingleFeatureModel:
    """A two-class model that depends on a single pixel or column; it records its inputs."""

    seconds, details = 0.0, {}

    def __init__(self, read):
        self.read, self.rows, self.inputs = read, 0, []

    def predict_proba(self, X):
        self.rows += len(X)
        self.inputs.append(X)
        sure = np.where(self.read(X), 0.9, 0.1).astype(np.float32)
        return np.stack([1 - sure, sure], axis=1)

    def to_bytes(self):
        return b""


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 60, (900, 14, 14), dtype=np.uint8)
    y = np.arange(900) % 2
    X[y == 1, 5, 8] = 220
    return Dataset("spots", X, y, ("off", "on"), 700)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    y = np.arange(800) % 2
    frame = pl.DataFrame(
        {"noise": rng.normal(size=800), "tells": y + 0.0, "kind": ["a", "b"] * 400, "label": y}
    )
    return source_from_arrays(
        frame.with_columns(kind=pl.Series(rng.choice(["a", "b"], 800))), target="label"
    ).load()


def spot(X):
    return X.reshape(len(X), 14, 14)[:, 5, 8] > 100


def test_the_block_that_the_model_uses_has_all_the_importance(images) -> None:
    model = SingleFeatureModel(spot)
    probed = run_probes(model, images, np.arange(700, 900), 0)
    by_loss = np.array(probed.importance.log_loss)
    assert probed.importance.block == 2
    assert by_loss.shape == (7, 7)
    assert np.unravel_index(by_loss.argmax(), by_loss.shape) == (2, 4)
    by_loss[2, 4] = 0
    assert np.abs(by_loss).max() < 1e-9
    # Half of the rows get the pixel of the other class.
    assert probed.importance.error[2][4] == pytest.approx(0.5, abs=0.1)
    assert (probed.rows, probed.error) == (200, 0.0)
    assert probed.log_loss == pytest.approx(-np.log(0.9), abs=1e-6)


def test_images_are_perturbed_with_increasing_strength(images) -> None:
    probed = run_probes(SingleFeatureModel(spot), images, np.arange(700, 900), 0)
    robustness = {one.name: one for one in probed.robustness}
    assert set(robustness) == {"noise", "rotation", "shift", "occlusion"}
    for one in robustness.values():
        assert len(one.strengths) == len(one.errors) == 3
        assert list(one.strengths) == sorted(one.strengths)
        assert one.errors[-1] > 0
    assert robustness["shift"].errors[0] == pytest.approx(0.5, abs=0.1)


def test_the_column_that_the_model_uses_has_all_the_importance(table) -> None:
    model = SingleFeatureModel(lambda X: X["tells"].fill_null(0).to_numpy() > 0.5)
    probed = run_probes(model, table, np.arange(500, 800), 1)
    importance = probed.importance
    by_loss = dict(zip((c for (c,) in importance.columns), importance.log_loss, strict=True))
    assert max(by_loss, key=by_loss.get) == "tells"
    assert by_loss["noise"] == by_loss["kind"] == 0
    robustness = {one.name: one.errors for one in probed.robustness}
    assert set(robustness) == {"missing", "permuted"}
    # The model predicts class 0 for a missing value: half of those rows are misclassified.
    np.testing.assert_allclose(robustness["missing"], [0.05, 0.1, 0.2], atol=0.04)


def test_probes_are_reproducible_and_use_the_same_rows_for_every_contender(images) -> None:
    one, other = SingleFeatureModel(spot), SingleFeatureModel(lambda X: X[:, 0] > 30)
    first = run_probes(one, images, np.arange(700, 900), 3)
    run_probes(other, images, np.arange(700, 900), 3)
    assert first == run_probes(SingleFeatureModel(spot), images, np.arange(700, 900), 3)
    for mine, theirs in zip(one.inputs, other.inputs, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    another = SingleFeatureModel(spot)
    run_probes(another, images, np.arange(700, 900), 4)
    assert any((a != b).any() for a, b in zip(one.inputs, another.inputs, strict=True))


def test_probes_use_only_test_rows_and_a_bounded_number_of_predictions(images, table) -> None:
    garbage = replace(images, X=images.X.copy(), y=images.y.copy())
    garbage.X[:700], garbage.y[:700] = 0, 0
    test = np.arange(700, 900)
    assert run_probes(SingleFeatureModel(spot), garbage, test, 0) == run_probes(
        SingleFeatureModel(spot), images, test, 0
    )
    many = Dataset(
        "many",
        np.zeros((9000, 28, 28), np.uint8),
        np.arange(9000) % 2,
        ("a", "b"),
    )
    model = SingleFeatureModel(lambda X: X[:, 0] > 30)
    run_probes(model, many, np.arange(9000), 0)
    assert model.rows <= probes.MAX_ROWS * 13 + probes.MAX_PREDICTIONS + 1000
    wide = pl.DataFrame(
        {f"c{i}": np.arange(300.0) % (i + 2) for i in range(450)} | {"y": np.arange(300) % 2}
    )
    data = source_from_arrays(wide, target="y").load()
    model = SingleFeatureModel(lambda X: X["c0"].fill_null(0).to_numpy() > 0)
    probed = run_probes(model, data, np.arange(100, 300), 0)
    columns = probed.importance.columns
    assert len(columns) <= probes.MAX_GROUPS
    assert [name for part in columns for name in part] == data.X.columns
    assert len(probed.importance.log_loss) == len(columns)


def test_errors_are_none_where_the_model_raises(table) -> None:
    def read(X):
        if X["tells"].null_count():
            raise ValueError("Input X contains NaN.")
        return X["tells"].to_numpy() > 0.5

    probed = run_probes(SingleFeatureModel(read), table, np.arange(500, 800), 0)
    robustness = {one.name: one.errors for one in probed.robustness}
    assert robustness["missing"] == (None,) * 3
    assert None not in robustness["permuted"]
    assert from_plain(Probes, json.loads(to_json(probed))) == probed


def test_other_data_have_no_probes() -> None:
    data = Dataset("toy", np.zeros((9, 4)), np.arange(9) % 2, ("a", "b"), 6)
    assert run_probes(SingleFeatureModel(lambda X: X[:, 0] > 0), data, np.arange(6, 9), 0) is None


def test_probes_of_several_runs_are_merged_into_means(images) -> None:
    one = run_probes(SingleFeatureModel(spot), images, np.arange(700, 900), 0)
    other = run_probes(SingleFeatureModel(lambda X: X[:, 0] > 30), images, np.arange(700, 900), 1)
    first, *more = other.robustness
    first = replace(first, errors=(None, *first.errors[1:]))
    other = replace(other, robustness=(first, *more))
    probed = merge_probes([one, None, other])
    assert probed.rows == 400
    assert probed.robustness[0].errors[0] == one.robustness[0].errors[0]
    assert probed.robustness[1].errors[2] == pytest.approx(
        (one.robustness[1].errors[2] + other.robustness[1].errors[2]) / 2
    )
    np.testing.assert_allclose(
        probed.importance.log_loss,
        (np.array(one.importance.log_loss) + other.importance.log_loss) / 2,
    )
    assert merge_probes([None, None]) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda p: p["robustness"][0]["errors"].append(0.1),
        lambda p: p["robustness"][0]["errors"].__setitem__(0, -0.1),
        lambda p: p.pop("rows"),
        lambda p: p["importance"].update(log_loss=[1, 2]),
        lambda p: p["importance"].pop("error"),
        lambda p: p.update(importance=3),
        lambda p: p["importance"].update(block=None, columns=[["a"]]),
    ],
)
def test_damaged_probes_are_refused(images, spoil) -> None:
    probed = to_plain(run_probes(SingleFeatureModel(spot), images, np.arange(700, 900), 0))
    spoil(probed)
    with pytest.raises(UserError, match=r"expected|Expected|missing required"):
        from_plain(Probes, probed)
