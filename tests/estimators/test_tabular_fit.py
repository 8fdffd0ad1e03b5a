"""Fit of TabularMLPClassifier: validation rows, metric, class weights, recipes, interruption."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import balanced_accuracy_score
from table_mixed import SMALL, mixed, quick

import graduel
from graduel import TabularMLPClassifier
from graduel.estimators.table import table_training
from graduel.estimators.table.table_fit import split_validation
from graduel.train.recipes import NetRecipe, net_recipe

X, Y = mixed()
NET = quick().fit(X, Y)


def test_given_validation_rows_select_the_epoch():
    net = quick().fit(X[:80], Y[:80], eval_set=(X[80:], Y[80:]))
    assert net.preparation_ != NET.preparation_
    best = net.validation_error_curve_[net.best_epoch_ - 1]
    assert best == min(net.validation_error_curve_)
    assert net.score(X[80:], Y[80:]) == pytest.approx(1 - best)
    same = quick().fit(X[:80], Y[:80], eval_set=[(X[80:], Y[80:])])
    assert (same.predict_proba(X) == net.predict_proba(X)).all()


def test_validation_rows_do_not_affect_the_preparation():
    other = X[80:].assign(age=1e9, city="Paris", took=pd.to_timedelta(1, "s"))
    one = quick().fit(X[:80], Y[:80], eval_set=(X[80:], Y[80:]))
    two = quick().fit(X[:80], Y[:80], eval_set=(other, Y[80:]))
    assert one.preparation_ == two.preparation_
    assert one.loss_curve_ == two.loss_curve_


def test_without_validation_rows_the_last_epoch_is_used():
    net = quick(validation_fraction=0).fit(X, Y)
    assert net.best_epoch_ == net.n_iter_ == 12
    assert net.validation_error_curve_ is net.validation_loss_curve_ is None
    few = quick().fit(X[:2], ["a", "b"])
    assert few.validation_scores_ is None
    assert few.predict(X[:2]).shape == (2,)


@pytest.mark.parametrize("metric", ["error", "log_loss", "balanced_accuracy"])
def test_the_metric_selects_the_epoch(metric):
    y = np.where(np.arange(len(X)) % 5 == 0, "rare", Y)
    net = quick(metric=metric).fit(X[:80], y[:80], eval_set=(X[80:], y[80:]))
    scores = net.validation_scores_
    assert scores[net.best_epoch_ - 1] == max(scores)
    if metric == "log_loss":
        assert scores == [-loss for loss in net.validation_loss_curve_]
    elif metric == "error":
        assert scores == [1 - error for error in net.validation_error_curve_]
    else:
        expected = balanced_accuracy_score(y[80:], net.predict(X[80:]))
        assert scores[net.best_epoch_ - 1] == pytest.approx(expected)


def test_class_weights_change_the_predictions():
    skewed = np.where(np.arange(len(X)) % 10 == 0, "rare", "usual")
    share = [
        np.mean(quick(class_weight=weight).fit(X, skewed).predict(X) == "rare")
        for weight in (None, "balanced", {"rare": 500})
    ]
    assert share[0] < share[1] <= share[2]
    assert share[2] > 0.8


@settings(max_examples=8)
@given(zero=st.sets(st.integers(0, 79), max_size=20), seed=st.integers(0, 9))
def test_a_row_of_weight_0_has_no_influence(zero, seed):
    weight = np.random.default_rng(seed).uniform(0.5, 2, 80)
    rest = [i for i in range(80) if i not in zero]
    weight[list(zero)] = 0
    changed, labels = X[:80].copy(), Y[:80].copy()
    changed.loc[list(zero), "age"] = 1e6
    labels[list(zero)] = "stays"
    nets = [
        quick(max_epochs=2).fit(changed, labels, sample_weight=weight),
        quick(max_epochs=2).fit(X[:80].iloc[rest], Y[:80][rest], weight[rest]),
    ]
    assert nets[0].loss_curve_ == nets[1].loss_curve_
    assert nets[0].preparation_ == nets[1].preparation_
    assert nets[0].validation_scores_ == nets[1].validation_scores_


@pytest.mark.parametrize("metric", ["error", "log_loss", "balanced_accuracy"])
def test_weights_of_rows_are_weights_of_their_classes(metric):
    """A weight for each row of a class is that class's weight, in the loss and in the metric."""
    by_class = {"goes": 3.0, "stays": 0.5}
    weight = np.array([by_class[label] for label in Y])
    rows = quick(metric=metric, max_epochs=4).fit(X, Y, sample_weight=weight)
    classes = quick(metric=metric, max_epochs=4, class_weight=by_class).fit(X, Y)
    np.testing.assert_allclose(rows.loss_curve_, classes.loss_curve_, rtol=1e-5)
    np.testing.assert_allclose(rows.validation_scores_, classes.validation_scores_, rtol=1e-5)
    both = quick(metric=metric, max_epochs=4, class_weight={"goes": 3.0}).fit(
        X, Y, sample_weight=np.where(Y == "stays", 0.5, 1.0)
    )
    np.testing.assert_allclose(both.loss_curve_, classes.loss_curve_, rtol=1e-5)
    twos = quick().fit(X, Y, sample_weight=np.full(len(Y), 2.0))
    np.testing.assert_allclose(twos.loss_curve_, NET.loss_curve_, rtol=1e-5)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.zeros(len(Y)), "at least one non-zero"),
        (-np.ones(len(Y)), "[Nn]egative"),
        (np.ones(3), "sample_weight"),
    ],
)
def test_invalid_weights_raise(weight, message):
    with pytest.raises(ValueError, match=message):
        quick().fit(X, Y, sample_weight=weight)


def test_recipes_as_text_mapping_or_object(tmp_path):
    changes = {"layers": (8, 8), "members": 2, "epochs": 1}
    net = TabularMLPClassifier(recipe=changes).fit(X, Y)
    text = TabularMLPClassifier(recipe="layers=8,8 members=2 epochs=1").fit(X, Y)
    assert net.recipe_ == text.recipe_
    net.save(tmp_path / "net.safetensors")
    assert TabularMLPClassifier.load(tmp_path / "net.safetensors").recipe_ == net.recipe_
    with pytest.raises(ValueError, match="a key in recipe must be one of"):
        TabularMLPClassifier(recipe={"layer": 8}).fit(X, Y)


def test_recipes_as_text_or_object():
    default = net_recipe(quick=False, table_rows=102)
    net = TabularMLPClassifier(max_epochs=1).fit(X, Y)
    assert net.recipe_ == replace(default, epochs=1)
    net = TabularMLPClassifier(recipe="layers=8,8 members=2", max_epochs=1).fit(X, Y)
    assert net.recipe_ == replace(default, layers=(8, 8), members=2, epochs=1)
    net = TabularMLPClassifier(recipe=NetRecipe(layers=[8], epochs=2)).fit(X, Y)
    assert net.recipe_ == NetRecipe(layers=(8,), epochs=2)


@pytest.mark.parametrize(
    "more",
    [
        "category_embedding=8 numeric_embedding=pbld input_scale=yes ntk=yes calibrate=yes",
        "members=4 category_embedding=8 scaling=quantile scheduled=dropout",
        "norm=batch ema=0.9 plateau=3",
        "loss=binary label_smoothing=0.1",
    ],
)
def test_every_kind_of_recipe_works(more):
    net = quick(recipe=f"{SMALL} {more}").fit(X, Y)
    assert net.predict(X).shape == Y.shape
    assert (clone(net).fit(X, Y).predict_proba(X) == net.predict_proba(X)).all()


def test_verbose_shows_epochs(capsys):
    quick(verbose=True, max_epochs=2).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines[::2]] == ["Iteration 1", "Iteration 2"]
    assert all(line.startswith("Validation score") for line in lines[1::2])


def test_ctrl_c_keeps_the_best_epoch(monkeypatch):
    def stop(self, number, loss, score):
        if number == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(table_training.Progress, "epoch", stop)
    with pytest.warns(UserWarning, match="interrupted"):
        net = quick().fit(X, Y)
    assert net.n_iter_ == 3
    assert 1 <= net.best_epoch_ <= 3
    assert net.loss_curve_ == NET.loss_curve_[:3]


def test_divergence_uses_the_best_epoch_before(monkeypatch):
    validated_epochs = table_training.Training.validated_epochs

    def diverge(self, *args):
        for epoch in validated_epochs(self, *args):
            yield epoch
            if epoch[0].epoch == 2:
                raise graduel.train.DivergedError("the loss became nan")

    monkeypatch.setattr(table_training.Training, "validated_epochs", diverge)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        net = quick().fit(X, Y)
    assert net.n_iter_ == 2


@pytest.mark.parametrize(
    "eval_set", [(X,), X, (X, np.full(len(X), "no")), (X[X.columns[::-1]], Y), (X, Y[:-1])]
)
def test_invalid_validation_rows_raise(eval_set):
    with pytest.raises(ValueError, match=r"eval_set|same order|inconsistent"):
        quick().fit(X, Y, eval_set=eval_set)


def test_validation_rows_are_stratified_by_class():
    y = np.repeat([0, 1, 2, 3], [80, 15, 4, 1])
    train, valid = split_validation(y, 0.2, np.random.default_rng(0))
    assert sorted([*train, *valid]) == list(range(100))
    assert np.bincount(y[valid], minlength=4).tolist() == [16, 3, 1, 0]
