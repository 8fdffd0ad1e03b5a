"""The preparation of a table's columns as readable Python code that needs only NumPy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from graduel.data.prepare.encoders import Boolean, Date, Number, OneHot
from graduel.data.prepare.scalers import Both, Quantile, Robust, Shift
from graduel.data.text.date_formats import DIGITS, EPOCHS
from graduel.export import python_text as text
from graduel.export.table.raw_columns import RawColumn, TableInput

MAX_INLINE = 60
"""Maximum length of a list that is written where it is used; longer ones are at the end."""


@dataclass(slots=True)
class PrepareCode:
    """The code of the function ``prepare``.

    Attributes
    ----------
    function : its lines
    constants : lines that assign the longer lists of categories and knots
    helpers : names of the helper functions that it calls
    """

    function: list[str] = field(default_factory=list)
    constants: list[str] = field(default_factory=list)
    helpers: set[str] = field(default_factory=lambda: {"cells"})


def write_prepare(table: TableInput) -> PrepareCode:
    """Return the code that converts raw rows to the network's inputs."""
    code = PrepareCode()
    lines = [
        "def prepare(rows):",
        f'    """Return raw rows as the {table.n_inputs} inputs of the network."""',
        "    blocks = [",
    ]
    for column in table.columns:
        about = "; ".join(column.encoder.names) or "nothing: constant"
        lines += [f"        # {line}" for line in text.escape_docstring(about, 88)]
        lines += _format_call(*_write_column(code, column))
    lines += ["    ]", "    return np.hstack(blocks).astype(np.float32)"]
    code.function = lines
    return code


def _format_call(function: str, arguments: Sequence[str]) -> list[str]:
    """Return the lines of a call: one, or one per argument if it is too long."""
    line = f"        {function}({', '.join(arguments)}),"
    if len(line) <= text.WIDTH:
        return [line]
    each = (f"            {argument}," for argument in arguments)
    return [f"        {function}(", *each, "        ),"]


def _write_column(code: PrepareCode, column: RawColumn) -> tuple[str, list[str]]:
    """Return the function that converts one column, and its arguments."""
    encoder, read = column.encoder, f"rows, {column.name!r}"
    if isinstance(encoder, Number):
        decimal = f", decimal={column.decimal!r}" if column.decimal != "." else ""
        code.helpers.add("numbers")
        function, arguments = _write_scaler(code, encoder.scaler)
        return function, [f"numbers({read}{decimal})", *arguments]
    if isinstance(encoder, Boolean):
        code.helpers.add("signs")
        return "signs", [f"flags({read})", f"indicator={encoder.missing}"]
    if isinstance(encoder, Date):
        code.helpers.add("dates")
        _, arguments = _write_scaler(code, encoder.days)
        times = f"times({read}{_write_formats(column.date_format)})"
        return "dates", [times, *arguments, f"parts={list(encoder.parts)!r}"]
    code.helpers.add("labels")
    options = ", lower=True" * column.is_folded + ", numeric=True" * column.is_numeric
    categories = _write_list(code, "CATEGORIES", [repr(c) for c in encoder.categories])
    arguments = [f"labels({read}{options})", categories, f"others={encoder.others}"]
    if isinstance(encoder, OneHot):
        code.helpers.add("one_hot")
        return "one_hot", [*arguments, f"missing={encoder.missing}"]
    code.helpers.add("embedding_codes")
    return "embedding_codes", arguments


def _write_scaler(
    code: PrepareCode, scaler: Robust | Quantile | Both | Shift
) -> tuple[str, list[str]]:
    """Return the function that scales numbers, and its arguments after the numbers."""
    assert not isinstance(scaler, Shift)
    if isinstance(scaler, Robust):
        code.helpers.add("robust")
        indicator = f"indicator={scaler.missing}"
        return "robust", [f"center={scaler.center!r}", f"width={scaler.width!r}", indicator]
    if isinstance(scaler, Quantile):
        code.helpers.add("normal_scores")
        knots = _write_list(code, "KNOTS", [repr(x) for x in scaler.knots])
        return "normal_scores", [knots, f"indicator={scaler.missing}"]
    code.helpers.add("both")
    _, (knots, _) = _write_scaler(code, scaler.quantile)
    return "both", [knots, *_write_scaler(code, scaler.robust)[1]]


def _write_list(code: PrepareCode, name: str, tokens: list[str]) -> str:
    """Return a list as a literal, or the name of a constant with it if it is long."""
    literal = f"[{', '.join(tokens)}]"
    if len(literal) <= MAX_INLINE:
        return literal
    numbered = f"{name}{1 + sum(line.startswith(name) for line in code.constants)}"
    code.constants += text.format_bracketed(f"{numbered} = [", tokens, "]")
    return numbered


def _write_formats(date_format: str | None) -> str:
    """Return the arguments of ``times`` for a format: those of Python, or units since 1970."""
    if date_format is None:
        return ""
    if date_format in EPOCHS:
        return f", units={EPOCHS[date_format]}"
    formats = list(dict.fromkeys(list_python_formats(date_format)))
    return f", formats={formats!r}" + ", digits=True" * (date_format == DIGITS)


def list_python_formats(date_format: str) -> list[str]:
    """Return the formats of ``datetime.strptime`` that together read dates of a schema's format.

    >>> list_python_formats("%d.%m.%Y %H:%M:%S%.f")
    ['%d.%m.%Y %H:%M:%S.%f', '%d.%m.%Y %H:%M:%S', '%d.%m.%Y']
    """
    one = date_format.replace("Q%q", "%m")
    if one.endswith("%V"):
        one += "-%u"
    day = re.split(r",? ?T?%[HI]", one)[0]
    return [one.replace("%.f", ".%f"), one.replace("%.f", ""), day]
