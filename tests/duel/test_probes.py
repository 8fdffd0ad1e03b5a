"""What fitted models do on disturbed rows, and what they look at."""

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


class Looks:
    """A model that reads one pixel, or one column, and nothing else; of two classes."""

    seconds, details = 0.0, {}

    def __init__(self, read):
        self.read, self.rows, self.seen = read, 0, []

    def predict_proba(self, X):
        self.rows += len(X)
        self.seen.append(X)
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


def test_the_block_that_is_read_is_the_one_that_matters(images) -> None:
    model = Looks(spot)
    found = run_probes(model, images, np.arange(700, 900), 0)
    by_loss = np.array(found.importance.log_loss)
    assert found.importance.block == 2
    assert by_loss.shape == (7, 7)
    assert np.unravel_index(by_loss.argmax(), by_loss.shape) == (2, 4)
    by_loss[2, 4] = 0
    assert np.abs(by_loss).max() < 1e-9
    # Half of the rows get the pixel of the other class.
    assert found.importance.error[2][4] == pytest.approx(0.5, abs=0.1)
    assert (found.rows, found.error) == (200, 0.0)
    assert found.log_loss == pytest.approx(-np.log(0.9), abs=1e-6)


def test_images_are_disturbed_more_and_more(images) -> None:
    found = run_probes(Looks(spot), images, np.arange(700, 900), 0)
    ways = {way.name: way for way in found.robustness}
    assert set(ways) == {"noise", "rotation", "shift", "occlusion"}
    for way in ways.values():
        assert len(way.strengths) == len(way.errors) == 3
        assert list(way.strengths) == sorted(way.strengths)
        assert way.errors[-1] > 0
    assert ways["shift"].errors[0] == pytest.approx(0.5, abs=0.1)


def test_the_column_that_is_read_is_the_one_that_matters(table) -> None:
    model = Looks(lambda X: X["tells"].fill_null(0).to_numpy() > 0.5)
    found = run_probes(model, table, np.arange(500, 800), 1)
    importance = found.importance
    by_loss = dict(zip((c for (c,) in importance.columns), importance.log_loss, strict=True))
    assert max(by_loss, key=by_loss.get) == "tells"
    assert by_loss["noise"] == by_loss["kind"] == 0
    ways = {way.name: way.errors for way in found.robustness}
    assert set(ways) == {"missing", "permuted"}
    # A missing value reads as class 0: half of the missing ones are wrong.
    np.testing.assert_allclose(ways["missing"], [0.05, 0.1, 0.2], atol=0.04)


def test_probes_are_the_same_again_and_alike_for_every_contender(images) -> None:
    one, other = Looks(spot), Looks(lambda X: X[:, 0] > 30)
    first = run_probes(one, images, np.arange(700, 900), 3)
    run_probes(other, images, np.arange(700, 900), 3)
    assert first == run_probes(Looks(spot), images, np.arange(700, 900), 3)
    for mine, theirs in zip(one.seen, other.seen, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    another = Looks(spot)
    run_probes(another, images, np.arange(700, 900), 4)
    assert any((a != b).any() for a, b in zip(one.seen, another.seen, strict=True))


def test_only_test_rows_are_looked_at_and_the_work_is_bounded(images, table) -> None:
    garbage = replace(images, X=images.X.copy(), y=images.y.copy())
    garbage.X[:700], garbage.y[:700] = 0, 0
    test = np.arange(700, 900)
    assert run_probes(Looks(spot), garbage, test, 0) == run_probes(Looks(spot), images, test, 0)
    many = Dataset(
        "many",
        np.zeros((9000, 28, 28), np.uint8),
        np.arange(9000) % 2,
        ("a", "b"),
    )
    model = Looks(lambda X: X[:, 0] > 30)
    run_probes(model, many, np.arange(9000), 0)
    assert model.rows <= probes.MOST_ROWS * 13 + probes.MOST_PREDICTIONS + 1000
    wide = pl.DataFrame(
        {f"c{i}": np.arange(300.0) % (i + 2) for i in range(450)} | {"y": np.arange(300) % 2}
    )
    data = source_from_arrays(wide, target="y").load()
    model = Looks(lambda X: X["c0"].fill_null(0).to_numpy() > 0)
    found = run_probes(model, data, np.arange(100, 300), 0)
    columns = found.importance.columns
    assert len(columns) <= probes.MOST_GROUPS
    assert [name for part in columns for name in part] == data.X.columns
    assert len(found.importance.log_loss) == len(columns)


def test_a_model_that_refuses_disturbed_rows_has_no_answer_there(table) -> None:
    def read(X):
        if X["tells"].null_count():
            raise ValueError("Input X contains NaN.")
        return X["tells"].to_numpy() > 0.5

    found = run_probes(Looks(read), table, np.arange(500, 800), 0)
    ways = {way.name: way.errors for way in found.robustness}
    assert ways["missing"] == (None,) * 3
    assert None not in ways["permuted"]
    assert from_plain(Probes, json.loads(to_json(found))) == found


def test_data_that_are_neither_are_left_alone() -> None:
    data = Dataset("toy", np.zeros((9, 4)), np.arange(9) % 2, ("a", "b"), 6)
    assert run_probes(Looks(lambda X: X[:, 0] > 0), data, np.arange(6, 9), 0) is None


def test_runs_are_put_together_by_their_means(images) -> None:
    one = run_probes(Looks(spot), images, np.arange(700, 900), 0)
    other = run_probes(Looks(lambda X: X[:, 0] > 30), images, np.arange(700, 900), 1)
    first, *more = other.robustness
    first = replace(first, errors=(None, *first.errors[1:]))
    other = replace(other, robustness=(first, *more))
    found = merge_probes([one, None, other])
    assert found.rows == 400
    assert found.robustness[0].errors[0] == one.robustness[0].errors[0]
    assert found.robustness[1].errors[2] == pytest.approx(
        (one.robustness[1].errors[2] + other.robustness[1].errors[2]) / 2
    )
    np.testing.assert_allclose(
        found.importance.log_loss,
        (np.array(one.importance.log_loss) + other.importance.log_loss) / 2,
    )
    assert merge_probes([None, None]) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda p: p["robustness"][0]["errors"].append(0.1),
        lambda p: p["robustness"][0]["errors"].__setitem__(0, 7),
        lambda p: p.pop("rows"),
        lambda p: p["importance"].update(log_loss=[1, 2]),
        lambda p: p["importance"].pop("error"),
        lambda p: p.update(importance=3),
        lambda p: p["importance"].update(block=None, columns=[["a"]]),
    ],
)
def test_what_is_no_probe_is_refused(images, spoil) -> None:
    found = to_plain(run_probes(Looks(spot), images, np.arange(700, 900), 0))
    spoil(found)
    with pytest.raises(UserError, match=r"expected|Expected|missing required"):
        from_plain(Probes, found)
