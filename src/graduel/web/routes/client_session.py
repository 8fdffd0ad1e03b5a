"""Handlers for page start: server state, sessions, progress of the demo models, test rows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from importlib.metadata import version
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from graduel.data import Dataset
from graduel.nn import Dense
from graduel.web.array_codec import pack
from graduel.web.dependencies import CurrentClient, CurrentServer, check_label
from graduel.web.http_error import ClientError
from graduel.web.page_messages import note_to_page
from graduel.web.request_schemas import PAGE_ACTIVATIONS, ModelChoice
from graduel.web.state.demo_models import DemoModels
from graduel.web.state.form_fields import fields_of, row_of
from graduel.web.state.model_pair import ModelPair, is_plain

router = APIRouter()


@router.get("/about")
def about(server: CurrentServer) -> dict[str, Any]:
    """Return the server's version, state and limits, and the choices of its forms."""
    app, demo = server.app, server.app.demo
    return {
        "version": version("graduel"),
        "title": app.title,
        "digits": app.is_digits,
        "table": None if app.table is None else describe_table(app.table.data),
        "ready": app.models is not None,
        "training": demo is not None and not demo.is_complete,
        "failed": "" if demo is None else demo.error,
        "activations": PAGE_ACTIVATIONS,
        "upload_bytes": server.limits.upload_bytes,
        "rows": server.limits.rows,
        "columns": server.limits.columns,
        "classes": server.limits.classes,
    }


@router.get("/ready")
def stream_demo_progress(server: CurrentServer) -> StreamingResponse:
    """Stream the training progress of the demo models."""
    return StreamingResponse(_demo_progress(server.app.demo), media_type="text/event-stream")


async def _demo_progress(demo: DemoModels | None) -> AsyncIterator[str]:
    while demo is not None and not demo.is_complete and not demo.error:
        share = round(demo.progress, 4)
        network = demo.models is not None
        yield event({"share": share, "message": demo.message, "network": network})
        await asyncio.sleep(0.15)
    error = "" if demo is None else demo.error
    yield event({"share": 1.0, "message": error or "ready", "done": not error, "failed": error})


def event(message: dict[str, Any], number: int | None = None) -> str:
    r"""Format a message as a server-sent event.

    >>> event({"a": 1})
    'data: {"a":1}\n\n'
    """
    head = "" if number is None else f"id: {number}\n"
    return f"{head}data: {json.dumps(message, separators=(',', ':'), allow_nan=False)}\n\n"


@router.post("/sessions", status_code=201)
def open_session(server: CurrentServer) -> dict[str, Any]:
    """Start a session; its name is the client's key."""
    return {"session": server.sessions.open().name}


@router.post("/sessions/{session}/end")
def end_session(client: CurrentClient) -> dict[str, Any]:
    """End a session; the page sends this when it closes."""
    client.server.sessions.end(client.session.name)
    return {}


@router.get("/sessions/{session}")
def describe_session(client: CurrentClient) -> dict[str, Any]:
    """Return the models, table and training of a session."""
    session = client.session
    ready, trained = client.server.app.models, session.trained
    return {
        "ready": None if ready is None else describe_models(ready),
        "trained": None if trained is None else describe_models(trained),
        "table": None if session.table is None else describe_table(session.table.data),
        "training": None if session.training is None else session.training.state,
    }


def describe_models(models: ModelPair) -> dict[str, Any]:
    """Return the description of a model pair for the page."""
    net: dict[str, Any] | None = None
    if models.net is not None and models.net.network is not None:
        network = models.net.network
        layers = [
            {"path": str(i), "inputs": network.layout[f"{i}.W"].shape[0], "units": layer.units}
            for i, layer in enumerate(network.layers)
            if isinstance(layer, Dense)
        ]
        net = {"title": models.net.title, "layers": layers, "plain": is_plain(network)}
    return {
        "name": models.schema.name,
        "classes": list(models.classes),
        "image": models.image,
        "fields": [asdict(field) for field in models.fields],
        "about": models.about,
        "net": net,
        "xgboost": None if models.trees is None else {"title": models.trees.title},
    }


def describe_table(data: Dataset) -> dict[str, Any]:
    """Return a table's inferred schema and class counts."""
    fields = fields_of(data.X, data.columns) if data.columns else ()
    inferred = data.inferred_table
    notes = [] if inferred is None else [*inferred.notes, *(f.message for f in inferred.findings)]
    return {
        "name": data.name,
        "rows": len(data.y),
        "target": inferred.target if inferred is not None else "target",
        "classes": list(data.classes),
        "counts": [int(n) for n in np.bincount(data.y, minlength=len(data.classes))],
        "fields": [asdict(field) for field in fields],
        "excluded": [asdict(column) for column in inferred.set_aside] if inferred else [],
        "notes": [note_to_page(text) for text in notes],
    }


@router.get("/sessions/{session}/test")
def find_test_row(
    client: CurrentClient,
    index: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    model: ModelChoice = "ready",
    label: Annotated[int | None, Query(ge=0, le=1000)] = None,
) -> dict[str, Any]:
    """Return a test row; with a label, the next test row of that class from `index` on."""
    holdout = client.find_data(model)
    data, rows = holdout.data, holdout.test
    index %= len(rows)
    if label is not None:
        of_class = np.flatnonzero(data.y[rows] == check_label(data.classes, label))
        if not len(of_class):
            raise ClientError(404, f"no test row has the class {data.classes[label]}")
        index = int(of_class[np.searchsorted(of_class, index) % len(of_class)])
    row = int(rows[index])
    return {
        "index": index,
        "count": len(rows),
        "label": int(data.y[row]),
        "row": row_of(data.X, row) if data.columns else None,
        "pixels": None if data.columns else pack(data.table[row]),
    }
