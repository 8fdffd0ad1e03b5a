"""Conversion between dataclasses and plain data, and JSON files of plain data.

Plain data are the types of JSON: None, booleans, numbers, text, lists, and dicts with text keys.
Types are checked by `msgspec <https://jcristharif.com/msgspec/>`_ against a class's annotations; a
value of another type raises an error with its path and is never converted silently.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from graduel.atomic_io import atomic_write
from graduel.errors import UserError

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """Convert dataclasses, tuples, mappings and NumPy values to plain data.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Point:
    ...     x: float
    ...     names: tuple[str, ...] = ()
    >>> to_plain({"at": Point(1.5, ("a",))})
    {'at': {'x': 1.5, 'names': ['a']}}
    """
    import msgspec

    return _tuples_to_lists(msgspec.to_builtins(value, enc_hook=_numpy_to_plain))


def from_plain(kind: type[T], data: Any, what: str = "data") -> T:
    """Build an object of class `kind` from plain data.

    Parameters
    ----------
    kind : a dataclass; its annotations are the types of its fields
    data : plain data as returned by :func:`to_plain` or read from a file
    what : name of the data in error messages

    Raises
    ------
    UserError
        If a field is missing or of another type; the message gives its path.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Point:
    ...     x: float
    ...     names: tuple[str, ...] = ()
    >>> from_plain(Point, {"x": 2, "names": ["a"]})
    Point(x=2.0, names=('a',))
    """
    import msgspec

    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise UserError(f"{what}: {str(error).replace('`', '')}") from None


def to_json(content: Any) -> str:
    """Return `content`, converted by :func:`to_plain`, as JSON text.

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    return json.dumps(to_plain(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: str | Path, content: Any) -> None:
    """Write `content`, converted by :func:`to_plain`, as a JSON file atomically.

    Raises
    ------
    ValueError
        If a number is not finite.
    OSError
        If the file cannot be written.
    """
    atomic_write(path, to_json(content))


def read_json(path: str | Path) -> Any:
    """Read a JSON file as plain data.

    Raises
    ------
    UserError
        If the file cannot be read or is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0][:120]
        raise UserError(f"{path}: expected readable JSON; got {reason}") from None


def _tuples_to_lists(value: Any) -> Any:
    """Return plain data with tuples replaced by lists, as after a round trip through JSON."""
    if isinstance(value, dict):
        return {str(key): _tuples_to_lists(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_tuples_to_lists(part) for part in value]
    return value


def _numpy_to_plain(value: Any) -> Any:
    """Convert NumPy numbers and arrays to Python's: msgspec's hook for types unknown to it."""
    import numpy as np

    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be converted to plain data")
