"""Fixtures of the tests of readers."""

from __future__ import annotations

import pytest


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file; after the test the file must be unchanged."""
    written = {}

    def make(content, name="table.csv"):
        path = tmp_path / name
        raw = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(raw)
        written[path] = raw
        return path

    yield make
    for path, raw in written.items():
        assert path.read_bytes() == raw
