"""Write the reference part of docs/result.md from the dataclasses.

Run ``python docs/result_reference.py`` after a change of a result; a test compares the page with
the output of this script.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from graduel.duel.result.duel_result import Result
from graduel.duel.result.suite_result import SuiteResult

PAGE = Path(__file__).with_name("result.md")
START = "<!-- The rest is written by result_reference.py -->\n"
SECTION = re.compile(r"^(\w+)\n-+\n", re.MULTILINE)
"""The heading of a section of a numpydoc docstring."""
ATTRIBUTE = re.compile(r"^(\w+) : (.*(?:\n +.*)*)", re.MULTILINE)
PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", Any: "any"}


def main() -> None:
    """Rewrite the page."""
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def render(page: str) -> str:
    """Return the page with the reference part of the current dataclasses."""
    head, marker, _ = page.partition(START)
    if not marker:
        raise ValueError(f"expected the line {START.strip()} in {PAGE}")
    first = list(classes_of(Result))
    others = [one for one in classes_of(SuiteResult) if one not in first]
    parts = ["## `result.json`", *map(section, first)]
    parts += ["## `suite-result.json`", *map(section, others)]
    return head + START + "\n" + "\n\n".join(parts) + "\n"


def classes_of(kind: Any) -> Iterator[type]:
    """Yield the dataclasses in a type, each once, from the outside in, bases included."""
    classes: dict[type, None] = {}

    def visit(kind: Any) -> None:
        if dataclasses.is_dataclass(kind) and isinstance(kind, type) and kind not in classes:
            classes[kind] = None
            for part in (*get_type_hints(kind).values(), *kind.__bases__):
                visit(part)
        for part in get_args(kind):
            visit(part)

    visit(kind)
    yield from classes


def section(kind: type) -> str:
    """Return the heading, the description and the table of one dataclass.

    Inherited fields are those of the base's own section.
    """
    hints, texts = get_type_hints(kind), descriptions(kind)
    bases = [base for base in kind.__bases__ if dataclasses.is_dataclass(base)]
    inherited = {field.name for base in bases for field in dataclasses.fields(base)}
    rows = [
        " | ".join(filter(None, (f"`{name}`", json_type(hints[name]), texts.get(name))))
        for name in (field.name for field in dataclasses.fields(kind))
        if name not in inherited
    ]
    about = text(SECTION.split(inspect.getdoc(kind) or "")[0])
    for base in bases:
        about += f" Also has the keys of {json_type(base)}."
    return f"### {kind.__name__}\n\n{about}\n\nKey | Type | Content\n---|---|---\n" + "\n".join(
        rows
    )


def descriptions(kind: type) -> dict[str, str]:
    """Return the descriptions of a dataclass's own fields.

    They are below each field, or in the numpydoc section "Attributes" of the class.
    """
    fields: dict[str, str] = {}
    _, *sections = SECTION.split(inspect.getdoc(kind) or "")
    for title, lines in zip(sections[::2], sections[1::2], strict=True):
        if title == "Attributes":
            fields |= {name: text(lines) for name, lines in ATTRIBUTE.findall(lines)}
    (body,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(body, ast.ClassDef)
    for field, after in zip(body.body, body.body[1:], strict=False):
        match field, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value)):
                fields[name] = text(str(value))
    return fields


def text(docstring: str) -> str:
    """Return a docstring on one line, with null for None."""
    return re.sub(r"\bNone\b", "null", " ".join(docstring.split())).replace("``", "`")


def json_type(kind: Any) -> str:  # noqa: PLR0911
    """Return the JSON type of a Python type, in the notation that the page explains.

    >>> json_type(tuple[float | None, ...] | None)
    'number?[]?'
    """
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        words = [json_type(part) for part in parts if part is not type(None)]
        if "number" in words and "integer" in words:
            words.remove("integer")
        return " or ".join(words) + ("?" if type(None) in parts else "")
    if origin is Literal:
        return " or ".join(f'"{one}"' if isinstance(one, str) else str(one) for one in parts)
    if origin is tuple and parts[-1] is Ellipsis:
        item = json_type(parts[0])
        return f"({item})[]" if " or " in item else f"{item}[]"
    if origin is tuple:
        return f"[{', '.join(map(json_type, parts))}]"
    if origin in (dict, Mapping):
        return f"{json_type(parts[1])}{{}}"
    if dataclasses.is_dataclass(kind):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    return PLAIN[kind]


if __name__ == "__main__":
    sys.exit(main())
