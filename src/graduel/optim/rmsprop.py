"""RMSProp."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

from numpy.typing import DTypeLike

from graduel import kernels
from graduel.layout import Layout
from graduel.optim.optimizer import ElementwiseRule, OptimizerState, init_state
from graduel.optim.ranges import check_fields


@dataclass(frozen=True, slots=True)
class RMSProp(ElementwiseRule):
    """v ← ρ v + (1 − ρ) g²,   b ← μ b + g / (√v + ε),   θ ← (1 − α λ) θ − α b.

    λ applies to the role "weight" only. v is stored divided by 1 − ρ, and b is scaled to match,
    which saves a pass over the vector.

    Source: Tieleman and Hinton, *Neural Networks for Machine Learning*, lecture 6.5, 2012; ε and
    momentum as in PyTorch.

    Parameters
    ----------
    decay : ρ, in [0, 1)
    eps : ε
    momentum : μ, in [0, 1)
    weight_decay : λ

    Examples
    --------
    >>> import numpy as np
    >>> layout = Layout.build([("0.W", (2,), "weight")])
    >>> theta, rule = np.array([1.0, 2.0]), RMSProp(decay=0.75)
    >>> rule.update(theta, np.array([3.0, -0.1]), rule.init(layout, theta.dtype), 0.5)
    >>> theta.round(6)
    array([0., 3.])
    """

    decay: float = 0.9
    eps: float = 1e-8
    momentum: float = 0.0
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        check_fields(self, "decay", "momentum", below=1)
        check_fields(self, "eps", "weight_decay")

    def init(self, layout: Layout, dtype: DTypeLike) -> OptimizerState:
        """Return the state with a zero mean square and, with momentum, a zero velocity."""
        return init_state(layout, dtype, (self.decay, self.momentum)[: 2 if self.momentum else 1])

    def operation(self, step: int, lr: float) -> tuple[Callable[..., float], tuple[float, ...]]:
        """Return the kernel with the rate and ε′ for the scaled moments.

        With V = v/(1−ρ) and B = b √(1−ρ):  α g/(√v + ε) = rate · g / (√V + ε′).
        """
        root = sqrt(1 - self.decay)
        rate, eps = lr / root, self.eps / root
        if not self.momentum:
            return kernels.rmsprop_update, (self.decay, rate, eps)
        return kernels.rmsprop_momentum_update, (self.decay, self.momentum, rate, eps)
