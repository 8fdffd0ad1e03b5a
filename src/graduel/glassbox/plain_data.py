"""Conversion of the glass box's results to plain data for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

MAX_SIZE = 4096
"""Larger arrays are replaced by a summary."""


class PlainData:
    """A mixin that gives a frozen dataclass the method ``as_dict``."""

    __slots__ = ()

    ALSO: ClassVar[tuple[str, ...]] = ()
    """Properties to include."""
    WITHOUT: ClassVar[tuple[str, ...]] = ()
    """Fields to leave out."""

    def as_dict(self, max_size: int = MAX_SIZE) -> dict[str, Any]:
        """Return plain data for JSON; non-finite numbers become None.

        Parameters
        ----------
        max_size : arrays of more numbers become a summary, see :func:`summarize_array`
        """
        names = [f.name for f in fields(self) if f.name not in self.WITHOUT]  # type: ignore[arg-type]
        return {name: to_plain(getattr(self, name), max_size) for name in (*names, *self.ALSO)}


def to_plain(value: Any, max_size: int = MAX_SIZE) -> Any:
    """Convert a result to plain data.

    >>> to_plain({"z": np.float32(0.5), "gate": np.array([True, False])})
    {'z': 0.5, 'gate': [True, False]}
    """
    if isinstance(value, np.ndarray) and value.size > max_size:
        return summarize_array(value)
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, PlainData):
        return value.as_dict(max_size)
    if isinstance(value, Mapping):
        return {str(k): to_plain(v, max_size) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(v, max_size) for v in value]
    if is_dataclass(value):
        raise TypeError(f"expected a PlainData dataclass; got {type(value).__name__}")
    return value


def summarize_array(array: Array) -> dict[str, Any]:
    """Summarize a large array: shape, norm, mean, min, max, share of zeros.

    ``norm`` is √Σ x².

    >>> summarize_array(np.array([[3.0, 0.0], [4.0, 0.0]]))["norm"]
    5.0
    """
    if not array.size:
        return {"shape": list(array.shape)}
    x = array.astype(np.float64)
    return to_plain(
        {
            "shape": list(array.shape),
            "norm": float(np.sqrt(np.square(x).sum())),
            "mean": float(x.mean()),
            "min": float(x.min()),
            "max": float(x.max()),
            "zeros": float(np.mean(x == 0)),
        }
    )
