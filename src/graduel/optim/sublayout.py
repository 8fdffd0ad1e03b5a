"""A part of a layout as a layout of its own, for update rules that treat roles differently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from graduel.layout import ROLES, Entry, Layout


@dataclass(frozen=True, slots=True)
class Sublayout(Layout):
    """Neighbouring entries of a layout as a vector of their own."""

    known: tuple[str, ...] = ()
    """The roles of the whole: they may be named, though nothing here has them."""


def build_sublayout(layout: Layout, entries: Sequence[Entry]) -> tuple[slice, Sublayout]:
    """Return where some neighbouring entries lie, and their own layout."""
    start = entries[0].start
    moved = tuple(replace(entry, start=entry.start - start) for entry in entries)
    return slice(start, entries[-1].stop), Sublayout(moved, known_roles(layout))


def known_roles(layout: Layout) -> tuple[str, ...]:
    """Return the roles that may be named: the usual ones and the layout's own."""
    known = layout.known if isinstance(layout, Sublayout) else ()
    return tuple(dict.fromkeys((*ROLES, *known, *layout.roles)))
