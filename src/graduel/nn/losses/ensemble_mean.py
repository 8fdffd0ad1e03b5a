"""The loss of an ensemble: the mean of its members' losses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graduel.nn.losses.classification import SoftmaxCrossEntropy
from graduel.nn.losses.loss import Array, Loss
from graduel.nn.part import Composite, Flags
from graduel.nn.workspace import Scope


@dataclass(frozen=True, slots=True)
class EnsembleMean(Composite):
    """ℓ = 1/k Σₕ ℓ(zₕ, y) on raw predictions of shape (n, k, K); predictions are 1/k Σₕ link(zₕ).

    Each member is trained on its own loss; only the predictions are averaged. (With the loss of
    the averaged prediction, a member could depend on the others.)

    Source: Wen, Tran and Ba, *BatchEnsemble*, 2020; Gorishniy, Kotelnikov and Babenko, *TabM*,
    2025.

    Parameters
    ----------
    loss : ℓ, the loss of one member

    Raises
    ------
    ValueError
        During training, if raw predictions do not have shape (n, k, K), or if the number of
        targets or weights is not n.

    Examples
    --------
    >>> loss = EnsembleMean(SoftmaxCrossEntropy())
    >>> loss.link(np.log([[[0.5, 0.5], [0.1, 0.9]]])).round(6)
    array([[0.3, 0.7]])
    """

    loss: Loss = SoftmaxCrossEntropy()

    @property
    def inner(self) -> tuple[Flags, ...]:
        """The loss of one member."""
        return (self.loss,)

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Array | None, w: Scope
    ) -> tuple[float, Array]:
        """Return the weighted mean over rows and members, and its gradient."""
        n, k = self._sizes(raw)
        if y.shape[:1] != (n,):
            raise ValueError(f"y must have one target for each of {n} rows; got shape {y.shape}")
        if weight is not None:
            if weight.shape != (n,):
                raise ValueError(f"weights must have shape ({n},), one per row; got {weight.shape}")
            weight = self._for_each_member("weights", weight, k, w)
        flat = raw.reshape(n * k, *raw.shape[2:])
        y = self._for_each_member("targets", y, k, w)
        loss, gradient = self.loss.value_and_gradient(flat, y, weight, w)
        if gradient.flags.c_contiguous:
            return loss, gradient.reshape(raw.shape)
        out = w.buf("gradient", raw.shape, raw.dtype)
        out.reshape(flat.shape)[...] = gradient
        return loss, out

    @staticmethod
    def _for_each_member(name: str, rows: Array, k: int, w: Scope) -> Array:
        """Repeat each row k times."""
        each = w.buf(name, (len(rows), k, *rows.shape[1:]), rows.dtype)
        each[...] = rows[:, np.newaxis]
        return each.reshape(len(rows) * k, *rows.shape[1:])

    def link(self, raw: Array) -> Array:
        """Return the mean of the members' predictions, shape (n, K)."""
        n, k = self._sizes(raw)
        flat = self.loss.link(raw.reshape(n * k, *raw.shape[2:]))
        return np.asarray(flat.reshape(raw.shape).mean(axis=1))

    def prediction_shape(self, raw: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of one prediction, (K,), from that of a raw prediction, (k, K)."""
        return raw[1:]

    def _sizes(self, raw: Array) -> tuple[int, int]:
        if raw.ndim < 3:
            raise ValueError(
                f"EnsembleMean expects raw predictions of shape (n, members, outputs); got "
                f"{raw.shape}. End the network with EnsembleOutput(outputs, members)"
            )
        return raw.shape[0], raw.shape[1]
