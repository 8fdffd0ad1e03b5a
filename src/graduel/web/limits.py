"""Limits of a server: clients, memory, sizes and times."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a server; an error message names the exceeded limit.

    Attributes
    ----------
    sessions : concurrent sessions; for one more, the session idle longest ends
    busy_seconds : a session used within this time is not ended for a new one
    idle_seconds : a session ends after this time without a request
    memory_bytes : memory of all sessions together: uploads, weights, training runs
    json_bytes, upload_bytes : size of a request body: JSON, or a file
    head_seconds : time to receive the head of a request; then the connection is closed
    body_seconds : time to receive a body
    uploads : concurrent uploads
    rows, columns, classes : size of an uploaded table
    parameters : size of a network to train
    training_seconds : computing time of one training run
    queue : training runs that wait in the queue
    """

    sessions: int = 64
    busy_seconds: float = 60.0
    idle_seconds: float = 1800.0
    memory_bytes: int = 1 << 30
    json_bytes: int = 1 << 18
    upload_bytes: int = 10 << 20
    head_seconds: float = 20.0
    body_seconds: float = 15.0
    uploads: int = 4
    rows: int = 50_000
    columns: int = 200
    classes: int = 50
    parameters: int = 2_000_000
    training_seconds: float = 900.0
    queue: int = 64
