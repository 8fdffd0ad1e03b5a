"""Losses for classification: softmax over classes, and independent binary targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graduel import kernels
from graduel.nn.losses.loss import Array, as_targets, as_tuple, check_raw, weighted_mean
from graduel.nn.part import Part
from graduel.nn.special import sigmoid
from graduel.nn.workspace import Scope


@dataclass(frozen=True, slots=True)
class SoftmaxCrossEntropy(Part):
    """ℓ = log Σₖ exp zₖ − Σₖ Tₖ zₖ,   dz = softmax(z) − T,   T = (1 − s) onehot(y) + s / K.

    Softmax and cross-entropy in one, on logits z of shape (n, K) and class codes y of shape (n,).
    Without smoothing, dz = A − Y of the derivation. With class weights c, row i has weight
    c[yᵢ] wᵢ, also in the denominator: Σ c wᵢ ℓᵢ / Σ c wᵢ.

    Source: Bridle 1990; label smoothing: Szegedy et al., *Rethinking the Inception
    Architecture*, 2016.

    Parameters
    ----------
    label_smoothing : s, in [0, 1), the share of the target spread evenly over all classes
    class_weight : weight of each class, at least 0; None: all 1
    clipped : compute ℓ, but not dz, from softmax(z) clipped to [ε, 1 − ε], where ε is the rounding
        unit of z: scikit-learn's loss, at most −log ε for a row. Without smoothing only

    Raises
    ------
    ValueError
        If a parameter is out of range; during training, if y does not hold codes from 0 to K − 1,
        or if the number of class weights is not K.

    Examples
    --------
    >>> loss = SoftmaxCrossEntropy(label_smoothing=0.1, class_weight=(1.0, 5.0))
    >>> loss.link(np.array([[0.0, np.log(3.0)]]))
    array([[0.25, 0.75]])
    """

    label_smoothing: float = 0.0
    class_weight: tuple[float, ...] | None = None
    clipped: bool = False

    def __post_init__(self) -> None:
        _check_smoothing(self.label_smoothing)
        _check_clipped(self.clipped, label_smoothing=self.label_smoothing)
        object.__setattr__(self, "class_weight", as_tuple("class_weight", self.class_weight))

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Array | None, w: Scope
    ) -> tuple[float, Array]:
        """Return Σ wᵢ ℓᵢ / Σ wᵢ and wᵢ (Aᵢ − Tᵢ) / Σ wᵢ."""
        y = _codes(raw, y)
        n, classes = raw.shape
        A = kernels.class_rows(w.buf("A", (n * classes,), raw.dtype), classes)
        each = w.buf("each", (n,), raw.dtype)
        kernels.softmax_cross_entropy(raw, y, self.label_smoothing, A, each)
        if self.clipped:
            _clip(each)
        return weighted_mean(each, A, self._row_weight(raw, y, weight, w))

    def _row_weight(self, raw: Array, y: Array, weight: Array | None, w: Scope) -> Array | None:
        if self.class_weight is None:
            return weight
        n, classes = raw.shape
        if len(self.class_weight) != classes:
            raise ValueError(
                f"class_weight must have {classes} numbers, one per network output; got "
                f"{len(self.class_weight)}"
            )
        # mode="clip" makes np.take write into the buffer directly; the codes are in range.
        c = np.array(self.class_weight, raw.dtype)
        c = np.take(c, y, out=w.buf("weight", (n,), raw.dtype), mode="clip")
        return c if weight is None else c * weight

    def link(self, raw: Array) -> Array:
        """Return the softmax over the classes, in place."""
        kernels.softmax(raw)
        return raw


@dataclass(frozen=True, slots=True)
class BinaryCrossEntropy(Part):
    """ℓ = Σₖ −pₖ tₖ log σ(zₖ) − (1 − tₖ) log(1 − σ(zₖ)),   t = (1 − s) y + s / 2.

    dz = (1 − t + p t) σ(z) − p t,   σ(z) − t where p = 1.

    Sigmoid and cross-entropy in one, on logits z of shape (n, k); y of shape (n, k), or (n,) if
    k = 1, holds 0 and 1 (or probabilities). The k outputs are independent and their losses add
    up. The weights p multiply the loss of positive targets and do not enter the sum of weights.

    Source: Cox, *The Regression Analysis of Binary Sequences*, 1958.

    Parameters
    ----------
    label_smoothing : s, in [0, 1), how far targets move towards 1/2
    positive_weight : p, weight of the positive targets of each output, at least 0; negative rows /
        rows balances the two. None: 1
    clipped : compute ℓ, but not dz, from σ(z) clipped to [ε, 1 − ε], where ε is the rounding unit
        of z: scikit-learn's loss, at most −log ε for an output. For targets 0 and 1 (others count
        as 1), without smoothing and weights

    Raises
    ------
    ValueError
        If a parameter is out of range; during training, if y has another shape or values outside
        [0, 1], or if the number of positive weights is not k.

    Examples
    --------
    >>> loss = BinaryCrossEntropy(positive_weight=(9.0,))
    >>> loss.link(np.array([[0.0], [np.log(3.0)]]))
    array([[0.5 ],
           [0.75]])
    """

    label_smoothing: float = 0.0
    positive_weight: tuple[float, ...] | None = None
    clipped: bool = False

    def __post_init__(self) -> None:
        _check_smoothing(self.label_smoothing)
        _check_clipped(
            self.clipped,
            label_smoothing=self.label_smoothing,
            positive_weight=self.positive_weight,
        )
        p = as_tuple("positive_weight", self.positive_weight)
        object.__setattr__(self, "positive_weight", p)

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Array | None, w: Scope
    ) -> tuple[float, Array]:
        """Return Σ wᵢ ℓᵢ / Σ wᵢ and wᵢ ∂ℓᵢ/∂zᵢ / Σ wᵢ."""
        y = as_targets(raw, y)
        if y.size and not (y.min() >= 0 and y.max() <= 1):
            raise ValueError(
                f"y must hold 0 and 1, or probabilities; got values from {y.min()} to {y.max()}. "
                "For class codes use SoftmaxCrossEntropy"
            )
        target = w.buf("target", raw.shape, raw.dtype)
        np.copyto(target, y)
        if self.label_smoothing:
            target *= 1 - self.label_smoothing
            target += self.label_smoothing / 2
        if self.clipped:
            return self._clipped(raw, target, weight, w)
        both = self._weigh(target, w)
        # −log(1 − σ(z)) = max(z, 0) + log(1 + exp(−|z|)). The last term is the same for positive
        # and negative targets; the first becomes ([z > 0] − t) z.
        softplus = np.abs(raw, out=w.buf("softplus", raw.shape, raw.dtype))
        np.negative(softplus, out=softplus)
        np.log1p(np.exp(softplus, out=softplus), out=softplus)
        dz = np.greater(raw, 0, out=w.buf("dz", raw.shape, raw.dtype))
        if both is not None:
            softplus *= both
            dz *= both
        dz -= target
        dz *= raw
        softplus += dz
        each = np.sum(softplus, axis=1, out=w.buf("each", (len(raw),), raw.dtype))
        np.copyto(dz, raw)
        sigmoid(dz, out=dz)
        if both is not None:
            dz *= both
        dz -= target
        return weighted_mean(each, dz, weight)

    def _clipped(
        self, raw: Array, target: Array, weight: Array | None, w: Scope
    ) -> tuple[float, Array]:
        """Return the loss of clipped probabilities, with scikit-learn's rounding of 1 − p."""
        eps = np.finfo(raw.dtype).eps
        dz = sigmoid(raw, out=w.buf("dz", raw.shape, raw.dtype))
        p = np.clip(dz, eps, 1 - eps, out=w.buf("p", raw.shape, raw.dtype))
        np.subtract(1, p, out=p, where=target == 0)
        each = -np.sum(np.log(p, out=p), axis=1)
        return weighted_mean(each, np.subtract(dz, target, out=dz), weight)

    def _weigh(self, target: Array, w: Scope) -> Array | None:
        """Replace t by p t in place; return 1 − t + p t, or None if p = 1."""
        if self.positive_weight is None:
            return None
        if len(self.positive_weight) != target.shape[1]:
            raise ValueError(
                f"positive_weight must have {target.shape[1]} numbers, one per network output; got "
                f"{len(self.positive_weight)}"
            )
        both = np.subtract(1, target, out=w.buf("both", target.shape, target.dtype))
        target *= np.array(self.positive_weight, target.dtype)
        both += target
        return both

    def link(self, raw: Array) -> Array:
        """Return the sigmoid of each raw prediction, in place."""
        return sigmoid(raw, out=raw)


def _check_smoothing(s: float) -> None:
    if not 0 <= s < 1:
        raise ValueError(f"label_smoothing must be at least 0 and below 1; got {s}")


def _check_clipped(clipped: bool, **others: object) -> None:
    if clipped and (used := [name for name, value in others.items() if value]):
        raise ValueError(f"clipped=True expects {used[0]} to be unset; got {others[used[0]]}")


def _clip(losses: Array) -> None:
    """Clip −log p to the values that p in [ε, 1 − ε] has, in place."""
    eps = np.finfo(losses.dtype).eps
    np.clip(losses, -np.log1p(-eps), -np.log(eps), out=losses)


def _codes(raw: Array, y: Array) -> Array:
    """Validate class codes and return them as integers."""
    check_raw(raw)
    n, classes = raw.shape
    if y.shape != (n,):
        hint = ". Convert one-hot rows with y.argmax(axis=1)" if y.ndim == 2 else ""
        raise ValueError(f"y must be class codes of shape ({n},); got shape {y.shape}{hint}")
    if y.dtype.kind not in "biu":
        raise ValueError(
            f"y must be class codes, integers; got {y.dtype}. "
            "Convert labels with np.unique(y, return_inverse=True)"
        )
    if not kernels.are_codes(y, classes):
        raise ValueError(
            f"class codes must be from 0 to {classes - 1}, as the network has {classes} outputs; "
            f"got codes from {y.min()} to {y.max()}. Convert labels with "
            "np.unique(y, return_inverse=True)"
        )
    # A boolean index would be a mask.
    return y.astype(np.intp) if y.dtype.kind == "b" else y
