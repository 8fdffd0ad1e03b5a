"""AdaGrad."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from numpy.typing import DTypeLike

from graduel import kernels
from graduel.layout import Layout
from graduel.optim.optimizer import ElementwiseRule, OptimizerState, init_state
from graduel.optim.ranges import check_fields


@dataclass(frozen=True, slots=True)
class AdaGrad(ElementwiseRule):
    """G ← G + g²,   θ ← (1 − α λ) θ − α g / (√G + ε).

    The rate of each parameter decreases with the sum of its squared gradients. Suited to sparse
    features and convex losses. λ applies to the role "weight" only.

    Source: Duchi, Hazan and Singer 2011.

    Parameters
    ----------
    initial : initial value of G
    eps : ε
    weight_decay : λ

    Examples
    --------
    >>> import numpy as np
    >>> layout = Layout.build([("0.W", (2,), "weight")])
    >>> theta, rule = np.array([1.0, 2.0]), AdaGrad()
    >>> state = rule.init(layout, theta.dtype)
    >>> for _ in range(4):
    ...     rule.update(theta, np.array([3.0, -0.1]), state, 0.5)  # by 0.5, 0.5/√2, 0.5/√3, …
    >>> theta.round(3)
    array([-0.392,  3.392])
    """

    initial: float = 0.0
    eps: float = 1e-10
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        check_fields(self, "initial", "eps", "weight_decay")

    def init(self, layout: Layout, dtype: DTypeLike) -> OptimizerState:
        """Return the state with the initial sum of squares."""
        state = init_state(layout, dtype, (0.0,))
        state.moments[0].fill(self.initial)
        return state

    def operation(self, step: int, lr: float) -> tuple[Callable[..., float], tuple[float, ...]]:
        """Return the kernel with the rate and ε."""
        return kernels.adagrad_update, (lr, self.eps)
