"""Single cells of each contender; no contender ever sees a test row."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
from small_recipes import DETERMINISTIC, SMALL, STOCHASTIC

from graduel.contenders import Budget, make_contender
from graduel.contenders.family import TableTraits
from graduel.contenders.fit_job import Clock
from graduel.contenders.registry import BUILT_IN, get_contender, get_family
from graduel.data import Dataset
from graduel.data.source import DataSource
from graduel.duel.plan.protocol import Cell
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.duel.plan.splits import Split
from graduel.duel.run.cell import run_cell


def test_every_built_in_family_has_small_recipes():
    assert set(SMALL) == {name for name in BUILT_IN if get_family(name).classifies}, (
        "add the family's small recipes to SMALL in tests/duel/small_recipes.py"
    )


@pytest.fixture(scope="module")
def digits(mnist):
    """The first 800 training and 200 test digits."""
    keep = np.r_[0:800, 60_000:60_200]
    return replace(mnist, X=mnist.X[keep], y=mnist.y[keep], n_train=800)


def run(digits, name, *, seed=0, notify=lambda progress: None, rows=None):
    rows = rows or build_protocol(DataSource.builtin("mnist"), threads=1).split_rows(digits, seed)
    contender = make_contender(name, name, SMALL[name].digits)
    return run_cell(contender, digits, rows, Cell(name, seed), Budget(threads=1), notify)


def garbage(digits):
    rng = np.random.default_rng(9)
    X, y = digits.X.copy(), digits.y.copy()
    X[800:] = rng.integers(0, 256, size=X[800:].shape)
    y[800:] = rng.integers(0, 10, size=200)
    return replace(digits, X=X, y=y)


@pytest.mark.parametrize("name", SMALL)
def test_garbage_in_the_test_rows_does_not_change_the_model(digits, name):
    outcome, fitted = run(digits, name)
    spoiled, other = run(garbage(digits), name)
    assert fitted.to_bytes() == other.to_bytes()
    assert fitted.details == other.details
    assert (outcome.probabilities != spoiled.probabilities).any()
    assert len(fitted.to_bytes()) == outcome.model_bytes


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_a_family_that_is_not_stochastic_gives_the_same_model_with_every_seed(digits, name):
    rows = build_protocol(DataSource.builtin("mnist"), threads=1).split_rows(digits, 0)
    (_, one), (_, two) = (run(digits, name, seed=seed, rows=rows) for seed in (0, 1))
    assert one.to_bytes() == two.to_bytes()


@pytest.mark.parametrize("name", STOCHASTIC)
def test_the_same_seed_gives_the_same_outcome_and_another_seed_another(digits, name):
    first, fitted = run(digits, name)
    again, _ = run(digits, name)
    np.testing.assert_array_equal(first.probabilities, again.probabilities)
    assert [e for _, e in first.curve] == [e for _, e in again.curve]
    rows = build_protocol(DataSource.builtin("mnist"), threads=1).split_rows(digits, 0)
    _, other = run(digits, name, seed=1, rows=rows)
    assert fitted.to_bytes() != other.to_bytes()


@pytest.mark.parametrize("name", SMALL)
def test_an_outcome_is_complete(digits, name):
    shares = []
    outcome, fitted = run(digits, name, notify=shares.append)
    p = outcome.probabilities
    assert p.shape == (200, 10)
    assert p.dtype == np.float32
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(p, fitted.predict_proba(digits.table[800:]))
    seconds = [s for s, _ in outcome.curve]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0
    assert seconds[-1] <= outcome.fit_seconds
    assert outcome.predict_row_seconds > 0
    assert outcome.predict_batch_seconds > 0
    assert outcome.peak_memory_bytes > 50_000_000
    assert 0 < shares[0].share <= shares[-1].share <= 1
    best = min(error for _, error in outcome.curve)
    assert (p.argmax(axis=1) != digits.y[800:]).mean() <= best + 0.1


def test_the_net_selects_the_epoch_with_the_lowest_validation_error(digits):
    rows = build_protocol(DataSource.builtin("mnist"), threads=1).split_rows(digits, 0)
    X, y = digits.table[rows.valid], digits.y[rows.valid]
    reports = []
    outcome, fitted = run(digits, "net", notify=reports.append)
    error = (fitted.predict_proba(X).argmax(axis=1) != y).mean()
    assert outcome.details["valid_error"] == pytest.approx(error)
    assert error == pytest.approx(min(p.valid_error for p in reports))


def test_xgboost_selects_the_round_with_the_lowest_validation_log_loss(digits):
    from sklearn.metrics import log_loss

    rows = build_protocol(DataSource.builtin("mnist"), threads=1).split_rows(digits, 0)
    X, y = digits.table[rows.valid], digits.y[rows.valid]
    recipe = {**SMALL["xgboost"].digits, "n_estimators": 40, "learning_rate": 1.0}
    contender = make_contender("xgboost", "xgboost", recipe)
    cell = Cell("xgboost", 0)
    outcome, fitted = run_cell(contender, digits, rows, cell, Budget(threads=1))
    best, rounds = outcome.details["best_round"], outcome.details["rounds"]
    assert rounds < 40  # it stopped early

    def loss(p):
        p = p.astype(float)
        return log_loss(y, p / p.sum(axis=1, keepdims=True))

    cuts = [fitted.model.predict_proba(X, iteration_range=(0, n)) for n in range(1, rounds + 1)]
    losses = [loss(p) for p in cuts]
    assert np.argmin(losses) + 1 == best
    p = fitted.predict_proba(X)
    assert loss(p) == pytest.approx(min(losses))
    error = (p.argmax(axis=1) != y).mean()
    assert outcome.details["valid_error"] == pytest.approx(error)


@pytest.mark.parametrize("metric", ["error", "accuracy"])
def test_xgboost_with_stops_by_metric_selects_by_error_and_breaks_ties_by_log_loss(digits, metric):
    rows = build_protocol(DataSource.builtin("mnist"), threads=1).split_rows(digits, 0)
    X, y = digits.table[rows.valid], digits.y[rows.valid]
    recipe = {
        **SMALL["xgboost"].digits,
        "n_estimators": 40,
        "learning_rate": 1.0,
        "stops_by": "metric",
    }
    contender = make_contender("xgboost", "xgboost", recipe, metric)
    outcome, fitted = run_cell(contender, digits, rows, Cell("xgboost", 0), Budget(threads=1))
    rounds = outcome.details["rounds"]
    scores = []
    for n in range(1, rounds + 1):
        p = fitted.model.predict_proba(X, iteration_range=(0, n))
        wrong = int((p.argmax(axis=1) != y).sum())
        scores.append((wrong, -np.log(p[np.arange(len(y)), y]).mean()))
    best = min(scores)
    assert [wrong for wrong, _ in scores].count(best[0]) > 1, "no ties: the test shows nothing"
    assert outcome.details["best_round"] == scores.index(best) + 1
    assert outcome.details["valid_error"] == pytest.approx(best[0] / len(y))
    p = fitted.predict_proba(X)
    assert -np.log(p[np.arange(len(y)), y]).mean() == pytest.approx(best[1], rel=1e-5)
    trees = fitted.model.get_booster()[: scores.index(best) + 1]
    assert fitted.to_bytes().startswith(bytes(trees.save_raw("ubj")))


CUTS = {
    "xgboost": lambda model, X, n: model.predict_proba(X, iteration_range=(0, n)),
    "lightgbm": lambda model, X, n: model.predict_proba(X, num_iteration=n),
    "catboost": lambda model, X, n: model.predict_proba(X, ntree_end=n),
    "hist": lambda model, X, n: list(model.staged_predict_proba(X))[n - 1],
}


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("name", CUTS)
def test_a_boosters_curve_has_the_error_of_the_model_truncated_at_each_round(digits, name):
    outcome, fitted = run(digits, name)
    X, y = digits.table[800:], digits.y[800:]
    assert len(outcome.curve) == outcome.details["rounds"] > 1
    for n, (_, error) in enumerate(outcome.curve, 1):
        p = CUTS[name](fitted.model, X, n)
        assert error == pytest.approx((p.argmax(axis=1) != y).mean())


def test_a_forest_grown_in_steps_equals_one_grown_in_one_call(digits):
    from sklearn.ensemble import RandomForestClassifier

    _, fitted = run(digits, "forest")
    rows = build_protocol(DataSource.builtin("mnist"), threads=1).split_rows(digits, 0)
    number = int(Cell("forest", 0).rng().integers(2**31))
    whole = RandomForestClassifier(20, random_state=number).fit(
        digits.table[rows.train], digits.y[rows.train]
    )
    X = digits.table[800:]
    np.testing.assert_allclose(fitted.predict_proba(X), whole.predict_proba(X), atol=1e-6)


def test_xgboosts_default_recipe_equals_xgbclassifier_with_its_parameters(digits):
    from xgboost import XGBClassifier

    _, fitted = run(digits, "xgboost")
    rows = build_protocol(DataSource.builtin("mnist"), threads=1).split_rows(digits, 0)
    plain = XGBClassifier(
        n_estimators=6,
        learning_rate=0.3,
        max_depth=6,
        max_bin=16,
        colsample_bynode=0.3,
        multi_strategy="multi_output_tree",
        early_stopping_rounds=2,
        tree_method="hist",
        eval_metric=["merror", "mlogloss"],
        n_jobs=1,
        random_state=int(Cell("xgboost", 0).rng().integers(2**31)),
    )
    X, y = digits.table, digits.y
    plain.fit(X[rows.train], y[rows.train], eval_set=[(X[rows.valid], y[rows.valid])], verbose=0)
    np.testing.assert_array_equal(plain.predict_proba(X[800:]), fitted.predict_proba(X[800:]))


@pytest.mark.parametrize("name", ["xgboost-plain", "xgboost-td"])
def test_published_xgboost_defaults_are_reproduced(name):
    from xgboost import XGBClassifier

    tuned = {  # XGB-TD-C as in pytabkit
        "n_estimators": 1000,
        "learning_rate": 0.08,
        "max_depth": 6,
        "min_child_weight": 5e-6,
        "reg_lambda": 0.0,
        "colsample_bylevel": 0.9,
        "subsample": 0.65,
        "max_bin": 256,
        "tree_method": "hist",
        "early_stopping_rounds": 300,
    }
    rng = np.random.default_rng(0)
    X, y = rng.integers(9, size=(240, 5)).astype(np.float32), np.arange(240) % 3
    X[:, 2] += y
    data = Dataset("toy", X, y, ("a", "b", "c"))
    rows = Split(np.arange(160), np.arange(160, 200), np.arange(200, 240))
    recipe = asdict(get_contender(name)[1].recipes(TableTraits(160, 3, vector_leaves=True)).full)
    outcome, fitted = run_cell(
        make_contender(name, "xgboost", recipe), data, rows, Cell(name, 0), Budget(threads=1)
    )
    reference = XGBClassifier(
        **(tuned if name == "xgboost-td" else {}),
        eval_metric=["mlogloss", "merror"],  # early stopping by the error, as in pytabkit
        n_jobs=1,
        random_state=int(Cell(name, 0).rng().integers(2**31)),
    )
    reference.fit(X[:160], y[:160], eval_set=[(X[160:200], y[160:200])], verbose=0)
    rounds, best = reference.get_booster().num_boosted_rounds(), 100
    if name == "xgboost-td":
        history = reference.evals_result()["validation_0"]
        assert history["merror"][reference.best_iteration] == min(history["merror"])
        best = min(range(rounds), key=lambda n: (history["merror"][n], history["mlogloss"][n])) + 1
    p = reference.predict_proba(X[200:], iteration_range=(0, best))
    np.testing.assert_array_equal(p, outcome.probabilities)
    assert (outcome.details["best_round"], outcome.details["rounds"]) == (best, rounds)
    valid = reference.predict_proba(X[160:200], iteration_range=(0, best))
    wrong = valid.argmax(axis=1) != y[160:200]
    assert outcome.details["valid_error"] == pytest.approx(wrong.mean())
    assert len(fitted.to_bytes()) == len(bytes(reference.get_booster()[:best].save_raw("ubj")))


def test_scikit_learns_mlp_stops_after_epochs_without_improvement(digits):
    rows = build_protocol(DataSource.builtin("mnist"), threads=1).split_rows(digits, 0)
    recipe = {"hidden_layer_sizes": [16], "max_iter": 200, "n_iter_no_change": 3}
    outcome, fitted = run_cell(
        make_contender("mlp", "mlp", recipe), digits, rows, Cell("mlp", 0), Budget(threads=1)
    )
    details = outcome.details
    assert details["epochs"] == details["best_epoch"] + 3 < 200
    p = fitted.predict_proba(digits.table[rows.valid])
    error = (p.argmax(axis=1) != digits.y[rows.valid]).mean()
    assert error == pytest.approx(details["valid_error"])


@pytest.mark.parametrize("name", SMALL)
def test_a_fit_ends_when_notify_returns_true(digits, name):
    reports = []

    def notify(progress):
        reports.append(progress)
        return len(reports) == 2

    outcome, fitted = run(digits, name, notify=notify)
    n_reports = 1 if SMALL[name].has_single_checkpoint else 2
    assert len(reports) == n_reports
    assert len(outcome.curve) == n_reports
    assert all(0 <= one.valid_loss <= 1 for one in reports)
    assert np.isfinite(fitted.predict_proba(digits.table[800:])).all()


def test_the_clock_does_not_run_while_stopped():
    import time

    clock = Clock()
    stopped = clock.stop()
    time.sleep(0.05)
    assert clock.seconds == stopped
    clock.resume()
    assert clock.seconds < stopped + 0.05


def test_arrays_that_are_not_pixels_are_not_scaled():
    rng = np.random.default_rng(0)
    y = np.arange(300) % 3
    X = rng.normal(size=(300, 4)).astype(np.float32) + y[:, None]
    data = Dataset("toy", X, y, ("a", "b", "c"), 240)
    rows = Split(np.arange(200), np.arange(200, 240), np.arange(240, 300))
    for name, small in SMALL.items():
        contender = make_contender(name, name, small.digits)
        outcome, _ = run_cell(contender, data, rows, Cell(name, 0), Budget(threads=1))
        assert (outcome.probabilities.argmax(axis=1) != y[240:]).mean() < 0.6
