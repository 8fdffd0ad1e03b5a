"""Handlers for training runs: create, command, stream events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from time import monotonic
from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from graduel.web.dependencies import Client, CurrentClient
from graduel.web.http_error import ClientError
from graduel.web.request_schemas import TrainingCommand, TrainingSettings
from graduel.web.routes.client_session import event
from graduel.web.state.sessions import Session
from graduel.web.training.training_request import TrainingRequest, check_request
from graduel.web.training.watched_training import ENDED, WatchedTraining

router = APIRouter(prefix="/sessions/{session}/training")


@router.post("", status_code=201)
def create(client: CurrentClient, settings: TrainingSettings) -> dict[str, Any]:
    """Create a training, which waits for the command to run; a previous training stops."""
    server, session = client.server, client.session
    source = session.table if settings.data == "table" else server.app.data
    if source is None:
        raise ClientError(409, "no data to train on; upload a table first")
    request = TrainingRequest(source, settings)
    cost = check_request(request, server.limits)
    with session.lock:
        if session.training is not None:
            session.training.stop()
            session.training = None
        server.sessions.check_memory(cost.nbytes)
        training = WatchedTraining(request.start_run, server.limits, cost.nbytes, request)
        session.training = training
    return {"state": training.state, "parameters": cost.parameters, "steps": cost.steps}


@router.post("/command")
def command(client: CurrentClient, request: TrainingCommand) -> dict[str, Any]:
    """Execute a command: run, pause, one step, stop, or change a setting."""
    training = find_training(client.session)
    if training.state in ENDED and request.do != "stop":
        raise ClientError(409, f"this training run is {training.state}; start a new one")
    if request.do in ("run", "pause"):
        training.set_command(request.do)
    elif request.do == "step":
        training.single_step()
    elif request.do == "stop":
        training.stop()
    elif request.do == "slow":
        training.set_delay(request.value)
    elif request.do == "rate":
        if request.value <= 0:
            raise ClientError(422, f"rate must be above 0; got {request.value}")
        training.change(rate=request.value)
    else:
        if request.value > 0.95:
            raise ClientError(422, f"dropout must be from 0 to 0.95; got {request.value}")
        training.change(dropout=request.value)
    queue = client.server.trainings
    queue.submit(training)
    return {"state": training.state, "position": queue.position(training)}


@router.get("/events")
def stream_events(client: CurrentClient) -> StreamingResponse:
    """Stream the training's messages; the training stops when the client disconnects."""
    events = _events(client, find_training(client.session))
    return StreamingResponse(events, media_type="text/event-stream")


async def _events(client: Client, training: WatchedTraining) -> AsyncIterator[str]:
    training.watchers += 1
    number, last_event = 0, monotonic()
    position = -1
    try:
        yield "retry: 3600000\n\n"
        while True:
            for message_number, message in training.messages_after(number):
                number = message_number
                yield event(message, number)
                last_event = monotonic()
            current = client.server.trainings.position(training)
            if training.state == "queued" and current != position:
                position = current
                yield event({"type": "position", "position": position})
            if training.state in ENDED and not training.messages_after(number):
                yield event({"type": "end", "state": training.state, "message": training.message})
                return
            if monotonic() - last_event > 10:
                last_event = client.session.last_used = monotonic()
                yield ": keep-alive\n\n"
            await asyncio.sleep(0.04)
    finally:
        training.watchers -= 1
        if training.watchers == 0:
            training.stop()


@router.get("")
def describe_training(client: CurrentClient) -> dict[str, Any]:
    """Return the training's state; if it is paused or has ended, also the network's scores."""
    training = find_training(client.session)
    run, point = training.current_run, None
    if run is not None and run.step and training.state in ("paused", *ENDED):
        point = asdict(run.validate("net"))
    return {"state": training.state, "message": training.message, "net": point}


def find_training(session: Session) -> WatchedTraining:
    """Return a session's training; ClientError 409 if there is none."""
    if session.training is None:
        raise ClientError(409, "this session has no training run; start one first")
    return session.training
