"""Virtual adversarial training: a penalty on predictions that change near the training rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.nn.losses import BinaryCrossEntropy, EnsembleMean, Loss, SoftmaxCrossEntropy
from graduel.nn.losses.loss import batch_weights, weighted_mean
from graduel.nn.network import Network, Workspace
from graduel.nn.workspace import Call

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class VirtualAdversarial:
    """Add λ R to the loss, where R is the change of the predictions in their worst direction.

    With the class probabilities p(x) of a row and its neighbor x + r at the distance ε,

        R = Σᵢ wᵢ KL(p(xᵢ) ‖ p(xᵢ + rᵢ)) / Σᵢ wᵢ,   KL(p ‖ q) = Σₖ pₖ log (pₖ / qₖ),
        rᵢ = ε gᵢ / ‖gᵢ‖,   gᵢ = ∂KL(p(xᵢ) ‖ p(xᵢ + ξ d)) / ∂d,

    with a random d of length 1 for each row: g is one step of power iteration for the eigenvector
    of the largest eigenvalue of the Hessian of KL at r = 0, where the gradient is 0. p(xᵢ) and rᵢ
    count as constants, so the gradient by the logits z of p(xᵢ + rᵢ) is wᵢ (p(xᵢ + rᵢ) − p(xᵢ)) /
    Σ w. No labels enter R.

    Each step takes three forward and backward passes. Noise and dropout draw the same numbers in
    all three, and running means are those of the first. For several independent labels, KL is
    the sum over the labels; for an ensemble, the mean over its members.

    Source: Miyato, Maeda, Koyama, Nakae and Ishii, *Distributional Smoothing with Virtual
    Adversarial Training*, 2016.

    Parameters
    ----------
    radius : ε > 0, the Euclidean distance of neighbors, in the units of the network's inputs
    weight : λ ≥ 0
    probe : ξ > 0, the length of the step of the power iteration

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> VirtualAdversarial(2.1)
    VirtualAdversarial(radius=2.1, weight=1.0, probe=0.1)
    """

    radius: float = 2.1
    weight: float = 1.0
    probe: float = 0.1

    def __post_init__(self) -> None:
        for name, value in (("radius", self.radius), ("probe", self.probe)):
            if not 0 < value < np.inf:
                raise ValueError(f"{name} must be a positive number; got {value}")
        if not 0 <= self.weight < np.inf:
            raise ValueError(f"weight must be a number of at least 0; got {self.weight}")

    def loss_and_gradient(
        self,
        network: Network,
        x: Array,
        y: Array,
        ws: Workspace,
        call: Call,
        weight: Array | None = None,
    ) -> float:
        """Return the network's loss plus λ R, and leave the gradient in ``ws.gradient``."""
        assert ws.gradient is not None
        assert call.rng is not None
        bits = call.rng.bit_generator
        before = bits.state
        raw = network.forward(x, ws, call)
        log_p = log_probabilities(network.loss, raw)
        loss, dz = network.loss.value_and_gradient(raw, y, weight, ws.loss)
        dz *= call.share
        network.backward(dz, ws, call, need_dx=False)
        of_loss = ws.loss.buf("gradient of the loss", ws.gradient.shape, ws.gradient.dtype)
        np.copyto(of_loss, ws.gradient)

        direction = ws.loss.buf("direction", x.shape, x.dtype)
        call.rng.standard_normal(dtype=x.dtype.type, out=direction)
        after = bits.state
        again = replace(call, watch=None, updates_state=False)
        bits.state = before
        neighbors = self.neighbors(network, x, direction, log_p, ws, again)
        bits.state = before
        raw = network.forward(neighbors, ws, again)
        change, dz = divergence(network.loss, log_p, raw)
        scale = self.weight * call.share
        flat = dz.reshape(len(dz), -1)
        penalty, _ = weighted_mean(change, flat, batch_weights(network.loss, y, weight))
        flat *= scale
        network.backward(dz, ws, again, need_dx=False)
        ws.gradient += of_loss
        bits.state = after
        return loss * call.share + penalty * scale

    def neighbors(
        self, network: Network, x: Array, direction: Array, log_p: Array, ws: Workspace, call: Call
    ) -> Array:
        """Return x + r, in a buffer of the workspace, for d = `direction` / ‖`direction`‖."""
        neighbors = ws.loss.buf("neighbors", x.shape, x.dtype)
        raw = network.forward(_move(x, direction, self.probe, neighbors), ws, call)
        g = network.backward(divergence(network.loss, log_p, raw)[1], ws, call)
        assert g is not None
        return _move(x, g, self.radius, neighbors)


def can_smooth(loss: Loss) -> bool:
    """Return whether a loss is one of class probabilities, which have a KL divergence."""
    return isinstance(_of_member(loss), SoftmaxCrossEntropy | BinaryCrossEntropy)


def log_probabilities(loss: Loss, raw: Array) -> Array:
    """Return the log probabilities of the outcomes of each distribution, on a new last axis.

    With softmax there is one distribution over the classes; with independent labels there is one
    of two outcomes for each label, σ(z) and 1 − σ(z), the softmax of (z, 0).
    """
    if isinstance(_of_member(loss), BinaryCrossEntropy):
        raw = np.stack((raw, np.zeros_like(raw)), axis=-1)
    z = raw - raw.max(axis=-1, keepdims=True)
    return np.asarray(z - np.log(np.exp(z).sum(axis=-1, keepdims=True)))


def divergence(loss: Loss, log_p: Array, raw: Array) -> tuple[Array, Array]:
    """Return KL(p ‖ q) of each row, shape (n,), and its gradient by `raw`, q − p.

    Parameters
    ----------
    loss : says what the raw predictions are
    log_p : :func:`log_probabilities` of other raw predictions
    raw : the raw predictions of q
    """
    log_q, p, n = log_probabilities(loss, raw), np.exp(log_p), len(raw)
    members = raw.shape[1] if isinstance(loss, EnsembleMean) else 1
    change = (p * (log_p - log_q)).reshape(n, -1).sum(axis=1) / members
    gradient = (np.exp(log_q) - p) / members
    if isinstance(_of_member(loss), BinaryCrossEntropy):
        gradient = np.ascontiguousarray(gradient[..., 0])
    return change, gradient


def _of_member(loss: Loss) -> Loss:
    return loss.loss if isinstance(loss, EnsembleMean) else loss


def _move(x: Array, direction: Array, distance: float, out: Array) -> Array:
    """Return x + distance · direction / ‖direction‖ for each row; x where the direction is 0."""
    squares = np.einsum("ni,ni->n", direction, direction, dtype=np.float64)
    length = np.sqrt(squares, out=squares)
    factor = np.divide(distance, length, out=np.zeros_like(length), where=length > 0)
    np.multiply(direction, factor[:, np.newaxis].astype(x.dtype), out=out)
    out += x
    return out
