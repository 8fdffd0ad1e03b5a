"""Suites: results, interruption, failing data sets, refused folders."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from graduel.data.read.table_folder import list_tables
from graduel.data.source import open_source
from graduel.duel.duel_api import run_duel
from graduel.duel.result.result_builder import load_run
from graduel.duel.suite.suite_api import run_suite
from graduel.duel.suite.suite_plan import SUITE_RESULT, plan_suite
from graduel.duel.suite.suite_runner import SuiteObserver, build_suite_result, load_suite, run_plan
from graduel.errors import UserError
from graduel.metrics.metric import log_loss
from graduel.serialize import to_plain

NET = "layers=8 epochs=2 batch_size=16 lr=0.01"
OPTIONS = {
    "contenders": ["textbook", "net"],
    "net": NET,
    "quick": True,
    "split": "holdout",
    "threads": 1,
}
SECRET = "text of a single cell"


def write(path, seed=0, n=90, one_class=False):
    rng = np.random.default_rng(seed)
    y = np.zeros(n, int) if one_class else np.arange(n) % 2
    town = np.array(["Ulm", "Bonn", "Kiel"])[(y + rng.integers(2, size=n)) % 3].astype(object)
    town[5] = SECRET
    columns = {
        "age": (10 * y + rng.normal(20, 5, n)).round(2),
        "town": list(town),
        "label": [f"class {code}" for code in y],
    }
    pl.DataFrame(columns).write_csv(path)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "tables"
    folder.mkdir()
    for seed, name in enumerate("abc"):
        write(folder / f"{name}.csv", seed)
    (folder / "README.md").write_text("not a table")
    return folder


def suite_plan(tables, names="abc", **more):
    return plan_suite(
        [open_source(tables / f"{name}.csv", target="label") for name in names], **OPTIONS | more
    )


def test_rows_of_a_suite_are_capped_by_each_table(tables):
    plan = suite_plan(tables, quick=False, rows=60)
    assert [plan.protocol(member).rows for member in plan.members] == [60] * 3
    plan = suite_plan(tables, quick=False, rows=20_000)
    assert [plan.protocol(member).rows for member in plan.members] == [None] * 3


def timeless(result):
    result = to_plain(result)
    result["environment"].pop("finished")
    for line in result["datasets"]:
        for entry in line["contenders"].values():
            entry.pop("fit_seconds")
        for comparison in line["comparisons"]:
            comparison.pop("cost")
    return result


@pytest.fixture(scope="module")
def undisturbed(tables, tmp_path_factory):
    return run_plan(tmp_path_factory.mktemp("suites") / "whole", suite_plan(tables))


def test_a_suite_from_its_plan_to_its_result(undisturbed):
    result = load_suite(undisturbed.path).result
    assert result == undisturbed.result
    assert to_plain(result) == json.loads((undisturbed.path / SUITE_RESULT).read_text())
    assert [line.name for line in result.datasets] == ["a", "b", "c"]
    assert result.failures == ()
    for line in result.datasets:
        run = load_run(undisturbed.path / line.name)
        for name, entry in line.contenders.items():
            p = run.probabilities[name][0]
            assert entry.value == pytest.approx((p.argmax(axis=1) != run.y_test).mean())
        assert [c.verdict for c in line.comparisons] == [c.verdict for c in run.result.comparisons]
    (pair,) = result.across.pairs
    gaps = [
        line.contenders["textbook"].value - line.contenders["net"].value for line in result.datasets
    ]
    assert pair.wins == sum(gap < -0.01 for gap in gaps)
    assert pair.losses == sum(gap > 0.01 for gap in gaps)
    assert pair.wins + pair.ties + pair.losses == result.across.datasets == 3
    assert sum(result.across.ranks.values()) == pytest.approx(3)


def test_the_log_loss_of_the_same_fits_is_compared_too(undisturbed, tables):
    other = undisturbed.by_log_loss()
    values = {"textbook": [], "net": []}
    for line in other.result.datasets:
        run = load_run(undisturbed.path / line.name)
        for name, entry in line.contenders.items():
            p = run.probabilities[name][0]
            assert entry.value == pytest.approx(log_loss(p, run.y_test))
            assert entry.interval is None
            values[name].append(entry.value)
    assert other.result.protocol.metric == "log_loss"
    assert other.result.protocol.rope == 0.02
    assert other.result.across.metric == "log_loss"
    better = [a < b for a, b in zip(values["textbook"], values["net"], strict=True)]
    assert other.result.across.ranks["net"] == pytest.approx(1 + np.mean(better))
    assert other.by_log_loss() is None
    by_log_loss = suite_plan(tables, "ab", metric="log_loss")
    results = {name: load_run(undisturbed.path / name).result for name in "ab"}
    results = {name: measured(one, "log_loss") for name, one in results.items()}
    assert build_suite_result(by_log_loss, results, [], "test").by_log_loss is None


def measured(result, metric, values=None, **more):
    """Return the result of a duel as if another metric had led it."""
    contenders = {
        name: replace(entry, metric=entry.log_loss if values is None else values[name])
        for name, entry in result.contenders.items()
    }
    protocol = replace(result.protocol, metric=metric, **more)
    return replace(result, protocol=protocol, contenders=contenders)


def test_a_suites_duels_equal_single_duels(undisturbed, tables, tmp_path):
    path = tables / "b.csv"
    alone = run_duel(path, target="label", out=tmp_path / "b", **OPTIONS)
    within = load_run(undisturbed.path / "b")
    for name, p in alone.probabilities.items():
        np.testing.assert_array_equal(p, within.probabilities[name])


@pytest.mark.parametrize("cells", [1, 2])
def test_an_interrupted_suite_resumes(undisturbed, tables, tmp_path, cells):
    """Interrupt after `cells` cells: within a data set, and between two."""
    plan, done = suite_plan(tables, "ab"), []

    class Until(SuiteObserver):
        def watch(self, store, events):
            for event in events:
                if event.kind == "started" and len(done) == cells:
                    raise KeyboardInterrupt
                if event.kind == "finished":
                    done.append((store.path.name, event.cell.key))

    with pytest.raises(KeyboardInterrupt):
        run_plan(tmp_path / "s", plan, Until())
    assert not (tmp_path / "s" / SUITE_RESULT).exists()
    assert len(done) == cells
    kinds = []

    class Counting(SuiteObserver):
        def watch(self, store, events):
            kinds.extend(event.kind for event in events)

    suite = run_plan(tmp_path / "s", plan, Counting())
    assert kinds.count("reused") == cells
    assert kinds.count("finished") == 4 - cells
    whole = timeless(undisturbed.result)["datasets"][:2]
    assert timeless(suite.result)["datasets"] == whole


def test_a_suite_killed_in_its_second_data_set_resumes_to_the_same_result(
    tables, undisturbed, tmp_path
):
    folder = tmp_path / "s"
    args = [str(tables / f"{name}.csv") for name in "ab"]
    args += ["--target", "label", "--contenders", "textbook,net", "--net", NET, "--quick"]
    args += ["--split", "holdout", "--threads", "1", "--out", str(folder), "--json"]
    command = [sys.executable, "-m", "graduel", "duel", *args]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while not (folder / "b" / "cells" / "textbook-seed0").exists() and first.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.01)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "textbook-seed0: finished earlier" in again.stderr
    result = json.loads(again.stdout)
    assert result == json.loads((folder / SUITE_RESULT).read_text())
    assert timeless(result)["datasets"] == timeless(undisturbed.result)["datasets"][:2]
    page = (folder / "suite.html").read_text(encoding="utf-8")
    for secret in (SECRET, "Ulm", str(tmp_path), str(tables)):
        assert secret not in page
        assert secret not in json.dumps(result)


def test_a_failing_data_set_is_in_the_result_and_does_not_stop_the_others(tables, tmp_path):
    write(tmp_path / "one.csv", one_class=True)
    write(tmp_path / "good.csv", seed=4)
    pl.DataFrame({"x": [1, 2]}).write_csv(tmp_path / "other.csv")
    failures = []
    plan = plan_suite(
        [
            open_source(tmp_path / f"{name}.csv", target="label")
            for name in ("one", "good", "other")
        ],
        **OPTIONS,
    )

    class Failures(SuiteObserver):
        def fail(self, member, message):
            failures.append((member.name, message))

    suite = run_plan(tmp_path / "s", plan, Failures())
    assert [one.name for one in suite.result.failures] == ["one", "other"]
    assert [(one.name, one.message) for one in suite.result.failures] == failures
    assert "two classes" in failures[0][1]
    assert "label" in failures[1][1]
    assert [line.name for line in suite.result.datasets] == ["good"]
    assert suite.result.across is None
    assert str(tmp_path) not in json.dumps(to_plain(suite.result))
    assert not (tmp_path / "s" / "one").exists()
    assert timeless(run_plan(tmp_path / "s", plan).result) == timeless(suite.result)


def test_folders_that_are_not_this_suite_are_refused(tables, undisturbed, tmp_path):
    before = (undisturbed.path / "suite.json").read_bytes()
    for plan, why in (
        (suite_plan(tables, "ab"), "data sets there: a, b, c; here: a, b"),
        (suite_plan(tables, "cba"), "data sets there: a, b, c; here: c, b, a"),
        (suite_plan(tables, split="2x1"), "split 'holdout' there, '2x1' here"),
        (suite_plan(tables, metric="log_loss"), "metric None there, 'log_loss' here"),
        (suite_plan(tables, net=None), "net 'layers=8"),
    ):
        with pytest.raises(UserError, match="holds a different suite") as error:
            run_plan(undisturbed.path, plan)
        assert why in str(error.value)
    (tmp_path / "mine.txt").write_text("my own")
    with pytest.raises(UserError, match=r"other files \(mine.txt\)"):
        run_plan(tmp_path, suite_plan(tables))
    with pytest.raises(UserError, match="is a file"):
        run_plan(tmp_path / "mine.txt", suite_plan(tables))
    with pytest.raises(UserError, match=r"the folder of this suite; .* holds other files"):
        run_plan(undisturbed.path / "a", suite_plan(tables))
    assert (undisturbed.path / "suite.json").read_bytes() == before


def test_a_changed_file_is_refused(tables, tmp_path):
    write(tmp_path / "d.csv", seed=7)
    run_plan(
        tmp_path / "s", plan_suite([open_source(tmp_path / "d.csv", target="label")], **OPTIONS)
    )
    write(tmp_path / "d.csv", seed=8)
    changed = plan_suite([open_source(tmp_path / "d.csv", target="label")], **OPTIONS)
    with pytest.raises(UserError, match="d has changed since"):
        run_plan(tmp_path / "s", changed)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"contenders": ["xgbost"]}, "Did you mean 'xgboost'?"),
        ({"metric": "luck"}, "metric must be one of"),
        ({"split": "half"}, "split must be given"),
        ({"rope": 3}, "rope must be at least 0"),
        ({"net": "layer=8"}, "layer"),
        ({"seeds": 0}, "seeds must be at least 1"),
        ({"contenders": {"mine": object()}, "net": None}, "must be a classifier"),
    ],
)
def test_options_that_are_wrong_for_all_data_sets_are_refused_before_any_fit(
    tables, tmp_path, options, message
):
    with pytest.raises(UserError, match=message):
        run_suite(tables, target="label", out=tmp_path / "s", **OPTIONS | options)
    assert not (tmp_path / "s").exists()
    with pytest.raises(UserError, match="got none"):
        run_suite([], out=tmp_path / "s")


def test_data_in_memory_have_the_names_of_the_mapping(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = rng.normal(size=(60, 2)) + y[:, None]
    frame = pl.DataFrame({"x": X[:, 0], "label": [f"c{k}" for k in y]})
    suite = run_suite(
        {"Mine/1": (X, y), "mine-1": frame.rename({"label": "target"})},
        target="target",
        out=tmp_path / "s",
        **OPTIONS | {"contenders": ["textbook"], "net": None},
    )
    assert [one.name for one in suite.result.datasets] == ["Mine-1", "mine-1-2"]
    assert suite.result.across is None  # only one contender


def test_a_suite_with_user_contenders_and_trials(tables, tmp_path):
    from sklearn.dummy import DummyClassifier

    options = OPTIONS | {"net": None, "trials": 2}
    options["contenders"] = {"mine": DummyClassifier(), "logistic": None}
    suite = run_suite([tables / "a.csv", tables / "b.csv"], target="label", out=tmp_path, **options)
    assert suite.result.failures == ()
    assert suite.result.protocol.trials == 2
    assert set(suite.result.across.ranks) == {"mine", "logistic"}
    trials = load_run(tmp_path / "a").result.contenders["logistic"].trials
    assert [len(run) for run in trials] == [2]
    options["contenders"] = {"mine": DummyClassifier(strategy="uniform"), "logistic": None}
    with pytest.raises(UserError, match="other contenders of your own"):
        run_suite([tables / "a.csv", tables / "b.csv"], target="label", out=tmp_path, **options)


def test_a_suite_compares_by_the_users_metric(tables, undisturbed):
    duel = measured(
        load_run(undisturbed.path / "a").result,
        "auc",
        {"textbook": 0.8, "net": 0.9},
        metric_title="AUC",
        metric_unit="points",
    )
    plan = suite_plan(tables, "ab", metric="auc")
    result = build_suite_result(plan, {"a": duel, "b": duel}, [], "test")
    assert result.protocol.metric == "auc"
    assert result.protocol.rope == 0.005
    (pair,) = result.across.pairs
    assert pair.losses == 2
    assert pair.median_difference == pytest.approx(0.1)
    assert result.across.ranks == {"textbook": 2, "net": 1}


def test_folders_of_tables_and_of_images_are_distinguished(tables, tmp_path):
    assert [path.name for path in list_tables(tables)] == ["a.csv", "b.csv", "c.csv"]
    from PIL import Image

    shutil.copy(tables / "a.csv", tmp_path / "labels.csv")
    (tmp_path / ".hidden.csv").write_text("x")
    assert [path.name for path in list_tables(tmp_path)] == ["labels.csv"]
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        Image.new("L", (2, 2)).save(tmp_path / name / "1.png")
    assert list_tables(tmp_path) == []
    (tmp_path / "idx").mkdir()
    (tmp_path / "idx" / "train-images-idx3-ubyte").write_bytes(b"")
    shutil.copy(tables / "a.csv", tmp_path / "idx" / "labels.csv")
    assert list_tables(tmp_path / "idx") == []
    assert list_tables(tmp_path / "none") == []


def test_a_damaged_result_is_a_one_line_error(undisturbed, tmp_path):
    with pytest.raises(UserError, match=r"has no suite-result\.json"):
        load_suite(tmp_path)
    for text in ("{", "[]", '{"format": 2}', '{"format": 1}'):
        (tmp_path / SUITE_RESULT).write_text(text)
        with pytest.raises(UserError, match=r"suite-result\.json: (e|E|Invalid|Object)"):
            load_suite(tmp_path)
