"""Results of the glass box as plain data for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

MAX_SIZE = 4096
"""Larger arrays become a summary."""


class PlainData:
    """Gives a frozen dataclass ``as_dict``."""

    __slots__ = ()

    ALSO: ClassVar[tuple[str, ...]] = ()
    """Properties that are part of the plain data."""
    WITHOUT: ClassVar[tuple[str, ...]] = ()
    """Fields that are not."""

    def as_dict(self, most: int = MAX_SIZE) -> dict[str, Any]:
        """Return plain data for JSON; numbers that are not finite are None.

        Parameters
        ----------
        most : an array of more numbers than this becomes a summary, see :func:`summarize_array`
        """
        names = [f.name for f in fields(self) if f.name not in self.WITHOUT]  # type: ignore[arg-type]
        return {name: to_plain(getattr(self, name), most) for name in (*names, *self.ALSO)}


def to_plain(value: Any, most: int = MAX_SIZE) -> Any:
    """Return a result as plain data.

    >>> to_plain({"z": np.float32(0.5), "gate": np.array([True, False])})
    {'z': 0.5, 'gate': [True, False]}
    """
    if isinstance(value, np.ndarray) and value.size > most:
        return summarize_array(value)
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, PlainData):
        return value.as_dict(most)
    if isinstance(value, Mapping):
        return {str(k): to_plain(v, most) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(v, most) for v in value]
    if is_dataclass(value):
        raise TypeError(f"{type(value).__name__} is not plain data")
    return value


def summarize_array(array: Array) -> dict[str, Any]:
    """Return the shape of a large array and a few numbers.

    ``norm`` is √Σ x², ``zeros`` the share of zeros.

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
            "least": float(x.min()),
            "most": float(x.max()),
            "zeros": float(np.mean(x == 0)),
        }
    )
