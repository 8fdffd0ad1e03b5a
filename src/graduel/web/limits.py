"""Limits of one server: clients, memory, sizes and times."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a server; an error names the one that a request exceeds.

    Attributes
    ----------
    sessions : clients at a time; for one more, the session idle for longest ends
    busy_seconds : a session used within this time never ends for another one
    idle_seconds : a session ends after this time without a request
    memory_bytes : of all sessions together: uploads, weights, trainings
    json_bytes, upload_bytes : of a request's body: JSON, or a file
    body_seconds : time for a body to arrive
    uploads : files that may arrive at a time
    rows, columns, classes : of an uploaded table
    parameters : of a network in training
    training_seconds : computing time of one training
    queue : trainings that may wait
    """

    sessions: int = 64
    busy_seconds: float = 60.0
    idle_seconds: float = 1800.0
    memory_bytes: int = 1 << 30
    json_bytes: int = 1 << 18
    upload_bytes: int = 10 << 20
    body_seconds: float = 15.0
    uploads: int = 4
    rows: int = 50_000
    columns: int = 200
    classes: int = 50
    parameters: int = 2_000_000
    training_seconds: float = 900.0
    queue: int = 64
