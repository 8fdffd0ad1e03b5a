"""A batch divided among workers trains as the whole batch does in one process."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thread_workers import run_threads

from graduel.nn import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    EnsembleDense,
    EnsembleMean,
    EnsembleOutput,
    Flatten,
    LayerNorm,
    MaxPool2D,
    Network,
    ReLU,
    Reshape,
    SoftmaxCrossEntropy,
)
from graduel.optim import SGD, AdamW, ClipNorm
from graduel.train import Fit, Rows
from graduel.train.loop.parallel import Alone, DataParallel

NETWORKS = {
    "dense": ((Dense(7), ReLU(), Dense(3)), SoftmaxCrossEntropy()),
    "batchnorm": (
        (Dense(7), BatchNorm(), ReLU(), Dense(5), BatchNorm(), ReLU(), Dense(3)),
        SoftmaxCrossEntropy(),
    ),
    "images": (
        (
            *(Reshape((4, 4, 1)), Conv2D(3), BatchNorm(), ReLU(), MaxPool2D(2)),
            *(Flatten(), LayerNorm(), Dense(3)),
        ),
        SoftmaxCrossEntropy(label_smoothing=0.1),
    ),
    "ensemble": (
        (EnsembleDense(6, 4), ReLU(), EnsembleOutput(3, 4)),
        EnsembleMean(SoftmaxCrossEntropy(class_weight=(1.0, 2.0, 0.5))),
    ),
}


def network(name: str, dtype: str = "float64") -> Network:
    layers, loss = NETWORKS[name]
    return Network(layers, (16,), loss, dtype)


def data(n: int, dtype: str = "float64") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, 16)).astype(dtype)
    return X, rng.integers(3, size=n), rng.choice([0.0, 0.5, 1.0, 3.0], size=n) + 1e-3


@settings(deadline=None, max_examples=30)
@given(
    name=st.sampled_from(sorted(NETWORKS)),
    size=st.integers(2, 4),
    n=st.integers(1, 13),
    weighted=st.booleans(),
)
def test_the_gradient_of_a_divided_batch_equals_that_of_the_whole(name, size, n, weighted):
    net, (X, y, weight) = network(name), data(n)
    w = weight if weighted else None
    step = {"weight": w, "batch_size": n, "epochs": 1, "optimizer": SGD(), "lr": 1.0}

    def train(collective=None):
        weights = net.init(0)
        parallel = None if collective is None else DataParallel(collective, 0)
        fit = Fit(
            net, Rows(X, dtype="float64"), y, rng=1, weights=weights, parallel=parallel, **step
        )
        (done,) = fit.fit_steps()
        return done, weights

    done, whole = train()
    for step_of_worker, weights in run_threads(size, train):
        assert step_of_worker.n == n
        assert step_of_worker.loss == pytest.approx(done.loss, rel=1e-10)
        np.testing.assert_allclose(weights.theta, whole.theta, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(weights.state, whole.state, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_workers_have_the_loss_curve_of_one_process_and_equal_weights(name):
    net, (X, y, _) = network(name, "float32"), data(70, "float32")
    options = {"rng": 5, "batch_size": 16, "epochs": 3, "penalty": 0.1}
    options |= {"optimizer": ClipNorm(AdamW(), 0.5), "lr": 0.01}

    def train(collective=None):
        parallel = None if collective is None else DataParallel(collective, 0)
        fit = Fit(net, X, y, parallel=parallel, **options)
        losses = [step.loss for step in fit.fit_steps()]
        if parallel is not None:
            parallel.check_equal(fit.weights.theta, fit.weights.state)
        return losses, fit.weights

    losses, _ = train()
    alone, _ = train(Alone())
    assert alone == losses
    for size in (2, 4):
        results = run_threads(size, train)
        for curve, weights in results:
            np.testing.assert_allclose(curve, losses, rtol=2e-4)
            assert (weights.theta == results[0][1].theta).all()
            assert (weights.state == results[0][1].state).all()
        again = run_threads(size, train)
        assert [curve for curve, _ in again] == [curve for curve, _ in results]


def test_dropout_draws_from_a_stream_for_each_step_and_worker():
    def draw(collective):
        parallel = DataParallel(collective, 7)
        draws = []
        for step in (0, 1, 0):
            parallel.begin_step(step, np.arange(4))
            draws.append(tuple(parallel.rng.integers(2**63, size=3)))
        parallel.begin_step(0, np.arange(4), purpose=1)
        return draws, tuple(parallel.rng.integers(2**63, size=3))

    results = run_threads(2, draw)
    for (first, second, again), other in results:
        assert first == again
        assert len({first, second, other}) == 3
    assert results[0][0][0] != results[1][0][0]


def test_a_dropout_network_trains_on_every_worker_alike():
    net = Network((Dense(20), ReLU(), Dropout(0.5), Dense(3)), (16,))
    X, y, _ = data(40, "float32")

    def train(collective):
        fit = Fit(net, X, y, rng=3, epochs=4, batch_size=8, parallel=DataParallel(collective, 1))
        return fit.fit().theta

    results = [*run_threads(3, train), *run_threads(3, train)]
    assert all((theta == results[0]).all() for theta in results)
    assert not (run_threads(2, train)[0] == results[0]).all()


def test_worker_0_decides_the_initial_weights():
    net, (X, y, _) = network("dense"), data(8)

    def train(collective):
        weights = net.init(collective.rank)
        fit = Fit(
            *(net, X, y), rng=0, weights=weights, parallel=DataParallel(collective, 0), epochs=1
        )
        return fit.fit().theta

    first, second = run_threads(2, train)
    assert (first == second).all()


def test_unequal_weights_are_an_error_on_every_worker():
    def check(collective):
        array = np.zeros(3, np.float32)
        array[0] = collective.rank == 2
        with pytest.raises(RuntimeError, match="others than worker 0's on 1"):
            DataParallel(collective, 0).check_equal(array)
        return True

    assert run_threads(3, check) == [True] * 3


def test_predictions_are_divided_and_complete_on_every_worker():
    X = np.random.default_rng(0).normal(size=(5, 2))

    def predict(collective):
        return DataParallel(collective, 0).predict(5, lambda start, stop: X[start:stop])

    for size in (1, 2, 4, 8):
        for p in run_threads(size, predict):
            assert (p == X).all()


@pytest.mark.parametrize("stop", [1, 4, 5, 7, 10])
def test_a_resumed_fit_equals_an_undisturbed_one(stop):
    net = Network((Dense(9), BatchNorm(), ReLU(), Dropout(0.2), Dense(3)), (16,))
    X, y, _ = data(37, "float32")
    start = partial(Fit, net, X, y, epochs=3, batch_size=8, lr=0.01)
    whole = start(rng=4)
    steps = list(whole.fit_steps())
    first = start(rng=4)
    for step in first.fit_steps():
        if step.step == stop:
            progress = first.progress()
            break
    second = start(rng=99, weights=first.weights, optimizer_state=first.optimizer_state)
    second.resume(progress)
    assert list(second.fit_steps()) == steps[stop:]
    assert (second.weights.theta == whole.weights.theta).all()
    with pytest.raises(RuntimeError, match="already started"):
        next(second.fit_steps())


@pytest.mark.parametrize("stop", [4, 5])
def test_the_epochs_of_a_resumed_fit_have_the_losses_of_an_undisturbed_one(stop):
    X, y, _ = data(37, "float32")
    net = Network((Dense(3),), (16,))
    start = partial(Fit, net, X, y, epochs=3, batch_size=8)
    epochs, first = list(start(rng=4).fit_iter()), start(rng=4)
    for step in first.fit_steps():
        if step.step == stop:
            break
    second = start(rng=0, weights=first.weights, optimizer_state=first.optimizer_state)
    second.resume(first.progress())
    assert list(second.fit_iter()) == epochs[stop // 5 :]


class Batches:
    """A stream of the batches of rows in memory, in their order."""

    n_features = 16

    def __init__(self, X, y):
        self.X, self.y, self.dtype = X, y, X.dtype.name

    def __len__(self):
        return len(self.y)

    def epoch_batches(self, size, epoch):
        for start in range(0, len(self), size):
            yield self.X[start : start + size], self.y[start : start + size]

    def batch_sizes(self, size):
        return [min(size, len(self) - start) for start in range(0, len(self), size)]


def test_a_stream_has_the_steps_of_rows_in_memory_and_resumes_from_the_end_of_an_epoch():
    X, y, _ = data(37, "float32")
    net, stream = Network((Dense(3),), (16,)), Batches(X, y)
    start = partial(Fit, net, rng=4, epochs=3, batch_size=8)
    whole, streamed = start(X, y, order=lambda: np.arange(37)), start(stream, None)
    assert list(streamed.fit_iter()) == list(whole.fit_iter())
    assert (streamed.weights.theta == whole.weights.theta).all()
    first = start(stream, None)
    for step in first.fit_steps():
        if step.step == 4:
            inside = first.progress()
        if step.step == 5:
            progress = first.progress()
            break
    second = start(stream, None, weights=first.weights, optimizer_state=first.optimizer_state)
    with pytest.raises(ValueError, match="after a complete epoch, as the rows are a stream"):
        second.resume(inside)
    second.resume(progress)
    assert [epoch.epoch for epoch in second.fit_iter()] == [2, 3]
    assert (second.weights.theta == whole.weights.theta).all()


class Parts(Batches):
    """The stream of one worker: every batch's rows whose index modulo the workers is its rank."""

    def __init__(self, X, y, rank, size):
        super().__init__(X, y)
        self.rank, self.size = rank, size

    def epoch_batches(self, size, epoch):
        for x, y in super().epoch_batches(size, epoch):
            yield x[self.rank :: self.size], y[self.rank :: self.size]


@pytest.mark.parametrize("size", [2, 3, 5])
def test_workers_with_streams_of_their_own_rows_train_as_one_process(size):
    X, y, _ = data(37, "float64")
    net = Network((Dense(3),), (16,), dtype="float64")
    start = partial(Fit, net, rng=4, epochs=3, batch_size=4)
    whole = start(Batches(X, y), None)
    expected = [epoch.loss for epoch in whole.fit_iter()]

    def run(collective):
        fit = start(
            Parts(X, y, collective.rank, size), None, parallel=DataParallel(collective, seed=1)
        )
        return [epoch.loss for epoch in fit.fit_iter()], fit.weights.theta

    for losses, theta in run_threads(size, run):
        np.testing.assert_allclose(losses, expected, rtol=1e-12)
        np.testing.assert_allclose(theta, whole.weights.theta, rtol=1e-9, atol=1e-12)


def test_contents_of_all_workers_are_gathered_in_order():
    def run(collective):
        return DataParallel(collective, seed=0).gather(bytes(range(collective.rank * 3)))

    assert run_threads(4, run) == [[bytes(range(rank * 3)) for rank in range(4)]] * 4
