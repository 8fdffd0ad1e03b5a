"""What a layer is: a frozen configuration with ``plan``, ``forward`` and ``backward``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from numpy.typing import NDArray

from graduel.nn.initializers import Initializer, Zeros
from graduel.nn.workspace import Call, Scope

Array = NDArray[Any]
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Spec:
    """An array that a layer asks for: its shape, how it begins, and its role in θ."""

    shape: Shape
    init: Initializer = Zeros()
    role: str = "weight"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a layer makes of its input, told before any array exists.

    Shapes leave out the first axis, the examples.
    """

    out: Shape
    params: Mapping[str, Spec] = field(default_factory=dict)
    state: Mapping[str, Spec] = field(default_factory=dict)
    children: tuple[tuple[Layer, Shape], ...] = ()
    """Layers inside this one, each with the shape that it is given."""


class Layer(Protocol):
    """One step of the forward pass, and the same step of the backward pass.

    A layer is a frozen dataclass. Arrays come in through `w`, the scope of its position, so the
    same object may stand twice in a network and serve many threads at once.
    """

    row_wise: ClassVar[bool]
    """Does every row of the output depend on its own row of the input alone?"""
    deterministic: ClassVar[bool]
    """Does training give the same output for the same input, drawing nothing?"""
    smooth: ClassVar[bool]
    """Is the derivative continuous, so that finite differences agree everywhere?"""

    def plan(self, shape: Shape) -> Plan:
        """Check the input's shape; say what comes out and which arrays are needed."""
        ...

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return the output, in a buffer of `w`; never change `x`."""
        ...

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Assign every gradient in ``w.g`` once and return dx; `dy` may be overwritten."""
        ...
