"""Lion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from numpy.typing import DTypeLike

from graduel import kernels
from graduel.layout import Layout
from graduel.optim.optimizer import ElementwiseRule, OptimizerState, init_state
from graduel.optim.ranges import check_fields


@dataclass(frozen=True, slots=True)
class Lion(ElementwiseRule):
    """Lion: each parameter moves by α times the sign of a momentum.

        θ ← (1 − α λ) θ − α sign(β₁ m + (1 − β₁) g)
        m ← β₂ m + (1 − β₂) g

    Use a learning rate three to ten times smaller than for AdamW and a λ larger by the same factor.
    λ applies to the role "weight" only. m is stored scaled, m / (1 − β₂).

    Source: Chen et al., *Symbolic Discovery of Optimization Algorithms*, 2023.

    Parameters
    ----------
    beta1 : weight of the momentum in the step, in [0, 1)
    beta2 : decay rate of the momentum, in [0, 1)
    weight_decay : λ

    Examples
    --------
    >>> import numpy as np
    >>> layout = Layout.build([("0.W", (3,), "weight")])
    >>> theta, rule = np.ones(3), Lion(weight_decay=0.0)
    >>> rule.update(theta, np.array([3.0, -0.1, 0.0]), rule.init(layout, theta.dtype), 0.25)
    >>> theta
    array([0.75, 1.25, 1.  ])
    """

    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 0.1

    def __post_init__(self) -> None:
        check_fields(self, "beta1", "beta2", below=1)
        check_fields(self, "weight_decay")

    def init(self, layout: Layout, dtype: DTypeLike) -> OptimizerState:
        """Return the state with zero momentum."""
        return init_state(layout, dtype, (self.beta2,))

    def operation(self, step: int, lr: float) -> tuple[Callable[..., float], tuple[float, ...]]:
        """Return the kernel with β₂, the weight of M in the step, and the rate.

        With M = m/(1−β₂):  sign(β₁ m + (1 − β₁) g) = sign(share · M + g).
        """
        share = self.beta1 * (1 - self.beta2) / (1 - self.beta1)
        return kernels.lion_update, (self.beta2, share, lr)
