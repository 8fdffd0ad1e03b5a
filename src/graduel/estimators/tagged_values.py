"""Parameters of estimators as JSON data, exact: tuples stay tuples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from math import isfinite
from typing import Any

import numpy as np

from graduel import optim
from graduel.nn import serialization

PARTS: dict[str, type] = {
    **{f"nn.{name}": part for name, part in serialization.PARTS.items()},
    **{
        f"optim.{name}": part
        for name in optim.__all__
        if isinstance(part := getattr(optim, name), type)
        and is_dataclass(part)
        and name not in ("Iteration", "OptimizerState")
    },
}
"""The classes that parameters can have; nn and optim both have a ``Constant``."""
NAMES = {part: name for name, part in PARTS.items()}
MOST_LEVELS = 32
"""The maximum nesting depth of parameters in a file."""


def to_tagged(value: Any) -> Any:
    """Return JSON data from which :func:`from_tagged` builds an equal value.

    Raise `TypeError` or `ValueError` for other values.

    Examples
    --------
    >>> to_tagged([(1, 2.5), {"a": float("inf")}])
    [{'tuple': [1, 2.5]}, {'dict': [['a', {'float': 'inf'}]]}]
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, float) and not isfinite(value):
        return {"float": repr(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [to_tagged(item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [to_tagged(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[to_tagged(k), to_tagged(v)] for k, v in value.items()]}
    if is_dataclass(value) and not isinstance(value, type):
        return {"part": serialization.part_to_plain(value, type(value).__name__, NAMES)}
    raise TypeError(
        f"expected numbers, text, lists, dicts or dataclasses; got {type(value).__name__}, which "
        "cannot be saved as plain data"
    )


def from_tagged(value: Any, known: Mapping[str, type], level: int = 0) -> Any:
    """Build a value from the result of :func:`to_tagged`; `known` holds the classes of parts."""
    if level > MOST_LEVELS:
        raise ValueError(f"expected at most {MOST_LEVELS} nested levels; got more")

    def build(inner: Any) -> Any:
        return from_tagged(inner, known, level + 1)

    if isinstance(value, list):
        return [build(item) for item in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"float": "nan" | "inf" | "-inf" as text, **rest} if not rest:
            return float(text)
        case {"tuple": list(inner), **rest} if not rest:
            return tuple(build(item) for item in inner)
        case {"dict": list(inner), **rest} if not rest:
            return {build(k): build(v) for k, v in inner}
        case {"part": {"type": str(name)} as part, **rest} if not rest:
            if name not in known:
                raise ValueError(
                    f"expected the class of a known part; got {name}. Pass custom classes as "
                    "parts=[…]"
                )
            return serialization.part_from_plain(part, known)
    raise ValueError(f"expected the value of a parameter; got {value!r}")
