"""Builder of a graph of ONNX nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from graduel.export.export_graph import Array

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto


class Graph:
    """Nodes and arrays in the order of their creation; values are referred to by name.

    Parameters
    ----------
    dtype : dtype of the graph, 'float32' or 'float64'
    """

    def __init__(self, dtype: str) -> None:
        self.dtype = np.dtype(dtype)
        self.nodes: list[NodeProto] = []
        self.arrays: dict[str, TensorProto] = {}

    @property
    def double(self) -> bool:
        """Whether the dtype is float64, for which onnxruntime lacks some operators."""
        return self.dtype == np.float64

    def node(self, op: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """Append a node and return the name of its output."""
        from onnx import helper

        name = name or f"{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def array(self, name: str, value: Array) -> str:
        """Add an array and return its name."""
        from onnx import numpy_helper

        self.arrays[name] = numpy_helper.from_array(np.asarray(value, order="C"), name)
        return name

    def number(self, value: float) -> str:
        """Add a scalar of the graph's dtype and return its name."""
        return self.array(f"number {value!r}", np.asarray(value, self.dtype))

    def integer(self, value: int) -> str:
        """Add an int64 scalar and return its name."""
        return self.array(f"integer {value}", np.asarray(value, np.int64))

    def integers(self, *values: int) -> str:
        """Add an int64 vector and return its name."""
        return self.array(f"integers {values}", np.array(values, np.int64))

    def labels(self, classes: tuple[int, ...] | tuple[str, ...]) -> str:
        """Add the class labels, int64 or text, and return their name."""
        kind = np.int64 if isinstance(classes[0], int) else object
        return self.array("classes", np.array(classes, kind))
