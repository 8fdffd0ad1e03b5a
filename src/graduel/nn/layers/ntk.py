"""The dense layer in NTK parametrization: weights of variance 1, products divided by √i."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import numpy as np

from graduel import kernels
from graduel.nn.initializers import Initializer, Normal
from graduel.nn.layers.dense import Affine
from graduel.nn.layers.layer import AffineMap, Array
from graduel.nn.workspace import Call, Scope


@dataclass(frozen=True, slots=True)
class NTKDense(Affine):
    """y = x W / √i + b.   x: (n, i)   W: (i, o), of variance 1   b: (o,).

    dW = xᵀ dy / √i,   db = Σₙ dy,   dx = dy Wᵀ / √i.

    Why it helps: an optimizer such as Adam moves each weight by about the learning rate at any
    layer width. Here that step changes y by the same amount at each width, so one learning rate
    suits wide and narrow layers, and tables with few and many columns.

    With `calibrated`, W and b are set from the first rows. Each column of W is divided by the
    standard deviation of its unit over these rows, so that each unit starts with variance 1. The
    bias makes the unit 0 at one row drawn at random, so that its zero lies within the data:
    bⱼ = −(x W / √i)ⱼ at that row.

    Source: Jacot, Gabriel and Hongler, *Neural Tangent Kernel*, 2018; calibration after
    Holzmüller et al., *Better by Default*, 2024, and Steinwart, *A Sober Look at Neural Network
    Initializations*, 2019.

    Parameters
    ----------
    units : o, the number of outputs
    init : initializer of W; b starts at 0
    calibrated : set W and b from the first rows

    Raises
    ------
    ValueError
        If `units` is not positive, or the input does not have shape (n, i).

    Examples
    --------
    >>> NTKDense(10).plan((784,)).out
    (10,)
    """

    fewest: ClassVar[int] = 1

    units: int
    init: Initializer = Normal(1.0)
    calibrated: bool = False

    def calibrate(self, x: Array, w: Scope, call: Call) -> None:
        """Scale each unit to variance 1 on these rows and make it 0 at one of them."""
        if not self.calibrated or not len(x):
            return
        z = x @ w.p.W
        z *= 1 / sqrt(x.shape[-1])
        w.p.b[...] = calibrate_units(z, w.p.W, call)

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return x W / √i + b."""
        y = self.product(x, w, call)
        factor, _, b = self.affine(w)
        kernels.scale_add_bias(y, factor, b)
        return y

    def affine(self, w: Scope) -> AffineMap:
        """Return 1 / √i, no s, and b."""
        return 1 / sqrt(len(w.p.W)), None, w.p.b

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Assign dW = xᵀ dy / √i and db = Σₙ dy; return dx = dy Wᵀ / √i."""
        kernels.bias_gradient(dy, w.g.b)
        dy *= self.affine(w)[0]
        return self.product_back(dy, w, need_dx=need_dx)


def calibrate_units(z: Array, W: Array, call: Call) -> Array:
    """Divide each column of W by its unit's standard deviation over z; return the biases.

    `z` holds the units' outputs for the first rows, shape (n, …, o); it is overwritten. Each bias
    makes its unit 0 at one row, drawn from ``call.rng``; the first row if there is no generator.
    """
    flat = z.reshape(-1, z.shape[-1])
    # In float64 and relative to the size of z: rounding errors of a constant are no deviation.
    std = flat.std(axis=0, dtype=np.float64)
    least = 1e-6 * np.maximum(1, np.abs(flat).max(axis=0))
    np.copyto(std, 1, where=~(std > least))  # leave constant units unchanged
    std = std.astype(z.dtype)
    z /= std
    W /= std
    shape = z.shape[1:]
    rows = np.zeros(shape, np.intp) if call.rng is None else call.rng.integers(len(z), size=shape)
    return -np.take_along_axis(z, rows[np.newaxis], axis=0)[0]
