"""Conversion of y to the targets of the loss, and of the network's outputs to predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from scipy.special import xlogy

from graduel.nn import BinaryCrossEntropy, Loss, Poisson, SoftmaxCrossEntropy, SquaredError
from graduel.train.loop.training import to_probabilities

Array = NDArray[Any]

OUT_ACTIVATIONS = {
    SoftmaxCrossEntropy: "softmax",
    BinaryCrossEntropy: "logistic",
    Poisson: "exp",
}
"""scikit-learn's names of the output activations; others are 'identity'."""


def out_activation(loss: Loss) -> str:
    """Return scikit-learn's name of the output activation of a loss.

    >>> out_activation(SquaredError())
    'identity'
    """
    return OUT_ACTIVATIONS.get(type(loss), "identity")


@dataclass(frozen=True, slots=True, eq=False)
class LabelTarget:
    """Labels as targets: one per row, or with `multilabel` 0 or 1 for each label.

    Parameters
    ----------
    classes : the labels, sorted, shape (K,)
    loss : the loss, which determines the outputs: a probability for each class, one probability
        for two classes, or numbers that increase with the probability
    multilabel : whether a row can have several labels
    sparse : whether predictions are sparse, as y is
    """

    classes: Array
    loss: Loss
    multilabel: bool = False
    sparse: bool = False

    @property
    def binary(self) -> bool:
        """Whether cross-entropy treats each output as an independent binary target."""
        return self.multilabel or len(self.classes) <= 2

    @property
    def one(self) -> bool:
        """Whether there is one output, for at most two classes."""
        binary = isinstance(self.loss, BinaryCrossEntropy)
        return binary and not self.multilabel and len(self.classes) <= 2

    @property
    def n_outputs(self) -> int:
        """The number of outputs of the network."""
        return 1 if self.one else len(self.classes)

    def encode(self, y: Any) -> Array:
        """Return the targets of the loss: class codes, or 0 and 1 for each output."""
        if self.multilabel:
            return (y.toarray() if issparse(y) else y).astype(np.float32)
        codes = np.searchsorted(self.classes, y)
        if isinstance(self.loss, SoftmaxCrossEntropy):
            return codes
        if self.one:
            return (codes[:, np.newaxis] == 1).astype(np.float32)
        return (codes[:, np.newaxis] == np.arange(len(self.classes))).astype(np.float32)

    def report(self, y: Array, weight: Array | None) -> tuple[float, float]:
        """Return (a, b) such that a · loss + b is scikit-learn's loss."""
        return 1.0, 0.0

    def predict(self, outputs: Array) -> Any:
        """Return the predicted labels of outputs of shape (n_rows, n_outputs)."""
        if self.multilabel:
            yes = (outputs > 0.5).astype(int)
            if not self.sparse:
                return yes
            from scipy.sparse import csr_matrix

            return csr_matrix(yes)
        if len(self.classes) == 1:
            return np.repeat(self.classes, len(outputs))
        codes = (outputs[:, 0] > 0.5).astype(int) if self.one else outputs.argmax(axis=1)
        return self.classes[codes]

    def proba(self, outputs: Array) -> Array:
        """Return a probability for each class; each row's sum is 1 unless `multilabel`."""
        if self.multilabel:
            return np.clip(outputs, 0, 1, out=outputs)
        if len(self.classes) == 1:
            return np.ones_like(outputs[:, :1])
        if self.one:
            return np.column_stack([1 - outputs[:, 0], outputs[:, 0]])
        return to_probabilities(self.loss, outputs)


@dataclass(frozen=True, slots=True, eq=False)
class NumberTarget:
    """Numbers as targets: one or several per row."""

    n_outputs: int
    loss: Loss

    def encode(self, y: Array) -> Array:
        """Return y with shape (n_rows, n_outputs)."""
        return y.reshape(len(y), -1)

    def report(self, y: Array, weight: Array | None) -> tuple[float, float]:
        """Return factor and summand that turn the loss into scikit-learn's.

        Squared errors are averaged over the outputs; the Poisson loss becomes half the deviance,
        which is 0 for a perfect fit.
        """
        if isinstance(self.loss, SquaredError):
            return 1 / self.n_outputs, 0.0
        if isinstance(self.loss, Poisson):
            each = (xlogy(y, y) - y).sum(axis=1)
            return 1.0, float(np.average(each, weights=weight))
        return 1.0, 0.0

    def predict(self, outputs: Array) -> Array:
        """Return the outputs, with shape (n_rows,) for one output."""
        return outputs[:, 0] if self.n_outputs == 1 else outputs


Targets = LabelTarget | NumberTarget
