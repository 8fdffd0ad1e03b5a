"""JavaScript modules of the page as one script, since a file from disk cannot import modules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent / "js"
ENGINE = ("matrix", "random", "engine", "trees", "boosting", "digit", "unpack")
"""The modules that compute, each after those that it imports."""
IMPORT = re.compile(r"^import (\{[^}]*\}) from \"\./(\w+)\.js\";$", re.MULTILINE)
EXPORT = re.compile(r"^export ((?:const|function|class) (\w+))", re.MULTILINE)


def bundle_modules(names: Sequence[str]) -> str:
    """Return modules as one script in strict mode, with their exports in ``globalThis.graduel``.

    Parameters
    ----------
    names : the modules, each after those that it imports

    Raises
    ------
    ValueError
        If a module is imported that is not before it, or is not written in the form of the others.
    """
    parts = ['"use strict";', "globalThis.graduel = {};", "{", "const modules = {};"]
    for at, name in enumerate(names):
        source = (FOLDER / f"{name}.js").read_text(encoding="utf-8")
        imported = [match[2] for match in IMPORT.finditer(source)]
        if not set(imported) <= set(names[:at]):
            raise ValueError(f"{name}.js imports {imported}: expected these before it in {names}")
        body = IMPORT.sub(r"const \1 = modules.\2;", source)
        exported = ", ".join(match[2] for match in EXPORT.finditer(body))
        body = EXPORT.sub(r"\1", body)
        if re.search(r"^(import|export)\b", body, re.MULTILINE):
            raise ValueError(f"{name}.js: expected imports and exports of single names")
        parts.append(f"modules.{name} = (() => {{\n{body}\nreturn {{ {exported} }};\n}})();")
        parts.append(f"Object.assign(globalThis.graduel, modules.{name});")
    return "\n".join([*parts, "}", ""])
