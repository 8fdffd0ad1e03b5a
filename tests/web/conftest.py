"""One server with the ready-trained models, trained once, for all tests of the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from web_client import Client
from web_served import served

from graduel.web.limits import Limits
from graduel.web.state.app_state import AppState
from graduel.web.state.demo_models import DemoModels


@pytest.fixture(scope="session")
def ready(tmp_path_factory) -> DemoModels:
    """The models of a first start."""
    built = DemoModels(folder=tmp_path_factory.mktemp("cache"), threads=1)
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
