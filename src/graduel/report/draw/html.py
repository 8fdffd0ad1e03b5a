"""Rendering of HTML templates."""

from __future__ import annotations

import re
from typing import Any

from graduel.number_format import format_rows
from graduel.report.draw.style import COLORS

_UNIT_GAP = re.compile(
    r"(?<=\d) (?=(?:%|µs|ms|s|min|h|B|kB|MB|GB|points?|rows?)(?!\w))|(?<=\d %) (?=CI)"
    r"|(?<=\bp) (?=[=<] )|(?<=\bp [=<]) (?=\d)"
)
"""The spaces between a number and its unit, in "95 % CI" and in "p = 0.03"."""


def keep_units(text: str) -> str:
    r"""Return the text with a no-break space between each number and its unit.

    >>> keep_units("6.1 % in 52.3 s (p = 0.03)")
    '6.1\xa0% in 52.3\xa0s (p\xa0=\xa00.03)'
    """
    return _UNIT_GAP.sub("\N{NO-BREAK SPACE}", text)


def render_template(template: str, **content: Any) -> str:
    """Render a template of ``report/templates`` with its style sheet and the content."""
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
    # Only drawings and the style sheet are inserted without escaping: their texts are escaped.
    environment.filters["drawing"] = Markup
    environment.filters["rows"] = format_rows
    environment.filters["keep_units"] = keep_units
    style = environment.get_template("report.css.j2").render(colors=COLORS)
    return environment.get_template(template).render(style=Markup(style), **content)
