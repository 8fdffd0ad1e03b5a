"""Scopes: the named arrays and buffers of each layer during computation.

Layers hold configuration only. Everything that changes belongs to a
:class:`~graduel.nn.network.Workspace`, one for each fit or thread: it holds the named views of θ,
its gradient and the state, and reuses buffers from step to step.
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
    """The context of one pass: training or prediction, random generator, progress."""

    train: bool = False
    rng: np.random.Generator | None = None
    t: float = 0.0
    """Training progress, from 0 to 1."""
    watch: Callable[[str, str, NDArray[Any]], None] | None = None
    """A callback ``(layer name, "forward" or "backward", output or input gradient)``. The array is
    borrowed: copy it to keep it."""
    share: float = 1.0
    """The share of these rows in the sum of weights of a batch that several workers divide: the
    factor of the loss and its gradient."""
    updates_state: bool = True
    """Whether a training pass updates running means. False for further passes of one step."""
    sum_over_workers: Callable[[NDArray[Any]], NDArray[Any]] | None = None
    """Where several workers divide a batch: adds up an array over all of them, in place, and
    returns it. Layers that mix rows call it equally often on every worker, also without rows."""


INFERENCE = Call()


class Scope:
    """The arrays of one layer in the tree.

    Attributes
    ----------
    p, g, s : namespaces of named views of θ, of its gradient, and of the state
    kids : the scopes of the children, in order
    has_params : whether this layer or a child has parameters
    saved : values that ``forward`` stores for ``backward``
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
        """Return a buffer that is reused at every step and grown to the largest batch.

        It is not initialized: write before you read.
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
        """Return all buffers of this scope and its children (for :func:`check_poison`)."""
        inner = [buffer for kid in self.kids for buffer in kid.buffers()]
        return list(self._buffers.values()) + inner


def views(layout: Layout, vector: NDArray[Any] | None, names: dict[str, str]) -> SimpleNamespace:
    """Return views of `vector` by name: ``{local name: name in the layout}`` → namespace."""
    if vector is None:
        return SimpleNamespace()
    return SimpleNamespace(**{k: layout[v].view(vector) for k, v in names.items()})
