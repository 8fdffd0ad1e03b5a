"""Exports: the network as NumPy code, JSON or ONNX; an example as an HTML page."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any, Literal

from fastapi import APIRouter, Response

from graduel.data.read.column_names import quote_name
from graduel.export import onnx_model, to_python
from graduel.glassbox.example import prepare_example
from graduel.glassbox.example_page import render
from graduel.glassbox.inspection import inspect_example
from graduel.models.model import Model
from graduel.nn import Network, Weights
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
    net, network, weights = find_net(models)
    schema, classes = net.schema, list(net.classes)
    if kind == "python":
        names = None if net.preparation is None else [quote_name(n) for n in net.input_names]
        title = f"A neural network for {schema.name}"
        code = to_python(
            network, weights, scale=schema.input_scale, classes=classes, title=title, columns=names
        )
        return _build_response(kind, code)
    if kind == "json":
        content = network_as_dict(net, network, weights)
        return _build_response(kind, json.dumps(content, allow_nan=False))
    model = onnx_model(network, weights, scale=schema.input_scale, classes=classes)
    return _build_response(kind, model.SerializeToString())


def _build_response(kind: Kind, content: str | bytes) -> Response:
    name, media_type = FILES[kind]
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    if isinstance(content, str):
        content = content.encode("utf-8", "replace")
    return Response(content, media_type=media_type, headers=headers)


def network_as_dict(net: Model, network: Network, weights: Weights) -> dict[str, Any]:
    """Return a network as plain data: layers, parameters and preparation."""
    return {
        "format": 1,
        "graduel": version("graduel"),
        "data": net.schema.name,
        "classes": list(net.classes),
        "scale": net.schema.input_scale,
        "network": network.to_spec(),
        "parameters": {
            entry.name: entry.view(weights.theta).tolist() for entry in network.layout.entries
        },
        "preparation": None if net.preparation is None else net.preparation.to_spec(),
    }


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
