"""Sublayouts, for update rules that treat roles or matrices separately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from graduel.layout import ROLES, Entry, Layout


@dataclass(frozen=True, slots=True)
class Sublayout(Layout):
    """Adjacent entries of a layout as a layout of their own."""

    known: tuple[str, ...] = ()
    """The roles of the full layout, which rules may name even if none occurs here."""


def build_sublayout(layout: Layout, entries: Sequence[Entry]) -> tuple[slice, Sublayout]:
    """Return the slice of adjacent entries and their sublayout."""
    start = entries[0].start
    moved = tuple(replace(entry, start=entry.start - start) for entry in entries)
    return slice(start, entries[-1].stop), Sublayout(moved, known_roles(layout))


def known_roles(layout: Layout) -> tuple[str, ...]:
    """Return the roles that rules may name: the built-in ones and the layout's."""
    known = layout.known if isinstance(layout, Sublayout) else ()
    return tuple(dict.fromkeys((*ROLES, *known, *layout.roles)))
