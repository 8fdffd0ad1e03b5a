"""Short texts and HTML of objects, for a prompt and for a notebook.

HTML takes the color of the page around it, light or dark, and has no script. All text in it is
escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

MOST_LINES = 9
"""Lines of a ``repr``."""
WIDTH = 240
"""Characters of a line."""
MOST_ROWS = 24
"""Rows of a table."""
LEFT, RIGHT = "text-align:left", "text-align:right"


def cut(text: str, width: int = WIDTH) -> str:
    r"""Return the text as one line of at most `width` characters.

    >>> cut("one\ntwo three", 9)
    'one two …'
    """
    line = " ".join(str(text).split())
    return line if len(line) <= width else line[: width - 1] + "…"


def join_lines(lines: Iterable[str], more: str = "more") -> str:
    r"""Return at most nine lines; of more, the last one has the number of those left out.

    >>> join_lines(["a", "b"])
    'a\nb'
    >>> join_lines(map(str, range(12)), "rows").splitlines()[-1]
    '… and 4 rows'
    """
    every = [cut(line) for line in lines]
    if len(every) > MOST_LINES:
        every = [*every[: MOST_LINES - 1], f"… and {len(every) - MOST_LINES + 1} {more}"]
    return "\n".join(every)


def render_view(title: str, *parts: str) -> str:
    """Return HTML with a title, which is escaped, and parts, which are HTML."""
    heading = f'<div style="font-weight:600">{escape(cut(title))}</div>' if title else ""
    return (
        '<div class="graduel" style="font:14px/1.5 system-ui,sans-serif;max-width:56rem">'
        f"{heading}{''.join(parts)}</div>"
    )


def render_text(text: str) -> str:
    """Return a paragraph; the text is escaped."""
    return f'<p style="margin:.5em 0">{escape(cut(text, 600))}</p>'


def render_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], best: Iterable[tuple[int, int]] = ()
) -> str:
    """Return a table of texts, which are escaped; the first cell of a row is its heading.

    Parameters
    ----------
    head : the texts of the first row
    rows : the texts of the others, of which at most 24 are shown
    best : cells (row, column) in bold
    """
    line = "padding:.2em .5em;border-bottom:1px solid rgba(128,128,128,.35);background:none"
    bold = set(best)

    def cell(kind: str, text: str, style: str) -> str:
        return f'<{kind} style="{line};{style}">{escape(cut(text, 60))}</{kind}>'

    top = "".join(cell("th", text, RIGHT if i else LEFT) for i, text in enumerate(head))
    body = []
    for i, row in enumerate(rows[:MOST_ROWS]):
        cells = [cell("th", row[0], f"{LEFT};font-weight:400")]
        for j, text in enumerate(row[1:], 1):
            cells.append(cell("td", text, f"{RIGHT};font-weight:700" if (i, j) in bold else RIGHT))
        body.append(f"<tr>{''.join(cells)}</tr>")
    rest = len(rows) - MOST_ROWS
    more = render_text(f"… and {rest} more") if rest > 0 else ""
    return (
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;margin:.5em 0;'
        f'color:inherit;font-variant-numeric:tabular-nums"><thead><tr>{top}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>{more}"
    )
