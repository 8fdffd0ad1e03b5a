"""Figures as inline SVG, themed by CSS variables, without external resources."""

from __future__ import annotations

import re
import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from graduel.report.draw.style import COLORS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "graduel",
    "svg.image_inline": True,
    "savefig.bbox": None,
}
_VARIABLES = {color.light: f"var(--{color.variable})" for color in COLORS}
_HEX = re.compile("|".join(_VARIABLES))
_DECIMALS = re.compile(r"(\.\d\d)\d+")
_REFERENCE = re.compile(r"#([^)\s\"']+)")
_FONT = re.compile(r"font: (?:(?P<weight>\w+) )?(?P<size>[\d.]+px).*")


def to_inline_svg(figure: Figure, *, prefix: str, label: str) -> str:
    """Return `figure` as an ``<svg>`` element for HTML.

    Text stays text, in the page's font. Colors of :data:`~graduel.report.draw.style.COLORS` become
    CSS variables, so that the figure follows light and dark mode. Ids start with `prefix`, so that
    they are unique on a page. The same figure always gives the same text. `label` is the text for
    screen readers.
    """
    root = ElementTree.fromstring(_render(figure))
    for parent in root.iter():
        for child in list(parent):
            # The style element would apply to the whole page.
            if _strip_namespace(child.tag) in ("metadata", "style"):
                parent.remove(child)
    targets = {
        target
        for element in root.iter()
        for key, value in element.attrib.items()
        if _strip_namespace(key) == "href" or "url(" in value
        for target in _REFERENCE.findall(value)
    }
    for element in root.iter():
        _clean(element, targets, prefix)
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.attrib.update({"role": "img", "aria-label": label})
    return ElementTree.tostring(root, encoding="unicode")


def _render(figure: Figure) -> bytes:
    import matplotlib as mpl

    buffer = BytesIO()
    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        # The browser has fonts for letters that matplotlib's font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    return buffer.getvalue()


def _clean(element: ElementTree.Element, targets: set[str], prefix: str) -> None:
    """Strip namespaces, prefix ids, shorten numbers and replace colors of one element."""
    element.tag = _strip_namespace(element.tag)
    attributes = {_strip_namespace(key): value for key, value in element.attrib.items()}
    element.attrib.clear()
    for key, value in attributes.items():
        if key == "id":
            if value in targets:
                element.set("id", f"{prefix}-{value}")
        elif key == "href" and value.startswith("data:"):
            element.set("href", "".join(value.split()))
        elif key == "href":
            element.set("href", f"#{prefix}-{value[1:]}")
        elif key == "style":
            element.set("style", _apply_theme(value).replace("url(#", f"url(#{prefix}-"))
        elif key == "d":
            element.set("d", _DECIMALS.sub(r"\1", " ".join(value.split())))
        elif key == "transform" and value.startswith("rotate(-0 "):
            pass
        else:
            element.set(key, value.replace("url(#", f"url(#{prefix}-"))
    element.text = (element.text or "").strip() or None
    element.tail = None


def _apply_theme(style: str) -> str:
    """Replace colors by CSS variables and remove the font family."""
    parts = [part.strip() for part in style.split(";") if part.strip()]
    parts = [part for part in parts if not part.startswith(("font-family:", "image-rendering:"))]
    for number, part in enumerate(parts):
        if font := _FONT.fullmatch(part):  # shorthand of older matplotlib versions
            weight = f"; font-weight: {font['weight']}" if font["weight"] else ""
            parts[number] = f"font-size: {font['size']}{weight}"
    return _HEX.sub(lambda match: _VARIABLES[match[0]], "; ".join(parts))


def _strip_namespace(name: str) -> str:
    return name.rpartition("}")[2]
