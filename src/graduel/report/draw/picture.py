"""A figure as a page shows it: the drawing, its caption and the table of its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graduel.report.draw.svg import to_inline_svg
from graduel.report.draw.text_table import TextTable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE = 8.8
"""Inches: the width of a figure that fills a wide screen."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure on a page."""

    id: str
    svg: str
    caption: str
    table: TextTable
    wide: str | None = None
    """The same figure for wide screens; None where one drawing serves both."""


def draw_picture(
    slug: str, figure: Figure, alt: str, caption: str, table: TextTable, wide: Figure | None = None
) -> Picture:
    """Draw a figure for a page, where its id is "figure-" and `slug`.

    `alt` is the text for screen readers.
    """
    id_ = f"figure-{slug}"
    svg = to_inline_svg(figure, prefix=id_, label=alt)
    wide_svg = None if wide is None else to_inline_svg(wide, prefix=f"{id_}-wide", label=alt)
    return Picture(id_, svg, caption, table, wide_svg)
