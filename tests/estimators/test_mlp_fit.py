"""Pixels and DataFrames, output of verbose, interrupted and diverging fits."""

from __future__ import annotations

import io
import tracemalloc

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import rich.console
from mlp_cases import (
    PIXELS,
    QUIET,
    X,
    Y,
    Z,
    classifier,
    named,
    proba,
    regressor,
    weights,
)
from scipy.sparse import csr_matrix
from sklearn.exceptions import ConvergenceWarning

from graduel import MLPClassifier, nn

pytestmark = QUIET


# --- pixels and frames ---


def test_pixels_stay_uint8_in_memory():
    images = np.random.default_rng(1).integers(0, 256, (12_000, 784), dtype=np.uint8)
    labels = np.arange(12_000) % 2
    net = MLPClassifier((2,), max_iter=1, random_state=0)
    net.fit(images[:300], labels[:300])  # so that later calls import nothing
    for use in (lambda: net.fit(images, labels), lambda: net.predict_proba(images)):
        tracemalloc.start()
        try:
            use()
            assert tracemalloc.get_traced_memory()[1] < images.nbytes  # float32 would be 4 times
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("kind", [np.asarray, csr_matrix, pd.DataFrame, pl.DataFrame])
def test_pixels_are_scaled_in_every_container(kind):
    flat = PIXELS.reshape(60, -1)
    net = classifier().fit(kind(flat), Y)
    scaled = classifier(input_scale=1 / 255).fit(flat, Y)
    np.testing.assert_allclose(net.predict_proba(kind(flat)), scaled.predict_proba(flat), rtol=1e-5)
    by_hand = classifier().fit((flat / 255).astype("f4"), Y)
    np.testing.assert_allclose(weights(net), weights(by_hand), rtol=1e-4, atol=1e-5)
    assert net.network_.dtype == "float32"


def test_the_same_pixels_in_other_dtypes_give_equal_predictions():
    flat = PIXELS.reshape(60, -1)
    net = classifier().fit(flat, Y)
    for dtype in (np.float64, np.float32, np.int64):
        np.testing.assert_array_equal(
            net.predict_proba(flat.astype(dtype)), net.predict_proba(flat)
        )


@pytest.mark.parametrize(("top", "scale"), [(1, 1), (127, 1), (128, 1 / 255), (255, 1 / 255)])
def test_small_uint8_numbers_are_not_pixels(top, scale):
    flat = np.minimum(PIXELS.reshape(60, -1), top)
    assert flat.max() == top
    net = classifier().fit(flat, Y)
    same = classifier(input_scale=scale).fit(flat, Y)
    np.testing.assert_array_equal(net.predict_proba(flat), same.predict_proba(flat))
    other = classifier(input_scale=0.5).fit(flat, Y)
    assert not np.array_equal(net.predict_proba(flat), other.predict_proba(flat))


def test_input_scale_multiplies_any_numbers():
    np.testing.assert_allclose(
        proba(input_scale=0.25), classifier().fit(X / 4, Y).predict_proba(X / 4), rtol=1e-12
    )


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dataframes_keep_their_float_dtype(frame, dtype):
    columns = {name: X[:, i].astype(dtype) for i, name in enumerate("abcde")}
    net = classifier().fit(frame(columns), Y)
    assert net.network_.dtype == net.predict_proba(frame(columns)).dtype == dtype
    assert net.feature_names_in_.tolist() == list("abcde")
    plain = classifier().fit(X.astype(dtype), Y)
    np.testing.assert_array_equal(
        net.predict_proba(frame(columns)), plain.predict_proba(X.astype(dtype))
    )


def test_missing_values_in_a_dataframe_of_pixels_raise():
    frame = pl.DataFrame({"a": [1, None, 255] * 20, "b": [1, 2, 3] * 20}, schema_overrides={
        "a": pl.UInt8, "b": pl.UInt8
    })  # fmt: skip
    with pytest.raises(ValueError, match="NaN"):
        classifier().fit(frame, Y)


# --- progress output ---


def test_verbose_prints_a_line_for_each_epoch(capsys):
    net = classifier(verbose=2, early_stopping=True).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    expected = []
    for i, (loss, score) in enumerate(zip(net.loss_curve_, net.validation_scores_, strict=True)):
        expected += [f"Iteration {i + 1}, loss = {loss:.8f}", f"Validation score: {score:f}"]
    assert lines == expected
    classifier(verbose=True, tol=1, n_iter_no_change=1, max_iter=9).fit(X, Y)
    assert (
        "did not improve more than tol=1.000000 for 1 consecutive epochs. Stopping."
        in (capsys.readouterr().out.splitlines()[-1])
    )
    classifier().fit(X, Y)
    assert capsys.readouterr().out == ""


class Terminal(rich.console.Console):
    """A console that writes to a text buffer as to a terminal."""

    text: io.StringIO

    def __init__(self):
        super().__init__(file=Terminal.text, force_terminal=True, width=100)


def test_the_progress_bar_on_a_terminal(monkeypatch, capsys):
    Terminal.text = io.StringIO()
    monkeypatch.setattr(rich.console, "Console", Terminal)
    net = classifier(verbose=True, early_stopping=True, max_iter=4).fit(X, Y)
    shown = Terminal.text.getvalue()
    assert "4/4" in shown
    assert f"loss {net.loss_:.4f}   validation {net.validation_scores_[-1]:.4f}" in shown
    assert capsys.readouterr().out == ""  # no lines in addition
    classifier(verbose=1, tol=1, n_iter_no_change=1, max_iter=9).fit(X, Y)
    assert "Stopping." in Terminal.text.getvalue()
    classifier(verbose=2).fit(X, Y)
    assert "Iteration 3" in capsys.readouterr().out


def test_the_progress_bar_ends_when_a_fit_fails(monkeypatch):
    Terminal.text = io.StringIO()
    monkeypatch.setattr(rich.console, "Console", Terminal)
    monkeypatch.setenv("TERM", "xterm")  # a dumb terminal has no cursor to hide

    def failing(t):
        if t > 0.5:
            raise RuntimeError
        return 1.0

    with pytest.raises(RuntimeError):
        classifier(verbose=True, learning_rate=failing).fit(X, Y)
    assert Terminal.text.getvalue().endswith("\x1b[?25h")  # shows the cursor again


# --- interrupted and diverging fits ---


def interrupting(at):
    def rate(t):
        if t > at:
            raise KeyboardInterrupt
        return 1.0

    return rate


def test_ctrl_c_keeps_the_completed_epochs():
    net = classifier(learning_rate=interrupting(0.6), max_iter=10)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        net.fit(X, Y)
    assert net.n_iter_ == 6
    assert net.score(X, Y) > 0
    stopped = classifier(learning_rate=interrupting(0.6), max_iter=10, early_stopping=True)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        stopped.fit(X, Y)
    assert stopped.best_validation_score_ == max(stopped.validation_scores_)
    net.set_params(learning_rate=interrupting(0.05))
    before = weights(net)
    with pytest.raises(KeyboardInterrupt):  # in the first epoch: nothing changes
        net.fit(X, Y)
    np.testing.assert_array_equal(weights(net), before)


OVERFLOWS = pytest.mark.filterwarnings("ignore:(overflow|invalid value):RuntimeWarning")


@OVERFLOWS
def test_divergence_raises_and_leaves_the_estimator_unchanged():
    net = regressor().fit(X, Z)
    before = weights(net)
    text = "Solver produced non-finite parameter weights. The input data may contain large values"
    net.set_params(solver="sgd", learning_rate_init=1e200, max_iter=20)
    with pytest.raises(ValueError, match=text):
        net.fit(X, Z)
    np.testing.assert_array_equal(weights(net), before)
    with pytest.raises(ValueError, match=text):
        list(regressor(solver="sgd", learning_rate_init=1e200, max_iter=20).fit_iter(X, Z))


@OVERFLOWS
@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_a_diverging_partial_fit_leaves_the_estimator_unchanged(ema):
    net = regressor(ema=ema, solver="sgd").partial_fit(X, Z)
    before, curve = weights(net), list(net.loss_curve_)
    with pytest.raises(ValueError, match="non-finite"):  # after some of its steps
        net.partial_fit(X, Z * 1e153)
    np.testing.assert_array_equal(weights(net), before)
    assert net.loss_curve_ == curve
    for _ in range(3):
        net.partial_fit(X, Z)
    assert np.isfinite(weights(net)).all()
    assert len(net.loss_curve_) == len(curve) + 3


def explode(t):
    return 1.0 if t < 0.5 else 1e200


@OVERFLOWS
def test_early_stopping_restores_the_best_epoch_before_divergence():
    params = {"solver": "sgd", "early_stopping": True, "max_iter": 20, "learning_rate": explode}
    net = regressor(**params)
    with pytest.warns(ConvergenceWarning, match="diverged; the best epoch before is used"):
        net.fit(X, Z)
    assert np.isfinite(net.predict(X)).all()
    assert np.isnan(net.loss_curve_[-1])
    assert net.n_iter_ == len(net.loss_curve_) == len(net.validation_scores_) <= 20
    assert net.best_validation_score_ == np.nanmax(net.validation_scores_)
    stepped = regressor(**params)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        epochs = list(stepped.fit_iter(X, Z))
    assert np.isnan(epochs[-1].loss)
    np.testing.assert_array_equal(weights(stepped), weights(net))


def test_the_score_of_huge_predictions_is_minus_infinity():
    steep = nn.Constant(600 / np.abs(X).sum(axis=1).max())
    params = {"layers": [], "init": steep, "learning_rate_init": 1e-307}
    net = regressor(loss="poisson", early_stopping=True, solver="gd", **params)
    net.fit(np.abs(X), np.abs(Z))
    assert 1e160 < net.predict(np.abs(X)).max() < 1e308
    assert net.validation_scores_ == [-np.inf] * 3


def test_nan_scores_are_not_an_improvement():
    scoring = iter([1.0, *[float("nan")] * 50])
    net = classifier(
        scoring=lambda *_: next(scoring), early_stopping=True, max_iter=40, n_iter_no_change=3
    ).fit(X, Y)
    assert net.n_iter_ == 5
    assert net.best_validation_score_ == 1


# --- reproducibility ---


@pytest.mark.parametrize(
    "params",
    [{"dropout": 0.3, "norm": "batch", "ema": 0.9}, {"early_stopping": True}, {"solver": "muon"}],
    ids=named,
)
def test_the_same_random_state_gives_identical_weights(params):
    nets = joblib.Parallel(n_jobs=2, prefer="threads")(
        joblib.delayed(classifier(**params).fit)(X, Y) for _ in range(2)
    )
    here = classifier(**params).fit(X, Y)
    for net in nets:
        np.testing.assert_array_equal(weights(net), weights(here))
    other = classifier(**params).set_params(random_state=1).fit(X, Y)
    assert not np.array_equal(weights(other), weights(here))
