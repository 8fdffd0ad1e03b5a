"""Learning curves over training-set size: nested training rows, and crossings."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.data.source import DataSource, open_source
from graduel.duel.duel_api import run_duel
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.duel.result.duel_result import read_result
from graduel.duel.result.result_builder import load_run
from graduel.duel.suite.training_sizes import parse_sizes, plan_sizes
from graduel.duel.verdict.crossing import compare_sizes
from graduel.duel.verdict.types import Crossing
from graduel.errors import UserError

VERDICTS = ("a better", "b better", "practically equal", "undecided")


@pytest.fixture(scope="module")
def csv(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "mine.csv"
    rng = np.random.default_rng(0)
    y = np.arange(200) % 3
    pl.DataFrame(
        {
            "x": (y + 0.4 * rng.normal(size=200)).round(3),
            "z": rng.normal(size=200).round(3),
            "label": [f"class {k}" for k in y],
        }
    ).write_csv(path)
    return path


def training_and_test_rows(protocol, data, run=0):
    rows = protocol.split_rows(data, run)
    return set(np.r_[rows.train, rows.valid].tolist()), rows.test


@settings(deadline=None, max_examples=15)
@given(sizes=st.lists(st.integers(100, 59_999), min_size=2, max_size=4, unique=True))
def test_rows_of_a_smaller_size_are_a_subset_of_those_of_a_larger_one(mnist, sizes):
    base = build_protocol(DataSource.builtin("mnist"), threads=1)
    parts = [training_and_test_rows(replace(base, rows=size), mnist) for size in sorted(sizes)]
    for size, (rows, _) in zip(sorted(sizes), parts, strict=True):
        assert len(rows) == size
        counts = np.bincount(mnist.y[sorted(rows)], minlength=10)
        share = np.bincount(mnist.y[:60_000]) / 60_000
        assert (abs(counts - size * share) <= 1.5).all()  # stratified
    for (smaller, test), (larger, same) in pairwise(parts):
        assert smaller < larger
        np.testing.assert_array_equal(test, same)


@pytest.mark.parametrize("design", ["holdout", "3x1"])
def test_sizes_are_nested_on_tables_in_every_fold(csv, design):
    source = open_source(csv, target="label")
    data = source.load()
    for run in range(1 if design == "holdout" else 3):
        parts = [
            training_and_test_rows(
                build_protocol(source, split=design, rows=rows, threads=1), data, run
            )
            for rows in (30, 70, 120)
        ]
        for (smaller, test), (larger, same) in pairwise(parts):
            assert smaller < larger
            np.testing.assert_array_equal(test, same)


def test_a_duel_at_several_sizes_resumes(csv, tmp_path):
    options = {
        "target": "label",
        "contenders": ["textbook", "net"],
        "quick": True,
        "split": "holdout",
        "threads": 1,
        "out": tmp_path / "run",
    }
    run = run_duel(csv, sizes=[40, 90], **options)
    curve = run.result.learning_curve
    assert curve.sizes == (40, 90, 161)
    for name, entry in curve.contenders.items():
        assert entry.test_errors[-1] == run.result.contenders[name].test_error
        for size, error, (low, high) in zip(
            curve.sizes, entry.test_errors, entry.test_error_intervals, strict=True
        ):
            assert low <= error <= high
            if size < 161:
                part = load_run(tmp_path / "run" / "sizes" / str(size))
                np.testing.assert_array_equal(part.y_test, run.y_test)
                assert error == part.result.contenders[name].test_error
                assert part.result.protocol.rows == size
    assert [one.verdicts[-1] for one in curve.pairs] == [run.result.comparisons[0].verdict]
    # The state after a killed process: one size without its last cell.
    before = (
        tmp_path / "run" / "sizes" / "90" / "cells" / "net-seed0" / "outcome.json"
    ).read_bytes()
    interrupted = tmp_path / "run" / "sizes" / "40"
    (interrupted / "result.json").unlink()
    for file in (interrupted / "cells" / "net-seed0").iterdir():
        file.unlink()
    (interrupted / "cells" / "net-seed0").rmdir()
    again = run_duel(csv, sizes="40,90", **options)
    same = again.result.learning_curve
    assert [e.test_errors for e in same.contenders.values()] == [
        e.test_errors for e in curve.contenders.values()
    ]
    assert same.pairs == curve.pairs
    file = tmp_path / "run" / "sizes" / "90" / "cells" / "net-seed0" / "outcome.json"
    assert file.read_bytes() == before
    assert read_result(tmp_path / "run") == again.result
    # Without --sizes, the curve of the existing sizes is kept.
    assert run_duel(csv, **options).result.learning_curve is not None
    assert load_run(tmp_path / "run" / "sizes" / "40").result.learning_curve is None


def test_invalid_sizes_are_refused(csv):
    source = open_source(csv, target="label")
    main, data = build_protocol(source, split="holdout", threads=1), source.load()

    def replan(size):
        return build_protocol(source, split="holdout", rows=size, threads=1)

    assert list(
        plan_sizes(None, build_protocol(DataSource.builtin("mnist"), threads=1), *mnist_of())
    ) == [
        230,
        940,
        3800,
        15000,
    ]
    for sizes, message in (
        ((161,), "below 161, the training rows"),
        ((1,), "rows must be between 2 and 161"),
        ((2,), "too few rows to split"),
        (None, "--sizes auto needs more than 161 training rows"),
    ):
        with pytest.raises(UserError, match=message):
            plan_sizes(sizes, main, data, replan)
    for text in ("", "many", "1.5", "-3", "10;20", "9" * 20):
        with pytest.raises(UserError, match="--sizes must be numbers"):
            parse_sizes(text)
    assert parse_sizes(" AUTO") is None
    assert parse_sizes("2_000,500,500") == (500, 2000)


def mnist_of():
    from graduel.data import load_dataset

    return load_dataset("mnist"), lambda size: build_protocol(
        DataSource.builtin("mnist"), rows=size, threads=1
    )


TITLES = {"a": "my trees", "b": "NumPy network"}


def compare(*points, sizes=(100, 1000, 10_000)):
    differences, verdicts = zip(*points, strict=True)
    return compare_sizes("a", "b", sizes, verdicts, differences, TITLES)


def test_a_crossing_needs_a_verdict_on_both_sides():
    curve = compare((-0.02, "a better"), (-0.01, "undecided"), (0.03, "b better"))
    assert curve.crossing == Crossing(round(1000 * 10**0.25), (100, 10_000), "a", "b")
    assert curve.sentence == (
        "my trees is better at 100 training rows, the NumPy network at 10,000: the curves cross at "
        "about 1,800."
    )
    curve = compare((-0.02, "a better"), (-0.01, "undecided"), (0.03, "undecided"))
    assert curve.crossing is None
    assert "no crossing found. my trees is better at 1 of 3 sizes." in curve.sentence
    assert "changes sign, but by amounts that may be due to chance" in curve.sentence
    curve = compare((-0.02, "a better"), (-0.01, "a better"), (0.001, "practically equal"))
    assert curve.crossing is None
    curve = compare((0.02, "b better"), (0.01, "b better"), (0.03, "b better"))
    assert curve.sentence.endswith("The NumPy network is better at every size.")
    curve = compare((-0.02, "a better"), (0.01, "b better"), (-0.03, "a better"))
    assert "cross more than once" in curve.sentence


@settings(deadline=None)
@given(
    drawn=st.lists(st.tuples(st.floats(-1, 1), st.sampled_from(VERDICTS)), min_size=2, max_size=6),
    start=st.integers(2, 50),
)
def test_a_crossing_always_lies_between_its_ends(drawn, start):
    points = []
    for difference, verdict in drawn:
        # A verdict "better" implies the sign of the difference.
        if verdict == "a better":
            difference = -abs(difference) or -0.1
        elif verdict == "b better":
            difference = abs(difference) or 0.1
        points.append((difference, verdict))
    sizes = [start * 3**i for i in range(len(points))]
    curve = compare(*points, sizes=sizes)
    decided = {verdict for verdict in curve.verdicts if "better" in verdict}
    assert (curve.crossing is None) == (len(decided) < 2)
    if (crossing := curve.crossing) is not None:
        low, high = crossing.between
        assert low <= crossing.rows <= high
        assert {crossing.before, crossing.after} == {"a", "b"}
        winner = {"a better": "a", "b better": "b"}
        assert winner[curve.verdicts[sizes.index(low)]] == crossing.before
        assert winner[curve.verdicts[sizes.index(high)]] == crossing.after
