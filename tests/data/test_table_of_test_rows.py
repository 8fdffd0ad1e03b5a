"""A table of test rows: the schema of the training rows, applied, not inferred again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel import run_duel
from graduel.data.load import load
from graduel.data.source import open_source, source_from_arrays
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.errors import UserError


def write(folder, name, frame):
    path = folder / f"{name}.csv"
    frame.write_csv(path)
    return path


def table(n, seed, *, letters="ab", labels=("no", "yes")):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "x": rng.normal(size=n).round(3),
            "c": rng.choice(list(letters), n),
            "n": rng.integers(0, 50, n),
            "y": np.array(labels)[np.arange(n) % len(labels)],
        }
    )


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000), st.integers(25, 60), st.integers(2, 12), st.data())
def test_training_rows_are_as_without_a_test_table(tmp_path_factory, seed, n, m, data):
    """No content or column order of the test table changes a training row or type."""
    folder = tmp_path_factory.mktemp("tables")
    test = table(m, seed + 1, letters=data.draw(st.sampled_from(["a", "ab", "bc", "xyz"])))
    test = test.select(data.draw(st.permutations(test.columns)))
    if data.draw(st.booleans()):
        test = test.with_columns(pl.lit(7).alias("more"), pl.col("n") + 0.5)
    train = write(folder, "train", table(n, seed))
    alone = open_source(train, target="y").load()
    both = open_source(train, target="y", test=write(folder, "test", test)).load()
    assert both.n_train == n
    assert len(both.y) == n + m
    assert both.classes == alone.classes
    assert [(c.name, c.kind) for c in both.columns] == [(c.name, c.kind) for c in alone.columns]
    assert both.X[:n].cast(alone.X.schema).equals(alone.X)
    assert both.y[:n].tolist() == alone.y.tolist()
    assert [both.classes[k] for k in both.y[n:]] == test["y"].to_list()
    np.testing.assert_allclose(both.X["x"][n:].to_numpy(), test["x"].to_numpy())
    assert both.inferred_table.rows[n:].tolist() == list(range(m))


def test_notes_list_the_differences(tmp_path):
    train = write(tmp_path, "train", table(40, 0))
    test = table(6, 1, letters="abz").with_columns(
        pl.Series("c", ["a", "z", "q", "z", "b", "a"]),
        pl.Series("y", ["no", None, "yes", "no", "yes", "no"]),
        pl.lit(1).alias("more"),
    )
    data = open_source(train, target="y", test=write(tmp_path, "test", test)).load()
    notes = " / ".join(data.inferred_table.notes)
    assert "5 rows of test.csv are the test rows" in notes
    assert "1 row of test.csv without a target is dropped" in notes
    assert "ignored: 'more'" in notes
    assert "lack, in 2 rows: 'q', 'z'" in notes


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda t: t.drop("c"), "test.csv: expected 3 columns; 1 of them is not .*'c'"),
        (lambda t: t.drop("y"), "test.csv: expected the target 'y'.*the columns 'x', 'c', 'n'"),
        (
            lambda t: t.with_columns(pl.lit("maybe").alias("y")),
            "classes .*'no', 'yes'; got 'maybe'",
        ),
        (lambda t: t.with_columns(pl.lit("many").alias("n")), "test.csv: column 'n': expected num"),
        (
            lambda t: t.with_columns(pl.lit(None).alias("y")),
            "test.csv: expected rows with a target",
        ),
    ],
)
def test_a_test_table_that_differs_is_refused(tmp_path, change, match):
    train, test = table(40, 0), change(table(6, 1))
    source = open_source(
        write(tmp_path, "train", train), target="y", test=write(tmp_path, "test", test)
    )
    with pytest.raises(UserError, match=match) as caught:
        source.load()
    assert "\n" not in str(caught.value)


def test_ranges_of_numbers_are_those_of_the_training_rows(tmp_path):
    train, test = (
        write(tmp_path, name, pl.DataFrame({"x": np.arange(n) / 7, "y": np.arange(n) * 1.5}))
        for name, n in (("train", 60), ("test", 90))
    )
    data = open_source(train, target="y", bins=3, test=test).load()
    alone = open_source(train, target="y", bins=3).load()
    assert data.classes == alone.classes
    assert data.y[60:120].tolist() == alone.y.tolist()
    assert set(data.y[120:].tolist()) == {2}


def test_groups_are_one_column_over_both_tables(tmp_path):
    train = table(40, 0).with_columns(pl.Series("g", np.arange(40) // 4))
    test = table(6, 1).with_columns(pl.Series("g", [0, 0, 1, 99, 99, 98]))
    paths = write(tmp_path, "train", train), write(tmp_path, "test", test)
    data = open_source(paths[0], target="y", group="g", test=paths[1]).load()
    assert data.groups[40] == data.groups[0]
    assert data.groups[43] not in data.groups[:40]


def test_options_that_conflict_with_a_test_table(tmp_path):
    train, test = write(tmp_path, "train", table(60, 0)), write(tmp_path, "test", table(9, 1))
    with pytest.raises(UserError, match="--time makes the latest rows"):
        open_source(train, target="y", time="n", test=test)
    source = open_source(train, target="y", test=test)
    with pytest.raises(UserError, match="--split: expected given with a test table; got 5x2"):
        build_protocol(source, split="5x2", threads=1)
    assert build_protocol(source, threads=1).split == "given"
    (tmp_path / "test.csv").write_text("changed")
    load.cache_clear()
    with pytest.raises(UserError, match=r"test\.csv has changed since"):
        source.load()
    with pytest.raises(UserError, match="no such"):
        open_source(train, target="y", test=tmp_path / "none.csv")


@pytest.mark.parametrize("kind", ["arrays", "polars", "pandas", "target", "images"])
def test_test_rows_in_memory(kind):
    train, test = table(40, 0), table(8, 1)
    if kind == "images":
        X, X_test = np.zeros((40, 4, 4), np.uint8), np.ones((8, 4, 4), np.uint8)
        source = source_from_arrays(
            X, train["y"].to_list(), X_test=X_test, y_test=test["y"].to_list()
        )
    elif kind == "target":
        source = source_from_arrays(train, X_test=test, target="y")
    else:
        convert = {
            "arrays": lambda t: t.select("x", "n").to_numpy(),
            "polars": lambda t: t.drop("y"),
            "pandas": lambda t: pd.DataFrame(t.drop("y").to_dict(as_series=False)),
        }[kind]
        source = source_from_arrays(
            convert(train), train["y"].to_list(), X_test=convert(test), y_test=test["y"].to_list()
        )
    data = source.load()
    assert data.n_train == 40
    assert [data.classes[k] for k in data.y] == [*train["y"], *test["y"]]
    if kind == "polars":
        assert data.X["x"].to_list() == [*train["x"], *test["x"]]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"X_test": np.ones((2, 3))}, "given together"),
        ({"y_test": [0, 1]}, "y_test needs X_test"),
        ({"X_test": np.ones((2, 2)), "y_test": [0, 1]}, "lacks 'f2'"),
        ({"X_test": np.ones((2, 4)), "y_test": [0, 1]}, "also has 'f3'"),
        ({"X_test": np.ones((2, 3, 3)), "y_test": [0, 1]}, "must be like X"),
        ({"X_test": np.ones((2, 3)), "y_test": [0, 7]}, "classes of the training rows"),
    ],
)
def test_wrong_test_rows_in_memory(options, match):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), np.arange(40) % 2
    with pytest.raises(UserError, match=match):
        source_from_arrays(X, y, **options).load()
    with pytest.raises(UserError, match="features in memory"):
        run_duel("iris", X_test=X)


def test_a_duel_on_given_test_rows_reports_duplicates(tmp_path, capsys):
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(80, 3)), np.arange(80) % 2
    X_test, y_test = np.concatenate([X[:5], rng.normal(size=(15, 3))]), np.arange(20) % 2
    run = run_duel(
        X,
        y,
        X_test=X_test,
        y_test=y_test,
        contenders=["textbook"],
        threads=1,
        probes=False,
        out=tmp_path / "run",
    )
    assert run.y_test.tolist() == y_test.tolist()
    assert run.rows.tolist() == list(range(20))
    data = run.result.dataset
    assert (data.n_train + data.n_valid, data.n_test, data.in_both) == (80, 20, 5)
    [leak] = [one for one in data.warnings if one.code == "GRD011"]
    assert leak.message.startswith("5 of 20 test rows have the same features")
