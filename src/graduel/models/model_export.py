"""Exports of a model's network: Python code, ONNX or JSON, with the preparation of raw rows."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from graduel.data.prepare.preparation import NetPreparation
from graduel.data.read.column_names import quote_name
from graduel.errors import UserError
from graduel.export import onnx_model, to_python
from graduel.export.table.raw_columns import TableInput
from graduel.models.model import Model
from graduel.nn import EnsembleMean, Network, Weights
from graduel.serialize import to_plain

if TYPE_CHECKING:
    from onnx import ModelProto

FORMAT = 2
"""Version of the JSON."""
TARGET = "y = output * scale + center, at least low and at most high; exp(y) if is_log"
"""How outputs become numbers on the scale of a numeric target."""


def export_python(model: Model, *, title: str | None = None) -> str:
    """Return the network of a model as one Python file that needs only NumPy.

    Its ``predict_proba(rows)`` takes the raw rows that :meth:`Model.predict_proba` takes, as a dict
    of columns, a DataFrame or a list of dicts; of images, pixels as in the training data. If the
    model predicts a number, the function is ``predict(rows)``.

    Parameters
    ----------
    model : a model with a network
    title : first line of the file's docstring

    Raises
    ------
    UserError
        If the model has no network, or a layer is a custom class.
    """
    network, weights = _require_network(model)
    title = title or f"A neural network for {quote_name(model.schema.name)}"
    return to_python(network, weights, title=title, **_options(model))


def export_onnx(model: Model) -> ModelProto:
    """Return the network of a model as an ONNX model with an input for each raw column.

    Raises
    ------
    UserError
        As :func:`export_python`, or if `onnx` is not installed.
    """
    network, weights = _require_network(model)
    return onnx_model(network, weights, **_options(model))


def export_json(model: Model) -> dict[str, Any]:
    """Return the network of a model as plain data for JSON.

    These are the layers and parameters, the scale of the inputs, and for a table each raw column
    with the words that mean a missing cell, the parameters of its encoder, and a formula for each
    input; and the scale of a numeric target.

    Raises
    ------
    UserError
        If the model has no network.
    """
    network, weights = _require_network(model)
    table, target = _table_of(model), model.schema.target_scale
    return {
        "format": FORMAT,
        "graduel": version("graduel"),
        "data": model.schema.name,
        "classes": list(model.classes),
        "scale": model.schema.input_scale,
        "network": network.to_spec(),
        "is_mean_of_members": isinstance(network.loss, EnsembleMean),
        "parameters": {
            entry.name: entry.view(weights.theta).tolist() for entry in network.layout.entries
        },
        "state": {
            entry.name: entry.view(weights.state).tolist() for entry in network.state_layout.entries
        },
        "preparation": None if model.preparation is None else model.preparation.to_spec(),
        "columns": None if table is None else table.as_list(),
        "target": None if target is None else to_plain(target) | {"formula": TARGET},
    }


def _require_network(model: Model) -> tuple[Network, Weights]:
    if model.network is None or model.weights is None:
        raise UserError(f"expected a network, which can be exported; got {model.title}")
    return model.network, model.weights


def _table_of(model: Model) -> TableInput | None:
    """Return the raw columns of a model for tables; None for images and numeric rows."""
    if not isinstance(model.preparation, NetPreparation):
        return None
    return TableInput.of(model.schema, model.preparation)


def _options(model: Model) -> dict[str, Any]:
    """Return the parameters of an export that follow from the schema and the preparation."""
    return {
        "scale": model.schema.input_scale,
        "classes": list(model.classes) or None,
        "table": _table_of(model),
        "normalizes": bool(model.classes),
        "target": model.schema.target_scale,
    }
