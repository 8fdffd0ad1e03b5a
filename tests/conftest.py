"""What several rooms' tests share."""

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

# They need PyTorch, and the tests do not.
collect_ignore_glob = ["golden/make_*.py"]

# No time limits for examples: a busy machine is no failure. In CI the same examples each time.
# Sixty examples say of most properties what a hundred do.
settings.register_profile("local", deadline=None, max_examples=60)
settings.register_profile("ci", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("ci" if os.environ.get("CI") else "local")


WITHOUT_DUELS = ("nn", "optim", "train", "glassbox")  # the mutants' tests, which start often


def pytest_runtest_setup(item):
    """Run cells in this process, unless the test or its module is marked ``processes``.

    Before any fixture is made: a module's fixtures run duels too.
    """
    if item.path.parent.name not in WITHOUT_DUELS:
        from in_process import choose_executor

        choose_executor(processes=item.get_closest_marker("processes") is not None)


@pytest.fixture(scope="session", autouse=True)
def poison():
    """What the package gets from `np.empty` is NaN, or absurd: read before written, it shows.

    Fresh memory often happens to be zero, and code that relies on it would pass by luck.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in ("empty", "empty_like"):
            patch.setattr(np, name, _poisoned(getattr(np, name)))
        yield


def _poisoned(make):
    def made(*args, **options):
        found = make(*args, **options)
        if sys._getframe(1).f_globals.get("__name__", "").startswith("graduel."):
            kind = found.dtype.kind
            if kind in "fc":
                found.fill(np.nan)
            elif kind in "iub":
                found.fill(True if kind == "b" else np.iinfo(found.dtype).max // 3 * 2)
        return found

    return made


@pytest.fixture(scope="session")
def mnist():
    """MNIST, read once."""
    return graduel.load_dataset("mnist")


@pytest.fixture
def server(tmp_path, monkeypatch):
    """OpenML as far as it is asked, on this machine; what it was asked is kept."""
    file = io.BytesIO()
    frame = pl.DataFrame(
        {"a": [1.5, None, 3.0], "b": ["x", None, "z"], "c": [True, False, None], "d": [1, 2, 3]}
    )
    frame.with_columns(row=pl.Series([0, 1, 2])).write_parquet(file)
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            about = {
                "id": "7",
                "name": "small",
                "licence": "Public",
                "default_target_attribute": "b",
                "row_id_attribute": "row",
                "parquet_url": f"http://127.0.0.1:{made.server_port}/7.pq",
            }
            names = {"data": {"dataset": [{"did": 9, "version": 2}, {"did": 7, "version": 1}]}}
            answers = {
                "/api/v1/json/data/7": json.dumps({"data_set_description": about}).encode(),
                "/api/v1/json/data/list/data_name/small/status/active": json.dumps(names).encode(),
                "/7.pq": file.getvalue(),
            }
            body = answers.get(self.path)
            self.send_response(412 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=made.serve_forever, daemon=True).start()
    from graduel.data.read import openml

    monkeypatch.setattr(openml, "SERVER", f"http://127.0.0.1:{made.server_port}")
    monkeypatch.setenv("GRADUEL_CACHE", str(tmp_path / "cache"))
    yield made, asked
    made.shutdown()
    made.server_close()
