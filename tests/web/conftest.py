"""One server with the ready-trained models, trained once, for all tests of the page."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from filelock import FileLock
from web_client import Client
from web_served import served

from graduel.web.limits import Limits
from graduel.web.state.app_state import AppState
from graduel.web.state.demo_models import DemoModels


@pytest.fixture(scope="session")
def ready(tmp_path_factory) -> DemoModels:
    """The models of a first start."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    built = DemoModels(folder=shared / "demo_models", threads=1)
    with FileLock(shared / "demo_models.lock"):  # one process trains them, the others read them
        built.run()
    assert not built.error, built.error
    return built


@pytest.fixture(scope="session")
def address(ready) -> Iterator[str]:
    """A server with them; limits are small where a test must meet them."""
    limits = Limits(body_seconds=1.0, rows=2000, columns=60, busy_seconds=0.0)
    with served(AppState(demo=ready), limits=limits) as result:
        yield result


@pytest.fixture
def client(address) -> Iterator[Client]:
    with Client(address) as result:
        yield result
