"""Losses on raw predictions, each with the link that turns raw predictions into answers.

A batch's loss is Σ wᵢ ℓᵢ / Σ wᵢ; where Σ w = 0, loss and gradient are zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from graduel.nn.workspace import Scope

Array = NDArray[Any]


class Loss(Protocol):
    """What the network is trained to make small."""

    row_wise: ClassVar[bool]
    deterministic: ClassVar[bool]
    smooth: ClassVar[bool]

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Array | None, w: Scope
    ) -> tuple[float, Array]:
        """Return the weighted mean loss and its gradient by `raw`, in a buffer of `w`."""
        ...

    def link(self, raw: Array) -> Array:
        """Turn raw predictions into answers, in place."""
        ...


@dataclass(frozen=True, slots=True)
class SoftmaxCrossEntropy:
    """ℓ = log Σₖ exp zₖ − z_y,   dz = softmax(z) − onehot(y).

    Softmax and cross-entropy together, on logits z of shape (n, classes) and class codes y of
    shape (n,): dZ = A − Y of the derivation.

    >>> loss = SoftmaxCrossEntropy()
    >>> loss.link(np.array([[0.0, np.log(3.0)]]))
    array([[0.25, 0.75]])
    """

    row_wise: ClassVar[bool] = True
    deterministic: ClassVar[bool] = True
    smooth: ClassVar[bool] = True

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Array | None, w: Scope
    ) -> tuple[float, Array]:
        """Return Σ wᵢ ℓᵢ / Σ wᵢ and wᵢ (Aᵢ − Yᵢ) / Σ wᵢ."""
        n, rows = len(raw), np.arange(len(raw))
        A = np.subtract(raw, raw.max(axis=1, keepdims=True), out=w.buf("A", raw.shape, raw.dtype))
        z_y = A[rows, y]
        np.exp(A, out=A)
        total = A.sum(axis=1, keepdims=True)
        each = np.log(total[:, 0]) - z_y
        A /= total
        A[rows, y] -= 1
        if weight is None:
            A *= 1 / n
            return float(each.mean(dtype=np.float64)), A
        sum_w = float(weight.sum(dtype=np.float64))
        share = (weight / sum_w if sum_w > 0 else np.zeros_like(weight)).astype(raw.dtype)
        A *= share[:, None]
        return float(np.dot(share.astype(np.float64), each)), A

    def link(self, raw: Array) -> Array:
        """Softmax over the classes, in place."""
        raw -= raw.max(axis=1, keepdims=True)
        np.exp(raw, out=raw)
        raw /= raw.sum(axis=1, keepdims=True)
        return raw
