"""Sessions: how many, how long, how much."""

from __future__ import annotations

import pytest

from graduel.web.http_error import ClientError
from graduel.web.limits import Limits
from graduel.web.state.sessions import Sessions


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_session_is_forgotten_when_nobody_asks_for_it():
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


def test_the_longest_idle_makes_room_unless_all_are_busy():
    clock = Clock()
    sessions = Sessions(Limits(sessions=2, busy_seconds=5), clock)
    first, second = sessions.open(), sessions.open()
    with pytest.raises(ClientError, match="at most 2 clients") as actual:
        sessions.open()
    assert actual.value.status == 429
    clock.now = 4
    sessions.find(first.name)
    clock.now = 6
    sessions.open()
    assert sessions.find(first.name) is first
    with pytest.raises(ClientError):
        sessions.find(second.name)


def test_memory_is_counted_over_all_clients():
    sessions = Sessions(Limits(memory_bytes=1000))
    sessions.open().table_bytes = 600
    sessions.check_memory(400)
    with pytest.raises(ClientError, match="MB") as actual:
        sessions.check_memory(401)
    assert actual.value.status == 429


def test_names_cannot_be_guessed():
    sessions = Sessions(Limits())
    names = {sessions.open().name for _ in range(50)}
    assert len(names) == 50
    assert min(map(len, names)) >= 24
