from __future__ import annotations

import logging

import numpy as np
import pytest

from graduel.duel.session import Session, plan_session, resolve_source

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="session", autouse=True)
def quiet():
    for name in ("distributed", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@pytest.fixture
def start():
    """Return a function that starts a cluster and returns it with a client."""
    started = []

    def start(workers: int = 2):
        cluster = distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            memory_limit=0,
            silence_logs=logging.CRITICAL,
        )
        started.append(cluster)
        client = distributed.Client(cluster, set_as_default=False)
        started.append(client)
        return cluster, client

    yield start
    for one in reversed(started):
        one.close(timeout=5)


@pytest.fixture
def plan():
    """Return a function that plans a small duel on a table in memory."""

    def plan(out, executor=None, **options) -> Session:
        rng = np.random.default_rng(0)
        X = rng.normal(size=(240, 4))
        data = resolve_source(X, (X[:, 0] + X[:, 1] > 0).astype(int), {})
        usual = {
            "contenders": ["textbook"],
            "net": None,
            "seeds": 1,
            "rows": None,
            "quick": True,
            "threads": 1,
            "split": "2x1",
            "metric": None,
            "rope": None,
            "budget": None,
            "trials": None,
            "probes": False,
        }
        return plan_session(data, out=out, executor=executor, **usual | options)

    return plan
