"""What one server takes on: how many clients, how much memory, how large and how long."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a server, all of them told to the client that meets one.

    Attributes
    ----------
    sessions : clients at a time; of more, the one longest idle is forgotten
    busy_seconds : a session younger in its last use than this is never forgotten for another
    idle_seconds : after so long without a request a session is forgotten
    memory_bytes : of what all sessions hold together: uploads, weights, trainings
    json_bytes, upload_bytes : of a request's body, by its kind
    body_seconds : how long a body may take to arrive
    uploads : bodies larger than `json_bytes` that may be on their way at a time
    rows, columns, classes : of a table that is uploaded
    parameters : of a network that is trained here
    training_seconds : how long one training may hold its place
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
