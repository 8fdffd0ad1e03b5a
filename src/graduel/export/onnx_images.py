"""Layers for images as nodes of an ONNX graph.

Images are channels-last as in graduel; convolution and pooling nodes are between two transposes,
which a runtime can cancel. onnxruntime has no Conv and AveragePool in float64.
"""

from __future__ import annotations

from math import prod

from graduel.export.export_graph import ExportLayer, Window
from graduel.export.onnx_graph import Graph


def conv(graph: Graph, node: ExportLayer, x: str) -> str:
    """Append Conv; in float64, one matrix product per position in the window."""
    window, W = Window.of(node), node.arrays["W"]
    b = graph.array(f"{node.name}.b", node.arrays["b"])
    if not graph.double:
        transposed = graph.array(f"{node.name}.W", W.transpose(3, 2, 0, 1))
        return _apply_channels_first(graph, window, x, "Conv", transposed, b)
    (top, below), (left, right) = window.padding
    if any((top, below, left, right)):
        x = graph.node("Pad", x, graph.integers(0, top, left, 0, 0, below, right, 0))
    factors = [
        graph.array(f"{node.name}.W.{i}.{j}", W[i, j])
        for i in range(W.shape[0])
        for j in range(W.shape[1])
    ]
    pieces = [
        graph.node("MatMul", piece, factor)
        for piece, factor in zip(_slice_windows(graph, node, window, x), factors, strict=True)
    ]
    return graph.node("Sum", *pieces, b)


def max_pool(graph: Graph, node: ExportLayer, x: str) -> str:
    """Append MaxPool."""
    return _apply_channels_first(graph, Window.of(node), x, "MaxPool")


def average_pool(graph: Graph, node: ExportLayer, x: str) -> str:
    """Append AveragePool; in float64, a sum over the positions in the window."""
    window = Window.of(node)
    if not graph.double:
        return _apply_channels_first(graph, window, x, "AveragePool")
    total = graph.node("Sum", *_slice_windows(graph, node, window, x))
    return graph.node("Mul", total, graph.number(1 / prod(window.size)))


def _apply_channels_first(graph: Graph, window: Window, x: str, op: str, *arrays: str) -> str:
    """Append an operator for channels-first images, between two transposes."""
    before, after = zip(*window.padding, strict=True)
    x = graph.node("Transpose", x, perm=[0, 3, 1, 2])
    x = graph.node(
        op, x, *arrays, kernel_shape=window.size, strides=window.stride, pads=before + after
    )
    return graph.node("Transpose", x, perm=[0, 2, 3, 1])


def _slice_windows(graph: Graph, node: ExportLayer, window: Window, x: str) -> list[str]:
    """Append a slice for each position in the window: the pixels there in all windows."""
    spans = [(n - 1) * step + 1 for n, step in zip(node.out, window.stride, strict=False)]
    axes, steps = graph.integers(1, 2), graph.integers(*window.stride)
    return [
        graph.node(
            *("Slice", x, graph.integers(i, j), graph.integers(i + spans[0], j + spans[1])),
            *(axes, steps),
        )
        for i in range(window.size[0])
        for j in range(window.size[1])
    ]
