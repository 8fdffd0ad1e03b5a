"""Fixtures: a server with the demo models, trained once for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from filelock import FileLock
from web_browser import DESKTOP, launch_browser
from web_client import Client
from web_server import serve

from graduel.web.limits import Limits
from graduel.web.state.app_state import AppState
from graduel.web.state.demo_models import DemoModels

pytest.register_assert_rewrite("page_numbers")


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launch_browser() as result:
        yield result


@pytest.fixture
def open_page(browser, address):
    """Return a function that opens the page; at the end, its console must be empty."""
    text: list[str] = []
    contexts = []

    def open_(size=DESKTOP, view="draw", server=address, **options):
        context = browser.new_context(viewport=size, accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda message: text.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: text.append(str(error)))
        page.on("requestfailed", lambda r: None if is_expected(r) else text.append(r.url))
        page.on(
            "request",
            lambda r: None if r.url.startswith((server, "blob:")) else text.append(r.url),
        )
        page.goto(f"{server}/#{view}")
        page.wait_for_selector("body[data-ready]")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert text == []


def is_expected(request: Any) -> bool:
    """Return whether a failed request is a stream that ended, or one that the page cancelled."""
    return "events" in request.url or request.failure == "net::ERR_ABORTED"
