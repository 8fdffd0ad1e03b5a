"""Every contender of a duel can be trained, saved and used: ``graduel train --from`` and others."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from command_output import run_command
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.cli.app import main
from graduel.data.source import source_from_arrays
from graduel.duel.plan.splits import split_all_rows
from graduel.duel.result.best_model import best_contender
from graduel.duel.result.duel_result import read_result
from graduel.duel.result.refit import plan_refit
from graduel.models import library_model
from graduel.models.model_file import load_model

OWN = """
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

def bayes():
    return GaussianNB()

def tree():
    return DecisionTreeClassifier(max_depth=2, random_state=0)

class Odd(GaussianNB):
    pass
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with a table, a module of classifiers, and a cross-validated duel of both kinds."""
    folder = tmp_path_factory.mktemp("project")
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=160)
    table = {"age": rng.normal(size=160) + 2 * y, "town": rng.choice(["Ulm", "Kiel"], 160)}
    pl.DataFrame({**table, "outcome": np.array(["bad", "good"])[y]}).write_csv(folder / "mine.csv")
    (folder / "own_models.py").write_text(OWN)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        args = ["mine.csv", "--target", "outcome", "--split", "3x1", "--quick", "--threads", "1"]
        args += ["--contenders", "logistic", "--no-probes"]
        assert main(["duel", *args, "--contender", "own_models:tree", "--out", "folds"]) == 0
        assert main(["duel", *args, "--trials", "2", "--out", "tuned"]) == 0
    return folder


@pytest.fixture
def here(project, monkeypatch):
    monkeypatch.chdir(project)
    return project


@pytest.mark.parametrize("contender", [None, "logistic", "tree=own_models:tree"])
def test_a_cross_validated_contender_is_trained_on_all_rows_and_predicts(capsys, here, contender):
    result = read_result(here / "folds")
    name = best_contender(result) if contender is None else contender.partition("=")[0]
    option = [] if contender is None else ["--contender", contender]
    if contender is None and name == "tree":
        option = ["--contender", "own_models:tree"]  # your own is not stored in the folder
    for file in here.glob("folds/models/*"):
        file.unlink()
    _, err = run_command(capsys, "predict", "folds", "mine.csv", "--contender", name, code=2)
    assert f"graduel train --from folds --contender {name}" in err
    out, _ = run_command(capsys, "train", "--from", "folds", *option, "--threads", "1", "--json")
    report = json.loads(out)
    assert report["rows"] > 160 * 0.8
    assert report["test_rows"] == 0
    assert report["estimated_test_error"] == result.contenders[name].test_error
    assert report["model"] == f"folds/models/{name}.safetensors"
    out, err = run_command(capsys, "predict", "folds", "mine.csv", "--contender", name)
    assert err.startswith(f"Model of {result.contenders[name].title}: folds/models/")
    predicted = pl.read_csv(out.encode())
    assert (predicted["predicted outcome"] == predicted["outcome"]).mean() > 0.7


def test_the_report_says_where_the_estimate_comes_from(capsys, here):
    out, _ = run_command(
        capsys, "train", "--from", "folds", "--contender", "logistic", "--out", "again.safetensors"
    )
    assert out.startswith("trained on all rows; test error ")
    assert " by the duel, " in out


def test_the_best_trial_of_a_search_is_trained_again(here):
    planned = plan_refit(here / "tuned", None, None, 0)
    entry = read_result(here / "tuned").contenders["logistic"]
    runs = zip(entry.trials, entry.best_trial, strict=True)
    best = min((run[number] for run, number in runs), key=lambda trial: trial.loss)
    recipe = planned.protocol.contenders["logistic"]["recipe"]
    assert recipe["C"] == best.params["C"]
    assert recipe["max_iter"] == 200


def test_a_users_classifier_is_trained_saved_and_predicts(capsys, here):
    args = ["mine.csv", "--target", "outcome", "--contender", "own_models:bayes", "--threads", "1"]
    run_command(capsys, "train", *args, "--out", "bayes.safetensors")
    model = load_model("bayes.safetensors")
    assert (model.family, model.title) == ("sklearn", "bayes")
    out, _ = run_command(capsys, "predict", "bayes.safetensors", "mine.csv")
    assert len(pl.read_csv(out.encode())) == 160


def test_mistakes_are_one_line_before_any_fit(capsys, here, monkeypatch):
    own = ["--target", "outcome", "--contender"]
    for args, words in (
        (["mine.csv", *own, "own_models:Odd"], "own_models.Odd is no type of scikit-learn"),
        (["--from", "folds", "mine.csv"], "--from: expected no data set"),
        (["--from", "folds", "--net", "epochs=2"], "--net: expected no such option"),
        (["--from", "folds", "--rows", "50"], "--rows: expected no such option"),
        (["--from", "folds", "--date-order", "dmy"], "--date-order: expected no such option"),
        (["--from", "folds", "--contender", "tree"], "tree=MODULE:FUNCTION"),
        (["--from", "folds", "--contender", "logistik"], "Did you mean 'logistic'?"),
        (["--from", "folds", "--contender", "tree=own_models:bayes"], "parameters or search"),
        (["--from", "nowhere"], "nowhere"),
        (["--from", "folds", "--contender", "logistic", "--out", "mine.csv"], "ending in .safeten"),
    ):
        _, err = run_command(capsys, "train", *args, code=2)
        assert words in err
        assert err.count("\n") == 1
    monkeypatch.setattr(library_model, "find_spec", lambda name: None)
    _, err = run_command(capsys, "train", "mine.csv", *own, "forest", code=2)
    assert "pip install 'graduel[skops]'" in err
    assert err.count("\n") == 1


def test_a_duel_saves_models_of_every_contender(capsys, here):
    args = ["mine.csv", "--target", "outcome", "--split", "holdout", "--quick", "--threads", "1"]
    args += ["--contenders", "logistic,lightgbm", "--contender", "own_models:bayes"]
    run_command(capsys, "duel", *args, "--no-probes", "--out", "holdout")
    test = np.load("holdout/splits/seed0.npz")["test"]
    for name in ("logistic", "lightgbm", "bayes"):
        out, _ = run_command(capsys, "predict", "holdout", "mine.csv", "--contender", name)
        p = pl.read_csv(out.encode())[:, -2:].to_numpy()
        saved = np.load(f"holdout/cells/{name}-seed0/probabilities.npy")
        np.testing.assert_allclose(p[test], saved, atol=2e-6)
    _, err = run_command(
        capsys, "inspect", "holdout/cells/logistic-seed0/model.safetensors", "--data", "mine.csv",
        code=2,
    )  # fmt: skip
    assert "graduel predict works with every model" in err


@given(
    labels=st.lists(st.integers(0, 2), min_size=20, max_size=60).filter(
        lambda one: min(one.count(k) for k in set(one)) > 4 and len(set(one)) > 1
    ),
    seed=st.integers(0, 5),
)
@settings(max_examples=10, deadline=None)
def test_all_rows_are_training_or_validation_rows(labels, seed):
    X = np.random.default_rng(seed).normal(size=(len(labels), 2))
    data = source_from_arrays(X, np.array(labels)).load()
    split = split_all_rows(data, seed)
    assert sorted([*split.train, *split.valid]) == list(range(len(labels)))
    assert len(split.valid)
    assert not len(split.test)
