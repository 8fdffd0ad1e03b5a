"""Images and tables disturbed on purpose, to see what a model still reads in them.

Images are uint8, of shape (n, height, width) or (n, height, width, channels), tables Polars data
frames. What comes in is never changed; the same generator in the same state gives the same bits.
What is pushed in from beyond an image's edge, or lies over a part of it, is of its background: the
median of its outermost pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

Images = NDArray[np.uint8]

DIRECTIONS = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]])
"""Right, down, left, up: (rows, columns)."""


def noise(X: Images, strength: float, rng: np.random.Generator, *, top: int = 255) -> Images:
    """Add Gaussian noise: x + top · strength · ε, ε ~ N(0, 1), rounded and cut to 0 … `top`.

    Parameters
    ----------
    X : uint8 array of shape (n, height, width) or (n, height, width, channels)
    strength : float
        Standard deviation of the noise, as a share of `top`; at least 0.
    rng : numpy.random.Generator
    top : int
        The brightest value that a pixel can have.

    Returns
    -------
    uint8 array of the shape of X

    Raises
    ------
    ValueError
        If X are no such images, or the strength is negative or no number.

    Examples
    --------
    >>> grey = np.full((1, 2, 2), 100, np.uint8)
    >>> bool((noise(grey, 0.1, np.random.default_rng(0)) != grey).any())
    True
    """
    X, strength = _images(X), _strength(strength)
    found = rng.standard_normal(X.shape, np.float32)
    found *= np.float32(top * strength)
    found += X
    return np.clip(np.rint(found), 0, top).astype(np.uint8)


def rotate(X: Images, strength: float, rng: np.random.Generator | None = None) -> Images:
    """Turn every image about its middle by `strength` degrees.

    With a generator each is turned to a side that is drawn, without one all against the clock.
    Values between pixels are linear.

    Parameters
    ----------
    X : uint8 array of shape (n, height, width) or (n, height, width, channels)
    strength : float
        Degrees; at least 0 where sides are drawn.
    rng : numpy.random.Generator, optional

    Returns
    -------
    uint8 array of the shape of X

    Raises
    ------
    ValueError
        If X are no such images, or the strength is no number, or negative with a generator.

    Examples
    --------
    >>> rotate(np.array([[[0, 9, 0], [0, 5, 0], [0, 0, 0]]], np.uint8), 90)[0]
    array([[0, 0, 0],
           [9, 5, 0],
           [0, 0, 0]], dtype=uint8)
    """
    from scipy import ndimage

    X, strength = _images(X), _strength(strength, signed=rng is None)
    left = np.ones(len(X), bool) if rng is None else rng.integers(2, size=len(X)).astype(bool)
    ground = _background(X)
    lifted = X.astype(np.float32) - ground
    found = np.empty_like(lifted)
    for side, degrees in ((left, strength), (~left, -strength)):
        if side.any():
            found[side] = ndimage.rotate(
                lifted[side], degrees, axes=(2, 1), reshape=False, order=1, mode="constant", cval=0
            )
    return _pixels(found + ground)


def shift(X: Images, strength: int, rng: np.random.Generator | None = None) -> Images:
    """Move every image by `strength` whole pixels.

    With a generator each is moved in one of four directions that is drawn, without one all to the
    right (to the left where `strength` is negative).

    Parameters
    ----------
    X : uint8 array of shape (n, height, width) or (n, height, width, channels)
    strength : int
        Pixels; at least 0 where directions are drawn.
    rng : numpy.random.Generator, optional

    Returns
    -------
    uint8 array of the shape of X

    Raises
    ------
    ValueError
        If X are no such images, or the strength is not whole, or negative with a generator.

    Examples
    --------
    >>> shift(np.array([[[0, 0, 0], [7, 8, 0], [0, 0, 0]]], np.uint8), 1)[0, 1]
    array([0, 7, 8], dtype=uint8)
    """
    X = _images(X)
    pixels = _whole(_strength(strength, signed=rng is None))
    where = np.zeros(len(X), int) if rng is None else rng.integers(4, size=len(X))
    found = np.broadcast_to(_background(X), X.shape).astype(np.uint8)
    for number, step in enumerate(DIRECTIONS):
        side = where == number
        down, across = (int(move) for move in pixels * step)
        if side.any() and abs(down) < X.shape[1] and abs(across) < X.shape[2]:
            part = found[side]
            part[:, _to(down), _to(across)] = X[side][:, _to(-down), _to(-across)]
            found[side] = part
    return found


def occlude(X: Images, strength: int, rng: np.random.Generator | None = None) -> Images:
    """Lay a square of `strength` pixels a side over every image, in the colour of its background.

    With a generator each square lies at a place that is drawn, wholly on the image; without one
    in the middle.

    Parameters
    ----------
    X : uint8 array of shape (n, height, width) or (n, height, width, channels)
    strength : int
        Side of the square in pixels, at least 0; no more than the image has is covered.
    rng : numpy.random.Generator, optional

    Returns
    -------
    uint8 array of the shape of X

    Raises
    ------
    ValueError
        If X are no such images, or the strength is negative or not whole.

    References
    ----------
    Zeiler and Fergus, *Visualizing and understanding convolutional networks*, ECCV 2014.

    Examples
    --------
    >>> occlude(np.array([[[0, 0, 0], [0, 9, 9], [0, 0, 0]]], np.uint8), 1)[0, 1]
    array([0, 0, 9], dtype=uint8)
    """
    X = _images(X)
    side = _whole(_strength(strength))
    room = [max(length - side, 0) for length in X.shape[1:3]]
    if rng is None:
        top, left = (np.full(len(X), free // 2) for free in room)
    else:
        top, left = (rng.integers(free + 1, size=len(X)) for free in room)
    rows, columns = np.arange(X.shape[1]), np.arange(X.shape[2])
    inside = (rows >= top[:, None]) & (rows < top[:, None] + side)
    beside = (columns >= left[:, None]) & (columns < left[:, None] + side)
    covered = inside[:, :, None] & beside[:, None, :]
    if X.ndim == 4:
        covered = covered[..., None]
    return np.where(covered, _background(X).astype(np.uint8), X)


def missing(X: pl.DataFrame, strength: float, rng: np.random.Generator) -> pl.DataFrame:
    """Take values out of a table at random: each cell becomes null with probability `strength`.

    Parameters
    ----------
    X : polars.DataFrame
    strength : float
        From 0 to 1.
    rng : numpy.random.Generator

    Returns
    -------
    polars.DataFrame
        With the columns and kinds of X.

    Raises
    ------
    ValueError
        If the strength is no share.

    Examples
    --------
    >>> import polars as pl
    >>> missing(pl.DataFrame({"a": [1, 2]}), 1.0, np.random.default_rng(0))["a"].null_count()
    2
    """
    import polars as pl

    strength = _share(strength)
    gone = rng.random((X.width, X.height)) < strength
    return X.with_columns(
        pl.when(pl.Series(mask)).then(None).otherwise(pl.col(name)).alias(name)
        for name, mask in zip(X.columns, gone, strict=True)
    )


def permute(X: pl.DataFrame, column: str, rng: np.random.Generator) -> pl.DataFrame:
    """Put the values of one column in another order: it tells nothing of its row any more.

    Parameters
    ----------
    X : polars.DataFrame
    column : str
        Its name.
    rng : numpy.random.Generator

    Returns
    -------
    polars.DataFrame

    Raises
    ------
    ValueError
        If there is no such column.

    References
    ----------
    Breiman, *Random forests*, Machine Learning 45, 2001.

    Examples
    --------
    >>> import polars as pl
    >>> table = pl.DataFrame({"a": [1, 2, 3], "b": [4, 5, 6]})
    >>> sorted(permute(table, "a", np.random.default_rng(0))["a"])
    [1, 2, 3]
    """
    if column not in X.columns:
        raise ValueError(f"column must be one of {', '.join(X.columns[:20])}; got '{column}'")
    return X.with_columns(X[column].gather(rng.permutation(X.height)))


def scramble(X: pl.DataFrame, strength: float, rng: np.random.Generator) -> pl.DataFrame:
    """Permute a share of the columns, drawn without regard to what they are, each by itself.

    Parameters
    ----------
    X : polars.DataFrame
    strength : float
        Share of the columns, from 0 to 1, rounded to whole ones; above 0 at least one.
    rng : numpy.random.Generator

    Returns
    -------
    polars.DataFrame

    Raises
    ------
    ValueError
        If the strength is no share.

    Examples
    --------
    >>> import polars as pl
    >>> table = pl.DataFrame({"a": range(50), "b": range(50)})
    >>> found = scramble(table, 0.5, np.random.default_rng(0))
    >>> sum(found[name].equals(table[name]) for name in table.columns)
    1
    """
    strength = _share(strength)
    number = max(round(strength * X.width), 1) if strength and X.width else 0
    for place in rng.permutation(X.width)[:number]:
        X = permute(X, X.columns[int(place)], rng)
    return X


def _images(X: Any) -> Images:
    if not isinstance(X, np.ndarray) or X.dtype != np.uint8 or X.ndim not in (3, 4):
        what = f"{X.dtype} of shape {X.shape}" if isinstance(X, np.ndarray) else type(X).__name__
        raise ValueError(
            "expected uint8 images of shape (n, height, width) or (n, height, width, channels); "
            f"got {what}"
        )
    return X


def _strength(value: float, *, signed: bool = False) -> float:
    if not np.isfinite(value) or (value < 0 and not signed):
        raise ValueError(f"strength must be a number of at least 0; got {value}")
    return value


def _share(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"strength must be a share from 0 to 1; got {value}")
    return value


def _whole(value: float) -> int:
    if value != int(value):
        raise ValueError(f"strength must be a whole number of pixels; got {value}")
    return int(value)


def _background(X: Images) -> NDArray[np.float32]:
    """Return the median of each image's (and channel's) outermost pixels, ready to broadcast."""
    n, height, width = X.shape[:3]
    if not n or not height or not width:
        return np.zeros((n, 1, 1, *X.shape[3:]), np.float32)
    edges = [X[:, 0], X[:, -1], X[:, 1:-1, 0], X[:, 1:-1, -1]]
    middle = np.floor(np.median(np.concatenate(edges, axis=1), axis=1))
    return np.asarray(middle, np.float32)[:, None, None]


def _to(move: int) -> slice:
    """Return where pixels go that are moved by `move`."""
    return slice(move, None) if move >= 0 else slice(None, move)


def _pixels(X: NDArray[np.float32]) -> Images:
    return np.clip(np.rint(X), 0, 255).astype(np.uint8)
