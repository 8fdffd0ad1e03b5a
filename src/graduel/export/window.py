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
    def of(cls, place: ExportLayer) -> Window:
        """Read a layer's window; what padding it has follows from the shapes."""
        size = _plain("size", place.layer.size)
        stride = size if place.layer.stride is None else _plain("stride", place.layer.stride)
        down, across = (
            int(max(0, (place.out[axis] - 1) * stride[axis] + size[axis] - place.shape[axis]))
            for axis in (0, 1)
        )
        zeros = (down // 2, down - down // 2), (across // 2, across - across // 2)
        return cls(size, stride, zeros)


def _plain(name: str, value: int | Pair) -> Pair:
    """Return a pair of Python's own integers: their text goes into a generated file."""
    down, across = pair(name, value)
    return int(down), int(across)
