"""The parametric activation: a trained mix of an activation and the identity."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from graduel import kernels
from graduel.nn.initializers import Constant, Initializer
from graduel.nn.layers.activation import ELU, SELU
from graduel.nn.layers.channel_ops import add_lines, along, line_buffer, lines, repeat_channels
from graduel.nn.layers.layer import (
    AffineGradient,
    AffineMap,
    Array,
    Layer,
    Plan,
    Shape,
    Spec,
    backward_through,
    features,
    forward_through,
)
from graduel.nn.part import Composite, Flags
from graduel.nn.workspace import Call, Scope


@dataclass(frozen=True, slots=True)
class Parametric(Composite):
    """y = x + α (f(x) − x) for an activation f, with a trainable α for each feature.

    dα = Σ dy (f(x) − x) over all axes but the last,   dx = (1 − α) dy + f′(x) α dy.

    Why it helps: with α = 1 it is f, with α = 0 the identity. Units can become linear, which suits
    many features of tables, or more nonlinear than f (α > 1).

    Source: Holzmüller et al., *Better by Default*, 2024.

    Parameters
    ----------
    activation : f, a layer that keeps the shape and has no parameters
    init : initializer of α (role "activation")

    Raises
    ------
    ValueError
        If f changes the shape, or examples have no axis of features.

    Examples
    --------
    >>> Parametric().plan((128,)).params["alpha"].shape
    (128,)
    """

    activation: Layer = SELU()
    init: Initializer = Constant(1.0)

    @property
    def inner(self) -> tuple[Flags, ...]:
        """The activation f."""
        return (self.activation,)

    def plan(self, shape: Shape) -> Plan:
        """Plan α."""
        inner = self.activation.plan(shape)
        if inner.out != shape:
            raise ValueError(
                f"Parametric expects an activation that keeps the shape {shape}; got "
                f"{type(self.activation).__name__} with output shape {inner.out}"
            )
        alpha = Spec(features(shape, "Parametric"), self.init, "activation")
        return Plan(shape, {"alpha": alpha}, children=((self.activation, shape),))

    @property
    def takes_product(self) -> bool:
        """Whether this layer can make one pass with the affine layer before it."""
        return isinstance(self.activation, (ELU, SELU))

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return x + α (f(x) − x)."""
        f = forward_through((self.activation,), w.kids, x, call)
        w.saved = difference = w.buf("difference", x.shape, x.dtype)
        y, alpha = w.buf("y", x.shape, x.dtype), repeat_channels(w.p.alpha, prod(x.shape[1:]), w)
        kernels.blend(lines(f), lines(x), alpha, lines(difference), lines(y))
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Assign dα = Σ dy (f(x) − x); return dx = (1 − α) dy + f′(x) α dy."""
        inner, dy = w.buf("inner", dy.shape, dy.dtype), np.ascontiguousarray(dy)
        alpha = repeat_channels(w.p.alpha, prod(dy.shape[1:]), w)
        total = line_buffer("sums", w.g.alpha, len(alpha), w)
        kernels.blend_back(lines(dy), lines(w.saved), alpha, lines(inner), total)
        add_lines(total, w.g.alpha)
        # f may have parameters whose gradients must be assigned.
        dx = backward_through((self.activation,), w.kids, inner, call, need_dx=need_dx)
        if dx is None:
            return None
        dy += dx
        return dy

    def after_product(self, z: Array, affine: AffineMap, w: Scope) -> Array:
        """Return x + α (f(x) − x) for x = factor · s ⊙ z + b, the output of the layer before."""
        factor, s, b = affine
        f, alpha = self.activation, repeat_channels(w.p.alpha, len(b), w)
        assert isinstance(f, (ELU, SELU))
        names = ("curve", "lift", "y") if s is None else ("curve", "lift", "y", "inside")
        curve, lift, y, *rest = (w.buf(name, z.shape, z.dtype) for name in names)
        w.saved = z, curve, lift
        kernels.parametric_elu(
            *(along(z, len(b)), factor, s, b, alpha, f.scale, f.alpha),
            *(along(array, len(b)) for array in (*(rest or [z]), curve, lift, y)),
        )
        return y

    def before_product(
        self,
        dy: Array,
        affine: AffineMap,
        gradients: AffineGradient,
        w: Scope,
    ) -> Array:
        """Assign dα and the gradients of b and s; return dz."""
        (factor, s, b), dy = affine, np.ascontiguousarray(dy)
        z, curve, lift = (along(array, len(b)) for array in w.saved)
        inner, slope = (
            along(w.buf(name, dy.shape, dy.dtype), len(b)) for name in ("inner", "slope")
        )
        f, alpha = self.activation, repeat_channels(w.p.alpha, len(b), w)
        assert isinstance(f, (ELU, SELU))
        total = line_buffer("sums", w.g.alpha, len(alpha), w)
        kernels.parametric_elu_gradient(
            *(
                along(dy, len(b)),
                z,
                factor,
                s,
                b,
                alpha,
                f.scale,
                f.alpha,
                curve,
                lift,
                inner,
                slope,
            ),
            *(*gradients, total),
        )
        add_lines(total, w.g.alpha)
        return dy
