"""A training that is watched: begun, told what to do, streamed, and taken over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from time import monotonic
from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from graduel.web.dependencies import ServerState, TheServer, TheSession
from graduel.web.http_error import ClientError
from graduel.web.request_schemas import Command, Settings
from graduel.web.routes.session import described, event
from graduel.web.state.sessions import Session
from graduel.web.training.training_queue import OVER, Training
from graduel.web.training.training_request import TrainingRequest, check_settings, taken_over

router = APIRouter(prefix="/sessions/{session}/training")

WATCHED = 20.0
"""Seconds after which a training ends that nobody watches."""


@router.post("", status_code=201)
def begin(server: TheServer, session: TheSession, asked: Settings) -> dict[str, Any]:
    """Make a training, which stands still until it is told to run. An older one ends."""
    material = session.table if asked.data == "table" else server.home.material()
    if material is None:
        raise ClientError(409, "there are no data to train on; upload a table first")
    course = TrainingRequest(material, asked)
    told = check_settings(course, server.limits)
    with session.lock:
        if session.training is not None:
            session.training.stop()
            session.training = None
        server.sessions.room(told.nbytes)
        training = Training(course.make, server.limits, told.nbytes)
        training.about = course
        session.training = training
    return {"state": training.state, "parameters": told.parameters, "steps": told.steps}


@router.post("/command")
def command(server: TheServer, session: TheSession, asked: Command) -> dict[str, Any]:
    """Tell the training what to do."""
    training = _training(session)
    if training.state in OVER and asked.do != "stop":
        raise ClientError(409, f"this training is {training.state}; begin a new one")
    if asked.do == "run":
        training.run()
    elif asked.do == "pause":
        training.pause()
    elif asked.do == "step":
        training.one_step()
    elif asked.do == "stop":
        training.stop()
    elif asked.do == "slow":
        training.slow(asked.value)
    elif asked.do == "rate":
        if asked.value <= 0:
            raise ClientError(422, f"rate must be above 0; got {asked.value}")
        training.change(rate=asked.value)
    else:
        if asked.value > 0.95:
            raise ClientError(422, f"dropout must be from 0 to 0.95; got {asked.value}")
        training.change(dropout=asked.value)
    server.trainings.submit(training)
    return {"state": training.state, "place": server.trainings.place(training)}


@router.get("/events")
def events(server: TheServer, session: TheSession) -> StreamingResponse:
    """Stream what the training tells; a client that goes away stops it."""
    return StreamingResponse(
        _events(server, _training(session), session), media_type="text/event-stream"
    )


async def _events(server: ServerState, training: Training, session: Session) -> AsyncIterator[str]:
    training.watchers += 1
    number, quiet = 0, monotonic()
    place = -1
    try:
        yield "retry: 3600000\n\n"
        while True:
            for told, message in training.since(number):
                number = told
                yield event(message, number)
                quiet = monotonic()
            now = server.trainings.place(training)
            if training.state == "queued" and now != place:
                place = now
                yield event({"type": "place", "place": place})
            if training.state in OVER and not training.since(number):
                yield event({"type": "end", "state": training.state, "said": training.said})
                return
            if monotonic() - quiet > 10:
                quiet = monotonic()
                session.touched = quiet
                yield ": still here\n\n"
            await asyncio.sleep(0.04)
    finally:
        training.watchers -= 1
        if training.watchers == 0:
            training.stop()


@router.post("/take")
def take(server: TheServer, session: TheSession) -> dict[str, Any]:
    """Take the network and the trees over as they are now: the other views show them."""
    training = _training(session)
    assert isinstance(training.about, TrainingRequest)
    network, weights, booster = training.snapshot()
    nbytes = 4 * int(weights.theta.size)
    server.sessions.room(nbytes)
    session.trained = taken_over(training.about, network, weights, booster)
    session.learned_from = training.about.material
    session.trained_bytes = nbytes
    return described(session.trained)


@router.get("")
def now(session: TheSession) -> dict[str, Any]:
    """Tell how the training stands."""
    training = _training(session)
    point = None
    if training.live is not None and training.state in ("paused", *OVER):
        point = asdict(training.live.point("net")) if training.live.step else None
    return {"state": training.state, "said": training.said, "net": point}


def _training(session: Session) -> Training:
    if session.training is None:
        raise ClientError(409, "there is no training in this session; begin one first")
    return session.training
