"""Figures that show themselves in a notebook, in the colors of its light or dark mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

from matplotlib.figure import Figure

from graduel.report.draw.style import COLORS, style_axes
from graduel.report.draw.svg import to_inline_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CLASS = "graduel-figure"
PREFIX = "graduel-figure-id"
DARK_PAGES = (
    'body[data-jp-theme-light="false"]',  # JupyterLab, and pages of nbconvert
    "body.vscode-dark",
    'html[theme="dark"]',  # Colab
)
LIGHT_PAGES = ('[data-jp-theme-light="true"]', ".vscode-light")


class NotebookFigure(Figure):
    """A matplotlib figure whose HTML is an SVG drawing; it needs no magic command."""

    def _repr_html_(self) -> str:
        return render_figure(self, "Figure of graduel")


def create_figure(width: float, height: float, *, layout: Any = "constrained") -> Figure:
    """Return a figure of that size in inches, which a notebook shows in its light or dark mode."""
    return NotebookFigure(figsize=(width, height), layout=layout)


def create_axes(
    width: float, height: float, *, grid: str | None = None, ax: Axes | None = None
) -> tuple[Figure, Axes]:
    """Return a figure of that size in inches with styled axes; or those of the user, styled."""
    if ax is None:
        ax = create_figure(width, height).subplots()
    style_axes(ax, grid=grid)
    figure: Any = ax.figure  # a figure within a figure has the same methods
    return figure, ax


def render_figure(figure: Figure, label: str) -> str:
    """Return a figure as HTML with its colors; `label` is the text for screen readers."""
    width, _ = figure.get_size_inches()
    svg = to_inline_svg(figure, prefix=PREFIX, label=label)
    # Ids are unique on a page that shows several figures.
    svg = svg.replace(PREFIX, f"graduel-{crc32(svg.encode()):08x}")
    return (
        f'<div class="{CLASS}" style="max-width:{1.3 * width:.1f}in"><style>{_colors()}</style>'
        f"{svg}</div>"
    )


def _colors() -> str:
    """Return the colors as CSS variables, for a light page and for a dark one."""
    light = ";".join(f"--{color.variable}:{color.light}" for color in COLORS)
    dark = ";".join(f"--{color.variable}:{color.dark}" for color in COLORS)
    neither = "".join(f":not({page})" for page in LIGHT_PAGES)
    dark_pages = ",".join(f"{page} .{CLASS}" for page in DARK_PAGES)
    return (
        f".{CLASS}{{{light}}}.{CLASS} svg{{width:100%;height:auto;"
        "font-family:system-ui,sans-serif}"
        f"@media(prefers-color-scheme:dark){{body{neither} .{CLASS}{{{dark}}}}}"
        f"{dark_pages}{{{dark}}}"
    )
