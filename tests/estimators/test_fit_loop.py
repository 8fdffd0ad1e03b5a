"""FitLoop: learning rate, stopping, the best epoch, and resuming."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graduel.estimators.fit.fit_history import FitEpoch, FitHistory, FitSettings
from graduel.estimators.fit.fit_loop import MIN_RATE, FitLoop
from graduel.nn import BatchNorm, Call, Dense, Network, ReLU, SquaredError
from graduel.optim import LBFGS, SGD, Adam, Constant, Cosine
from graduel.train import WeightAverage
from graduel.train.loop.batches import Rows

RNG = np.random.default_rng(5)
X = RNG.normal(size=(24, 3))
Y = X @ RNG.normal(size=(3, 1)) + 0.1 + np.sin(9 * X[:, :1])
NET = Network((Dense(4), ReLU(), Dense(1)), (3,), SquaredError(), "float64")
SETTINGS = FitSettings(
    rule=SGD(),
    lr=0.01,
    schedule=Constant(),
    sklearn_rule="constant",
    power_t=0.5,
    epochs=10,
    batch_size=8,
    penalty=0.0,
    max_evaluations=1000,
    tol=1e-4,
    patience=10.0,
    early_stopping=False,
    ema=0.0,
)


def make_loop(
    history=None, scores=None, net=NET, weights=None, weight=None, resume=None, **changes
):
    """Return a loop; `scores` are the validation losses and scores, one after the other."""
    values = iter(scores or ())
    return FitLoop(
        replace(SETTINGS, **changes),
        net,
        net.init(np.random.default_rng(0)) if weights is None else weights,
        Rows(X, dtype="float64"),
        Y,
        weight,
        history=FitHistory() if history is None else history,
        rng=np.random.default_rng(1),
        order=lambda: np.arange(len(X)),
        validation=None if scores is None else lambda weights: (-next(values), next(values)),
        **(resume or {}),
    )


def twice(scores):
    return [score for score in scores for _ in range(2)]


def test_each_epoch_is_yielded_and_recorded():
    one = make_loop(scores=twice([0.5, 0.75, 0.25]), epochs=3)
    epochs = list(one.run())
    assert [type(epoch) for epoch in epochs] == [FitEpoch] * 3
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3]
    assert [epoch.loss for epoch in epochs] == one.history.losses
    assert [epoch.validation_score for epoch in epochs] == one.history.scores == [0.5, 0.75, 0.25]
    assert [epoch.validation_loss for epoch in epochs] == one.history.validation_losses
    assert [epoch.learning_rate for epoch in epochs] == [0.01] * 3
    assert one.history.seen == 72
    assert one.history.best_loss == min(one.history.losses)
    assert (one.epochs, one.stop_reason) == (3, "")
    assert one.final_weights() is one.weights


def test_the_loss_is_the_mean_over_the_batches_with_the_penalty():
    weight = np.linspace(0.5, 2, 24)
    one = make_loop(weight=weight, penalty=0.3, lr=1e-300, epochs=1)
    (epoch,) = one.run()
    errors = ((one.network.predict(X, one.weights) - Y) ** 2 / 2).sum(axis=1)
    W = one.weights.theta[one.network.layout.roles["weight"]]
    batches = [
        (weight[i] @ errors[i] + 0.15 * (W @ W)) / weight[i].sum()
        for i in (slice(0, 8), slice(8, 16), slice(16, 24))
    ]
    assert epoch.loss == pytest.approx(np.mean(batches))


def test_the_reported_loss_has_a_factor_and_a_summand():
    plain = [epoch.loss for epoch in make_loop().run()]
    other = [epoch.loss for epoch in make_loop(resume={"report": (0.5, 3.0)}).run()]
    np.testing.assert_allclose(other, np.array(plain) / 2 + 3)


# --- stopping ---


@pytest.mark.parametrize("patience", [1, 3, 10])
def test_it_stops_when_patience_is_exceeded(patience):
    one = make_loop(tol=1e9, patience=float(patience), epochs=50)
    count = len(list(one.run()))
    # The first epoch improves on infinity; all others improve too little.
    assert count == 1 + patience + 1
    assert one.stop_reason == (
        "Training loss did not improve more than tol=1000000000.000000 for "
        f"{patience} consecutive epochs. Stopping."
    )


def test_infinite_patience_never_stops():
    assert len(list(make_loop(tol=1e9, patience=np.inf, epochs=30).run())) == 30


@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.105, 0.3, 0.6, float("nan")]), min_size=1, max_size=30),
    st.integers(1, 4),
)
def test_early_stopping_keeps_the_best_epoch_and_stops_after_it(scores, patience):
    """Compare with the rule: gains below tol do not reset patience, but can be the best."""
    one = make_loop(
        scores=twice(scores),
        early_stopping=True,
        tol=0.01,
        patience=float(patience),
        epochs=len(scores),
    )
    seen = []
    for _ in one.run():
        seen.append(one.weights.theta.copy())
    best, stalled, at, count = -np.inf, 0, None, 0
    for i, score in enumerate(scores):
        count += 1
        stalled = 0 if score >= best + 0.01 else stalled + 1
        if score > best:
            best, at = score, i
        if stalled > patience:
            break
    assert len(seen) == count
    assert bool(one.stop_reason) == (stalled > patience)
    assert one.history.stalled == stalled
    assert one.history.best_score == best
    np.testing.assert_array_equal(one.final_weights().theta, seen[-1 if at is None else at])


def test_scores_do_not_matter_without_early_stopping():
    one = make_loop(scores=twice([0.9, *[0.1] * 19]), patience=2.0, epochs=20)
    assert len(list(one.run())) == 20
    assert one.final_weights() is one.weights
    assert one.history.best is None


# --- learning rate ---


def test_invscaling_follows_the_rows_seen():
    one = make_loop(sklearn_rule="invscaling", power_t=0.7, epochs=5)
    rates = [epoch.learning_rate for epoch in one.run()]
    np.testing.assert_allclose(rates, [0.01, *(0.01 / (24 * i + 1) ** 0.7 for i in range(1, 5))])
    assert one.learning_rate() == pytest.approx(0.01 / 121**0.7)
    later = make_loop(sklearn_rule="invscaling", power_t=0.7, epochs=1, history=one.history)
    list(later.run())
    assert later.lr == pytest.approx(0.01 / 145**0.7)


def test_adaptive_divides_by_five_until_the_rate_is_too_small():
    one = make_loop(sklearn_rule="adaptive", tol=1e9, patience=1.0, lr=1e-4, epochs=100)
    rates = [epoch.learning_rate for epoch in one.run()]
    np.testing.assert_allclose(sorted(set(rates), reverse=True), 1e-4 / 5.0 ** np.arange(4))
    assert one.lr <= MIN_RATE
    assert one.stop_reason.endswith("Learning rate too small. Stopping.")
    # The first rate has one epoch that improves on infinity; every rate has two without a gain.
    assert [rates.count(rate) for rate in dict.fromkeys(rates)] == [3, 2, 2, 2]


def test_adaptive_uses_the_score_with_early_stopping():
    one = make_loop(
        sklearn_rule="adaptive",
        scores=twice([0.5] * 40),
        early_stopping=True,
        patience=1.0,
        lr=1e-4,
        epochs=40,
    )
    list(one.run())
    assert one.stop_reason.startswith("Validation score did not improve")
    assert one.stop_reason.endswith("Learning rate too small. Stopping.")


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_lower_rate_does_not_change_the_momentum_step(momentum):
    """scikit-learn: v ← μ v − α g, θ ← θ + v; so v keeps the old rate."""
    one = make_loop(
        rule=SGD(momentum=momentum), sklearn_rule="adaptive", tol=1e9, patience=1.0, batch_size=24
    )
    other = NET.init(np.random.default_rng(0))
    workspace, velocity, rate = NET.workspace(other), 0.0, 0.01
    for i, _ in enumerate(one.run()):
        if i == 3 or (i > 3 and i % 2):
            rate /= 5
        NET.loss_and_gradient(X, Y, workspace, Call(train=True))
        velocity = momentum * velocity - rate * workspace.gradient
        other.theta += velocity
        np.testing.assert_allclose(one.weights.theta, other.theta, rtol=1e-9)
        if i == 8:
            break


def test_a_schedule_covers_all_epochs():
    one = make_loop(schedule=Cosine(), epochs=4)
    rates = [epoch.learning_rate for epoch in one.run()]
    np.testing.assert_allclose(rates, [0.01 * Cosine()(i / 4) for i in range(4)])
    assert one.learning_rate() == pytest.approx(0.01 * Cosine()(1.0))
    assert one.lr == 0.01


# --- resuming ---


def test_a_resumed_loop_equals_one_loop():
    whole = make_loop(rule=Adam(), epochs=6)
    list(whole.run())
    first = make_loop(rule=Adam(), epochs=4)
    list(first.run())
    second = make_loop(
        rule=Adam(),
        epochs=2,
        history=first.history,
        weights=first.weights,
        resume={"optimizer_state": first.optimizer_state, "lr": first.lr},
    )
    list(second.run())
    np.testing.assert_array_equal(second.weights.theta, whole.weights.theta)
    assert second.history.losses == whole.history.losses
    assert (second.history.seen, second.epochs) == (whole.history.seen, 2)


def test_patience_counts_across_warm_starts():
    history = FitHistory()
    first = make_loop(history, tol=1e9, patience=3.0, epochs=3)
    list(first.run())
    assert (first.stop_reason, history.stalled) == ("", 2)
    second = make_loop(history, tol=1e9, patience=3.0, epochs=9, weights=first.weights)
    assert len(list(second.run())) == 2
    assert second.stop_reason


def test_the_best_epoch_of_an_earlier_loop_stays_the_best():
    history = FitHistory()
    first = make_loop(history, scores=twice([0.9]), early_stopping=True, epochs=1)
    list(first.run())
    best = first.final_weights().copy()
    second = make_loop(
        history, scores=twice([0.5]), early_stopping=True, epochs=1, weights=first.weights
    )
    list(second.run())
    np.testing.assert_array_equal(second.final_weights().theta, best.theta)
    assert not np.array_equal(second.weights.theta, best.theta)


# --- EMA ---

NORMED = Network((Dense(4), BatchNorm(), ReLU(), Dense(1)), (3,), SquaredError(), "float64")


def test_computing_averaged_weights_is_repeatable():
    one, other = (make_loop(net=NORMED, ema=0.9, epochs=3) for _ in range(2))
    list(one.run())
    for _ in other.run():
        other.current_weights()
    for a, b in (
        (one.current_weights(), one.current_weights()),
        (one.current_weights(), other.final_weights()),
    ):
        np.testing.assert_array_equal(a.theta, b.theta)
        np.testing.assert_array_equal(a.state, b.state)
    assert not np.array_equal(one.current_weights().theta, one.weights.theta)


def test_an_average_is_resumed():
    whole = make_loop(ema=0.9, epochs=4)
    list(whole.run())
    first = make_loop(ema=0.9, epochs=3)
    list(first.run())
    assert isinstance(first.average, WeightAverage)
    second = make_loop(ema=0.9, epochs=1, weights=first.weights, resume={"average": first.average})
    list(second.run())
    np.testing.assert_array_equal(second.current_weights().theta, whole.current_weights().theta)


# --- minimizers ---


def test_a_minimizer_stops_at_convergence():
    linear = Network((Dense(1),), (3,), SquaredError(), "float64")
    one = make_loop(net=linear, rule=LBFGS(tolerance=1e-8), epochs=100)
    epochs = list(one.run())
    assert one.stop_reason == "converged"
    assert one.epochs == len(epochs) == len(one.history.losses) < 100
    design = np.column_stack([X, np.ones(24)])
    best = design @ np.linalg.lstsq(design, Y)[0]
    np.testing.assert_allclose(one.network.predict(X, one.weights), best, atol=1e-3)
    assert np.all(np.diff(one.history.losses) <= 0)
    assert one.optimizer_state is None
    assert one.learning_rate() == one.lr


@pytest.mark.parametrize(
    ("changes", "end", "epochs"),
    [
        ({"epochs": 3}, "", 3),
        ({"max_evaluations": 1}, "out of evaluations", 1),
        ({"rule": LBFGS(tolerance=1e9)}, "converged", 0),
    ],
)
def test_other_stop_reasons_of_a_minimizer(changes, end, epochs):
    one = make_loop(**({"rule": LBFGS(tolerance=1e-12), "epochs": 100} | changes))
    assert len(list(one.run())) <= max(epochs, 1)
    assert one.stop_reason == end
    assert one.epochs == epochs or end == "converged"
    assert len(one.history.losses) >= 1
    assert np.isfinite(one.final_weights().theta).all()


def test_a_minimizer_started_at_convergence_records_its_loss():
    linear = Network((Dense(1),), (3,), SquaredError(), "float64")
    first = make_loop(net=linear, rule=LBFGS(tolerance=1e-6), epochs=100)
    list(first.run())
    again = make_loop(net=linear, rule=LBFGS(tolerance=1e-6), epochs=100, weights=first.weights)
    list(again.run())
    assert again.stop_reason == "converged"
    assert again.history.losses[-1] == pytest.approx(first.history.losses[-1])
    assert again.history.best_loss == again.history.losses[-1]


def test_the_penalty_of_a_minimizer_is_divided_by_the_sum_of_weights():
    weight = np.linspace(0.5, 2, 24)
    one = make_loop(rule=LBFGS(tolerance=1e9), penalty=0.3, weight=weight)
    list(one.run())
    errors = ((one.network.predict(X, one.weights) - Y) ** 2 / 2).sum(axis=1)
    W = one.weights.theta[one.network.layout.roles["weight"]]
    expected = (weight @ errors + 0.15 * (W @ W)) / weight.sum()
    assert one.history.losses[-1] == pytest.approx(expected)


# --- divergence ---


@pytest.mark.filterwarnings("ignore:(overflow|invalid value):RuntimeWarning")
@pytest.mark.parametrize("early_stopping", [False, True])
def test_divergence(early_stopping):
    scores = twice([0.5, 0.7]) if early_stopping else None
    one = make_loop(
        scores=scores,
        early_stopping=early_stopping,
        schedule=lambda t: 1.0 if t < 0.2 else 1e200,
        epochs=10,
    )
    if not early_stopping:
        with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
            list(one.run())
        assert not one.diverged
        return
    # Two epochs with scores; the third diverges.
    epochs = list(one.run())
    assert one.diverged
    assert "lower the learning rate" in one.stop_reason
    assert [np.isnan(epoch.loss) for epoch in epochs] == [False, False, True]
    assert np.isfinite(one.final_weights().theta).all()
    assert one.history.best_score == 0.7


@pytest.mark.filterwarnings("ignore:(overflow|invalid value):RuntimeWarning")
def test_divergence_raises_despite_an_earlier_best_epoch():
    history = FitHistory()
    list(make_loop(history, scores=twice([0.9]), early_stopping=True, epochs=1).run())
    with pytest.raises(ValueError, match="Solver produced non-finite"):
        list(make_loop(history, lr=1e200).run())


def test_non_finite_final_weights_raise():
    one = make_loop(epochs=1)
    list(one.run())
    one.weights.theta[0] = np.inf
    with pytest.raises(ValueError, match="need to be preprocessed"):
        one.final_weights()
