"""The network of a fitted estimator, replaced in one step and never modified."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.estimators.inputs import Image, SparseRows, chunk_rows, dtype_of, make_rows
from graduel.estimators.targets import Targets
from graduel.nn import Network, Weights

Array = NDArray[Any]


class ArrayViews(list[Array]):
    """List of views of the network's arrays; assigning an item writes into the network.

    >>> w = np.zeros(2)
    >>> views = ArrayViews([w])
    >>> views[0] = [1.0, 2.0]
    >>> w
    array([1., 2.])
    """

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            for view, new in zip(self[index], value, strict=True):
                view[...] = _fitting(view, new)
        else:
            self[index][...] = _fitting(self[index], value)

    def __reduce__(self) -> tuple[type[list[Any]], tuple[list[Array]]]:
        return list, (list(self),)  # pickled as a plain list


def _fitting(view: Array, value: Any) -> Array:
    value = np.asarray(value)
    if value.shape != view.shape:
        raise ValueError(
            f"expected an array of shape {view.shape}, as in the network; got {value.shape}. "
            "Fit again for another network"
        )
    return value


@dataclass(frozen=True, slots=True, eq=False)
class FittedNetwork:
    """A network with its weights, and the conversions from X to inputs and from outputs to y.

    A prediction uses one such object and nothing else, so that it never mixes an old and a new
    fit.
    """

    network: Network
    weights: Weights
    targets: Targets
    scale: float = 1.0
    names: Array | None = None
    """The names of the features, if X has names."""
    image: Image | None = None
    """The shape of an example, if X holds images."""

    @property
    def n_features(self) -> int:
        """The number of columns of X."""
        return int(self.network.input_shape[0])

    def is_plain(self, X: Any) -> bool:
        """Return whether X is an array that needs no validation except for finite numbers."""
        return (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.shape[1] == self.n_features
            and len(X) > 0
            and X.dtype in _PLAIN
            and self.names is None
        )

    def predict(self, X: Any) -> Array:
        """Return the outputs for validated X, a new array of shape (n_rows, n_outputs)."""
        rows = make_rows(X, self.scale, self.network.dtype)
        if isinstance(rows, SparseRows):
            size = chunk_rows(rows)
            return np.concatenate(
                [
                    self.network.predict(rows.block(start, start + size), self.weights)
                    for start in range(0, len(rows), size)
                ]
            )
        unchanged = self.scale == 1 and dtype_of(X) == self.network.dtype
        return self.network.predict(X, self.weights, rows=None if unchanged else rows.block)

    def arrays(self, kind: str) -> ArrayViews:
        """Return views of all W, or all b, from first to last layer."""
        theta = self.weights.theta
        entries = self.network.layout.entries
        return ArrayViews([e.view(theta) for e in entries if e.name.endswith(f".{kind}")])

    def set_arrays(self, kind: str, values: Iterable[Any]) -> None:
        """Set all W, or all b."""
        self.arrays(kind)[:] = list(values)


_PLAIN = (np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.uint8))


def is_finite(X: Array) -> bool:
    """Return whether all numbers are finite; check their sum first as a fast path."""
    if X.dtype == np.uint8:
        return True
    with np.errstate(all="ignore"):
        return bool(np.isfinite(X.sum()) or np.isfinite(X).all())
