"""Adversarial examples by the fast gradient sign method (FGSM)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.network.backward_pass import make_target
from graduel.glassbox.network.layer_info import as_batch
from graduel.glassbox.plain_data import Array, PlainData
from graduel.nn import Network, Weights
from graduel.nn.workspace import Call

Predictor = Callable[[Array], Array]
"""Maps scaled rows, shape (n, features), to probabilities, shape (n, classes)."""


@dataclass(frozen=True, slots=True, eq=False)
class AttackOutcome(PlainData):
    """One model's probabilities for an example and for its adversarial example."""

    before: Array
    after: Array
    class_before: int
    class_after: int
    fooled: bool
    """Whether the prediction changes from correct to wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class Attack(PlainData):
    """An adversarial example and its outcome for each model."""

    eps: float
    x: Array
    direction: Array
    """sign(∂L/∂x), −1, 0 or 1."""
    outcomes: dict[str, AttackOutcome]


@dataclass(frozen=True, slots=True)
class DecisionChange(PlainData):
    """The smallest ε at which a model's prediction changes."""

    eps: float | None
    """None if the prediction does not change up to the largest ε tried."""
    class_before: int
    class_after: int | None


def attack_direction(network: Network, weights: Weights, x: Any, y: Any) -> Array:
    """Return sign(∂L/∂x), the direction of steepest increase of the loss in the max norm.

    Parameters
    ----------
    network, weights, x, y : as in :func:`~graduel.glassbox.network.backward_pass.backward`
    """
    row, target = as_batch(network, x), make_target(network, y)
    ws = network.workspace(weights)
    _, dx = network.loss_and_input_gradient(row, target, ws, Call())
    assert dx is not None
    return np.sign(dx[0])


def perturb(
    x: Any, direction: Array, eps: float, bounds: tuple[float, float] | None = (0.0, 1.0)
) -> Array:
    """Return clip(x + ε · direction), in the shape and dtype of the direction.

    Parameters
    ----------
    bounds : the valid range of an input; None for no limit

    Examples
    --------
    >>> perturb([0.0, 0.5, 1.0], np.array([-1.0, 1.0, 1.0]), 0.1)
    array([0. , 0.6, 1. ])
    """
    if not eps >= 0:
        raise UserError(f"eps must be at least 0; got {eps}")
    moved = np.asarray(x, direction.dtype).reshape(direction.shape) + eps * direction
    return moved if bounds is None else np.clip(moved, *bounds)


def attack_example(
    network: Network,
    weights: Weights,
    x: Any,
    y: int,
    eps: float,
    predictors: Mapping[str, Predictor],
    *,
    bounds: tuple[float, float] | None = (0.0, 1.0),
) -> Attack:
    """Compute an adversarial example of a network, and every model's predictions for it.

    x' = clip(x + ε sign(∂L/∂x)), where L is the network's loss with y as the true class.

    Source: Goodfellow, Shlens and Szegedy, *Explaining and Harnessing Adversarial Examples*, 2015.

    Parameters
    ----------
    network, weights : the network whose gradient is used
    x : one example, scaled for the network (pixels from 0 to 1)
    y : its true class
    eps : ε, in units of x
    predictors : the models to test, each a function from scaled rows to probabilities
    bounds : the valid range of x; None for no limit

    Raises
    ------
    UserError
        If `eps` is negative, or `x` or `y` does not fit the network.

    Examples
    --------
    >>> from graduel.nn import Dense
    >>> net = Network((Dense(2),), (3,))
    >>> weights = net.init(np.random.default_rng(0))
    >>> predict = lambda X: net.predict(X, weights)
    >>> attack = attack_example(net, weights, [0.2, 0.4, 0.6], 1, 0.1, {"net": predict})
    >>> bool(attack.outcomes["net"].after[1] < attack.outcomes["net"].before[1])
    True
    """
    row = as_batch(network, x)
    direction = attack_direction(network, weights, row, y)
    moved = perturb(row, direction, eps, bounds)
    both = np.stack([row.reshape(-1), moved.reshape(-1)])
    outcomes = {}
    for name, predict in predictors.items():
        before, after = np.asarray(predict(both.copy()))
        old, new = int(before.argmax()), int(after.argmax())
        outcomes[name] = AttackOutcome(before, after, old, new, old == int(y) != new)
    return Attack(float(eps), moved, direction, outcomes)


def find_smallest_eps(
    x: Any,
    direction: Array,
    predict: Predictor,
    *,
    max_eps: float = 1.0,
    steps: int = 128,
    bounds: tuple[float, float] | None = (0.0, 1.0),
) -> DecisionChange:
    """Find the smallest ε along a direction at which a model's prediction changes.

    A grid of `steps` values up to `max_eps` is tried; the interval before the first change is
    narrowed by ten bisections. A prediction that changes and changes back between two grid points
    is missed.

    Parameters
    ----------
    x, direction, bounds : as in :func:`perturb`
    predict : a model, as in :func:`attack_example`
    max_eps : the largest ε
    steps : the number of grid points

    Examples
    --------
    >>> predict = lambda X: np.stack([0.7 - X[:, 0], X[:, 0]], axis=1)
    >>> round(find_smallest_eps([0.1], np.array([1.0]), predict).eps, 2)
    0.25
    """

    def predict_classes(epsilons: Array) -> Array:
        rows = [perturb(x, direction, float(eps), bounds).reshape(-1) for eps in epsilons]
        return np.asarray(predict(np.stack(rows))).argmax(axis=1)

    epsilons = np.linspace(0.0, max_eps, steps + 1)
    predictions = predict_classes(epsilons)
    before = int(predictions[0])
    changed = np.flatnonzero(predictions != before)
    if not len(changed):
        return DecisionChange(None, before, None)
    low, high = epsilons[changed[0] - 1], epsilons[changed[0]]
    after = int(predictions[changed[0]])
    for _ in range(10):
        middle = (low + high) / 2
        (prediction,) = predict_classes(np.array([middle]))
        if prediction == before:
            low = middle
        else:
            high, after = middle, int(prediction)
    return DecisionChange(float(high), before, after)
