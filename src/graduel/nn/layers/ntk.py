"""NTK parametrization: a dense layer whose weights have variance 1, and are scaled on the way."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import numpy as np

from graduel import kernels
from graduel.nn.initializers import Initializer, Normal
from graduel.nn.layers.dense import Affine
from graduel.nn.layers.layer import Array
from graduel.nn.workspace import Call, Scope


@dataclass(frozen=True, slots=True)
class NTKDense(Affine):
    """y = x W / √i + b.   x: (n, i)   W: (i, o), of variance 1   b: (o,).

    dW = xᵀ dy / √i,   db = Σₙ dy,   dx = dy Wᵀ / √i.

    Why it helps: an optimizer such as Adam moves every weight by about the learning rate, however
    wide the layer. Here the same move changes y by the same amount at every width, so that one
    rate suits wide and narrow layers, and few and many columns of a table.

    With `calibrated`, W and b are set from the first rows: each column of W is divided by the
    standard deviation of its unit over these rows, so that every unit begins with variance 1, and
    b puts the zero of each unit on one row drawn at random, where the data are and not off their
    edge: bⱼ = −(x W / √i)ⱼ at that row.

    Source: Jacot, Gabriel and Hongler, *Neural Tangent Kernel*, 2018; calibration after
    Holzmüller et al., *Better by Default*, 2024, and Steinwart, *A Sober Look at Neural Network
    Initializations*, 2019.

    Parameters
    ----------
    units : how many outputs, o
    init : how W begins; b begins at zero
    calibrated : set W and b from the first rows

    Raises
    ------
    ValueError
        If `units` is not positive, or the input is not one row of numbers an example.

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
        """Scale every unit to variance 1 on these rows, and shift its zero to one of them."""
        if not self.calibrated or not len(x):
            return
        z = x @ w.p.W
        z *= 1 / sqrt(x.shape[-1])
        w.p.b[...] = calibrate_units(z, w.p.W, call)

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return x W / √i + b."""
        w.saved = x
        y = np.matmul(x, w.p.W, out=w.buf("y", (len(x), self.units), x.dtype))
        kernels.scale_add_bias(y, 1 / sqrt(x.shape[1]), w.p.b)
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Assign dW = xᵀ dy / √i and db = Σₙ dy; return dx = dy Wᵀ / √i."""
        x = w.saved
        kernels.bias_gradient(dy, w.g.b)
        dy *= 1 / sqrt(x.shape[1])
        np.matmul(x.T, dy, out=w.g.W)
        if not need_dx:
            return None
        return np.matmul(dy, w.p.W.T, out=w.buf("dx", x.shape, x.dtype))


def calibrate_units(z: Array, W: Array, call: Call) -> Array:
    """Divide each column of W by its unit's spread over z; return the biases that go with it.

    `z` is what the units make of the first rows, shape (n, …, o); it is overwritten. Each unit's
    bias makes it zero on one row drawn from ``call.rng``; without a generator the first row.
    """
    flat = z.reshape(-1, z.shape[-1])
    # In float64, and against the size of z: what rounding alone makes of a constant is no spread.
    spread = flat.std(axis=0, dtype=np.float64)
    least = 1e-6 * np.maximum(1, np.abs(flat).max(axis=0))
    np.copyto(spread, 1, where=~(spread > least))  # a unit that sees no difference stays
    spread = spread.astype(z.dtype)
    z /= spread
    W /= spread
    shape = z.shape[1:]
    rows = np.zeros(shape, np.intp) if call.rng is None else call.rng.integers(len(z), size=shape)
    return -np.take_along_axis(z, rows[np.newaxis], axis=0)[0]
