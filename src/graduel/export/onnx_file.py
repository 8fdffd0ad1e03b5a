"""Export of a network as an ONNX file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graduel.atomic_io import atomic_write
from graduel.data.prepare.target_scale import MOST_LOG, TargetScale
from graduel.errors import UserError
from graduel.export.export_graph import ExportGraph
from graduel.export.onnx_graph import Graph
from graduel.export.onnx_layers import LAYERS, append_layers
from graduel.export.table.onnx_columns import ColumnGraph, append_table, input_names
from graduel.export.table.raw_columns import TableInput
from graduel.nn import Network, Weights

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

OPSET, ML_OPSET, IR_VERSION = 17, 3, 8
"""The versions that onnxruntime 1.13 (2022) and later load."""
LIMIT = 2**31 - 2**20
"""Maximum size of the weights in bytes: 2 GiB, protobuf's limit, less 1 MiB for the rest."""


def to_onnx(
    network: Network,
    weights: Weights,
    path: str | Path,
    *,
    scale: float = 1.0,
    classes: Sequence[Any] | NDArray[Any] | None = None,
    table: TableInput | None = None,
    normalizes: bool = False,
    target: TargetScale | None = None,
) -> None:
    """Write a network and its weights to an ONNX file, atomically.

    Missing folders are created; an existing file is replaced. Parameters, inputs and outputs are
    those of :func:`onnx_model`.

    Raises
    ------
    UserError
        As :func:`onnx_model`.
    OSError
        If the file cannot be written.
    """
    options: dict[str, Any] = {"table": table, "normalizes": normalizes, "target": target}
    model = onnx_model(network, weights, scale=scale, classes=classes, **options)
    atomic_write(path, model.SerializeToString())


def onnx_model(
    network: Network,
    weights: Weights,
    *,
    scale: float = 1.0,
    classes: Sequence[Any] | NDArray[Any] | None = None,
    table: TableInput | None = None,
    normalizes: bool = False,
    target: TargetScale | None = None,
) -> ModelProto:
    """Return a network and its weights as an ONNX model (opset 17).

    The input "X" has shape (n, *input_shape) and the network's dtype. Without classes the only
    output is "predictions", the result of ``network.predict(X * scale, weights)``. With classes
    there are two:

    ======================  ======================  =============================  ================
    loss                    classes                 "label"                        "probabilities"
    ======================  ======================  =============================  ================
    SoftmaxCrossEntropy     K labels, K outputs     the most probable, (n,)        (n, K)
    BinaryCrossEntropy      2 labels, 1 output      the second where p > ½, (n,)   (1 − p, p)
    BinaryCrossEntropy      k labels, k outputs     1 where p > ½, (n, k)          p, (n, k)
    ======================  ======================  =============================  ================

    Parameters
    ----------
    network, weights : the network to export; batch normalization uses its running means
    scale : factor for X, such as 1/255 for pixels
    classes : labels, integers or text
    table : the columns of a table, with their preparation. There is an input of shape (n, 1) for
        each raw column instead of X: float64 for numbers, booleans (1, 0) and dates (seconds since
        1970), where NaN is missing; text for categories, where empty text is missing. The metadata
        ``columns`` describe them as JSON
    normalizes : whether each row of outputs is scaled to the sum 1, as probabilities of classes, if
        the loss has no softmax; ``label`` is then the most probable class
    target : the scale of a numeric target, by which "predictions" become its numbers in float64

    Raises
    ------
    UserError
        If `onnx` is not installed, if a layer or the loss is a custom class, or if weights, scale
        or classes are invalid.
    """
    try:
        from onnx import TensorProto, helper
    except ImportError:
        raise UserError(
            "ONNX export requires the package onnx, which is not installed; run "
            'pip install "graduel[onnx]"'
        ) from None
    options: dict[str, Any] = {"normalizes": normalizes, "target": target}
    exported = ExportGraph.of(network, weights, scale, classes, LAYERS, **options)
    if table is not None:
        table.require_fit(network.input_shape)
    if weights.nbytes > LIMIT:
        raise UserError(
            f"an ONNX file holds at most {LIMIT:,} bytes of weights; got {weights.nbytes:,}"
        )
    graph = Graph(network.dtype)
    real = TensorProto.DOUBLE if graph.double else TensorProto.FLOAT
    inputs, x = [helper.make_tensor_value_info("X", real, ["n", *network.input_shape])], "X"
    if table is not None:
        inputs, x = append_table(graph, table)
    if exported.scale != 1:
        x = graph.node("Mul", x, graph.number(exported.scale))
    x = _apply_link(graph, exported.link, append_layers(graph, exported.nodes, x))
    if exported.is_ensemble:
        x = graph.node("ReduceMean", x, axes=[1], keepdims=0)
    if exported.normalizes:
        tiny = graph.number(float(np.finfo(graph.dtype).tiny))
        x = graph.node("Add", graph.node("Max", x, graph.number(0.0)), tiny)
        x = graph.node("Div", x, graph.node("ReduceSum", x, graph.integers(1), keepdims=1))
    if target is not None:
        x = _append_target(graph, target, x)
    outputs = _build_outputs(graph, exported, x)
    onnx_graph = helper.make_graph(
        graph.nodes, "graduel", inputs, outputs, list(graph.arrays.values())
    )
    ml = [helper.make_opsetid("ai.onnx.ml", ML_OPSET)] if table is not None else []
    model: ModelProto = helper.make_model(
        onnx_graph,
        opset_imports=[helper.make_opsetid("", OPSET), *ml],
        ir_version=IR_VERSION,
        producer_name="graduel",
        producer_version=version("graduel"),
    )
    notes: dict[str, Any] = {}
    if exported.classes is not None:
        notes["classes"] = exported.classes
    if table is not None:
        names = input_names(table)
        notes["columns"] = [
            {"input": name, **column} for name, column in zip(names, table.as_list(), strict=True)
        ]
    helper.set_model_props(model, {key: json.dumps(value) for key, value in notes.items()})
    return model


def _apply_link(graph: Graph, link: str, raw: str) -> str:
    """Append the link of the loss, from raw predictions to outputs."""
    if link == "softmax":
        return graph.node("Softmax", raw, axis=-1)
    if link == "sigmoid":
        return graph.node("Sigmoid", raw)
    if link == "exp":
        most = graph.number(float(np.finfo(graph.dtype).max))
        return graph.node("Min", graph.node("Exp", raw), most)
    return raw


def _append_target(graph: Graph, target: TargetScale, x: str) -> str:
    """Append the conversion of outputs to numbers on the scale of the target, in float64."""
    columns = ColumnGraph(graph)
    x = columns.op("Mul", columns.cast(x), target.scale)
    x = columns.op("Clip", columns.op("Add", x, target.center), target.low, target.high)
    return columns.op("Exp", columns.op("Min", x, MOST_LOG)) if target.is_log else x


def _build_outputs(graph: Graph, exported: ExportGraph, p: str) -> list[ValueInfoProto]:
    """Append the output nodes; return their descriptions."""
    from onnx import TensorProto, helper

    is_double = graph.double or exported.target is not None
    real = TensorProto.DOUBLE if is_double else TensorProto.FLOAT
    if exported.classes is None:
        graph.node("Identity", p, name="predictions")
        shape: list[str | int | None] = ["n", *exported.network.prediction_shape]
        return [helper.make_tensor_value_info("predictions", real, shape)]
    k = len(exported.classes)
    if exported.is_pair:
        p = graph.node("Concat", graph.node("Sub", graph.number(1.0), p), p, axis=1)
    graph.node("Identity", p, name="probabilities")
    each = helper.make_tensor_value_info("probabilities", real, ["n", k])
    if not exported.has_one_class:
        yes = graph.node("Greater", p, graph.number(0.5))
        graph.node("Cast", yes, name="label", to=TensorProto.INT64)
        return [helper.make_tensor_value_info("label", TensorProto.INT64, ["n", k]), each]
    # Ties give the first class: of a pair, the second class requires p > ½.
    code = graph.node("ArgMax", p, axis=1, keepdims=0)
    graph.node("Gather", graph.labels(exported.classes), code, name="label")
    kind = TensorProto.INT64 if isinstance(exported.classes[0], int) else TensorProto.STRING
    return [helper.make_tensor_value_info("label", kind, ["n"]), each]
