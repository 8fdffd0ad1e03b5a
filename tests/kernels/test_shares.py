"""Threads of compiled operations: how many, and that each image is computed once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from graduel import kernels
from graduel.kernels import shares
from graduel.nn import Call, Conv2D, Network


@pytest.fixture(autouse=True)
def fresh():
    """Read the environment again."""
    shares._count_threads.cache_clear()
    yield
    shares._count_threads.cache_clear()


def test_threads_are_those_of_blas_and_of_the_work(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    assert shares.count_shares(100, 10**9) == 3
    assert shares.count_shares(2, 10**9) == 2
    assert shares.count_shares(100, 2 * shares.LEAST) == 2
    assert shares.count_shares(0, 0) == 1
    with shares.limit_threads(1):
        assert shares.count_shares(100, 10**9) == 1
    assert shares.count_shares(100, 10**9) == 3


def test_a_limit_holds_in_its_own_thread(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    with ThreadPoolExecutor(1) as pool, shares.limit_threads(1):
        assert pool.submit(shares.count_shares, 100, 10**9).result() == 3
        assert shares.count_shares(100, 10**9) == 1


@pytest.mark.parametrize(("setting", "threads"), [("", 1), ("many", 1), ("0", 1), ("99", 4)])
def test_odd_settings(monkeypatch, setting, threads):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", setting)
    assert shares.count_shares(100, 10**9) == threads


@pytest.mark.parametrize("count", [1, 2, 3])
def test_shares_cover_the_images(count):
    seen = np.zeros(7, int)

    def work(share, part):
        seen[part] += 1

    shares.run_shares(7, count, work)
    assert seen.tolist() == [1] * 7


def test_an_error_of_a_share_is_raised():
    def work(share, part):
        if share == 1:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        shares.run_shares(7, 2, work)


def _double(queue):
    seen = []
    shares.run_shares(4, 2, lambda share, part: seen.append(part))
    queue.put(len(seen))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="no fork here")
def test_threads_start_anew_in_a_forked_process():
    shares.run_shares(4, 2, lambda share, part: None)
    context = get_context("fork")
    queue = context.SimpleQueue()
    process = context.Process(target=_double, args=(queue,))
    process.start()
    process.join(20)
    assert process.exitcode == 0
    assert queue.get() == 3


def test_convolutions_are_compiled_where_vectors_are_wide(monkeypatch):
    if kernels.name() != "numba":
        assert not kernels.has_tiles()
        return
    from graduel.kernels import vector_tile

    for size, expected in ((16, False), (32, True), (64, True)):
        monkeypatch.setattr(vector_tile, "BYTES", size)
        assert kernels.has_tiles() is expected


def test_results_hardly_depend_on_the_number_of_threads(monkeypatch):
    if not kernels.has_tiles():
        pytest.skip("only compiled convolutions have threads")
    monkeypatch.setattr(shares, "LEAST", 1)
    rng = np.random.default_rng(0)
    net = Network((Conv2D(5), Conv2D(3)), (6, 7, 2), dtype="float64")
    weights, x = net.init(rng), rng.normal(size=(9, 6, 7, 2))
    results = []
    for threads in (1, 2, 4):
        with shares.limit_threads(threads):
            ws = net.workspace(weights)
            y = net.forward(x, ws, Call(train=True)).copy()
            dx = net.layers[1].backward(y.copy(), ws.scopes[1], Call(train=True))
            results.append((y, dx.copy(), vars(ws.scopes[1].g)["W"].copy()))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-12)
