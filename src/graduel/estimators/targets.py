"""Convert y to the targets of the loss, and the network's outputs back to y."""

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
"""scikit-learn's names for the links; the others are the identity."""


def out_activation(loss: Loss) -> str:
    """Return scikit-learn's name for the link of a loss.

    >>> out_activation(SquaredError())
    'identity'
    """
    return OUT_ACTIVATIONS.get(type(loss), "identity")


@dataclass(frozen=True, slots=True, eq=False)
class LabelTarget:
    """Labels as targets: one a row, or with `multilabel` a yes or no for each of several.

    Parameters
    ----------
    classes : the labels, sorted, shape (K,)
    loss : decides the network's outputs: a probability for each class, one for two of them,
        or numbers that grow with it
    multilabel : several labels a row, each for itself
    sparse : predictions are sparse, as y was
    """

    classes: Array
    loss: Loss
    multilabel: bool = False
    sparse: bool = False

    @property
    def binary(self) -> bool:
        """Return whether each output is a yes or no by itself, where cross-entropy is the loss."""
        return self.multilabel or len(self.classes) <= 2

    @property
    def one(self) -> bool:
        """Return whether there is one output, for two classes or a single one."""
        binary = isinstance(self.loss, BinaryCrossEntropy)
        return binary and not self.multilabel and len(self.classes) <= 2

    @property
    def n_outputs(self) -> int:
        """Outputs of the network."""
        return 1 if self.one else len(self.classes)

    def encode(self, y: Any) -> Array:
        """Return what the loss takes: class codes, or 0 and 1 for each output."""
        if self.multilabel:
            return (y.toarray() if issparse(y) else y).astype(np.float32)
        codes = np.searchsorted(self.classes, y)
        if isinstance(self.loss, SoftmaxCrossEntropy):
            return codes
        if self.one:
            return (codes[:, np.newaxis] == 1).astype(np.float32)
        return (codes[:, np.newaxis] == np.arange(len(self.classes))).astype(np.float32)

    def report(self, y: Array, weight: Array | None) -> tuple[float, float]:
        """Return the factor and the summand of the loss in scikit-learn's reports."""
        return 1.0, 0.0

    def predict(self, answers: Array) -> Any:
        """Return the labels of the network's answers, shape (n, outputs)."""
        if self.multilabel:
            yes = (answers > 0.5).astype(int)
            if not self.sparse:
                return yes
            from scipy.sparse import csr_matrix

            return csr_matrix(yes)
        if len(self.classes) == 1:
            return np.repeat(self.classes, len(answers))
        codes = (answers[:, 0] > 0.5).astype(int) if self.one else answers.argmax(axis=1)
        return self.classes[codes]

    def proba(self, answers: Array) -> Array:
        """Return a probability for each class; each row's sum is 1, but for several labels."""
        if self.multilabel:
            return np.clip(answers, 0, 1, out=answers)
        if len(self.classes) == 1:
            return np.ones_like(answers[:, :1])
        if self.one:
            return np.column_stack([1 - answers[:, 0], answers[:, 0]])
        return to_probabilities(self.loss, answers)


@dataclass(frozen=True, slots=True, eq=False)
class NumberTarget:
    """Numbers as targets: one a row, or several."""

    n_outputs: int
    loss: Loss

    def encode(self, y: Array) -> Array:
        """Return y with a column for each output."""
        return y.reshape(len(y), -1)

    def report(self, y: Array, weight: Array | None) -> tuple[float, float]:
        """Return the factor and the summand of the loss in scikit-learn's reports.

        Squared errors are the mean over the outputs; of the Poisson loss it shows half the
        deviance, which is 0 where the fit is perfect.
        """
        if isinstance(self.loss, SquaredError):
            return 1 / self.n_outputs, 0.0
        if isinstance(self.loss, Poisson):
            each = (xlogy(y, y) - y).sum(axis=1)
            return 1.0, float(np.average(each, weights=weight))
        return 1.0, 0.0

    def predict(self, answers: Array) -> Array:
        """Return the network's answers, shape (n,) if there is one output."""
        return answers[:, 0] if self.n_outputs == 1 else answers


Targets = LabelTarget | NumberTarget
