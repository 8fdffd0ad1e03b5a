"""The header of ARFF files (Weka): names and types of the columns, and the dialect of the rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from graduel.data.read.column_names import quote_name
from graduel.data.read.delimited.dialect import LINES, Dialect
from graduel.data.read.delimited.encoding import detect_encoding, open_text
from graduel.data.read.delimited.syntax import CellSyntax
from graduel.errors import UserError

ATTRIBUTE = re.compile(
    r"@attribute\s+(?P<name>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^\s{]+)\s*(?P<type>\S.*)", re.I
)
SINGLE_QUOTED, DOUBLE_QUOTED = re.compile(r"(^|,)\s*'"), re.compile(r'(^|,)\s*"')

AttributeType = Literal["numeric", "nominal", "string"]
TYPES: dict[str, AttributeType] = {
    "numeric": "numeric",
    "real": "numeric",
    "integer": "numeric",
    "string": "string",
    "date": "string",
}


@dataclass(frozen=True, slots=True)
class ArffHeader:
    """The header of an ARFF file: how its rows are read, and the type of each column."""

    dialect: Dialect
    types: tuple[AttributeType, ...]


def read_arff_header(path: Path, encoding: str | None = None) -> ArffHeader:
    """Read the header of an ARFF file, up to the line ``@data``.

    Raises
    ------
    UserError
        If the header is not complete, a column's type is not supported, or the rows are sparse.
    """
    encoding = detect_encoding(path, encoding)
    names, types = list[str](), list[AttributeType]()
    with open_text(path, encoding) as file:
        for number, line in enumerate(file, 1):
            text = line.strip()
            word = text.split(maxsplit=1)[0].lower() if text else ""
            if word == "@attribute":
                name, kind = _parse_attribute(text, path, number)
                names.append(name)
                types.append(kind)
            elif word == "@data":
                rows = [one for one in islice(file, LINES) if one.strip() and one[0] != "%"]
                break
            elif word and word != "@relation" and not word.startswith("%"):
                raise UserError(
                    f"{path}: line {number:,}: expected @attribute, @data or a comment (%); got "
                    f"{quote_name(text)}. Correct the line"
                )
        else:
            raise UserError(f"{path}: expected rows after a line '@data'; the file ends before")
    if not names:
        raise UserError(
            f"{path}: expected lines '@attribute NAME TYPE' above @data; there are none"
        )
    if rows and rows[0].lstrip().startswith("{"):
        raise UserError(
            f"{path}: expected rows of cells; got sparse rows {{index value, …}}. Save it dense"
        )
    single = sum(len(SINGLE_QUOTED.findall(row)) for row in rows)
    double = sum(len(DOUBLE_QUOTED.findall(row)) for row in rows)
    syntax = CellSyntax(",", '"' if double > single else "'", "\\", comment="%", is_given=True)
    return ArffHeader(Dialect(syntax, ".", encoding, False, tuple(names), number), tuple(types))


def _parse_attribute(text: str, path: Path, number: int) -> tuple[str, AttributeType]:
    """Return the name and the type that a line ``@attribute NAME TYPE`` declares."""
    match = ATTRIBUTE.fullmatch(text)
    kind: AttributeType | None = None
    if match:
        declared = match["type"]
        kind = "nominal" if declared.startswith("{") else TYPES.get(declared.split()[0].lower())
    if match is None or kind is None:
        raise UserError(
            f"{path}: line {number:,}: expected '@attribute NAME TYPE' with numeric, string, date "
            f"or {{values}} as the type; got {quote_name(text)}. Correct the line"
        )
    name = match["name"]
    if name[0] in "'\"":
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return name, kind
