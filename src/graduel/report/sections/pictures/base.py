"""A figure as a page shows it: the drawing, what it says in words, and its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graduel.report.draw.svg import to_inline_svg
from graduel.report.sections.tables import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE = 8.8
"""Inches: the race on a wide screen."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure on the page."""

    id: str
    svg: str
    caption: str
    table: Table
    wide: str | None = None
    """The same drawn for wide screens, where it is worth it."""


def picture(
    slug: str, figure: Figure, alt: str, caption: str, table: Table, wide: Figure | None = None
) -> Picture:
    """Draw a figure for a page; `slug` is its id there, `alt` what a screen reader says."""
    large = None if wide is None else to_inline_svg(wide, prefix=f"{slug}-wide", label=alt)
    return Picture(slug, to_inline_svg(figure, prefix=slug, label=alt), caption, table, large)
