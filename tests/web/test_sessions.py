"""Sessions: limits on number, idle time and memory."""

from __future__ import annotations

import pytest

from graduel.web.http_error import ClientError
from graduel.web.limits import Limits
from graduel.web.state.sessions import Sessions


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_idle_session_ends():
    clock = Clock()
    sessions = Sessions(Limits(idle_seconds=10), clock)
    name = sessions.open().name
    clock.now = 9
    sessions.find(name)
    clock.now = 18
    sessions.find(name)
    clock.now = 29
    with pytest.raises(ClientError, match="has ended") as actual:
        sessions.find(name)
    assert actual.value.status == 404
    assert len(sessions) == 0


def test_the_session_idle_longest_is_replaced_unless_busy():
    clock = Clock()
    sessions = Sessions(Limits(sessions=2, busy_seconds=5), clock)
    first, second = sessions.open(), sessions.open()
    with pytest.raises(ClientError, match="limit of 2 clients") as actual:
        sessions.open()
    assert actual.value.status == 429
    clock.now = 4
    sessions.find(first.name)
    clock.now = 6
    sessions.open()
    assert sessions.find(first.name) is first
    with pytest.raises(ClientError):
        sessions.find(second.name)


def test_the_memory_limit_covers_all_clients():
    sessions = Sessions(Limits(memory_bytes=1000))
    sessions.open().table_bytes = 600
    sessions.check_memory(400)
    with pytest.raises(ClientError, match="MB") as actual:
        sessions.check_memory(401)
    assert actual.value.status == 429


def test_names_are_long_and_unique():
    sessions = Sessions(Limits())
    names = {sessions.open().name for _ in range(50)}
    assert len(names) == 50
    assert min(map(len, names)) >= 24
