"""Taking it away: the network as NumPy code, JSON or ONNX, an example as one page."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any, Literal

from fastapi import APIRouter, Response

from graduel.data.read.column_names import quote_name
from graduel.export import onnx_model, to_python
from graduel.glassbox.example_page import render
from graduel.glassbox.explained_model import ExplainedModel
from graduel.glassbox.inspection import inspect_example
from graduel.web.dependencies import TheServer, TheSession, example, label_of, net_of
from graduel.web.request_schemas import AskedPage
from graduel.web.state.model_pair import ModelPair, NetSide

router = APIRouter(prefix="/sessions/{session}/take")

Kind = Literal["python", "json", "onnx", "page"]
FILES = {
    "python": ("network.py", "text/x-python; charset=utf-8"),
    "json": ("network.json", "application/json"),
    "onnx": ("network.onnx", "application/octet-stream"),
    "page": ("example.html", "text/plain; charset=utf-8"),
}
"""The page is sent as text: it is saved, never shown from here."""


@router.post("/{kind}")
def take(server: TheServer, session: TheSession, kind: Kind, asked: AskedPage) -> Response:
    """Return a file, with the client's edits in it."""
    contest = server.contest(session, asked)
    if kind == "page":
        return _file(kind, _page(contest, asked))
    side = net_of(contest)
    if kind == "python":
        content: str | bytes = _python(contest, side)
    elif kind == "json":
        content = json.dumps(as_json(contest, side), ensure_ascii=True, allow_nan=False)
    else:
        model = onnx_model(
            side.network, side.weights, scale=_scale(contest), classes=list(contest.classes)
        )
        content = model.SerializeToString()
    return _file(kind, content)


def _file(kind: Kind, content: str | bytes) -> Response:
    name, media = FILES[kind]
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    if isinstance(content, str):
        content = content.encode("utf-8", "replace")
    return Response(content, media_type=media, headers=headers)


def _scale(contest: ModelPair) -> float:
    """Return what pixels are multiplied by before the first layer."""
    return contest.task.scale


def _python(contest: ModelPair, side: NetSide) -> str:
    columns = None if side.preparation is None else [quote_name(n) for n in side.preparation.names]
    return to_python(
        side.network,
        side.weights,
        scale=_scale(contest),
        classes=list(contest.classes),
        title=f"A neural network for {contest.task.name}",
        columns=columns,
    )


def as_json(contest: ModelPair, side: NetSide) -> dict[str, Any]:
    """Return a network as plain data: its layers, every number, how an example is prepared."""
    layout = side.network.layout
    return {
        "format": 1,
        "graduel": version("graduel"),
        "data": contest.task.name,
        "classes": list(contest.classes),
        "scale": _scale(contest),
        "network": side.network.to_spec(),
        "parameters": {
            entry.name: entry.view(side.weights.theta).tolist() for entry in layout.entries
        },
        "preparation": None if side.preparation is None else side.preparation.to_spec(),
    }


def _page(contest: ModelPair, asked: AskedPage) -> str:
    """Return an example in both models as one page, without the scripts it does not need."""
    X = example(contest, asked)
    if contest.image is not None:
        X = X.reshape(1, *contest.image[: 2 if contest.image[2] == 1 else 3])
    label = None if asked.label is None else label_of(contest, asked.label)
    found = []
    for kept in contest.kept():
        subject = ExplainedModel(kept)
        where = f"{kept.title}, {contest.about}" if contest.about else kept.title
        found.append(inspect_example(subject, subject.example(X), label, where=where))
    return render(found)
