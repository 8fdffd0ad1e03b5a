"""Fixtures: a server with the demo models, trained once for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from filelock import FileLock
from web_client import Client
from web_server import serve

from graduel.web.limits import Limits
from graduel.web.state.app_state import AppState
from graduel.web.state.demo_models import DemoModels


@pytest.fixture(scope="session")
def ready(tmp_path_factory) -> DemoModels:
    """The demo models, trained as at the first start."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    models = DemoModels(folder=shared / "demo_models", threads=1)
    with FileLock(shared / "demo_models.lock"):  # one process trains, the others load
        models.run()
    assert not models.error, models.error
    return models


@pytest.fixture(scope="session")
def address(ready) -> Iterator[str]:
    """The address of a server with the demo models; some limits are lowered for tests."""
    limits = Limits(body_seconds=1.0, rows=2000, columns=60, busy_seconds=0.0)
    with serve(AppState(demo=ready), limits=limits) as result:
        yield result


@pytest.fixture
def client(address) -> Iterator[Client]:
    with Client(address) as result:
        yield result
