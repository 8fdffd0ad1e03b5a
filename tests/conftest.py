"""Fixtures and settings shared by the test folders."""

from __future__ import annotations

import io
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import polars as pl
import pytest
from hypothesis import settings

import graduel

# These scripts need PyTorch; the tests do not.
collect_ignore_glob = ["golden/make_*.py"]

# No deadline: a slow example on a busy machine is not a failure. CI runs the same examples each
# time. Sixty examples per property are about as informative as a hundred.
settings.register_profile("local", deadline=None, max_examples=60)
settings.register_profile("ci", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("ci" if os.environ.get("CI") else "local")


# Mutation testing starts these folders' tests often, and they run no duels.
WITHOUT_DUELS = ("nn", "optim", "train", "glassbox")


def pytest_runtest_setup(item):
    """Run cells in this process, unless the test or its module is marked ``processes``.

    This hook runs before fixtures are set up, because module fixtures run duels too.
    """
    if item.path.parent.name not in WITHOUT_DUELS:
        from in_process import choose_executor

        choose_executor(processes=item.get_closest_marker("processes") is not None)


@pytest.fixture(scope="session", autouse=True)
def poison():
    """Fill arrays that the package gets from `np.empty` with NaN or absurd numbers.

    Fresh memory is often zero by chance, so code that reads it before writing could pass its tests.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in ("empty", "empty_like"):
            patch.setattr(np, name, _poisoned(getattr(np, name)))
        yield


def _poisoned(make):
    def make_poisoned(*args, **options):
        array = make(*args, **options)
        if sys._getframe(1).f_globals.get("__name__", "").startswith("graduel."):
            kind = array.dtype.kind
            if kind in "fc":
                array.fill(np.nan)
            elif kind in "iub":
                array.fill(True if kind == "b" else np.iinfo(array.dtype).max // 3 * 2)
        return array

    return make_poisoned


@pytest.fixture(autouse=True)
def closed_figures():
    """Close pyplot's figures after each test: they belong to the process, not to the test."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture(scope="session")
def mnist():
    """Return MNIST, loaded once per session."""
    return graduel.load_dataset("mnist")


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Run a local stand-in for OpenML; yield the server and the list of paths requested."""
    file = io.BytesIO()
    frame = pl.DataFrame(
        {"a": [1.5, None, 3.0], "b": ["x", None, "z"], "c": [True, False, None], "d": [1, 2, 3]}
    )
    frame.with_columns(row=pl.Series([0, 1, 2])).write_parquet(file)
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            about = {
                "id": "7",
                "name": "small",
                "licence": "Public",
                "default_target_attribute": "b",
                "row_id_attribute": "row",
                "parquet_url": f"http://127.0.0.1:{http_server.server_port}/7.pq",
            }
            names = {"data": {"dataset": [{"did": 9, "version": 2}, {"did": 7, "version": 1}]}}
            responses = {
                "/api/v1/json/data/7": json.dumps({"data_set_description": about}).encode(),
                "/api/v1/json/data/list/data_name/small/status/active": json.dumps(names).encode(),
                "/7.pq": file.getvalue(),
            }
            body = responses.get(self.path)
            self.send_response(412 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    http_server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=http_server.serve_forever, daemon=True).start()
    from graduel.data.read.named_data import openml

    monkeypatch.setattr(openml, "SERVER", f"http://127.0.0.1:{http_server.server_port}")
    monkeypatch.setenv("GRADUEL_CACHE", str(tmp_path / "cache"))
    yield http_server, requests
    http_server.shutdown()
    http_server.server_close()
