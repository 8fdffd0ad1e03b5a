"""Ensemble layers: k members share a matrix and have vectors of their own (BatchEnsemble)."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import DTypeLike

from graduel import kernels
from graduel.nn.initializers import Constant, HeNormal, Initializer
from graduel.nn.layers.channel_ops import lines
from graduel.nn.layers.layer import Array, Plan, Shape, Spec
from graduel.nn.layers.ntk import calibrate_units
from graduel.nn.part import Part, check_size
from graduel.nn.workspace import Call, Scope


@dataclass(frozen=True, slots=True)
class EnsembleDense(Part):
    """yₕ = ((xₕ ⊙ rₕ) W) ⊙ sₕ + bₕ for member h.   x: (n, k, i), or (n, i) for all members.

    W: (i, o)   r: (k, i)   s, b: (k, o)   y: (n, k, o).   With u = x ⊙ r, z = u W, dz = dy ⊙ s:

    db = Σₙ dy,   ds = Σₙ dy ⊙ z,   dW = Σₕ uₕᵀ dzₕ,   du = dz Wᵀ,   dr = Σₙ du ⊙ x,   dx = du ⊙ r;
    if x is the same for all members, dx = Σₕ duₕ ⊙ rₕ.

    Why it helps: the mean of several networks has a lower error than one of them. The members
    share almost all weights, so k networks need little more memory than one, and one large product
    instead of k small ones. Sharing also regularizes each member.

    With `scaled`, z is divided by √i as in :class:`NTKDense`; `calibrated` works as there, with a
    separate row for each unit of each member.

    Source: Wen, Tran and Ba, *BatchEnsemble*, 2020; Gorishniy, Kotelnikov and Babenko, *TabM*,
    2025.

    Parameters
    ----------
    units : o, the number of outputs of each member
    members : k
    init : initializer of W; s starts at 1 and b at 0
    adapter : initializer of r (role "ensemble"): ``Signs()`` in the first layer of an ensemble, 1
        in the others
    scaled : divide by √i
    calibrated : set W and b from the first rows

    Raises
    ------
    ValueError
        If `units` or `members` is not positive, or the input shape is neither (i,) nor (k, i).

    Examples
    --------
    >>> plan = EnsembleDense(16, members=4).plan((5,))
    >>> plan.out, {name: spec.shape for name, spec in plan.params.items()}
    ((4, 16), {'W': (5, 16), 'b': (4, 16), 'r': (4, 5), 's': (4, 16)})
    """

    units: int
    members: int
    init: Initializer = HeNormal()
    adapter: Initializer = Constant(1.0)
    scaled: bool = False
    calibrated: bool = False

    def __post_init__(self) -> None:
        _check(self.units, self.members)

    def plan(self, shape: Shape) -> Plan:
        """Plan W, b, r and s."""
        fits = len(shape) == 1 or (len(shape) == 2 and shape[0] == self.members)
        if not fits or shape[-1] < 1:
            raise ValueError(
                "EnsembleDense expects input shape (n_in,), or, with a row for each of "
                f"{self.members} members, ({self.members}, n_in); got {shape}"
            )
        i, k, o = shape[-1], self.members, self.units
        one = Constant(1.0)
        return Plan(
            (k, o),
            {
                "W": Spec((i, o), self.init, "weight"),
                "b": Spec((k, o), role="bias"),
                "r": Spec((k, i), self.adapter, "ensemble"),
                "s": Spec((k, o), one, "ensemble"),
            },
            macs=k * i * o,
        )

    def product(self, x: Array, w: Scope, call: Call) -> Array:
        """Return z = (x ⊙ r) W, and keep u = x ⊙ r in its buffer."""
        w.saved = x
        n, k, i = len(x), self.members, x.shape[-1]
        u = w.buf("u", (n, k, i), x.dtype)
        if x.ndim == 3:
            np.multiply(lines(x), w.p.r.reshape(-1), out=lines(u))
        else:
            np.multiply(x[:, np.newaxis], w.p.r, out=u)
        z = w.buf("z", (n, k, self.units), x.dtype)
        np.matmul(u.reshape(n * k, i), w.p.W, out=z.reshape(n * k, self.units))
        return z

    def calibrate(self, x: Array, w: Scope, call: Call) -> None:
        """Scale each unit to variance 1 on these rows and make it 0 at one of them."""
        if self.calibrated and len(x):
            z = self.product(x, w, call)
            z *= self.affine(w)[0]
            w.p.b[...] = calibrate_units(z, w.p.W, call) * w.p.s

    def affine(self, w: Scope) -> tuple[float, Array, Array]:
        """Return the factor of z, and s and b, flattened."""
        factor = 1 / sqrt(len(w.p.W)) if self.scaled else 1.0
        return factor, w.p.s.reshape(-1), w.p.b.reshape(-1)

    def affine_gradient(self, w: Scope) -> tuple[Array, Array]:
        """Return the views of db and ds, flattened."""
        return w.g.b.reshape(-1), w.g.s.reshape(-1)

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return ((x ⊙ r) W) ⊙ s + b."""
        z = self.product(x, w, call)
        y = w.buf("y", z.shape, x.dtype)
        kernels.scale_shift(lines(z), *self.affine(w), lines(y))
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Assign db, ds, dW and dr; return dx."""
        z, d, (factor, s, _) = w.buf("z", dy.shape, dy.dtype), lines(dy), self.affine(w)
        kernels.scale_shift_back(d, lines(z), s, factor, *self.affine_gradient(w))
        return self.product_back(d, w, need_dx=need_dx)

    def product_back(self, dz: Array, w: Scope, *, need_dx: bool) -> Array | None:
        """Assign dW and dr from dz; return dx."""
        x, n, k = w.saved, len(dz), self.members
        i, shared, dz = x.shape[-1], x.ndim == 2, dz.reshape(n * k, self.units)
        u = w.buf("u", (n, k, i), x.dtype)
        np.matmul(u.reshape(n * k, i).T, dz, out=w.g.W)
        du = np.matmul(dz, w.p.W.T, out=u.reshape(n * k, i)).reshape(n, k, i)
        # du overwrites u, which is no longer needed.
        if not shared:
            kernels.scale_back(lines(du), lines(x), w.p.r.reshape(-1), w.g.r.reshape(-1))
            return du if need_dx else None
        dx = w.buf("dx", x.shape, x.dtype)
        kernels.shared_scale_back(du, x, w.p.r, w.g.r, dx)
        return dx if need_dx else None


@dataclass(frozen=True, slots=True)
class EnsembleOutput(Part):
    """yₕ = xₕ Wₕ + bₕ for member h.   x: (n, k, i)   W: (k, i, o)   b: (k, o)   y: (n, k, o).

    dWₕ = xₕᵀ dyₕ,   db = Σₙ dy,   dxₕ = dyₕ Wₕᵀ.

    The output layer of an ensemble. It is so small that sharing would save little, and separate
    matrices make the members differ more.

    Source: Gorishniy, Kotelnikov and Babenko, *TabM*, 2025.

    Parameters
    ----------
    units : o, the number of outputs of each member
    members : k
    init : initializer of each Wₕ
    scaled : divide the products by √i, as in :class:`NTKDense`

    Raises
    ------
    ValueError
        If `units` or `members` is not positive, or the input shape is not (k, i).

    Examples
    --------
    >>> EnsembleOutput(3, members=4).plan((4, 16)).params["W"].shape
    (4, 16, 3)
    """

    units: int
    members: int
    init: Initializer = HeNormal()
    scaled: bool = False

    def __post_init__(self) -> None:
        _check(self.units, self.members)

    def plan(self, shape: Shape) -> Plan:
        """Plan W and b."""
        k, o = self.members, self.units
        if len(shape) != 2 or shape[0] != k or shape[1] < 1:
            raise ValueError(
                f"EnsembleOutput expects a row for each of {k} members, shape ({k}, n_in); got "
                f"{shape}. Put EnsembleDense(…, members={k}) before it"
            )
        W = Spec((k, shape[1], o), _EachMember(self.init), "weight")
        return Plan((k, o), {"W": W, "b": Spec((k, o), role="bias")}, macs=k * shape[1] * o)

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return xₕ Wₕ + bₕ for each member."""
        n, k, i = x.shape
        w.saved = x
        y = w.buf("y", (n, k, self.units), x.dtype)
        kernels.member_products(x, w.p.W, self._factor(i), w.p.b, y)
        return y

    def _factor(self, i: int) -> float:
        return 1 / sqrt(i) if self.scaled else 1.0

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Assign dW and db; return dx."""
        x = w.saved
        dx = w.buf("dx", x.shape, x.dtype) if need_dx else None
        kernels.member_gradient(dy, x, w.p.W, self._factor(x.shape[-1]), w.g.W, w.g.b, dx)
        return dx


@dataclass(frozen=True, slots=True)
class _EachMember:
    """An initializer that draws each member's matrix separately."""

    init: Initializer

    def __call__(self, rng: np.random.Generator, shape: Shape, dtype: DTypeLike) -> Array:
        return np.stack([self.init(rng, shape[1:], dtype) for _ in range(shape[0])])


def _check(units: int, members: int) -> None:
    for name, value in (("units", units), ("members", members)):
        check_size(name, value)
