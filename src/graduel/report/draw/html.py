"""Pages from templates."""

from __future__ import annotations

from typing import Any

from graduel.number_format import format_rows
from graduel.report.draw.style import COLOURS


def render_template(template: str, **content: Any) -> str:
    """Return a page: the same content gives the same text, and loads nothing from a network."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("graduel.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # Only drawings and the style are trusted as they are: every text in them is escaped already.
    environment.filters["drawing"] = Markup
    environment.filters["rows"] = format_rows
    style = environment.get_template("report.css.j2").render(colours=COLOURS)
    return environment.get_template(template).render(style=Markup(style), **content)
