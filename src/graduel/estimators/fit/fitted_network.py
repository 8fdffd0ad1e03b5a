"""The network that a fitted estimator predicts with: published whole, never changed after."""

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
    """Views of the network's own arrays; setting one writes its numbers into the network.

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
        return list, (list(self),)  # by itself a copy, not a view


def _fitting(view: Array, value: Any) -> Array:
    value = np.asarray(value)
    if value.shape != view.shape:
        raise ValueError(
            f"expected an array of shape {view.shape}, as the network has; got {value.shape}. "
            "Fit again for another network"
        )
    return value


@dataclass(frozen=True, slots=True, eq=False)
class FittedNetwork:
    """A network with its weights, and how X becomes its input and its answers y.

    A prediction takes this object once and needs nothing else, so that it sees an old fit or a
    new one, never half of each.
    """

    network: Network
    weights: Weights
    targets: Targets
    scale: float = 1.0
    names: Array | None = None
    """Names of the features, where X had such."""
    image: Image | None = None
    """The shape of an example, where X held images."""

    @property
    def n_features(self) -> int:
        """Columns of X."""
        return int(self.network.input_shape[0])

    def plain(self, X: Any) -> bool:
        """Return whether X needs no validation except of its numbers."""
        return (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.shape[1] == self.n_features
            and len(X) > 0
            and X.dtype in _PLAIN
            and self.names is None
        )

    def answers(self, X: Any) -> Array:
        """Return the network's answers to validated X, a fresh array of shape (n, outputs)."""
        rows = make_rows(X, self.scale, self.network.dtype)
        if isinstance(rows, SparseRows):
            size = chunk_rows(rows)
            return np.concatenate(
                [
                    self.network.predict(rows.block(start, start + size), self.weights)
                    for start in range(0, len(rows), size)
                ]
            )
        as_it_is = self.scale == 1 and dtype_of(X) == self.network.dtype
        return self.network.predict(X, self.weights, rows=None if as_it_is else rows.block)

    def arrays(self, kind: str) -> ArrayViews:
        """Return all W, or all b, first layer to last, as views."""
        theta = self.weights.theta
        entries = self.network.layout.entries
        return ArrayViews([e.view(theta) for e in entries if e.name.endswith(f".{kind}")])

    def set_arrays(self, kind: str, values: Iterable[Any]) -> None:
        """Write all W, or all b."""
        self.arrays(kind)[:] = list(values)


_PLAIN = (np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.uint8))


def is_finite(X: Array) -> bool:
    """Return whether all numbers are finite; check their sum first as a fast path."""
    if X.dtype == np.uint8:
        return True
    with np.errstate(all="ignore"):
        return bool(np.isfinite(X.sum()) or np.isfinite(X).all())
