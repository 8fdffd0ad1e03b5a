"""Losses on raw predictions, each with the link that turns raw predictions into predictions.

The loss of a batch is Σ wᵢ ℓᵢ / Σ wᵢ; if Σ w = 0, loss and gradient are zero.
"""

from graduel.nn.losses.classification import BinaryCrossEntropy, SoftmaxCrossEntropy
from graduel.nn.losses.ensemble_mean import EnsembleMean
from graduel.nn.losses.loss import Loss, weighted_mean
from graduel.nn.losses.regression import AbsoluteError, Huber, Poisson, SquaredError

__all__ = [
    "AbsoluteError",
    "BinaryCrossEntropy",
    "EnsembleMean",
    "Huber",
    "Loss",
    "Poisson",
    "SoftmaxCrossEntropy",
    "SquaredError",
    "weighted_mean",
]
