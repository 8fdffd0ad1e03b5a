"""The fixture of synthetic runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from runs import make_run

from graduel.duel.result.outcome import Run

Make = Callable[..., Run]


@pytest.fixture(scope="session")
def make() -> Make:
    """Return :func:`make_run`."""
    return make_run
