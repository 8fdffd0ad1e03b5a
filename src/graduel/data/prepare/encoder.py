"""What both preparations are: encoders side by side, a matrix, and plain data for a file."""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from graduel.data.prepare.values import require_columns
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[Any]

FORMAT = 1
HIGHEST = float(np.finfo(np.float64).max)
LONG = 1 << 16
"""Characters of a preparation from which it is compressed: a file's header has a limit."""
MOST = 1 << 26
"""Bytes that a compressed preparation may come to."""


class Encoder(Protocol):
    """One column of the table, as columns of the matrix."""

    @property
    def name(self) -> str:
        """The column of the table."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of the matrix."""
        ...

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write any rows of the column."""
        ...


@dataclass(frozen=True, slots=True)
class Preparation:
    """Encoders side by side, and what both kinds of preparation do with them."""

    encoders: tuple[Any, ...]

    KIND: ClassVar[str]
    PARTS: ClassVar[tuple[type, ...]]

    def __post_init__(self) -> None:
        count = Counter(encoder.name for encoder in self.encoders)
        if twice := [name for name, times in count.items() if times > 1]:
            raise UserError(f"each column must be named once; got {twice[0]!r} twice")

    @property
    def names(self) -> tuple[str, ...]:
        """What each column of the matrix is, for people to read."""
        return tuple(name for encoder in self.encoders for name in encoder.names)

    def transform(self, frame: pl.DataFrame) -> Array:
        """Return the float32 matrix of a table, shape (n, number of names).

        Raises
        ------
        UserError
            If the table lacks a column, or a column cannot be read as what it was in fitting.
        """
        require_columns(frame, (encoder.name for encoder in self.encoders))
        out = np.empty((len(frame), len(self.names)), np.float32)
        start = 0
        for encoder in self.encoders:
            stop = start + len(encoder.names)
            encoder.fill(frame[encoder.name], out[:, start:stop])
            start = stop
        return out

    def to_spec(self) -> dict[str, Any]:
        """Return plain data for JSON, from which :meth:`from_spec` makes an equal preparation."""
        columns = [
            {"type": type(encoder).__name__}
            | {f.name: _plain(getattr(encoder, f.name)) for f in fields(encoder)}
            for encoder in self.encoders
        ]
        return {"format": FORMAT, "preparation": self.KIND, "columns": columns}

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Self:
        """Make a preparation from plain data.

        Raises
        ------
        UserError
            If the data are not those of such a preparation.
        """
        number, kind, columns = (_get(spec, key) for key in ("format", "preparation", "columns"))
        if (number, kind) != (FORMAT, cls.KIND) or not isinstance(columns, list):
            raise UserError(
                f"expected the preparation {cls.KIND!r} of format {FORMAT} with its columns; got "
                f"{kind!r} of format {number!r}. The file is damaged, or of another version"
            )
        return cls(tuple(_made(column, cls.PARTS) for column in columns))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _made(data: Any, parts: Sequence[type]) -> Any:
    """Make an encoder from plain data, in which nothing may be missing or of another type."""
    part = {part.__name__: part for part in parts}.get(str(_get(data, "type")))
    if part is None:
        raise UserError(
            f"a column's preparation must be one of {', '.join(p.__name__ for p in parts)}; "
            f"got {_get(data, 'type')!r}. The file is damaged"
        )
    found = {f.name: _read(data, f.name, f.type) for f in fields(part)}
    return part(**found)


def _get(data: Any, name: str) -> Any:
    return data.get(name) if isinstance(data, Mapping) else None


def _read(data: Any, name: str, kind: Any) -> Any:
    """Return one value of an encoder; `kind` is the text of its annotation."""
    value = _get(data, name)
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind == "float" and type(value) in (int, float) and abs(value) <= HIGHEST:
        return float(value)
    if kind == "str" and _is_text(value):
        return value
    numbers = isinstance(value, list) and all(
        type(one) in (int, float) and abs(one) <= HIGHEST for one in value
    )
    if kind == "tuple[float, ...]" and numbers:
        return tuple(float(one) for one in value)
    texts = isinstance(value, list) and all(map(_is_text, value))
    if kind == "tuple[str, ...]" and texts and len(set(value)) == len(value):
        return tuple(value)
    raise UserError(
        f"the {name} in the preparation of column {_get(data, 'name')!r} must be of the type "
        f"{kind}; got {str(value)[:40]!r}. The file is damaged"
    )


def _is_text(value: Any) -> bool:
    """Tell text that a table can hold from all else; half a surrogate pair is none."""
    return isinstance(value, str) and value == value.encode(errors="replace").decode()


def compress_spec(spec: dict[str, Any]) -> Any:
    """Return a preparation for a file's notes: readable, or compressed where it is long."""
    text = json.dumps(spec, ensure_ascii=False)
    if len(text) < LONG:
        return spec
    return base64.b85encode(zlib.compress(text.encode(), 9)).decode("ascii")


def decompress_spec(found: Any) -> Any:
    """Return what :func:`compress_spec` was given.

    Raises
    ------
    ValueError
        If it is damaged; zlib.error as well.
    """
    if not isinstance(found, str):
        return found
    unzip = zlib.decompressobj()
    text = unzip.decompress(base64.b85decode(found), MOST)
    if not unzip.eof:
        raise ValueError("a preparation is cut short or too long")
    return json.loads(text)
