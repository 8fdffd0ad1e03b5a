"""The arrays of a network while it computes: scopes, buffers, one gradient.

Layers hold configuration only. Everything that changes belongs to a :class:`Workspace`, one for
each fit or thread: it lays the named views over θ, its gradient and the state, and keeps the
buffers from step to step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from graduel.layout import Layout


@dataclass(slots=True)
class Call:
    """The circumstances of one pass: training or not, random numbers, progress."""

    train: bool = False
    rng: np.random.Generator | None = None
    t: float = 0.0
    """Progress of the training, from 0 to 1."""
    watch: Callable[[str, str, NDArray[Any]], None] | None = None
    """Called with each layer's name, "forward" or "backward", and its output or input gradient.
    The array is borrowed: copy it to keep it."""


INFERENCE = Call()


class Scope:
    """The arrays of one position in the tree of layers.

    Attributes
    ----------
    p, g, s : namespaces of named views of θ, of its gradient, and of the state
    kids : the scopes of the children, in their order
    has_params : whether there are parameters here or in a child
    saved : what ``forward`` leaves for ``backward``
    """

    __slots__ = ("_buffers", "g", "has_params", "kids", "name", "p", "s", "saved")

    def __init__(
        self,
        name: str,
        p: SimpleNamespace,
        g: SimpleNamespace,
        s: SimpleNamespace,
        kids: tuple[Scope, ...],
    ) -> None:
        self.name, self.p, self.g, self.s, self.kids = name, p, g, s, kids
        self.has_params: bool = bool(vars(p)) or any(kid.has_params for kid in kids)
        self.saved: Any = None
        self._buffers: dict[str, NDArray[Any]] = {}

    def buf(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Return a buffer, kept from step to step and grown to the largest batch.

        Its contents are whatever was there before: write before you read.
        """
        buffer = self._buffers.get(name)
        if buffer is not None:
            if buffer.shape == shape and buffer.dtype == dtype:
                return buffer
            if buffer.shape[1:] == shape[1:] and buffer.dtype == dtype and len(buffer) >= shape[0]:
                return buffer[: shape[0]]
        buffer = self._buffers[name] = np.empty(shape, dtype)
        return buffer

    def buffers(self) -> list[NDArray[Any]]:
        """Return every buffer of this scope and of its children (for tests that poison them)."""
        inner = [buffer for kid in self.kids for buffer in kid.buffers()]
        return list(self._buffers.values()) + inner


def views(layout: Layout, vector: NDArray[Any] | None, names: dict[str, str]) -> SimpleNamespace:
    """Return views of `vector` by name: ``{local name: name in the layout}`` → namespace."""
    if vector is None:
        return SimpleNamespace()
    return SimpleNamespace(**{k: layout[v].view(vector) for k, v in names.items()})
