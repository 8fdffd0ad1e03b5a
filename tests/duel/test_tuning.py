"""Hyperparameter search: no access to test rows, resuming, budgets, search spaces."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_recipes import SMALL

from graduel.contenders import Budget, Progress, make_contender
from graduel.contenders.family import TableTraits
from graduel.contenders.registry import BUILT_IN_CONTENDERS, get_contender, get_family
from graduel.contenders.search.space import (
    Choice,
    Integer,
    Real,
    from_plain,
    to_plain,
    validate_space,
)
from graduel.contenders.search.trials import Trial, TrialLog, propose_trial, select_best
from graduel.contenders.search.tuning import TunedContender, count_curve_points
from graduel.data import Dataset
from graduel.data.source import DataSource, source_from_arrays
from graduel.duel.plan.budget import parse_budget
from graduel.duel.plan.protocol import Cell
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.duel.plan.splits import Split
from graduel.duel.run.cell import run_cell
from graduel.errors import UserError
from graduel.metrics.metric import get_metric, log_loss


def blobs(n=260, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    return source_from_arrays(rng.normal(size=(n, 4)) + 0.8 * y[:, None], y).load()


ROWS = Split(np.arange(160), np.arange(160, 210), np.arange(210, 260))


def tuned(name, path, *, trials=None, seconds=None, recipe=None, space=None):
    made = make_contender(name, name, recipe or SMALL[name].table)
    space = space or get_family(name).space(made.recipe, image=False, quick=False)
    return TunedContender(made, space, "error", TrialLog(path), trials, seconds)


def search(data, name, path, *, seed=0, **options):
    reports = []
    outcome, fitted = run_cell(
        tuned(name, path, **options), data, ROWS, Cell(name, seed), Budget(1), reports.append
    )
    return outcome, fitted, reports


def plain(trials):
    return [{k: v for k, v in trial.items() if k != "seconds"} for trial in trials]


@pytest.mark.parametrize("name", SMALL)
def test_garbage_in_the_test_rows_changes_no_trial_and_not_the_winner(name, tmp_path):
    data = blobs()
    where = np.zeros(len(data.y), bool)
    where[ROWS.test] = True
    rng = np.random.default_rng(3)
    noise = data.X.with_columns(
        **{
            c: np.where(where, 1e6 * rng.normal(size=len(data.y)), data.X[c])
            for c in data.X.columns
        }
    )
    spoiled = replace(data, X=noise, y=np.where(where, (data.y + 1) % 3, data.y))
    one, fitted, _ = search(data, name, tmp_path / "a.sqlite", trials=3)
    two, other, _ = search(spoiled, name, tmp_path / "b.sqlite", trials=3)
    assert plain(one.trials) == plain(two.trials)
    assert one.best_trial == two.best_trial
    assert fitted.to_bytes() == other.to_bytes()
    assert (one.probabilities != two.probabilities).any()


@pytest.mark.parametrize("name", ["net", "xgboost"])
def test_a_search_reports_its_trials_and_returns_the_best_as_fitted(name, tmp_path):
    data = blobs()
    outcome, fitted, reports = search(data, name, tmp_path / "a.sqlite", trials=5)
    trials = outcome.trials
    assert [t["number"] for t in trials] == list(range(5))
    assert {t["state"] for t in trials} <= {"complete", "pruned"}
    complete = [t for t in trials if t["state"] == "complete"]
    assert trials[outcome.best_trial]["loss"] == min(t["loss"] for t in complete)
    p = fitted.predict_proba(data.X[ROWS.valid])
    y = data.y[ROWS.valid]
    assert get_metric("error").loss(p, y) == trials[outcome.best_trial]["loss"]
    assert outcome.fit_seconds == trials[outcome.best_trial]["seconds"]
    assert outcome.tuning_seconds >= sum(t["seconds"] for t in trials) * 0.9
    assert len(outcome.curve) == 5
    assert outcome.curve[-1][0] == outcome.tuning_seconds
    last = (outcome.probabilities.argmax(axis=1) != data.y[ROWS.test]).mean()
    assert outcome.curve[-1][1] == pytest.approx(last)
    assert {one.trial for one in reports} == set(range(5))
    shares = [one.share for one in reports]
    assert shares == sorted(shares)
    assert json.loads(json.dumps(trials)) == trials


@pytest.mark.parametrize("name", ["net", "xgboost", "mlp"])
def test_trial_0_equals_the_fit_without_a_search(name, tmp_path):
    data = blobs()
    made = make_contender(name, name, SMALL[name].table)
    alone, single = run_cell(made, data, ROWS, Cell(name, 0), Budget(1))
    outcome, fitted, _ = search(data, name, tmp_path / "a.sqlite", trials=1)
    assert fitted.to_bytes() == single.to_bytes()
    np.testing.assert_array_equal(outcome.probabilities, alone.probabilities)
    for key, value in outcome.trials[0]["params"].items():
        default = getattr(made.recipe, key)
        assert value == (list(default) if isinstance(default, tuple) else default)


@pytest.mark.parametrize(("name", "stop"), [("net", 1), ("xgboost", 3), ("net", 4)])
def test_an_interrupted_search_resumes_to_the_same_result(name, stop, tmp_path):
    data = blobs()
    whole, fitted, _ = search(data, name, tmp_path / "whole.sqlite", trials=5)
    part, _, _ = search(data, name, tmp_path / "part.sqlite", trials=stop)
    made = tuned(name, tmp_path / "part.sqlite", trials=5)
    assert count_curve_points(made.read_trials()) == stop
    again, other = run_cell(made, data, ROWS, Cell(name, 0), Budget(1), lambda p: None, part.curve)
    assert plain(again.trials) == plain(whole.trials)
    assert again.best_trial == whole.best_trial
    assert [e for _, e in again.curve] == [e for _, e in whole.curve]
    assert other.to_bytes() == fitted.to_bytes()
    assert again.details == whole.details
    assert [t["seconds"] for t in again.trials[:stop]] == [t["seconds"] for t in part.trials]


def test_seeds_have_different_proposals(tmp_path):
    data = blobs()
    one = search(data, "xgboost", tmp_path / "a.sqlite", trials=3)[0].trials
    two = search(data, "xgboost", tmp_path / "b.sqlite", trials=3, seed=1)[0].trials
    assert one[0]["params"] == two[0]["params"]
    assert one[1]["params"] != two[1]["params"]


def test_a_time_budget_ends_within_a_fit_whose_model_counts(tmp_path):
    data = blobs()
    recipe = {"layers": [64], "lr": 0.01, "epochs": 100_000, "batch_size": 16}
    space = {"lr": Real(1e-4, 0.05, log=True)}
    outcome, _, reports = search(
        data, "net", tmp_path / "a.sqlite", seconds=0.5, recipe=recipe, space=space
    )
    assert len(outcome.trials) == 1
    assert outcome.trials[0]["state"] == "complete"
    assert outcome.details["best_epoch"] < 100_000
    assert 0 < reports[-1].share <= 1
    # The budget is used up: the same command fits nothing more.
    made = tuned("net", tmp_path / "a.sqlite", seconds=0.5, recipe=recipe, space=space)
    again, _ = run_cell(made, data, ROWS, Cell("net", 0), Budget(1), lambda p: None, outcome.curve)
    assert plain(again.trials) == plain(outcome.trials)


def test_a_failed_trial_is_recorded(tmp_path):
    data = blobs()
    space = {"lr": Real(1e-3, 1e30, log=True)}
    outcome, _, _ = search(
        data,
        "net",
        tmp_path / "a.sqlite",
        trials=4,
        recipe={"layers": [16], "lr": 0.01, "epochs": 2, "optimizer": "sgd"},
        space=space,
    )
    failed = [t for t in outcome.trials if t["state"] == "failed"]
    assert failed
    assert all(t["loss"] is None and t["why"] for t in failed)
    assert outcome.trials[outcome.best_trial]["state"] == "complete"
    with pytest.raises(UserError, match=r"all \d+ failed, the first with: the loss became"):
        search(
            data,
            "net",
            tmp_path / "b.sqlite",
            trials=2,
            recipe={"layers": [16], "lr": 1e25, "epochs": 2, "optimizer": "sgd"},
            space={"lr": Real(1e20, 1e30, log=True)},
        )


def made_up(number, loss, state="complete", course=None, **params):
    return Trial(number, params, loss, loss, 1.0, 1.0 + number, state, course=course or {})


def test_pruning_uses_the_median_of_earlier_trials(tmp_path):
    space = {"x": Real(0.0, 1.0)}
    before = [made_up(n, 0.2, course={30: 0.3, 60: 0.2}, x=0.1 * n) for n in range(3)]
    proposal = propose_trial(before, space, 3, seed=0)
    assert not proposal.prune(0.10, 0.9)  # before a quarter of the work nothing is pruned
    assert not proposal.prune(0.30, 0.29)
    assert proposal.prune(0.60, 0.28)
    assert proposal.course == {10: 0.9, 30: 0.29, 60: 0.28}
    few = propose_trial(before[:2], space, 2, seed=0)
    assert not few.prune(0.30, 0.9)


def test_a_pruned_trial_never_wins():
    trials = [made_up(0, 0.3), made_up(1, 0.1, "pruned"), made_up(2, None, "failed")]
    assert select_best(trials) is trials[0]
    assert select_best(trials[1:]) is None
    assert count_curve_points(trials[::-1]) == 1


def test_a_proposal_depends_only_on_seed_and_finished_trials():
    space = {"x": Real(0.0, 1.0), "n": Integer(1, 9), "k": Choice(("a", (1, 2), None, True))}
    before = [made_up(n, 0.1 * n, x=0.5, n=3, k=(1, 2)) for n in range(7)]
    one, two = (propose_trial(before, space, 7, seed=5).params for _ in "ab")
    assert one == two
    assert all(one[name] in space[name] for name in space)
    assert propose_trial(before, space, 7, seed=6).params != one


def test_the_trial_log_returns_the_stored_trials(tmp_path):
    space = {
        "x": Real(1e-9, 1.0, log=True),
        "n": Integer(1, 9),
        "k": Choice(("a", (1, 2), True, 1)),
    }
    trial_log = TrialLog(tmp_path / "tuning" / "cell.sqlite")
    assert trial_log.read(space) == []
    trials = [
        made_up(0, 0.1 + 1e-17, course={3: 1 / 3, 99: 0.1}, k=(1, 2), n=3, x=0.1),
        made_up(1, 1 / 3, "pruned", k=True, n=9, x=1e-9),
        made_up(2, None, "failed", k=1, n=1, x=1.0),
    ]
    for trial in trials:
        trial_log.add(trial, space)
    stored = trial_log.read(space)
    assert stored == trials
    assert type(stored[1].params["k"]) is bool
    with pytest.raises(UserError, match="belong to a different search space"):
        trial_log.read({"x": Real(1e-9, 1.0, log=True)})


def test_a_damaged_trial_log_is_a_one_line_error(tmp_path):
    path = tmp_path / "cell.sqlite"
    path.write_bytes(b"not a database " * 50)
    with pytest.raises(UserError, match=r"the file is damaged .*Delete it") as error:
        TrialLog(path).read({"x": Real(0.0, 1.0)})
    assert "\n" not in str(error.value)


def test_trials_are_stored_in_optunas_sqlite_schema(tmp_path):
    search(blobs(), "logistic", tmp_path / "a.sqlite", trials=3)
    with sqlite3.connect(tmp_path / "a.sqlite") as base:
        states = base.execute("select state from trials order by number").fetchall()
    base.close()
    assert states == [("COMPLETE",)] * 3


PUBLISHED = {
    # XGB-TD and LGBM-TD for classification, as in pytabkit, without parameters not searched here.
    "xgboost": [
        {
            "n_estimators": 1000,
            "learning_rate": 0.08,
            "max_depth": 6,
            "max_bin": 256,
            "min_child_weight": 5e-6,
            "reg_lambda": 0.0,
            "colsample_bylevel": 0.9,
            "subsample": 0.65,
        },
        # Both ends of TabArena's space.
        {
            "n_estimators": 10_000,
            "learning_rate": 5e-3,
            "max_depth": 4,
            "min_child_weight": 1e-3,
            "subsample": 0.6,
            "colsample_bylevel": 0.6,
            "colsample_bynode": 0.6,
            "reg_alpha": 1e-4,
            "reg_lambda": 1e-4,
            "grow_policy": "depthwise",
            "max_cat_to_onehot": 8,
            "max_leaves": 8,
        },
        {
            "learning_rate": 0.1,
            "max_depth": 10,
            "min_child_weight": 5.0,
            "subsample": 1.0,
            "colsample_bylevel": 1.0,
            "colsample_bynode": 1.0,
            "reg_alpha": 5.0,
            "reg_lambda": 5.0,
            "grow_policy": "lossguide",
            "max_cat_to_onehot": 100,
            "max_leaves": 1024,
        },
    ],
    "lightgbm": [
        {
            "n_estimators": 1000,
            "learning_rate": 0.04,
            "num_leaves": 50,
            "min_child_samples": 40,
            "subsample": 0.75,
            "colsample_bytree": 1.0,
        },
        {
            "learning_rate": 5e-3,
            "num_leaves": 2,
            "min_child_samples": 1,
            "subsample": 0.7,
            "colsample_bytree": 0.4,
            "reg_alpha": 1e-4,
            "reg_lambda": 1e-4,
            "extra_trees": False,
        },
        {
            "learning_rate": 0.1,
            "num_leaves": 200,
            "min_child_samples": 64,
            "reg_alpha": 1.0,
            "reg_lambda": 2.0,
            "extra_trees": True,
        },
    ],
    "catboost": [
        # CatBoost-TD for classification, and the ends of TabArena's space.
        {
            "n_estimators": 1000,
            "learning_rate": 0.08,
            "depth": 7,
            "l2_leaf_reg": 1e-5,
            "subsample": 0.9,
            "leaf_estimation_iterations": 1,
            "one_hot_max_size": 15,
        },
        {
            "learning_rate": 5e-3,
            "subsample": 0.7,
            "grow_policy": "SymmetricTree",
            "depth": 4,
            "colsample_bylevel": 0.85,
            "l2_leaf_reg": 1e-4,
            "leaf_estimation_iterations": 1,
            "one_hot_max_size": 8,
            "model_size_reg": 0.1,
            "max_ctr_complexity": 2,
        },
        {
            "learning_rate": 0.1,
            "subsample": 1.0,
            "grow_policy": "Depthwise",
            "depth": 8,
            "colsample_bylevel": 1.0,
            "l2_leaf_reg": 5.0,
            "leaf_estimation_iterations": 20,
            "one_hot_max_size": 100,
            "model_size_reg": 1.5,
            "max_ctr_complexity": 5,
        },
    ],
    "net": [
        # RealMLP-TD for classification.
        {
            "layers": (256, 256, 256),
            "members": 1,
            "scaling": "robust",
            "numeric_embedding": "pbld(frequencies=16,size=4,std=0.1)",
            "activation": "parametric_selu",
            "dropout": 0.15,
            "weight_decay": 0.02,
            "label_smoothing": 0.1,
            "optimizer": "adamw(beta2=0.95)",
            "schedule": "coslog4",
            "lr": 0.04,
            "batch_size": 256,
            "epochs": 256,
        },
        # scikit-learn's MLPClassifier.
        {
            "layers": (100,),
            "activation": "relu",
            "init": "glorot_uniform",
            "weight_decay": 1e-4,
            "optimizer": "adamw",
            "schedule": "constant",
            "lr": 1e-3,
            "batch_size": 200,
            "epochs": 200,
            "dropout": 0.0,
        },
    ],
    "mlp": [
        {
            "hidden_layer_sizes": (100,),
            "activation": "relu",
            "alpha": 1e-4,
            "learning_rate_init": 1e-3,
            "batch_size": 200,
        }
    ],
}


@pytest.mark.parametrize("family", PUBLISHED)
def test_the_space_for_tables_contains_published_defaults(family):
    space = get_family(family).space.table
    for values in PUBLISHED[family]:
        for name, value in values.items():
            assert value in space[name], (family, name, value)


def test_the_published_mlp_defaults_are_those_of_scikit_learn():
    from inspect import signature

    from sklearn.neural_network import MLPClassifier

    parameters = signature(MLPClassifier).parameters
    for name, value in PUBLISHED["mlp"][0].items():
        assert parameters[name].default in (value, "auto"), name


def test_every_default_recipe_lies_in_its_space_with_known_exceptions():
    outside = set()
    for table in (None, *map(TableTraits, (200, 3000, 10**6))):
        image = table is None
        for name in BUILT_IN_CONTENDERS:
            family, contender = get_contender(name)
            if (recipes := contender.recipes(table)) is None:
                continue
            if name in ("net-best", "net-augmented", "net-conv"):
                continue  # larger and slower than a budget of minutes allows
            if image and name in ("xgboost-td", "xgboost-plain"):
                continue  # published for tables, not for pixels
            for quick, recipe in ((False, recipes.full), (True, recipes.quick)):
                space = family.space.of(image=image)
                searched = family.space(recipe, image=image, quick=quick)
                assert searched
                outside |= {(name, key) for key in set(space) - set(searched) if not quick}
    # The strongest XGBoost is slower on purpose than a budget of minutes allows; XGBoost on
    # augmented copies has enough rows for deeper trees.
    slower = {("xgboost-best", "n_estimators"), ("xgboost-best", "learning_rate")}
    assert outside <= slower | {("xgboost-augmented", "max_depth")}


@pytest.mark.parametrize("image", [False, True])
@pytest.mark.parametrize("family", ["net", "textbook"])
def test_every_network_of_a_space_can_be_built(family, image):
    from graduel.contenders.textbook import TextbookRecipe
    from graduel.train.build.network_builder import check_recipe
    from graduel.train.recipes import NetRecipe

    base = NetRecipe() if family == "net" else TextbookRecipe()
    for name, one in get_family(family).space.of(image=image).items():
        for value in one.options if isinstance(one, Choice) else (one.low, one.high):
            recipe = replace(base, **{name: value})
            if family == "net":
                check_recipe(recipe, 6, 3)


@pytest.mark.parametrize("image", [False, True])
def test_xgboost_accepts_both_ends_of_every_range(image):
    data = blobs(120) if not image else None
    if image:
        rng = np.random.default_rng(0)
        y = np.arange(120) % 3
        X = rng.integers(0, 200, (120, 4, 4), dtype=np.uint8)
        X[:, 0, 0] += (50 * (y == 1)).astype(np.uint8)
        data = Dataset("toy", X, y, ("a", "b", "c"))
    rows = Split(np.arange(80), np.arange(80, 100), np.arange(100, 120))
    space = get_family("xgboost").space.of(image=image)
    strategy = "multi_output_tree" if image else "one_output_per_tree"
    for name, one in space.items():
        for value in one.options if isinstance(one, Choice) else (one.low, one.high):
            recipe = {"n_estimators": 3, "multi_strategy": strategy, name: value}
            if name == "n_estimators":
                recipe["early_stopping_rounds"] = 3
                recipe[name] = min(value, 30)
            made = make_contender("xgboost", "xgboost", recipe)
            outcome, _ = run_cell(made, data, rows, Cell("xgboost", 0), Budget(1))
            assert np.isfinite(outcome.probabilities).all()


def test_spaces_survive_plain_data_and_invalid_ones_are_refused():
    space = {"a": Real(0.1, 2.0, log=True), "b": Integer(1, 5), "c": Choice(((1, 2), "x", None))}
    back = from_plain(json.loads(json.dumps(to_plain(space))))
    assert back == space
    assert True not in space["b"]
    assert 2.5 not in space["b"]
    assert not any(value in space["a"] for value in (float("nan"), float("inf"), "0.5"))
    assert [1, 2] in space["c"]
    for wrong in ({"a": 3}, {"a": (2, 1)}, {"a": []}, [1], {"a": Real(0.0, 1.0, log=True)}):
        with pytest.raises(UserError, match=r"space|range"):
            validate_space(wrong)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": "soon"}, "budget must be none, or a time"),
        ({"budget": "0s"}, "budget must be none, or a time"),
        ({"budget": "2m", "trials": 3}, "got both"),
        ({"trials": 0}, "trials must be at least 1"),
        ({"trials": 2.5}, "trials must be a whole number"),
    ],
)
def test_invalid_budgets_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        build_protocol(DataSource.builtin("mnist"), threads=1, **options)


@settings(deadline=None)
@given(st.one_of(st.text(max_size=12), st.floats(), st.integers(), st.none(), st.booleans()))
def test_any_budget_is_seconds_or_a_user_error(budget):
    try:
        seconds = parse_budget(budget)
    except UserError as error:
        assert "budget must be none, or a time" in str(error)
    else:
        assert seconds is None or seconds >= 1


@settings(deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=3),
        st.one_of(
            st.tuples(st.floats(), st.floats()),
            st.tuples(st.integers(), st.integers()),
            st.lists(st.one_of(st.text(max_size=3), st.integers(), st.booleans()), max_size=3),
            st.none(),
        ),
        max_size=3,
    )
)
def test_any_space_survives_json_or_is_a_user_error(space):
    try:
        valid = validate_space(space)
    except UserError:
        return
    assert from_plain(json.loads(json.dumps(to_plain(valid)))) == valid


@settings(deadline=None, max_examples=20)
@given(st.binary(min_size=1, max_size=400), st.booleans())
def test_a_trial_log_of_arbitrary_bytes_is_reported_as_damaged(content, sqlite_like):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "cell.sqlite"
        path.write_bytes((b"SQLite format 3\0" if sqlite_like else b"x") + content)
        with pytest.raises(UserError, match="damaged"):
            TrialLog(path).read({"x": Real(0.0, 1.0)})


def test_a_time_budget_may_end_in_the_first_round(tmp_path):
    for name in SMALL:
        outcome, _, _ = search(blobs(), name, tmp_path / f"{name}.sqlite", seconds=1e-9)
        assert len(outcome.trials) == 1
        assert outcome.trials[0]["state"] == "complete"
        assert np.isfinite(outcome.probabilities).all()


def test_a_plan_has_its_budget_and_the_deciding_versions():
    none = build_protocol(DataSource.builtin("mnist"), threads=1)
    assert none.budget == {"kind": "none", "value": None}
    assert not none.is_tuned
    assert "optuna" not in none.versions
    some = build_protocol(
        DataSource.builtin("mnist"), threads=1, trials=4, contenders=["net", "lightgbm"]
    )
    assert some.budget == {"kind": "trials", "value": 4}
    assert {"optuna", "lightgbm"} <= set(some.versions)
    timed = build_protocol(DataSource.builtin("mnist"), threads=1, budget="2m")
    assert timed.budget == {"kind": "seconds", "value": 120.0}
    assert len({p.digest for p in (none, some, timed)}) == 3


@pytest.mark.parametrize(
    ("package", "options", "command"),
    [
        ("optuna", {"trials": 2}, r"pip install 'graduel\[tune\]'"),
        ("lightgbm", {"contenders": ["lightgbm"]}, r"pip install 'graduel\[lightgbm\]'"),
        ("catboost", {"contenders": ["catboost"]}, r"pip install 'graduel\[catboost\]'"),
    ],
)
def test_a_missing_package_is_reported_with_its_install_command(
    monkeypatch, package, options, command
):
    from graduel.duel.plan import packages

    real = packages.find_spec
    monkeypatch.setattr(packages, "find_spec", lambda name: None if name == package else real(name))
    with pytest.raises(UserError, match=command) as error:
        build_protocol(DataSource.builtin("mnist"), threads=1, **options)
    assert "\n" not in str(error.value)


def test_the_progress_of_a_search_names_its_trial():
    from graduel.cli.views.progress import describe
    from graduel.duel.run.job import Event

    event = Event(Cell("net", 0), "progress", Progress(0.5, 10.0, 0.02, 0.02, 3))
    assert describe(event) == "trial 3: validation error 2.00 %, at most 10 s left"


def test_ties_are_broken_by_log_loss(tmp_path):
    data = blobs()
    outcome, fitted, _ = search(data, "logistic", tmp_path / "a.sqlite", trials=6)
    best = outcome.trials[outcome.best_trial]
    tied = [t for t in outcome.trials if t["loss"] == best["loss"]]
    trial_log = TrialLog(tmp_path / "a.sqlite").read(get_family("logistic").space.table)
    y = data.y[ROWS.valid]
    assert trial_log[outcome.best_trial].tie == log_loss(
        fitted.predict_proba(data.X[ROWS.valid]), y
    )
    assert trial_log[outcome.best_trial].tie == min(trial_log[t["number"]].tie for t in tied)
