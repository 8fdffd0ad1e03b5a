"""Figures and tables of a page; a figure has a caption and a table of its numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graduel.report.draw.svg import to_inline_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE = 8.8
"""Width in inches of a figure that fills a wide screen."""


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table of formatted texts for pages and terminals; a row's first cell is its heading."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    best: frozenset[tuple[int, int]] = field(default_factory=frozenset)
    """Cells (row, column) with the best value of their row."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure on a page."""

    id: str
    svg: str
    caption: str
    table: TextTable
    wide: str | None = None
    """The same figure for wide screens; None if one drawing serves both."""


def draw_picture(
    slug: str, figure: Figure, alt: str, caption: str, table: TextTable, wide: Figure | None = None
) -> Picture:
    """Return a figure as inline SVG with its caption and table; its id is "figure-" + `slug`.

    `alt` is the text for screen readers.
    """
    id_ = f"figure-{slug}"
    svg = to_inline_svg(figure, prefix=id_, label=alt)
    wide_svg = None if wide is None else to_inline_svg(wide, prefix=f"{id_}-wide", label=alt)
    return Picture(id_, svg, caption, table, wide_svg)
