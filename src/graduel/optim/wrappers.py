"""Update rules around another one: clipped gradients, bounded weights, decay and rates by role.

Each holds a rule and is one, so that they nest in any order; what stands outside acts first on
the gradient and last on θ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite, prod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from graduel.layout import Entry, Layout
from graduel.optim.base import (
    Array,
    Optimizer,
    check,
    check_positive,
    known_roles,
    norm,
    part_of,
)

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class ClipNorm:
    """g ← g · min(1, most / ‖g‖), then the step of `rule`.

    A gradient that is not finite goes on as it is, so that divergence stays visible.

    Source: Pascanu, Mikolov and Bengio, *On the Difficulty of Training Recurrent Neural
    Networks*, 2013.

    Parameters
    ----------
    rule : the rule that gets the clipped gradient
    most : the largest norm, above 0

    Examples
    --------
    >>> from graduel.optim import SGD
    >>> layout = Layout.build([("0.W", (2,), "weight")])
    >>> theta, rule = np.zeros(2), ClipNorm(SGD(), 1.0)
    >>> rule.update(theta, np.array([30.0, -40.0]), rule.init(layout, theta.dtype), 1.0)
    >>> theta
    array([-0.6,  0.8])
    """

    rule: Optimizer
    most: float

    def __post_init__(self) -> None:
        check_positive("most", self.most)

    def init(self, layout: Layout, dtype: DTypeLike) -> Any:
        """Make the rule's state."""
        return self.rule.init(layout, dtype)

    def update(self, theta: Array, g: Array, state: Any, lr: float) -> None:
        """Change `theta` in place by one step, and scale `g`."""
        length = norm(g)
        if length > self.most:
            g *= self.most / length
        self.rule.update(theta, g, state, lr)


@dataclass(frozen=True, slots=True)
class ClipValue:
    """g ← max(−most, min(most, g)), entry by entry, then the step of `rule`.

    A gradient that is not finite goes on as it is, so that divergence stays visible.

    Source: Mikolov, *Statistical Language Models Based on Neural Networks*, 2012.

    Parameters
    ----------
    rule : the rule that gets the clipped gradient
    most : the largest absolute value, above 0

    Examples
    --------
    >>> from graduel.optim import SGD
    >>> layout = Layout.build([("0.W", (2,), "weight")])
    >>> theta, rule = np.zeros(2), ClipValue(SGD(), 1.0)
    >>> rule.update(theta, np.array([0.5, -40.0]), rule.init(layout, theta.dtype), 1.0)
    >>> theta
    array([-0.5,  1. ])
    """

    rule: Optimizer
    most: float

    def __post_init__(self) -> None:
        check_positive("most", self.most)

    def init(self, layout: Layout, dtype: DTypeLike) -> Any:
        """Make the rule's state."""
        return self.rule.init(layout, dtype)

    def update(self, theta: Array, g: Array, state: Any, lr: float) -> None:
        """Change `theta` in place by one step, and clip `g`."""
        low, high = (float(g.min()), float(g.max())) if len(g) else (0.0, 0.0)
        if isfinite(low) and isfinite(high) and max(-low, high) > self.most:
            np.clip(g, -self.most, self.most, out=g)
        self.rule.update(theta, g, state, lr)


@dataclass(frozen=True, slots=True)
class MaxNorm:
    """The step of `rule`, then w ← w · min(1, most / ‖w‖) for the incoming weights w of each unit.

    They are the columns of every entry of the role "weight" with two axes or more; in a
    convolution's kernel all axes but the last are one.

    Source: Srivastava et al., *Dropout*, 2014, section 5.1.

    Parameters
    ----------
    rule : the rule that makes the step
    most : the largest norm, above 0

    Examples
    --------
    >>> from graduel.optim import SGD
    >>> layout = Layout.build([("0.W", (2, 2), "weight")])
    >>> theta, rule = np.array([3.0, 0.3, 4.0, 0.4]), MaxNorm(SGD(), 1.0)
    >>> rule.update(theta, np.zeros(4), rule.init(layout, theta.dtype), 1.0)
    >>> theta.reshape(2, 2)
    array([[0.6, 0.3],
           [0.8, 0.4]])
    """

    rule: Optimizer
    most: float

    def __post_init__(self) -> None:
        check_positive("most", self.most)

    def init(self, layout: Layout, dtype: DTypeLike) -> tuple[tuple[Entry, ...], Any]:
        """Find the matrices; make the rule's state."""
        matrices = [e for e in layout.entries if e.role == "weight" and len(e.shape) > 1]
        return tuple(matrices), self.rule.init(layout, dtype)

    def update(
        self, theta: Array, g: Array, state: tuple[tuple[Entry, ...], Any], lr: float
    ) -> None:
        """Change `theta` in place by one step."""
        matrices, kept = state
        self.rule.update(theta, g, kept, lr)
        for entry in matrices:
            W = entry.view(theta).reshape(prod(entry.shape[:-1]), entry.shape[-1])
            lengths = np.sqrt(np.einsum("io,io->o", W, W))
            if not (lengths <= self.most).all():
                W *= self.most / np.maximum(lengths, self.most)


@dataclass(slots=True)
class DecayState:
    """What :class:`Decay` remembers."""

    decayed: tuple[tuple[slice, float], ...]
    kept: Any
    t: float = 0.0
    """How far training is; the loop sets it before each step."""


@dataclass(frozen=True, slots=True)
class Decay:
    """θ ← (1 − α λ s(t)) θ with a λ for each role, then the step of `rule`.

    The rule's own decay comes on top: give it `weight_decay=0` where it has one. A falling s lets
    the weights settle where the data want them once decay has done its work.

    Source: Loshchilov and Hutter, *Decoupled Weight Decay Regularization*, 2019.

    Parameters
    ----------
    rule : the rule that makes the step
    amounts : role → λ; roles that are not named do not decay
    schedule : s, a function of the progress t; None: always 1. Whoever steps sets ``state.t``

    Raises
    ------
    ValueError
        If a λ is negative or, in ``init``, a named role is neither a usual one nor the layout's.

    Examples
    --------
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
            check(f"the decay of {role!r}", amount)

    def init(self, layout: Layout, dtype: DTypeLike) -> DecayState:
        """Find the roles; make the rule's state."""
        amounts, roles = dict(self.amounts), layout.roles
        check_roles(amounts, layout)
        decayed = tuple((roles[role], amounts[role]) for role in amounts if role in roles)
        return DecayState(decayed, self.rule.init(layout, dtype))

    def update(self, theta: Array, g: Array, state: DecayState, lr: float) -> None:
        """Change `theta` in place by one step."""
        factor = lr if self.schedule is None else lr * self.schedule(state.t)
        for where, amount in state.decayed:
            theta[where] *= 1 - factor * amount
        self.rule.update(theta, g, state.kept, lr)


@dataclass(frozen=True, slots=True)
class ByRole:
    """A rate, or a rule, of its own for each role.

    θ_role moves by ``rules.get(role, rule)`` at the rate α · ``rates.get(role, 1)``; a rate of 0
    leaves a role as it is. Each role is a vector of its own to its rule, with a state of its own:
    to clip the whole gradient, wrap ByRole and not a rule in it.

    Parameters
    ----------
    rule : for the roles that have no rule of their own
    rates : role → factor of the learning rate
    rules : role → rule

    Raises
    ------
    ValueError
        If a factor is negative or, in ``init``, a named role is neither a usual one nor the
        layout's.

    Examples
    --------
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
            check(f"the rate of {role!r}", rate)

    def init(
        self, layout: Layout, dtype: DTypeLike
    ) -> tuple[tuple[slice, Optimizer, float, Any], ...]:
        """Make a state for each role."""
        rates, rules = dict(self.rates), dict(self.rules)
        check_roles((*rates, *rules), layout)
        parts = []
        for role in layout.roles:
            where, part = part_of(layout, [e for e in layout.entries if e.role == role])
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
        """Change `theta` in place by one step."""
        for where, rule, rate, kept in state:
            rule.update(theta[where], g[where], kept, lr * rate)


def pairs(named: Mapping[str, V] | Iterable[tuple[str, V]]) -> tuple[tuple[str, V], ...]:
    """Sort a mapping into a tuple of pairs, which a frozen value may hold."""
    return tuple(sorted(dict(named).items(), key=lambda pair: pair[0]))


def check_roles(named: Iterable[str], layout: Layout) -> None:
    """Refuse roles that are neither usual nor the layout's; a usual one may be absent."""
    known = known_roles(layout)
    for role in named:
        if role not in known:
            listed = ", ".join(map(repr, known))
            raise ValueError(f"role must be one of {listed}; got {role!r}")
