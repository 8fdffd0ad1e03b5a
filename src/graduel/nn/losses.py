"""Losses on raw predictions, each with the link that turns raw predictions into answers.

A batch's loss is Σ wᵢ ℓᵢ / Σ wᵢ; where Σ w = 0, loss and gradient are zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from graduel.nn.workspace import Scope

__all__ = ["BinaryCrossEntropy", "Loss", "SoftmaxCrossEntropy", "SquaredError"]

Array = NDArray[Any]


class Loss(Protocol):
    """What the network is trained to make small; a frozen dataclass."""

    @property
    def row_wise(self) -> bool:
        """Tell whether each row's loss depends on that row alone."""
        ...

    @property
    def deterministic(self) -> bool:
        """Tell whether it draws no random numbers."""
        ...

    @property
    def smooth(self) -> bool:
        """Tell whether the derivative is continuous."""
        ...

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Array | None, w: Scope
    ) -> tuple[float, Array]:
        """Return the weighted mean loss and its gradient by `raw`, in a buffer of `w`."""
        ...

    def link(self, raw: Array) -> Array:
        """Turn raw predictions into answers, in place."""
        ...


def weighted(each: Array, gradient: Array, weight: Array | None) -> tuple[float, Array]:
    """Make a mean of the losses ℓᵢ and scale each row's gradient by wᵢ / Σ w, in place."""
    if weight is None:
        gradient *= 1 / len(each)
        return float(each.mean(dtype=np.float64)), gradient
    total = float(weight.sum(dtype=np.float64))
    if not total > 0:
        gradient.fill(0)
        return 0.0, gradient
    share = weight / total
    gradient *= share[:, np.newaxis].astype(gradient.dtype)
    return float(np.dot(share, each)), gradient


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(−z)) in place, as (1 + tanh(z/2)) / 2, which no z overflows.

    >>> sigmoid(np.array([0.0, -1e4, 1e4]))
    array([0.5, 0. , 1. ])
    """
    z *= 0.5
    np.tanh(z, out=z)
    z += 1
    z *= 0.5
    return z


@dataclass(frozen=True, slots=True)
class SoftmaxCrossEntropy:
    """ℓ = log Σₖ exp zₖ − z_y,   dz = softmax(z) − onehot(y).

    Softmax and cross-entropy together, on logits z of shape (n, classes) and class codes y of
    shape (n,): dZ = A − Y of the derivation.

    Source: Bridle 1990.

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
        # A line for each class: operations along ten classes are slow, along the batch fast.
        n, classes = raw.shape
        A = w.buf("A", (n * classes,), raw.dtype).reshape(classes, n)
        np.copyto(A, raw.T)
        total = w.buf("total", (n,), raw.dtype)
        A -= np.max(A, axis=0, out=total)
        rows = np.arange(n)
        z_y = A[y, rows]
        np.sum(np.exp(A, out=A), axis=0, out=total)
        A /= total
        A[y, rows] -= 1
        each = np.subtract(np.log(total, out=total), z_y, out=total)
        return weighted(each, A.T, weight)

    def link(self, raw: Array) -> Array:
        """Softmax over the classes, in place."""
        raw -= raw.max(axis=1, keepdims=True)
        np.exp(raw, out=raw)
        raw /= raw.sum(axis=1, keepdims=True)
        return raw


@dataclass(frozen=True, slots=True)
class BinaryCrossEntropy:
    """ℓ = Σₖ log(1 + exp zₖ) − yₖ zₖ,   dz = sigmoid(z) − y.

    Sigmoid and cross-entropy together, on logits z of shape (n, k); y of shape (n, k), or (n,)
    where k = 1, holds 0 and 1 (or probabilities). Each of the k answers stands for itself.

    >>> loss = BinaryCrossEntropy()
    >>> loss.link(np.array([[0.0, np.log(3.0)]]))
    array([[0.5 , 0.75]])
    """

    row_wise: ClassVar[bool] = True
    deterministic: ClassVar[bool] = True
    smooth: ClassVar[bool] = True

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Array | None, w: Scope
    ) -> tuple[float, Array]:
        """Return Σ wᵢ ℓᵢ / Σ wᵢ and wᵢ (sigmoid(zᵢ) − yᵢ) / Σ wᵢ."""
        target = y.reshape(raw.shape).astype(raw.dtype, copy=False)
        each = (np.logaddexp(0, raw) - target * raw).sum(axis=1)
        dz = w.buf("dz", raw.shape, raw.dtype)
        np.copyto(dz, raw)
        sigmoid(dz)
        dz -= target
        return weighted(each, dz, weight)

    def link(self, raw: Array) -> Array:
        """Sigmoid of each, in place."""
        return sigmoid(raw)


@dataclass(frozen=True, slots=True)
class SquaredError:
    """ℓ = ½ Σₖ (zₖ − yₖ)²,   dz = z − y, on predictions z of shape (n, k).

    y has shape (n, k), or (n,) where k = 1.

    >>> SquaredError().link(np.array([[1.5]]))
    array([[1.5]])
    """

    row_wise: ClassVar[bool] = True
    deterministic: ClassVar[bool] = True
    smooth: ClassVar[bool] = True

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Array | None, w: Scope
    ) -> tuple[float, Array]:
        """Return Σ wᵢ ℓᵢ / Σ wᵢ and wᵢ (zᵢ − yᵢ) / Σ wᵢ."""
        dz = np.subtract(raw, y.reshape(raw.shape), out=w.buf("dz", raw.shape, raw.dtype))
        each = 0.5 * np.einsum("nk,nk->n", dz, dz)
        return weighted(each, dz, weight)

    def link(self, raw: Array) -> Array:
        """Return predictions as they are."""
        return raw
