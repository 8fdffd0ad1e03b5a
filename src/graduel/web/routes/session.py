"""How a page begins: what is here, a session, the models' progress, examples to look at."""

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

from graduel.web.array_codec import pack
from graduel.web.dependencies import ServerState, TheServer, TheSession
from graduel.web.http_error import ClientError
from graduel.web.request_schemas import Which
from graduel.web.state.form_fields import fields_of, row_of
from graduel.web.state.model_pair import ModelPair, dense_layers, plain

router = APIRouter()


@router.get("/about")
def about(server: TheServer) -> dict[str, Any]:
    """Tell what this server was started on."""
    home, limits = server.home, server.limits
    ready = home.ready
    return {
        "version": version("graduel"),
        "title": home.title,
        "digits": home.is_digits,
        "table": None if home.table is None else table_told(home.table.data),
        "ready": home.contest is not None,
        "training": ready is not None and home.contest is None,
        "failed": "" if ready is None else ready.failed,
        "upload_bytes": limits.upload_bytes,
        "rows": limits.rows,
    }


@router.get("/ready")
def ready(server: TheServer) -> StreamingResponse:
    """Stream how far the ready-trained models are."""
    return StreamingResponse(_progress(server), media_type="text/event-stream")


async def _progress(server: ServerState) -> AsyncIterator[str]:
    ready = server.home.ready
    while ready is not None and ready.contest is None and not ready.failed:
        yield event({"share": round(ready.share, 4), "said": ready.said})
        await asyncio.sleep(0.15)
    failed = "" if ready is None else ready.failed
    yield event({"share": 1.0, "said": failed or "ready", "done": not failed, "failed": failed})


def event(message: dict[str, Any], number: int | None = None) -> str:
    r"""Return a message as a server-sent event.

    >>> event({"a": 1})
    'data: {"a":1}\n\n'
    """
    head = "" if number is None else f"id: {number}\n"
    return f"{head}data: {json.dumps(message, separators=(',', ':'), allow_nan=False)}\n\n"


@router.post("/sessions", status_code=201)
def open_session(server: TheServer) -> dict[str, Any]:
    """Begin a session; its name is its key."""
    return {"session": server.sessions.open().name}


@router.post("/sessions/{session}/end")
def end_session(server: TheServer, session: TheSession) -> dict[str, Any]:
    """Forget a session: its page has closed."""
    server.sessions.end(session.name)
    return {}


@router.get("/sessions/{session}")
def session_now(server: TheServer, session: TheSession) -> dict[str, Any]:
    """Tell what there is in a session."""
    home = server.home.contest
    return {
        "ready": None if home is None else described(home),
        "trained": None if session.trained is None else described(session.trained),
        "table": None if session.table is None else table_told(session.table.data),
        "training": None if session.training is None else session.training.state,
    }


def described(contest: ModelPair) -> dict[str, Any]:
    """Tell what a page needs to know of two models."""
    net = contest.net
    layers: list[dict[str, Any]] = []
    if net is not None:
        for path in dense_layers(net.network):
            shape = net.network.layout[f"{path}.W"].shape
            layers.append({"path": path, "inputs": shape[0], "units": shape[1]})
    return {
        "name": contest.task.name,
        "classes": list(contest.classes),
        "image": contest.image,
        "fields": [asdict(field) for field in contest.fields],
        "about": contest.about,
        "net": None
        if net is None
        else {"title": net.title, "layers": layers, "plain": plain(net.network)},
        "xgboost": None if contest.trees is None else {"title": contest.trees.title},
    }


def table_told(data: Any) -> dict[str, Any]:
    """Tell what was understood of a table."""
    fields = fields_of(data.X, data.columns) if data.columns else ()
    found = data.understood
    return {
        "name": data.name,
        "rows": len(data.y),
        "target": found.target if found is not None else "target",
        "classes": list(data.classes),
        "counts": [int(n) for n in np.bincount(data.y, minlength=len(data.classes))],
        "fields": [asdict(field) for field in fields],
        "aside": [{"name": a.name, "reason": a.reason} for a in found.set_aside] if found else [],
        "notes": list(found.notes) if found else [],
    }


@router.get("/sessions/{session}/test")
def one_example(
    server: TheServer,
    session: TheSession,
    index: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    model: Which = "ready",
    label: Annotated[int | None, Query(ge=0, le=1000)] = None,
) -> dict[str, Any]:
    """Return a test row; with a label, the next one of that class from `index` on."""
    material = server.material(session, model)
    data, rows = material.data, material.test
    index %= len(rows)
    if label is not None:
        if label >= len(data.classes):
            raise ClientError(422, f"label must be from 0 to {len(data.classes) - 1}; got {label}")
        hits = np.flatnonzero(data.y[rows] == label)
        if not len(hits):
            raise ClientError(404, f"no test row is of the class {data.classes[label]}")
        index = int(hits[np.searchsorted(hits, index) % len(hits)])
    row = int(rows[index])
    found = {"index": index, "count": len(rows), "label": int(data.y[row])}
    if data.columns:
        return found | {"row": row_of(data.X, row), "pixels": None}
    return found | {"row": None, "pixels": pack(data.table[row])}
