"""Handlers for trained models: adopt those of a training, save them, restore them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from graduel.web.dependencies import Client, CurrentClient
from graduel.web.http_error import ClientError
from graduel.web.routes.client_session import describe_models
from graduel.web.routes.trainings import find_training
from graduel.web.state.form_fields import fields_of
from graduel.web.state.holdout import HoldoutData
from graduel.web.state.model_pair import ModelPair
from graduel.web.training.training_request import TrainingRequest

router = APIRouter(prefix="/sessions/{session}")


@router.post("/training/adopt")
def adopt_models(client: CurrentClient) -> dict[str, Any]:
    """Adopt the current network and trees as the session's models."""
    models, request = _build_models(client)
    return _adopt(client, models, request.source, request.settings.data)


@router.get("/training/models")
def save_training(client: CurrentClient) -> Response:
    """Return the current network and trees of the training, as signed bytes."""
    models, request = _build_models(client)
    return _as_bytes(client, models, request.settings.data)


@router.get("/trained")
def save_models(client: CurrentClient) -> Response:
    """Return the session's models as signed bytes, for the browser to store."""
    models, source = client.session.trained, client.session.trained_from
    if models is None:
        raise ClientError(409, "this session has no trained model; train one first")
    return _as_bytes(client, models, source)


@router.post("/trained")
async def restore_models(request: Request, client: CurrentClient) -> dict[str, Any]:
    """Adopt models from the bytes that this server returned, also before a restart.

    ClientError 409 if another machine signed them, or their data are not those of this session.
    """
    content = await request.body()
    return await to_thread.run_sync(lambda: _restore(client, content))


def _restore(client: Client, content: bytes) -> dict[str, Any]:
    models, notes = client.server.signed_models.read(content)
    name = notes["data"]
    source = client.session.table if name == "table" else client.server.app.data
    pair = ModelPair.of(models, notes["about"])
    if source is None or tuple(source.data.classes) != pair.classes:
        raise ClientError(409, f"the data of these models ({pair.schema.name}) are not here")
    data = source.data
    pair = replace(pair, fields=fields_of(data.X, data.columns) if data.columns else ())
    return _adopt(client, pair, source, name)


def _build_models(client: Client) -> tuple[ModelPair, TrainingRequest]:
    training = find_training(client.session)
    assert isinstance(training.request, TrainingRequest)
    return training.request.build_models(training), training.request


def _adopt(client: Client, models: ModelPair, source: HoldoutData, name: str) -> dict[str, Any]:
    assert models.net is not None
    assert models.net.weights is not None
    nbytes = 4 * int(models.net.weights.theta.size)
    client.server.sessions.check_memory(nbytes)
    session = client.session
    session.trained, session.trained_bytes = models, nbytes
    session.training_data, session.trained_from = source, name
    return describe_models(models)


def _as_bytes(client: Client, models: ModelPair, source: str) -> Response:
    notes = {"data": source, "about": models.about}
    content = client.server.signed_models.write(list(models.models.values()), notes)
    return Response(content, media_type="application/octet-stream")
