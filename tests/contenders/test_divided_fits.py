"""A contender's fit by several worker processes is that of one process."""

from __future__ import annotations

import time

import numpy as np
import psutil
import pytest

from graduel.contenders import Budget, LabelledRows, make_contender
from graduel.contenders.workers.divided_fit import divide_fits
from graduel.contenders.workers.train_job import explain_one_process
from graduel.train.loop.parallel import LostWorkerError

RECIPES = {
    "textbook": {"layers": [8], "rate": 0.5, "steps": 40},
    "net": {"layers": [8], "dropout": 0.0, "noise": 0.0, "epochs": 3, "lr": 0.01},
    "xgboost": {"n_estimators": 8, "max_depth": 3, "early_stopping_rounds": 4},
}
RNG = np.random.default_rng(3)
X = RNG.integers(0, 12, (260, 5)).astype("float32")
Y = ((X[:, 0] > 5).astype(int) + (X[:, 1] > 3)) % 3
TRAIN, VALID = LabelledRows(X[:200], Y[:200], 3), LabelledRows(X[200:], Y[200:], 3)


def fit(contender, notify=lambda progress: None):
    """Return the fitted model, and the predictions at each checkpoint."""
    curve = []
    fitting = contender.fit(
        TRAIN, VALID, rng=np.random.default_rng(0), budget=Budget(2), notify=notify
    )
    while True:
        try:
            curve.append(next(fitting).predict_proba(X))
        except StopIteration as end:
            return end.value, curve


def make(name, recipe=None):
    return make_contender(name, name, recipe or RECIPES[name])


def worker_processes():
    return [
        one
        for one in psutil.Process().children()
        if any("worker_process" in word for word in one.cmdline())
    ]


@pytest.mark.parametrize(
    "name",
    [
        "net",
        pytest.param("textbook", marks=pytest.mark.long),
        pytest.param("xgboost", marks=pytest.mark.long),
    ],
)
def test_two_workers_have_the_checkpoints_and_the_model_of_one_process(name):
    shares = []
    alone, curve = fit(make(name))
    together, divided = fit(divide_fits(make(name), 2, 0), lambda now: shares.append(now.share))
    assert together.details.keys() == alone.details.keys() | {"workers"}
    for key, value in alone.details.items():
        value = pytest.approx(value, rel=1e-3) if isinstance(value, float) else value
        assert together.details[key] == value
    assert len(divided) == len(curve)
    for one, other in zip(divided, curve, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=1e-4)
    np.testing.assert_allclose(together.predict_proba(X), alone.predict_proba(X), atol=1e-3)
    assert shares == sorted(shares)
    assert shares[-1] <= 1
    assert together.seconds > 0


def test_a_fit_ends_with_the_epoch_that_is_said_and_has_equal_bits():
    recipe = RECIPES["net"] | {"dropout": 0.3, "noise": 0.1, "ema": 0.9, "epochs": 50}
    models = []
    for _ in range(2):
        divided = divide_fits(make("net", recipe), 2, 0)
        fitted, curve = fit(divided, lambda progress: progress.share >= 3 / 50)
        assert len(curve) == 3
        models.append((fitted.to_bytes(), [p.tobytes() for p in curve]))
    assert models[0] == models[1]
    assert worker_processes() == []


@pytest.mark.long
def test_workers_that_died_are_replaced_and_the_fit_is_an_undisturbed_one():
    recipe, messages = RECIPES["textbook"] | {"steps": 75}, []

    def kill_once(progress):
        if progress.share > 0.5 and not messages:
            worker_processes()[1].kill()

    undisturbed, curve = fit(divide_fits(make("textbook", recipe), 2, 0))
    start = time.monotonic()
    fitted, other = fit(divide_fits(make("textbook", recipe), 2, 1, messages.append), kill_once)
    assert time.monotonic() - start < 60  # two starts, and at most 30 seconds between them
    assert messages == ["worker 1 of 2 died (killed by signal 9); starting its workers again"]
    assert [p.tobytes() for p in curve] == [p.tobytes() for p in other]
    assert fitted.to_bytes() == undisturbed.to_bytes()


@pytest.mark.long
def test_workers_that_keep_dying_end_the_fit():
    divided = divide_fits(make("net", RECIPES["net"] | {"epochs": 10_000}), 2, 0)
    with pytest.raises(LostWorkerError, match=r"died once, at last: worker 0 of 2 died"):
        fit(divided, lambda progress: worker_processes()[0].kill())
    assert worker_processes() == []


@pytest.mark.parametrize(
    ("family", "recipe", "metric", "reason"),
    [
        ("forest", {}, "error", "its family"),
        ("net", {"optimizer": "lbfgs"}, "error", "optimizer=lbfgs"),
        ("xgboost", {}, "f1(positive=1)", "f1"),
        ("xgboost", {}, "accuracy", None),
        ("net", {"optimizer": "adamw"}, "auc", None),
        ("textbook", {}, "auc", None),
    ],
)
def test_a_fit_that_cannot_be_divided_has_a_reason(family, recipe, metric, reason):
    text = explain_one_process(family, recipe, metric)
    assert (text == "") if reason is None else (reason in text)
