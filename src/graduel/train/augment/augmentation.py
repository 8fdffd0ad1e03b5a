"""Random transformations of training rows: image warps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from graduel import kernels
from graduel.errors import UserError
from graduel.train.build.layer_text import Image
from graduel.train.loop.batches import Source

Array = NDArray[Any]
Transform = Callable[[Array], Array]
"""Transforms a batch of float rows, in place or into a buffer that the next call overwrites."""
N_FIELDS = 64
"""The number of elastic fields to draw from. A warp uses two of them, each with a random sign."""

BLOCK = 16
"""Warps computed at a time, so that intermediate results fit into a core's cache."""


class Augmentation(Protocol):
    """A random transformation of training rows that preserves their classes."""

    def check(self, image: Image | None) -> None:
        """Raise `UserError` if it does not apply to these rows."""
        ...

    def prepare(
        self, n_features: int, image: Image | None, rng: np.random.Generator
    ) -> Callable[[int, str], Transform]:
        """Return a function ``(largest batch, dtype) → Transform``.

        Expensive random draws happen here, once.
        """
        ...


@dataclass(frozen=True, slots=True)
class Warp:
    """Random affine and elastic warps of images.

    x'(p) = x(M (p − c) + c + s + d(p)) for each pixel p of an image with center c, where
    M = R(θ) [[v, h], [0, u]] rotates by θ, shears by h and scales by v and u; s is a shift, d(p) an
    elastic field: white noise smoothed by a Gaussian, scaled to the root mean square `elastic`.
    Between pixels the image is interpolated bilinearly; beyond its edge the edge value continues.
    All numbers are drawn uniformly within ± the parameter. `share` images of a batch use the same
    warp, which is much faster than one warp for each; the groups differ in every epoch.

    Source: Simard, Steinkraus and Platt, *Best Practices for Convolutional Neural Networks Applied
    to Visual Document Analysis*, 2003.

    Parameters
    ----------
    angle : maximum of |θ|, degrees
    scale : v and u lie within 1 ± scale
    shear : maximum of |h|
    shift : maximum of |s| along each axis, pixels
    elastic : root mean square of d, pixels; 0 for none
    smooth : standard deviation of the Gaussian, pixels
    share : number of images of a batch that share a warp

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> X = np.arange(24, dtype=np.uint8).reshape(2, 12)
    >>> none = Warp(angle=0, scale=0, shear=0, shift=0, elastic=0)
    >>> bool((none.apply(X, (3, 4, 1), np.random.default_rng(0)) == X).all())
    True
    """

    angle: float = 15.0
    scale: float = 0.15
    shear: float = 0.2
    shift: float = 2.0
    elastic: float = 1.0
    smooth: float = 4.0
    share: int = 16

    def __post_init__(self) -> None:
        for name in ("angle", "shear", "shift", "elastic"):
            if not 0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name} must be at least 0; got {getattr(self, name)}")
        if not 0 <= self.scale < 1:
            raise ValueError(f"scale must be at least 0 and below 1; got {self.scale}")
        if not 0 < self.smooth < np.inf:
            raise ValueError(f"smooth must be above 0; got {self.smooth}")
        if self.share < 1:
            raise ValueError(f"share must be at least 1; got {self.share}")

    def check(self, image: Image | None) -> None:
        """Raise UserError unless rows are images."""
        if image is None:
            raise UserError(
                "augment=warp expects images; got rows without an image shape. Leave it out, or "
                "give images"
            )

    def prepare(
        self, n_features: int, image: Image | None, rng: np.random.Generator
    ) -> Callable[[int, str], Transform]:
        """Draw the elastic fields; return a function that builds a :data:`Transform`."""
        self.check(image)
        assert image is not None
        if n_features != int(np.prod(image)):
            raise ValueError(
                f"augment=warp expects {np.prod(image)} values per row, as images of shape "
                f"{image} have; got {n_features}"
            )
        fields = elastic_fields(image[:2], self.smooth, rng) if self.elastic else None

        def build(size: int, dtype: str) -> Transform:
            out = np.empty((size, n_features), dtype)
            tap = np.empty((min(size, self.share), n_features), dtype)
            index = np.empty((4, min(BLOCK, -(-size // self.share)), n_features), np.intp)
            factor = np.empty(index.shape, dtype)

            def transform(x: Array) -> Array:
                y = out[: len(x)]
                for start in range(0, len(x), BLOCK * self.share):
                    stop = min(start + BLOCK * self.share, len(x))
                    count = -(-(stop - start) // self.share)
                    positions = self.draw_positions(count, image, rng, fields)
                    kernels.compute_taps(positions, image, index, factor)
                    kernels.blend_taps(x[start:stop], index, factor, self.share, y[start:stop], tap)
                return y

            return transform

        return build

    def draw_positions(
        self,
        count: int,
        image: Image,
        rng: np.random.Generator,
        fields: Array | None = None,
    ) -> Array:
        """Draw warps: the source position of each pixel, float32 of shape (2, count, h, w)."""
        height, width, _ = image
        draw = rng.uniform(-1, 1, (6, count, 1)).astype(np.float32)
        angle = draw[0] * np.radians(self.angle, dtype=np.float32)
        v, u = 1 + self.scale * draw[1:3]
        h = self.shear * draw[3]
        cos, sin = np.cos(angle), np.sin(angle)
        # Rows and columns relative to the center; M = R [[v, h], [0, u]] acts on (row, column).
        row = np.arange(height, dtype=np.float32) - (height - 1) / 2
        column = np.arange(width, dtype=np.float32) - (width - 1) / 2
        positions = np.empty((2, count, height, width), np.float32)
        for i, (a, b) in enumerate(((cos, -sin), (sin, cos))):
            shift = self.shift * draw[4 + i] + ((height, width)[i] - 1) / 2
            along = a * v * row + shift
            across = (a * h + b * u) * column
            np.add(along[:, :, None], across[:, None, :], out=positions[i])
        if fields is not None:
            which = rng.integers(len(fields), size=(2, count))
            sign = self.elastic * (2 * rng.integers(2, size=(2, count, 1, 1)) - 1)
            positions += fields[which] * sign.astype(np.float32)
        return positions

    def apply(self, X: Array, image: Image, rng: np.random.Generator) -> Array:
        """Return warped rows as a new array of the same dtype; uint8 is rounded."""
        build = self.prepare(X.shape[1], image, rng)
        dtype = X.dtype if X.dtype.kind == "f" else np.dtype(np.float32)
        warped = build(len(X), str(dtype))(X.astype(dtype))
        return warped if dtype == X.dtype else np.rint(warped).astype(X.dtype)


def elastic_fields(size: tuple[int, int], smooth: float, rng: np.random.Generator) -> Array:
    """Draw smooth fields of root mean square 1, float32 of shape (N_FIELDS, h, w).

    White noise on a torus, smoothed along both axes: G_h n G_wᵀ with Gaussian circulant matrices.
    """
    by_row, by_column = (_smoother(n, smooth) for n in size)
    fields = by_row @ rng.standard_normal((N_FIELDS, *size)) @ by_column.T
    # Scaled over all fields together, so that their strengths differ.
    fields /= np.sqrt(np.mean(np.square(fields))) or 1.0
    result: Array = fields.astype(np.float32)
    return result


def _smoother(n: int, smooth: float) -> Array:
    """Return the (n, n) circulant matrix that smooths n values by a Gaussian."""
    steps = np.arange(n)
    apart = np.abs(steps[:, None] - steps)
    apart = np.minimum(apart, n - apart)
    weight = np.exp(-0.5 * np.square(apart / smooth))
    matrix: Array = weight / weight.sum(axis=1, keepdims=True)
    return matrix


class Augmented:
    """Rows whose batches are augmented as they are gathered; blocks are not augmented.

    Parameters
    ----------
    rows : the original rows
    steps : the augmentations, applied in this order
    rng : source of all random numbers
    image : the shape (height, width, channels) of a row, where rows are images

    Examples
    --------
    >>> from graduel.train.loop.batches import Rows
    >>> rng = np.random.default_rng(0)
    >>> plain = Rows(rng.random((8, 30), "float32"))
    >>> rows = Augmented(plain, [Warp()], rng=rng, image=(5, 6, 1))
    >>> bool((rows.gather(4)(np.arange(4)) == plain.block(0, 4)).all())
    False
    >>> bool((rows.block(0, 4) == plain.block(0, 4)).all())
    True
    """

    def __init__(
        self,
        rows: Source,
        steps: Sequence[Augmentation],
        *,
        rng: np.random.Generator,
        image: Image | None = None,
    ) -> None:
        self.rows, self.steps = rows, tuple(steps)
        self._builders = [step.prepare(rows.n_features, image, rng) for step in steps]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def dtype(self) -> str:
        """The dtype of the float rows."""
        return self.rows.dtype

    @property
    def n_features(self) -> int:
        """The number of columns."""
        return self.rows.n_features

    def block(self, start: int, stop: int) -> Array:
        """Return rows `start` to `stop`, not augmented, as a new float array."""
        return self.rows.block(start, stop)

    def gather(self, size: int) -> Transform:
        """Return a function that gathers and augments at most `size` rows by their indices."""
        take = self.rows.gather(size)
        transforms = [build(size, self.dtype) for build in self._builders]

        def gather(index: Array) -> Array:
            x = take(index)
            for transform in transforms:
                x = transform(x)
            return x

        return gather
