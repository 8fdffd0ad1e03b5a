"""Exports: the network as NumPy code, JSON or ONNX; an example as an HTML page."""

from __future__ import annotations

import json
from typing import Literal

from fastapi import APIRouter, Response

from graduel.glassbox.example import prepare_example
from graduel.glassbox.example_page import render
from graduel.glassbox.inspection import inspect_example
from graduel.models.model_export import export_json, export_onnx, export_python
from graduel.web.dependencies import (
    CurrentClient,
    check_label,
    find_net,
    read_example,
)
from graduel.web.request_schemas import ExportRequest
from graduel.web.state.model_pair import ModelPair

router = APIRouter(prefix="/sessions/{session}/export")

Kind = Literal["python", "json", "onnx", "page"]
FILES = {
    "python": ("network.py", "text/x-python; charset=utf-8"),
    "json": ("network.json", "application/json"),
    "onnx": ("network.onnx", "application/octet-stream"),
    "page": ("example.html", "text/plain; charset=utf-8"),
}
"""File name and media type of each kind. The page is sent as text so that the browser saves it
and never renders it on this origin."""


@router.post("/{kind}")
def export(client: CurrentClient, kind: Kind, request: ExportRequest) -> Response:
    """Return an export of the models, including the client's edits."""
    models = client.edit_models(request)
    if kind == "page":
        return _build_response(kind, _render_page(models, request))
    net, _, _ = find_net(models)
    if kind == "python":
        return _build_response(kind, export_python(net))
    if kind == "json":
        return _build_response(kind, json.dumps(export_json(net), allow_nan=False))
    return _build_response(kind, export_onnx(net).SerializeToString())


def _build_response(kind: Kind, content: str | bytes) -> Response:
    name, media_type = FILES[kind]
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    if isinstance(content, str):
        content = content.encode("utf-8", "replace")
    return Response(content, media_type=media_type, headers=headers)


def _render_page(models: ModelPair, request: ExportRequest) -> str:
    """Render the inspection of an example in both models as one HTML page without scripts."""
    X = read_example(models, request)
    if models.image is not None:
        X = X.reshape(1, *models.image[: 2 if models.image[2] == 1 else 3])
    label = None if request.label is None else check_label(models.classes, request.label)
    inspections = []
    for model in models.models.values():
        where = f"{model.title}, {models.about}" if models.about else model.title
        inspections.append(inspect_example(model, prepare_example(model, X), label, where=where))
    return render(inspections)
