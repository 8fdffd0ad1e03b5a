"""Wrappers of update rules with weight decay, learning rate or rule per role."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from numpy.typing import DTypeLike

from graduel.layout import Layout
from graduel.optim.optimizer import Array, Optimizer
from graduel.optim.ranges import check_range
from graduel.optim.sublayout import build_sublayout, known_roles

V = TypeVar("V")


@dataclass(slots=True)
class DecayState:
    """The state of :class:`Decay`."""

    decayed: tuple[tuple[slice, float], ...]
    rule_state: Any
    t: float = 0.0
    """Training progress; the training loop sets it before each step."""


@dataclass(frozen=True, slots=True)
class Decay:
    """θ ← (1 − α λ s(t)) θ with a λ for each role, then the step of `rule`.

    The rule's own weight decay is added: set its `weight_decay` to 0. With a decreasing s, weights
    can converge at the end without being pulled towards 0.

    Source: Loshchilov and Hutter, *Decoupled Weight Decay Regularization*, 2019.

    Parameters
    ----------
    rule : the wrapped rule
    amounts : role → λ; other roles do not decay
    schedule : s, a function of the progress t; None: 1. The training loop sets ``state.t``

    Raises
    ------
    ValueError
        If a λ is negative or, in ``init``, a role is neither built in nor in the layout.

    Examples
    --------
    >>> import numpy as np
    >>> from graduel.optim import SGD
    >>> layout = Layout.build([("0.W", (2,), "weight"), ("0.b", (1,), "bias")])
    >>> theta, rule = np.ones(3), Decay(SGD(), {"weight": 0.1, "bias": 0.5})
    >>> rule.update(theta, np.zeros(3), rule.init(layout, theta.dtype), 1.0)
    >>> theta
    array([0.9, 0.9, 0.5])
    """

    rule: Optimizer
    amounts: Mapping[str, float] | tuple[tuple[str, float], ...]
    schedule: Callable[[float], float] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "amounts", pairs(self.amounts))
        for role, amount in dict(self.amounts).items():
            check_range(f"the decay of {role!r}", amount)

    def init(self, layout: Layout, dtype: DTypeLike) -> DecayState:
        """Return the slices that decay and the state of `rule`."""
        amounts, roles = dict(self.amounts), layout.roles
        check_roles(amounts, layout)
        decayed = tuple((roles[role], amounts[role]) for role in amounts if role in roles)
        return DecayState(decayed, self.rule.init(layout, dtype))

    def update(self, theta: Array, g: Array, state: DecayState, lr: float) -> None:
        """Update `theta` in place by one step."""
        factor = lr if self.schedule is None else lr * self.schedule(state.t)
        for where, amount in state.decayed:
            theta[where] *= 1 - factor * amount
        self.rule.update(theta, g, state.rule_state, lr)


@dataclass(frozen=True, slots=True)
class ByRole:
    """A learning rate or update rule per role.

    ``rules.get(role, rule)`` moves the parameters of a role at the rate α · ``rates.get(role, 1)``;
    with rate 0 they do not change. Each role is a separate vector with a separate state: to clip
    the full gradient, wrap ByRole, not a rule in it.

    Parameters
    ----------
    rule : the rule for roles not in `rules`
    rates : role → factor of the learning rate
    rules : role → rule

    Raises
    ------
    ValueError
        If a factor is negative or, in ``init``, a role is neither built in nor in the layout.

    Examples
    --------
    >>> import numpy as np
    >>> from graduel.optim import SGD, Lion
    >>> layout = Layout.build([("0.W", (1,), "weight"), ("0.b", (1,), "bias"),
    ...                        ("1.gamma", (1,), "scale")])
    >>> rule = ByRole(SGD(), rates={"bias": 2.0}, rules={"scale": Lion()})
    >>> theta = np.ones(3)
    >>> rule.update(theta, np.full(3, 0.1), rule.init(layout, theta.dtype), 0.5)
    >>> theta
    array([0.95, 0.9 , 0.5 ])
    """

    rule: Optimizer
    rates: Mapping[str, float] | tuple[tuple[str, float], ...] = ()
    rules: Mapping[str, Optimizer] | tuple[tuple[str, Optimizer], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "rates", pairs(self.rates))
        object.__setattr__(self, "rules", pairs(self.rules))
        for role, rate in dict(self.rates).items():
            check_range(f"the rate of {role!r}", rate)

    def init(
        self, layout: Layout, dtype: DTypeLike
    ) -> tuple[tuple[slice, Optimizer, float, Any], ...]:
        """Return a state for each role."""
        rates, rules = dict(self.rates), dict(self.rules)
        check_roles((*rates, *rules), layout)
        parts = []
        for role in layout.roles:
            where, part = build_sublayout(layout, [e for e in layout.entries if e.role == role])
            rule = rules.get(role, self.rule)
            parts.append((where, rule, rates.get(role, 1.0), rule.init(part, dtype)))
        return tuple(parts)

    def update(
        self,
        theta: Array,
        g: Array,
        state: tuple[tuple[slice, Optimizer, float, Any], ...],
        lr: float,
    ) -> None:
        """Update `theta` in place by one step."""
        for where, rule, rate, rule_state in state:
            rule.update(theta[where], g[where], rule_state, lr * rate)


def pairs(named: Mapping[str, V] | Iterable[tuple[str, V]]) -> tuple[tuple[str, V], ...]:
    """Return a mapping as a sorted tuple of pairs, which is hashable."""
    return tuple(sorted(dict(named).items(), key=lambda pair: pair[0]))


def check_roles(named: Iterable[str], layout: Layout) -> None:
    """Raise `ValueError` if a role is neither built in nor in the layout."""
    known = known_roles(layout)
    for role in named:
        if role not in known:
            listed = ", ".join(map(repr, known))
            raise ValueError(f"role must be one of {listed}; got {role!r}")
