"""Splits of user data into training, validation and test rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.data import Dataset
from graduel.data.schema_inference import infer_table
from graduel.data.source import DataSource
from graduel.duel.plan.design import Design, check_design, default_design
from graduel.duel.plan.protocol import Protocol
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.duel.plan.splits import (
    USER_VALID_SHARE,
    count_leaked_rows,
    renumber_groups,
    row_groups,
    stratified_positions,
)
from graduel.errors import UserError


def table(n=200, k=3, distinct=None, **more):
    rng = np.random.default_rng(n)
    x = rng.permutation(n) / 7 if distinct is None else rng.integers(distinct, size=n) / 7
    y = [f"class {i}" for i in rng.integers(k, size=n)]
    y[:k] = [f"class {i}" for i in range(k)]
    data = Dataset.from_table(infer_table(pl.DataFrame({"x": x, "y": y}), target="y"))
    return replace(data, **more)


def protocol(design, seeds=1, rows=None):
    return Protocol("own", {}, seeds=seeds, rows=rows, source={"name": "own"}, split=design)


def test_every_row_is_a_test_row_once_per_repeat():
    data, p = table(), protocol("4x3", seeds=2)
    assert p.runs == 24
    for repeat in range(3):
        for seed in range(2):
            runs = [2 * (4 * repeat + fold) + seed for fold in range(4)]
            tests = [p.split_rows(data, run).test for run in runs]
            np.testing.assert_array_equal(np.sort(np.concatenate(tests)), np.arange(200))
    folds = [frozenset(p.split_rows(data, 2 * fold).test.tolist()) for fold in range(12)]
    assert len(set(folds)) == 12  # folds differ between repeats


@settings(deadline=None, max_examples=60)
@given(
    n=st.integers(40, 300),
    k=st.integers(2, 6),
    distinct=st.one_of(st.none(), st.integers(20, 60)),
    design=st.sampled_from(["holdout", "3x2", "5x1"]),
    rows=st.one_of(st.none(), st.integers(20, 30)),
    data=st.data(),
)
def test_the_parts_share_no_row_and_no_rows_with_equal_features(n, k, distinct, design, rows, data):
    own, p = table(n, k, distinct), protocol(design, rows=rows)
    try:
        s = p.split_rows(own, data.draw(st.integers(0, p.runs - 1)))
    except UserError:  # 20 rows may form only two groups of equal rows
        assert rows is not None
        assert distinct is not None
        return
    everything = np.concatenate([s.train, s.valid, s.test])
    assert len(np.unique(everything)) == len(everything)
    n_pool = len(s.train) + len(s.valid)
    assert n_pool + len(s.test) == n or n_pool == rows
    same = row_groups(own)
    assert not np.intersect1d(same[s.test], same[np.r_[s.train, s.valid]]).size
    assert count_leaked_rows(own, s) == 0
    # A validation class without training rows consists of a single group of equal rows.
    valid = np.unique(own.y[s.valid])
    for missing in np.setdiff1d(valid, own.y[s.train]):
        assert len(np.unique(same[s.valid][own.y[s.valid] == missing])) == 1


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 99), sizes=st.lists(st.integers(1, 5), min_size=30, max_size=90))
def test_any_range_of_positions_is_a_stratified_sample_of_whole_groups(seed, sizes):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    y = (np.arange(len(sizes)) % 3)[groups]
    position = stratified_positions(y, groups, np.random.default_rng(seed))
    assert ((position >= 0) & (position < 1)).all()
    for group in range(len(sizes)):
        assert len(set(position[groups == group])) == 1
    for low, high in ((0.0, 0.2), (0.3, 0.8)):
        chosen = (position >= low) & (position < high)
        for code in range(3):
            expected = (high - low) * (y == code).sum()
            assert abs((chosen & (y == code)).sum() - expected) <= 5 + 1


def test_groups_are_not_divided():
    groups = np.random.default_rng(0).integers(30, size=200)
    data = table(groups=groups)
    for run in range(5):
        s = protocol("5x1").split_rows(data, run)
        assert not np.intersect1d(groups[s.test], groups[np.r_[s.train, s.valid]]).size
        assert not np.intersect1d(groups[s.train], groups[s.valid]).size


@pytest.mark.parametrize("moments", [200, 12, 3])
def test_time_makes_the_latest_rows_test_rows_and_those_before_validation_rows(moments):
    times = np.random.default_rng(1).integers(moments, size=200)
    s = protocol("holdout").split_rows(table(times=times), 0)
    assert times[s.train].max() < times[s.valid].min()
    assert times[s.valid].max() < times[s.test].min()
    if moments == 200:
        assert 38 <= len(s.test) <= 44
        assert abs(len(s.valid) - USER_VALID_SHARE * (200 - len(s.test))) < 4
        late = protocol("holdout", rows=60).split_rows(table(times=times), 0)
        before = np.sort(times[np.r_[s.train, s.valid]])
        np.testing.assert_array_equal(np.sort(times[np.r_[late.train, late.valid]]), before[-60:])


def test_seeds_differ_in_validation_rows_and_share_subsample_and_test_rows():
    data, p = table(), protocol("holdout", seeds=2, rows=100)
    a, again, b = p.split_rows(data, 0), p.split_rows(data, 0), p.split_rows(data, 1)
    np.testing.assert_array_equal(a.valid, again.valid)
    np.testing.assert_array_equal(a.test, b.test)
    assert set(a.valid) != set(b.valid)
    assert set(a.valid) | set(a.train) == set(b.valid) | set(b.train)
    assert len(a.train) + len(a.valid) == 100


def test_classes_with_a_single_row_are_kept():
    y = np.r_[np.zeros(60, int), np.ones(60, int), np.arange(2, 12)]
    names = [f"c{i:02}" for i in y]
    frame = pl.DataFrame({"x": np.arange(130) / 3, "y": names})
    data = Dataset.from_table(infer_table(frame, target="y"))
    tested = [protocol("5x1").split_rows(data, run).test for run in range(5)]
    np.testing.assert_array_equal(np.sort(np.concatenate(tested)), np.arange(130))


def test_a_given_split_is_kept():
    data = table(n_train=150)
    s = protocol("given").split_rows(data, 0)
    np.testing.assert_array_equal(s.test, np.arange(150, 200))
    assert np.r_[s.train, s.valid].max() == 149


def test_leaked_rows_are_counted():
    data = table(n_train=100, distinct=5)
    s = protocol("given").split_rows(data, 0)
    x = data.X["x"].to_numpy()
    assert count_leaked_rows(data, s) == np.isin(x[s.test], x[:100]).sum() > 0


def test_images_are_split_by_the_same_rules():
    rng = np.random.default_rng(0)
    X = np.repeat(rng.integers(0, 256, size=(50, 3, 3), dtype=np.uint8), 2, axis=0)
    data = Dataset("own", X, np.arange(100) // 2 % 2, ("a", "b"))
    s = protocol("holdout").split_rows(data, 0)
    assert count_leaked_rows(data, s) == 0
    assert len(s.test) == pytest.approx(20, abs=2)


def test_default_designs():
    few, many = table(), table(6000)
    assert str(default_design(few, quick=False)) == "5x2"
    assert str(default_design(few, quick=True)) == "5x1"
    assert str(default_design(many, quick=True)) == "holdout"
    assert str(default_design(replace(few, n_train=9), quick=True)) == "given"
    assert str(default_design(replace(few, times=np.arange(200)), quick=True)) == "holdout"


@pytest.mark.parametrize("text", ["", "5x", "1x2", "21x1", "5x99", "half", "x", "-5x1"])
def test_invalid_designs_are_refused(text):
    with pytest.raises(UserError, match="split must be given, shuffle, or folds"):
        Design.parse(text)


@pytest.mark.parametrize(
    ("design", "more", "message"),
    [
        ("given", {}, "needs a data set with its own test rows"),
        ("5x2", {"times": np.arange(200)}, "needs --split holdout; got --split 5x2"),
        (
            "5x2",
            {"groups": np.arange(200) % 3},
            "at least 5 groups for --split 5x2; got one with 3",
        ),
    ],
)
def test_designs_that_the_data_do_not_allow_are_refused(design, more, message):
    with pytest.raises(UserError, match=message):
        check_design(Design.parse(design), table(**more))
    with pytest.raises(UserError, match="--split holdout needs at least 10 rows"):
        check_design(Design("holdout"), table(8))


def test_too_few_rows_are_refused():
    with pytest.raises(UserError, match="too few rows to split"):
        protocol("holdout").split_rows(table(20, 2, times=np.zeros(20, int)), 0)


def test_groups_are_numbered_by_first_appearance():
    groups = renumber_groups(np.array(["b", "a", "b", "c"]))
    assert groups.tolist() == [0, 1, 0, 2]


@pytest.mark.parametrize(("text", "splits", "n_test"), [("shuffle", 1, 14_000), ("5x1", 5, 14_000)])
def test_built_in_data_can_be_resplit(mnist, text, splits, n_test):
    p = build_protocol(DataSource.builtin("mnist"), split=text, threads=1)
    assert p.splits == splits
    assert p.rope == build_protocol(DataSource.builtin("mnist"), threads=1).rope
    tests = [p.split_rows(mnist, run) for run in range(splits)]
    for s in tests:
        everything = np.concatenate([s.train, s.valid, s.test])
        assert len(np.unique(everything)) == len(everything) == 70_000
        assert len(s.test) == pytest.approx(n_test, abs=10)
        share = np.bincount(mnist.y[s.test]) / len(s.test)
        np.testing.assert_allclose(share, np.bincount(mnist.y) / 70_000, atol=0.001)
        assert (s.test < 60_000).any()
        assert (s.test >= 60_000).any()
    assert len(np.unique(np.concatenate([s.test for s in tests]))) == sum(
        len(s.test) for s in tests
    )


def test_synonyms_of_a_split_give_equal_digests():
    given, shuffled = (
        build_protocol(DataSource.builtin("mnist"), threads=1),
        build_protocol(DataSource.builtin("mnist"), split="shuffle", threads=1),
    )
    assert (
        build_protocol(DataSource.builtin("mnist"), split="given", threads=1).digest == given.digest
    )
    assert (
        build_protocol(DataSource.builtin("mnist"), split="holdout", threads=1).digest
        == shuffled.digest
        != given.digest
    )
    with pytest.raises(UserError, match="split must be given, shuffle, or folds"):
        build_protocol(DataSource.builtin("mnist"), split="sideways", threads=1)
    with pytest.raises(UserError, match="rows must be between 2 and 56,0"):
        build_protocol(DataSource.builtin("mnist"), split="shuffle", rows=60_000, threads=1)
    assert (
        build_protocol(DataSource.builtin("mnist"), split="shuffle", rows=500, threads=1).rows
        == 500
    )


def test_a_duel_on_resplit_built_in_data(tmp_path):
    from graduel import run_duel

    run = run_duel(
        "mnist", contenders=["logistic"], split="shuffle", rows=300, threads=1, out=tmp_path / "run"
    )
    assert run.result.protocol.split == "holdout"
    assert run.result.known_best is None
    assert len(run.images) == len(run.y_test) == run.result.dataset.n_test
    assert run.result.contenders["logistic"].test_error < 0.4
