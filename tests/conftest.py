"""What several rooms' tests share."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

import graduel

# They need PyTorch, and the tests do not.
collect_ignore_glob = ["golden/make_*.py"]

# The same examples on every machine, so that a failure is the change's.
settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.fixture(scope="session")
def mnist():
    """MNIST, read once."""
    return graduel.load_dataset("mnist")
