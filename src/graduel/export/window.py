"""The window that a convolution or a pool slides over images."""

from __future__ import annotations

from typing import NamedTuple

from graduel.export.export_graph import ExportLayer
from graduel.nn.layers.windows import Pair, pair


class Window(NamedTuple):
    """Its size and its steps, (down, across); and the zeros around the image on each axis."""

    size: Pair
    stride: Pair
    zeros: tuple[Pair, Pair]
    """(above, below) and (left, right)."""

    @classmethod
    def of(cls, node: ExportLayer) -> Window:
        """Return a layer's window; its padding follows from the shapes."""
        size = _plain_pair("size", node.layer.size)
        stride = size if node.layer.stride is None else _plain_pair("stride", node.layer.stride)
        down, across = (
            int(max(0, (node.out[axis] - 1) * stride[axis] + size[axis] - node.shape[axis]))
            for axis in (0, 1)
        )
        zeros = (down // 2, down - down // 2), (across // 2, across - across // 2)
        return cls(size, stride, zeros)


def _plain_pair(name: str, value: int | Pair) -> Pair:
    """Return a pair of Python's own integers: their text goes into a generated file."""
    down, across = pair(name, value)
    return int(down), int(across)
