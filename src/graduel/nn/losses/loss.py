"""The loss interface, weighted means, and validation of targets."""

from __future__ import annotations

from math import isfinite
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from graduel.nn.part import Flags
from graduel.nn.workspace import Scope

Array = NDArray[Any]


class Loss(Flags, Protocol):
    """A function that training minimizes; a frozen dataclass."""

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Array | None, w: Scope
    ) -> tuple[float, Array]:
        """Return the weighted mean loss and its gradient by `raw`, in a buffer of `w`."""
        ...

    def link(self, raw: Array) -> Array:
        """Return predictions from raw predictions; may work in place."""
        ...


def _describe_odd_weight(weight: Array) -> str:
    """Return the first negative or non-finite weight with its row, or that the sum is infinite."""
    (odd,) = np.nonzero(~(np.isfinite(weight) & (weight >= 0)))
    return f"{weight[odd[0]]} in row {odd[0]}" if len(odd) else "weights with an infinite sum"


def weighted_mean(each: Array, gradient: Array, weight: Array | None) -> tuple[float, Array]:
    """Return the weighted mean of the losses ℓᵢ; scale each row's gradient by wᵢ / Σ w in place.

    Raises
    ------
    ValueError
        If `weight` does not have one number per row, or its sum is negative or not finite.
    """
    if weight is None:
        if not len(each):
            return 0.0, gradient
        gradient *= 1 / len(each)
        return float(np.add.reduce(each, dtype=np.float64)) / len(each), gradient
    if weight.shape != each.shape:
        raise ValueError(f"weights must have shape {each.shape}, one per row; got {weight.shape}")
    total = float(weight.sum(dtype=np.float64))
    if not (total >= 0 and isfinite(total)):
        raise ValueError(
            f"weights must be finite and at least 0; got {_describe_odd_weight(weight)}. "
            "Set weight 0 for rows to ignore"
        )
    if total == 0:
        gradient.fill(0)
        return 0.0, gradient
    share = weight / total
    gradient *= share[:, np.newaxis].astype(gradient.dtype)
    return float(np.dot(share, each)), gradient


def batch_weights(loss: Any, y: Array, weight: Array | None) -> Array | None:
    """Return the weight of each row in the loss, class weights included; None if all are 1."""
    class_weight = getattr(getattr(loss, "loss", loss), "class_weight", None)
    if class_weight is None:
        return weight
    each = np.asarray(class_weight)[y]
    return each if weight is None else weight * each


def check_raw(raw: Array) -> None:
    """Raise `ValueError` unless raw predictions have shape (n, outputs)."""
    if raw.ndim != 2:
        raise ValueError(
            f"a loss expects raw predictions of shape (n, outputs); got {raw.shape}. "
            "End the network with Flatten() or a Dense layer"
        )


def as_targets(raw: Array, y: Array) -> Array:
    """Return y as a view with the shape of `raw`, (n, k).

    Raises
    ------
    ValueError
        If y is not numeric or not of shape (n, k), or (n,) if k = 1.
    """
    check_raw(raw)
    if y.dtype.kind not in "biuf":
        raise ValueError(f"y must hold numbers; got {y.dtype}. Convert it with y.astype(float)")
    if y.shape != raw.shape and y.shape != (len(raw),) * (raw.shape[1] == 1):
        raise ValueError(
            f"y must have shape {raw.shape}, one target per network output; "
            f"got {y.shape}. Give the last layer one unit per column of y"
        )
    return y.reshape(raw.shape)


def as_tuple(name: str, values: tuple[float, ...] | None) -> tuple[float, ...] | None:
    """Return `values` as a tuple of floats, or None; raise `ValueError` for invalid weights."""
    if values is None:
        return None
    values = tuple(float(value) for value in values)
    if not all(value >= 0 and isfinite(value) for value in values):
        raise ValueError(f"{name} must be finite numbers, at least 0; got {values}")
    return values
