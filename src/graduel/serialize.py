"""Plain data and dataclasses: the one way in which graduel turns one into the other.

Plain data are what JSON holds: None, booleans, numbers, text, lists, and dicts with text keys.
Types are checked by `msgspec <https://jcristharif.com/msgspec/>`_ against a class's annotations; a
value of another type is an error that names its place, never a silent conversion.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from graduel.atomic_io import atomic_write
from graduel.errors import UserError

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """Return dataclasses, tuples, mappings and NumPy values as plain data.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Point:
    ...     x: float
    ...     names: tuple[str, ...] = ()
    >>> to_plain({"at": Point(1.5, ("a",))})
    {'at': {'x': 1.5, 'names': ['a']}}
    """
    import msgspec

    return _lists(msgspec.to_builtins(value, enc_hook=_numpy))


def from_plain(kind: type[T], data: Any, what: str = "data") -> T:
    """Return the object of class `kind` that plain data describe.

    Parameters
    ----------
    kind : a dataclass whose annotations say what each field may be
    data : what :func:`to_plain` returned, perhaps by way of a file
    what : what the data are, for the error

    Raises
    ------
    UserError
        If a field is missing or of another type; the message names its place.

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
    """Return plain data, or what :func:`to_plain` makes of it, as JSON text.

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    return json.dumps(to_plain(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: str | Path, content: Any) -> None:
    """Write plain data, or what :func:`to_plain` makes of it, as JSON, whole or not at all.

    Raises
    ------
    ValueError
        If a number is not finite.
    OSError
        If the file cannot be written.
    """
    atomic_write(path, to_json(content))


def read_json(path: str | Path) -> Any:
    """Return the plain data in a JSON file.

    Raises
    ------
    UserError
        If the file cannot be read or holds no JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0][:120]
        raise UserError(f"{path}: expected readable JSON; got {reason}") from None


def _lists(value: Any) -> Any:
    """Return plain data with lists in place of tuples, as JSON gives them back."""
    if isinstance(value, dict):
        return {str(key): _lists(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_lists(part) for part in value]
    return value


def _numpy(value: Any) -> Any:
    """Return NumPy's numbers and arrays as Python's (msgspec asks for what it does not know)."""
    import numpy as np

    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no plain form")
