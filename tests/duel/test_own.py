"""The user's own contenders: from Python and from a module, on tables and images; errors."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

import graduel
from graduel.cli import main
from graduel.contenders import Budget, make_contender
from graduel.data import Dataset
from graduel.data.source import DataSource, source_from_arrays
from graduel.duel.plan.duel_checks import check_estimators
from graduel.duel.plan.protocol import Cell
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.duel.plan.splits import Split
from graduel.duel.plan.user_estimators import (
    describe_estimator,
    load_contender,
    parse_contenders,
)
from graduel.duel.result.duel_result import BudgetSummary
from graduel.duel.run.cell import run_cell
from graduel.errors import UserError

ROWS = Split(np.arange(120), np.arange(120, 160), np.arange(160, 200))


def table(n=200, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    town = np.array(["Ulm", "Bonn", "Kiel"], object)[(y + rng.integers(2, size=n)) % 3]
    town[::17] = None
    age = np.round(10 * y + rng.normal(20, 4, size=n), 1)
    return pl.DataFrame(
        {
            "age": [None if i % 13 == 0 else float(v) for i, v in enumerate(age)],
            "town": list(town),
            "member": [None if i % 11 == 0 else bool(v) for i, v in enumerate(y % 2)],
            "label": [f"class {code}" for code in y],
        }
    )


def fit(estimator, data, rows=ROWS, **options):
    one = describe_estimator("mine", estimator, **options)
    recipe = json.loads(
        json.dumps(
            build_protocol(
                DataSource.builtin("mnist"), user_contenders=[one], threads=1
            ).contenders["mine"]
        )
    )
    made = make_contender("mine", "user", recipe["recipe"], "error", one.pickled())
    return run_cell(made, data, rows, Cell("mine", 0), Budget(1))


class RecordingClassifier(ClassifierMixin, BaseEstimator):
    """A classifier that records its training data and always predicts the first class."""

    def fit(self, X, y):
        self.X_, self.y_, self.classes_ = X, y, np.unique(y)
        return self

    def predict_proba(self, X):
        return np.eye(len(self.classes_))[np.zeros(len(X), int)]

    def predict(self, X):
        return self.classes_[np.zeros(len(X), int)]


def test_a_table_is_passed_as_a_float32_matrix():
    data = source_from_arrays(table(), target="label").load()
    outcome, _ = fit(GaussianNB(), data)
    assert (outcome.probabilities.argmax(axis=1) != data.y[ROWS.test]).mean() < 0.4
    _, fitted = fit(RecordingClassifier(), data)
    X = fitted.model.X_
    assert X.dtype == np.float32
    assert np.isfinite(X).all()
    assert X.shape[1] == len(fitted.prepare.preparation.names)


def test_an_estimator_that_selects_columns_gets_a_dataframe():
    pd = pytest.importorskip("pandas")
    data = source_from_arrays(table(), target="label").load()
    columns = ColumnTransformer(
        [("n", StandardScaler(), ["age"]), ("c", OneHotEncoder(handle_unknown="ignore"), ["town"])]
    )
    from sklearn.ensemble import HistGradientBoostingClassifier

    dense = ColumnTransformer(
        [("n", "passthrough", ["age", "member"])], verbose_feature_names_out=False
    )
    outcome, _ = fit(make_pipeline(dense, HistGradientBoostingClassifier(max_iter=5)), data)
    assert outcome.probabilities.shape == (40, 3)
    assert describe_estimator("mine", make_pipeline(columns, SVC())).recipe.takes == "frame"
    classifier = RecordingClassifier()
    classifier.takes = "frame"
    assert describe_estimator("mine", classifier).recipe.takes == "frame"

    class WithTakes(RecordingClassifier):
        takes = "frame"

    _, fitted = fit(WithTakes(), data)
    X = fitted.model.X_
    assert isinstance(X, pd.DataFrame)
    assert list(X.columns) == ["age", "town", "member"]
    assert X["age"].dtype == np.float64
    assert X["age"].isna().sum() == sum(i % 13 == 0 for i in range(120))
    assert X["town"].isna()[0]
    assert X["town"][1] in ("Ulm", "Bonn", "Kiel")
    assert set(X["member"].dropna()) == {0.0, 1.0}


def test_pixels_are_passed_flat_and_scaled_to_0_to_1():
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    X = rng.integers(0, 256, size=(200, 3, 3), dtype=np.uint8)
    data = Dataset("toy", X, y, ("a", "b"))
    _, fitted = fit(RecordingClassifier(), data)
    np.testing.assert_allclose(fitted.model.X_, X[:120].reshape(120, 9) / 255, atol=1e-7)


def test_unset_seeds_and_threads_are_filled_and_set_ones_are_kept():
    data = source_from_arrays(table(), target="label").load()
    _, one = fit(DecisionTreeClassifier(max_features=1), data)
    _, two = fit(DecisionTreeClassifier(max_features=1), data)
    assert one.to_bytes() == two.to_bytes()
    assert isinstance(one.model.random_state, int)
    _, mine = fit(DecisionTreeClassifier(random_state=7), data)
    assert mine.model.random_state == 7
    _, lines = fit(make_pipeline(StandardScaler(), LogisticRegression()), data)
    assert isinstance(lines.model[-1].random_state, int)


def test_garbage_in_the_test_rows_does_not_change_the_model(tmp_path):
    data = source_from_arrays(table(), target="label").load()
    where = np.zeros(200, bool)
    where[ROWS.test] = True
    X = data.X.with_columns(
        age=pl.when(pl.Series(where)).then(1e9).otherwise(pl.col("age")),
        town=pl.when(pl.Series(where)).then(pl.lit("nowhere")).otherwise(pl.col("town")),
    )
    spoiled = replace(data, X=X, y=np.where(where, (data.y + 1) % 3, data.y))

    class FrameClassifier(DecisionTreeClassifier):
        takes = "frame"

        def fit(self, X, y):
            return super().fit(X[["age", "member"]], y)

        def predict_proba(self, X):
            return super().predict_proba(X[["age", "member"]])

    for estimator in (DecisionTreeClassifier(max_features=2), FrameClassifier()):
        one, two = fit(estimator, data), fit(estimator, spoiled)
        trees = [fitted.model.tree_.__getstate__() for _, fitted in (one, two)]
        for key, value in trees[0].items():
            np.testing.assert_array_equal(value, trees[1][key])
        assert one[1].prepare.to_bytes() == two[1].prepare.to_bytes()


def test_without_predict_proba_the_predicted_class_gets_probability_1():
    data = source_from_arrays(table(), target="label").load()
    outcome, _ = fit(RidgeClassifier(), data)
    assert set(np.unique(outcome.probabilities)) == {0.0, 1.0}
    assert "no predict_proba" in outcome.details["probabilities"]
    one = describe_estimator("ridges", RidgeClassifier())
    (finding,) = check_estimators([one], "none")
    assert finding.code == "GRD012"
    assert "ridges has no predict_proba" in finding.message
    (_, second) = check_estimators([one], "trials")
    assert (second.code, second.severity) == ("GRD013", "info")
    assert "no search space" in second.message


def test_a_class_without_training_rows_gets_probability_0():
    data = source_from_arrays(table(), target="label").load()
    rows = replace(ROWS, train=ROWS.train[data.y[ROWS.train] != 1])
    outcome, _ = fit(GaussianNB(), data, rows)
    assert outcome.probabilities.shape == (40, 3)
    assert (outcome.probabilities[:, 1] == 0).all()


class Refuses(RecordingClassifier):
    def fit(self, X, y):
        raise ValueError("two\nlines")


class TooMany(RecordingClassifier):
    def predict_proba(self, X):
        return np.ones((len(X), 99))


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (Refuses(), "Refuses raised ValueError: two lines"),
        (TooMany(), r"TooMany raised ValueError: predict_proba must return shape \(40, 3\)"),
    ],
)
def test_an_exception_of_a_classifier_becomes_a_one_line_error(estimator, message):
    with pytest.raises(UserError, match=message):
        fit(estimator, source_from_arrays(table(), target="label").load())


@pytest.mark.parametrize(
    ("title", "estimator", "message"),
    [
        ("mine", 3, "must be a classifier with fit and predict"),
        ("mine", StandardScaler(), "must be a classifier with fit and predict"),
        ("net", GaussianNB(), "give yours another name"),
        ("…", GaussianNB(), "must contain letters or digits"),
        ("mine", lambda: 1 / 0, "calling it raised ZeroDivisionError"),
    ],
)
def test_invalid_estimators_are_refused(title, estimator, message):
    with pytest.raises(UserError, match=message):
        describe_estimator(title, estimator)


def test_an_estimator_for_another_kind_of_target_is_refused():
    with pytest.raises(UserError, match=r"must be a classifier; got a regressor\. The target has"):
        describe_estimator("mine", Ridge()).check_task("classification")
    with pytest.raises(UserError, match=r"must be a regressor; got a classifier\. The target is"):
        describe_estimator("mine", GaussianNB()).check_task("regression")


def test_a_space_with_an_unknown_parameter_is_refused():
    with pytest.raises(UserError, match="'D', which is not one of its parameters"):
        describe_estimator("mine", SVC(), {"D": (0.1, 1.0)})


def test_an_estimator_that_cannot_be_pickled_is_refused():
    model = SVC()
    model.lock = __import__("threading").Lock()
    with pytest.raises(UserError, match="cannot be pickled for the worker process"):
        describe_estimator("mine", model).pickled()


def test_equal_estimators_have_equal_digests():
    def digest(estimator):
        return build_protocol(
            DataSource.builtin("mnist"),
            user_contenders=[describe_estimator("mine", estimator)],
            threads=1,
        ).digest

    assert digest(SVC(C=2)) == digest(SVC(C=2)) != digest(SVC(C=3))
    assert digest(SVC(kernel=np.dot)) == digest(SVC(kernel=np.dot))
    assert digest(GaussianNB) == digest(GaussianNB())


def test_a_mapping_adds_to_the_default_contenders_or_to_those_it_names():
    names, own = parse_contenders({"my svm": SVC(), "xgboost": None})
    assert names == ["xgboost"]
    specs = build_protocol(
        DataSource.builtin("mnist"), contenders=names, user_contenders=own, threads=1
    ).contenders
    assert list(specs) == ["xgboost", "my-svm"]
    assert specs["my-svm"]["title"] == "my svm"
    names, own = parse_contenders({"mine": (SVC(), {"C": (0.1, 10.0)})})
    assert names is None
    assert own[0].recipe.space == (("C", ["real", 0.1, 10.0, False]),)
    with pytest.raises(UserError, match="got 'my-svm' twice"):
        build_protocol(
            DataSource.builtin("mnist"),
            user_contenders=[
                describe_estimator("my svm", SVC()),
                describe_estimator("my-svm", SVC()),
            ],
        )


def test_run_duel_with_an_estimator(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(150) % 2
    X = rng.normal(size=(150, 3)) + y[:, None]
    options = {
        "contenders": {"mine": GaussianNB(), "logistic": None},
        "split": "shuffle",
        "threads": 1,
        "quick": True,
        "out": tmp_path / "run",
    }
    run = graduel.run_duel(X, y, **options)
    assert list(run.result.contenders) == ["logistic", "mine"]
    assert run.result.contenders["mine"].test_error < 0.3
    again = graduel.run_duel(X, y, **options)
    assert again.result.contenders == run.result.contenders
    with pytest.raises(UserError, match="holds a different duel"):
        graduel.run_duel(
            X,
            y,
            **(options | {"contenders": {"mine": GaussianNB(var_smoothing=0.1), "logistic": None}}),
        )


def test_a_search_over_the_users_own_estimator(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(150) % 2
    X = rng.normal(size=(150, 3)) + y[:, None]
    run = graduel.run_duel(
        X,
        y,
        contenders={
            "tree": (
                DecisionTreeClassifier(max_depth=2),
                {"max_depth": (1, 9), "criterion": ["gini", "entropy"]},
            ),
            "bayes": GaussianNB(),
            "logistic": None,
        },
        trials=3,
        split="shuffle",
        threads=1,
        out=tmp_path / "run",
    )
    contenders = run.result.contenders
    assert [t.number for t in contenders["tree"].trials[0]] == [0, 1, 2]
    assert contenders["tree"].trials[0][0].params == {"criterion": "gini", "max_depth": 2}
    assert len(contenders["bayes"].trials[0]) == 1
    assert len(contenders["logistic"].trials[0]) == 3
    assert run.result.protocol.budget == BudgetSummary(kind="trials", value=3)
    for one in contenders.values():
        assert one.tuning_seconds[0] >= one.fit_seconds[0] > 0


MODULE = """
from sklearn.naive_bayes import GaussianNB
import helper_beside

class Mine(GaussianNB):
    note = helper_beside.NOTE

def make_model():
    return Mine(var_smoothing=1e-8)

def broken():
    raise RuntimeError("no")

NUMBER = 3
"""


@pytest.fixture
def module_folder(tmp_path, monkeypatch):
    (tmp_path / "graduel_test_models.py").write_text(MODULE)
    (tmp_path / "helper_beside.py").write_text("NOTE = 'hello'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in ("graduel_test_models", "helper_beside"):
        sys.modules.pop(name, None)


@pytest.mark.processes
def test_a_contender_from_a_module_in_the_current_folder(module_folder, capsys):
    code = main(
        [
            *("duel", "iris", "--contenders", "logistic", "--split", "shuffle", "--threads", "1"),
            *("--contender", "graduel_test_models:make_model"),
            *("--contender", "other=graduel_test_models:Mine", "--out", "run", "--json"),
        ]
    )
    assert code == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result["contenders"]) == ["logistic", "make_model", "other"]
    recipe = result["contenders"]["make_model"]["recipe"]
    assert recipe["kind"] == "graduel_test_models.Mine"
    assert ["var_smoothing", "1e-08"] in recipe["parameters"]
    assert str(module_folder) not in json.dumps(result)
    assert not list(module_folder.rglob("*.pkl"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing", "must be module:function"),
        ("no_such_module:f", "there is no module no_such_module"),
        ("graduel_test_models:gone", "has no gone"),
        ("graduel_test_models:broken", "calling it raised RuntimeError: no"),
        ("graduel_test_models:NUMBER", "must be a classifier with fit and predict"),
    ],
)
def test_errors_in_a_contender_from_a_module(module_folder, text, message, capsys):
    with pytest.raises(UserError, match=message) as error:
        load_contender(text)
    assert "\n" not in str(error.value)
    assert main(["duel", "iris", "--contender", text]) == 2
    assert "Traceback" not in capsys.readouterr().err


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=20))
def test_any_text_for_a_contender_raises_a_user_error(text):
    with pytest.raises(UserError):
        load_contender(f"{text}:no_such_thing_at_all")


SCRIPT = """
import numpy as np
import graduel
from sklearn.naive_bayes import GaussianNB

class OfTheScript(GaussianNB):
    pass

if __name__ == "__main__":
    y = np.arange(120) % 2
    X = np.random.default_rng(0).normal(size=(120, 3)) + y[:, None]
    run = graduel.run_duel(
        X, y, contenders={"mine": OfTheScript(), "logistic": None}, split="shuffle", threads=1,
        out="run",
    )
    print(run.result.contenders["mine"].test_error)
"""


def test_a_class_defined_in_the_script_reaches_the_worker_process(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 0.3


def test_importing_graduel_imports_no_submodule():
    code = "import graduel, sys; print(sorted(m for m in sys.modules if m.startswith('graduel.')))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    assert done.stdout.strip() == "[]"


def test_the_examples_of_the_tuning_page_run(tmp_path, monkeypatch, capsys):
    page = (Path(__file__).parents[2] / "docs" / "tuning.md").read_text(encoding="utf-8")
    module, script = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "mymodule_of_the_page.py").write_text(module)
    mine = load_contender("mymodule_of_the_page:make_model")
    assert [name for name, _ in mine.recipe.space] == ["criterion", "max_features"]
    exec(script, {})
    assert "logistic regression" in capsys.readouterr().out
    sys.modules.pop("mymodule_of_the_page")


class Fails(GaussianNB):
    """A classifier that cannot be fitted."""

    def fit(self, X, y):
        raise ValueError("no fit")


def noise_with_a_rare_class():
    rng = np.random.default_rng(0)
    X = pl.DataFrame({"a": rng.normal(size=120), "b": rng.normal(size=120)})
    y = np.where(X["a"].to_numpy() > 0, "pos", "neg").astype(object)
    y[0] = "aaa"
    return X, y


def test_a_class_that_a_fold_lacks_is_no_label_of_the_estimator(tmp_path):
    X, y = noise_with_a_rare_class()
    contenders = {"mine": XGBClassifier(n_estimators=3), "logistic": None}
    options = {"quick": True, "split": "2x1", "probes": False, "threads": 1}
    run = graduel.run_duel(X, y, contenders=contenders, out=tmp_path / "run", **options)
    assert run.result.missing is None
    assert run.result.contenders["mine"].test_error < 0.1


def test_one_contenders_failure_leaves_the_others(tmp_path):
    X, y = noise_with_a_rare_class()
    contenders = {"broken": Fails(), "mine": GaussianNB(), "logistic": None}
    options = {"quick": True, "split": "2x1", "probes": False, "threads": 1}
    for _ in range(2):  # the second run tries again
        run = graduel.run_duel(X, y, contenders=contenders, out=tmp_path / "run", **options)
        assert list(run.result.contenders) == ["logistic", "mine"]
        [(name, reason)] = run.result.missing.failures.items()
        assert name == "broken"
        assert reason.startswith("Fails raised ValueError: no fit (line ")
        assert f"broken failed: {reason}." in run.result.missing.sentence
        assert len(run.result.comparisons) == 1
    del contenders["mine"]
    with pytest.raises(UserError, match="broken: Fails raised ValueError: no fit"):
        graduel.run_duel(X, y, contenders=contenders, out=tmp_path / "two", **options)
    assert len(list((tmp_path / "two" / "cells").iterdir())) == 2
