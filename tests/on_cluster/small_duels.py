"""A small duel, and an observer of its events."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from graduel.duel.duel_api import resolve_source
from graduel.duel.run.job import Event
from graduel.duel.session import Observer, Session, plan_session


class Collect(Observer):
    """Collects events; calls a function at each."""

    def __init__(self, at: Callable[[Event], object] = lambda event: None) -> None:
        self.events: list[Event] = []
        self._at = at

    def watch(self, store, events) -> None:
        for event in events:
            self.events.append(event)
            self._at(event)

    def kinds(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.kind == kind]


def plan_small(out: Path, executor: Any = None, n_rows: int = 240, **options: Any) -> Session:
    """Plan a duel of one contender and two folds on a table in memory."""
    X = np.random.default_rng(0).normal(size=(n_rows, 4))
    data = resolve_source(X, (X[:, 0] + X[:, 1] > 0).astype(int), {})
    options = {"contenders": ["textbook"], "threads": 1, "split": "2x1"} | options
    return plan_session(data, out=out, executor=executor, quick=True, probes=False, **options)
