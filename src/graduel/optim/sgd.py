"""Gradient descent: plain, with momentum and with Nesterov momentum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from numpy.typing import DTypeLike

from graduel import kernels
from graduel.layout import Layout
from graduel.optim.optimizer import ElementwiseRule, OptimizerState, init_state
from graduel.optim.ranges import check_range


@dataclass(frozen=True, slots=True)
class SGD(ElementwiseRule):
    """v ← μ v + g,   θ ← θ − α v   (μ = 0: plain gradient descent θ ← θ − α g).

    With Nesterov momentum, θ ← θ − α (g + μ v).

    Weight decay is decoupled and applies to the role "weight" only: θ ← (1 − α λ) θ first.

    Source: Polyak 1964; Nesterov 1983, in the form of Sutskever et al. 2013 that PyTorch uses.

    Parameters
    ----------
    momentum : μ, in [0, 1]; 1 means no friction
    weight_decay : λ
    nesterov : use Nesterov momentum; needs μ > 0

    Examples
    --------
    >>> import numpy as np
    >>> layout = Layout.build([("0.W", (2,), "weight")])
    >>> theta, rule = np.array([1.0, 2.0]), SGD()
    >>> rule.update(theta, np.array([1.0, 1.0]), rule.init(layout, theta.dtype), 0.5)
    >>> theta
    array([0.5, 1.5])
    """

    momentum: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov=True needs momentum above 0; got 0")
        if not 0 <= self.momentum <= 1:
            raise ValueError(f"momentum must be at least 0 and at most 1; got {self.momentum}")
        check_range("weight_decay", self.weight_decay)

    def init(self, layout: Layout, dtype: DTypeLike) -> OptimizerState:
        """Return the state, with a zero velocity if there is momentum."""
        return init_state(layout, dtype, (self.momentum,) if self.momentum else ())

    def operation(self, step: int, lr: float) -> tuple[Callable[..., float], tuple[float, ...]]:
        """Return the kernel with or without momentum, and its numbers."""
        if not self.momentum:
            return kernels.sgd_update, (lr,)
        return kernels.momentum_update, (self.momentum, self.nesterov, lr)
