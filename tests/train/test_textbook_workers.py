"""The textbook network's gradient is the same however the rows are divided among workers."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from thread_workers import run_threads

from graduel.contenders.workers.textbook_worker import sum_gradient
from graduel.nn import textbook
from graduel.train.loop.parallel import DataParallel


@settings(max_examples=25)
@given(st.integers(1, 4), st.integers(1, 9), st.integers(2, 4), st.integers(0, 99))
def test_the_sum_over_workers_is_the_gradient_of_all_rows(workers, m, n_classes, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(3, m)).astype("float32")
    Y = textbook.one_hot(rng.integers(0, n_classes, m), n_classes).astype("float32")
    W, b = textbook.initialize((3, 5, n_classes), rng)
    arrays = [one.astype("float32") for one in (*W, *b)]

    def work(collective):
        start, stop = DataParallel(collective, 0).bounds(m)
        return sum_gradient(X[:, start:stop], Y[:, start:stop], arrays, m, collective)

    dW, db = textbook.backward(*textbook.forward(X, W, b), Y, W)
    first, *others = run_threads(workers, work)
    for one, expected in zip(first, (*dW, *db), strict=True):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, expected, rtol=1e-4, atol=1e-5)
    for other in others:
        assert all((a == b).all() for a, b in zip(first, other, strict=True))
