"""The page without a server as one HTML file: its template, style sheet and script."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from graduel.atomic_io import atomic_write
from graduel.errors import UserError
from graduel.glassbox.example_page import COLORS
from graduel.glassbox.standalone.digit_models import DigitModels
from graduel.glassbox.standalone.page_data import models_as_dict
from graduel.glassbox.standalone.script_bundle import ENGINE, bundle_modules

VIEWS = (
    *("dom", "store", "symbols", "operations", "draw_view", "steps_view", "trees_view"),
    *("playground", "playground_view", "main"),
)
"""The modules that show, each after those that it imports."""


def render_standalone(models: DigitModels) -> str:
    """Return the page as HTML; equal models give equal text.

    It opens from disk, and a content security policy allows no script or style but its own, and no
    request to any server.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("graduel.glassbox", "standalone"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style = environment.get_template("page.css.j2").render(colors=COLORS)
    script = bundle_modules((*ENGINE, *VIEWS))
    # In JSON, < occurs in text only; escaped, no text can end the element.
    content = json.dumps(models_as_dict(models), allow_nan=False).replace("<", "\\u003c")
    return environment.get_template("page.html.j2").render(
        style=Markup(style),
        style_hash=_hash_source(style),
        script=Markup(script),
        script_hash=_hash_source(script),
        models=Markup(content),
        net_rows=f"{models.recipe.net_rows:,}",
        tree_rows=f"{models.recipe.tree_rows:,}",
        version=version("graduel"),
    )


def write_standalone(models: DigitModels, path: str | os.PathLike[str]) -> Path:
    """Write the page atomically to a new file and return its path.

    Raises
    ------
    UserError
        If the file exists.
    OSError
        If it cannot be written.
    """
    target = require_new(path)
    atomic_write(target, render_standalone(models))
    return target


def require_new(path: str | os.PathLike[str]) -> Path:
    """Return a path; raise `UserError` if there is a file."""
    target = Path(path)
    if target.exists():
        raise UserError(f"the page must be a new file; {target} already exists. Give another name")
    return target


def _hash_source(text: str) -> str:
    """Return the source expression by which a content security policy allows an inline text."""
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()
