"""The layout of a flat parameter vector: the one module that ``nn`` and ``optim`` share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod

import numpy as np
from numpy.typing import NDArray

ROLES = ("weight", "bias", "scale", "embedding", "periodic", "activation", "ensemble")
"""The built-in roles, in their order in θ; users' roles follow in order of appearance."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One named array inside the flat vector: ``vector[start:stop].reshape(shape)``."""

    name: str
    shape: tuple[int, ...]
    role: str
    start: int

    @property
    def size(self) -> int:
        """The number of elements of the array."""
        return prod(self.shape)

    @property
    def stop(self) -> int:
        """The index after the array's last element in the vector."""
        return self.start + self.size

    def view(self, vector: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the array as a view of `vector`."""
        return vector[self.start : self.stop].reshape(self.shape)


@dataclass(frozen=True, slots=True)
class Layout:
    """The positions of named arrays in a flat vector.

    Arrays are ordered by role (:data:`ROLES`, then users' roles), and within a role as given. So
    each role is one slice, and a learning rate or weight decay per role needs no loop.

    Examples
    --------
    >>> layout = Layout.build([("0.W", (3, 2), "weight"), ("0.b", (2,), "bias"),
    ...                        ("1.W", (2, 1), "weight"), ("1.b", (1,), "bias")])
    >>> layout.size, [entry.name for entry in layout.entries]
    (11, ['0.W', '1.W', '0.b', '1.b'])
    >>> layout.roles["weight"]
    slice(0, 8, None)
    """

    entries: tuple[Entry, ...]
    _by_name: Mapping[str, Entry] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {entry.name: entry for entry in self.entries})

    @classmethod
    def build(cls, named: Iterable[tuple[str, tuple[int, ...], str]]) -> Layout:
        """Build a layout from ``(name, shape, role)`` triples in depth-first order."""
        triples = list(named)
        user_roles = dict.fromkeys(role for _, _, role in triples if role not in ROLES)
        rank = {role: i for i, role in enumerate((*ROLES, *user_roles))}
        entries, start = [], 0
        for name, shape, role in sorted(triples, key=lambda triple: rank[triple[2]]):
            entries.append(Entry(name, tuple(shape), role, start))
            start = entries[-1].stop
        if len({entry.name for entry in entries}) != len(entries):
            raise ValueError(f"expected unique names in a layout; got {[e.name for e in entries]}")
        return cls(tuple(entries))

    def __getitem__(self, name: str) -> Entry:
        return self._by_name[name]

    @property
    def size(self) -> int:
        """The length of the flat vector."""
        return self.entries[-1].stop if self.entries else 0

    @property
    def roles(self) -> dict[str, slice]:
        """The slice of each role in the layout."""
        slices: dict[str, slice] = {}
        for entry in self.entries:
            so_far = slices.get(entry.role, slice(entry.start, entry.start))
            slices[entry.role] = slice(so_far.start, entry.stop)
        return slices
