"""The preparation of a table's columns as nodes of an ONNX graph: an input for each raw column.

Computed in float64, as the encoders do, and rounded to float32 at the end. onnxruntime has no
inverse of the normal distribution: it is a quotient of polynomials.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from graduel.data.prepare import values
from graduel.data.prepare.encoders import Boolean, CategoryCode, Date, Number, OneHot
from graduel.data.prepare.scalers import Both, Quantile, Robust, Shift
from graduel.export.export_graph import Array
from graduel.export.onnx_graph import Graph
from graduel.export.table.raw_columns import RawColumn, TableInput

if TYPE_CHECKING:
    from onnx import ValueInfoProto

RESERVED = re.compile(
    r"|[A-Za-z]+_\d+|(number|integers?|double|table) .*|\d+\..*|"
    r"classes|label|probabilities|predictions",
    re.DOTALL,
)
"""Names that other values of the graph may have."""
SECONDS = 24 * 60 * 60
CENTRAL = 0.425
"""Where |p − ½| is at most this, Φ⁻¹ is the central quotient."""
CENTER = (
    (
        *(2509.0809287301226727, 33430.575583588128105, 67265.770927008700853),
        *(45921.953931549871457, 13731.693765509461125, 1971.5909503065514427),
        *(133.14166789178437745, 3.387132872796366608),
    ),
    (
        *(5226.495278852545925, 28729.085735721942674, 39307.89580009271061),
        *(21213.794301586595867, 5394.1960214247511077, 687.1870074920579083),
        *(42.313330701600911252, 1.0),
    ),
)
TAIL = (
    (
        *(7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177),
        *(1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055),
        *(4.6303378461565452959, 1.42343711074968357734),
    ),
    (
        *(1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966),
        *(0.14810397642748007459, 0.68976733498510000455, 1.6763848301838038494),
        *(2.05319162663775882187, 1.0),
    ),
)
"""Numerators and denominators from the highest power, from Wichura, *Algorithm AS 241*, 1988."""


class ColumnGraph:
    """Nodes in float64 for the columns of a table.

    Parameters
    ----------
    graph : the graph to which nodes are appended
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.inputs: list[ValueInfoProto] = []

    def double(self, value: float) -> str:
        """Add a float64 scalar and return its name."""
        return self.graph.array(f"double {value!r}", np.asarray(value, np.float64))

    def vector(self, value: Any) -> str:
        """Add a vector and return its name."""
        return self.graph.array(f"table {len(self.graph.arrays)}", np.asarray(value))

    def op(self, kind: str, *inputs: str | float, **attributes: Any) -> str:
        """Append a node; numbers among its inputs are float64."""
        names = [self.double(one) if isinstance(one, float) else one for one in inputs]
        return self.graph.node(kind, *names, **attributes)

    def cast(self, x: str) -> str:
        """Append a cast to float64."""
        from onnx import TensorProto

        return self.graph.node("Cast", x, to=TensorProto.DOUBLE)

    def polynomial(self, x: str, coefficients: tuple[float, ...]) -> str:
        """Append Σ cᵢ xⁱ; `coefficients` start with the highest power."""
        total: str | float = coefficients[0]
        for c in coefficients[1:]:
            total = self.op("Add", self.op("Mul", total, x), c)
        return str(total)

    def quotient(self, x: str, polynomials: tuple[tuple[float, ...], tuple[float, ...]]) -> str:
        """Append the quotient of two polynomials."""
        above, below = polynomials
        return self.op("Div", self.polynomial(x, above), self.polynomial(x, below))


def append_table(graph: Graph, table: TableInput) -> tuple[list[ValueInfoProto], str]:
    """Append the preparation of all columns.

    Returns
    -------
    The inputs of the graph, one per column of shape (n, 1), and the name of the matrix in the
    graph's dtype.
    """
    from onnx import TensorProto

    columns = ColumnGraph(graph)
    blocks = [
        block
        for column, name in zip(table.columns, input_names(table), strict=True)
        for block in _append_column(columns, column, name)
    ]
    matrix = graph.node("Concat", *blocks, axis=1)
    matrix = graph.node("Cast", matrix, to=TensorProto.FLOAT)  # as the preparation rounds
    return columns.inputs, columns.cast(matrix) if graph.double else matrix


def input_names(table: TableInput) -> list[str]:
    """Return a distinct name for the input of each column: the column's, if the graph may use it.

    >>> from graduel.data.prepare.encoders import Boolean
    >>> flags = [RawColumn(Boolean(name, False, False)) for name in ("a", "label", "input label")]
    >>> input_names(TableInput(tuple(flags)))
    ['a', 'input input label', 'input label']
    """
    taken = {name for name in table.names if not RESERVED.fullmatch(name)}
    names = []
    for name in table.names:
        new = name
        if RESERVED.fullmatch(name):
            new = f"input {name}"
            while new in taken:
                new = f"input {new}"
            taken.add(new)
        names.append(new)
    return names


def describe_input(column: RawColumn) -> str:
    """Return what the input of a column takes."""
    encoder = column.encoder
    if isinstance(encoder, Number):
        return "number; NaN is missing"
    if isinstance(encoder, Boolean):
        return "1 is true, 0 is false, NaN is missing"
    if isinstance(encoder, Date):
        return "date as seconds since 1970 UTC; NaN is missing"
    case = " in lower case" * column.is_folded
    case += ", numbers in their shortest form, such as 1.5 and 2" * column.is_numeric
    return f"category as text{case}; empty text is missing"


def _append_column(columns: ColumnGraph, column: RawColumn, name: str) -> list[str]:
    """Append one column's input and preparation; return the names of blocks of shape (n, k)."""
    from onnx import TensorProto, helper

    encoder = column.encoder
    kind = TensorProto.STRING if column.is_category else TensorProto.DOUBLE
    columns.inputs.append(
        helper.make_tensor_value_info(name, kind, ["n", 1], doc_string=describe_input(column))
    )
    if isinstance(encoder, Number):
        x = _drop_infinite(columns, name)
        return _append_scaler(columns, encoder.scaler, x)
    if isinstance(encoder, Boolean):
        missing = columns.op("IsNaN", name)
        sign = columns.op("Sub", columns.op("Mul", name, 2.0), 1.0)
        indicator = [columns.cast(missing)] * encoder.missing
        return [columns.op("Where", missing, 0.0, sign), *indicator]
    if isinstance(encoder, Date):
        return _append_date(columns, encoder, name)
    return _append_levels(columns, encoder, name)


def _drop_infinite(columns: ColumnGraph, x: str) -> str:
    """Append the replacement of infinite numbers by NaN."""
    is_finite = columns.op("Equal", columns.op("Sub", x, x), 0.0)
    return columns.op("Where", is_finite, x, float("nan"))


def _append_scaler(
    columns: ColumnGraph, scaler: Robust | Quantile | Both | Shift, x: str
) -> list[str]:
    assert not isinstance(scaler, Shift)
    if isinstance(scaler, Both):
        quantile, robust = scaler.quantile, scaler.robust
        return [_append_scores(columns, quantile, x), *_append_scaler(columns, robust, x)]
    indicator = [columns.cast(columns.op("IsNaN", x))] * scaler.missing
    if isinstance(scaler, Robust):
        return [_append_robust(columns, scaler, x), *indicator]
    return [_append_scores(columns, scaler, x), *indicator]


def _append_robust(columns: ColumnGraph, scaler: Robust, x: str) -> str:
    """Append z / √(1 + (z / 3)²), z = (x − center) / width, and 0 for missing."""
    if not scaler.width / 2:
        return columns.op("Mul", columns.cast(columns.op("IsNaN", x)), 0.0)
    half = columns.op("Sub", columns.op("Div", x, 2.0), scaler.center / 2)
    z = columns.op("Div", half, scaler.width / 2)
    z = columns.op("Clip", columns.op("Where", columns.op("IsNaN", x), 0.0, z), -1e9, 1e9)
    third = columns.op("Div", z, 3.0)
    root = columns.op("Sqrt", columns.op("Add", columns.op("Mul", third, third), 1.0))
    return columns.op("Div", z, root)


def _append_scores(columns: ColumnGraph, scaler: Quantile, x: str) -> str:
    """Append the normal scores: F between the knots, then Φ⁻¹, and 0 for missing."""
    missing = columns.op("IsNaN", x)
    if not scaler.knots or scaler.knots[0] == scaler.knots[-1]:
        return columns.op("Mul", columns.cast(missing), 0.0)
    at = np.array(scaler.knots) / 2
    shares = np.linspace(0, 1, len(at))
    x = columns.op("Where", missing, float(at[0]), columns.op("Div", x, 2.0))
    x = columns.op("Clip", x, float(at[0]), float(at[-1]))
    below = _interpolate(columns, x, at, shares)
    above = _interpolate(columns, columns.op("Neg", x), -at[::-1], shares)
    p = columns.op("Div", columns.op("Add", below, columns.op("Sub", 1.0, above)), 2.0)
    scores = columns.op("Clip", _append_inverse_normal(columns, p), -3.0, 3.0)
    return columns.op("Where", missing, 0.0, scores)


def _interpolate(columns: ColumnGraph, x: str, at: Array, shares: Array) -> str:
    """Append linear interpolation as ``np.interp`` does it: the last of equal knots counts."""
    from onnx import TensorProto

    steps = np.diff(at)
    slopes = np.append(np.diff(shares) / np.where(steps > 0, steps, 1), 0)
    knots = columns.vector(at)
    is_below = columns.op("Cast", columns.op("LessOrEqual", knots, x), to=TensorProto.INT64)
    axes = columns.graph.integers(1)
    count = columns.op("ReduceSum", is_below, axes, keepdims=1)
    i = columns.op("Sub", count, columns.graph.integer(1))
    start, share, slope = (
        columns.op("Gather", one, i)
        for one in (knots, columns.vector(shares), columns.vector(slopes))
    )
    return columns.op("Add", columns.op("Mul", columns.op("Sub", x, start), slope), share)


def _append_inverse_normal(columns: ColumnGraph, p: str) -> str:
    """Append Φ⁻¹(p), exact where |Φ⁻¹(p)| < 3."""
    p = columns.op("Clip", p, 0.001, 0.999)
    q = columns.op("Sub", p, 0.5)
    r = columns.op("Sub", CENTRAL**2, columns.op("Mul", q, q))
    near = columns.op("Mul", q, columns.quotient(r, CENTER))
    least = columns.op("Min", p, columns.op("Sub", 1.0, p))
    r = columns.op("Sqrt", columns.op("Neg", columns.op("Log", least)))
    tail = columns.quotient(columns.op("Sub", r, 1.6), TAIL)
    far = columns.op("Mul", tail, columns.op("Sign", q))
    is_far = columns.op("Greater", columns.op("Abs", q), CENTRAL)
    return columns.op("Where", is_far, far, near)


def _append_levels(columns: ColumnGraph, encoder: OneHot | CategoryCode, x: str) -> list[str]:
    """Append the level of each category, then one-hot columns or the code."""
    known, has_missing = len(encoder.categories), isinstance(encoder, OneHot) and encoder.missing
    n = known + encoder.others + has_missing
    keys, levels = list(encoder.categories), list(range(known))
    if "" not in keys:
        keys.append("")
        levels.append(n - 1 if has_missing else -1)
    level = columns.op(
        "LabelEncoder",
        x,
        domain="ai.onnx.ml",
        keys_strings=keys,
        values_int64s=levels,
        default_int64=known if encoder.others else -1,
    )
    if isinstance(encoder, CategoryCode):
        return [columns.op("Add", columns.cast(level), 1.0)]
    if n == 2:
        sign = columns.op("Sub", columns.op("Mul", columns.cast(level), 2.0), 1.0)
        is_unseen = columns.op("Less", level, columns.graph.integer(0))
        return [columns.op("Where", is_unseen, 0.0, sign)]
    numbers = columns.graph.integers(*range(n))
    return [columns.cast(columns.op("Equal", level, numbers))] if n else []


def _append_date(columns: ColumnGraph, encoder: Date, seconds: str) -> list[str]:
    """Append the scaled days, and sine and cosine of the date parts."""
    from onnx import TensorProto

    seconds = _drop_infinite(columns, seconds)
    missing = columns.op("IsNaN", seconds)
    blocks = _append_scaler(columns, encoder.days, columns.op("Div", seconds, float(SECONDS)))
    if not encoder.parts:
        return blocks
    known = columns.op("Where", missing, 0.0, seconds)
    day = columns.op("Floor", columns.op("Div", known, float(SECONDS)))
    clock = columns.op("Sub", known, columns.op("Mul", day, float(SECONDS)))
    codes = _append_month_and_day(columns, day) | {
        "weekday": _modulo(columns, columns.op("Add", day, 3.0), 7.0),
        "hour": columns.op("Floor", columns.op("Div", clock, 60.0)),
    }
    for part in encoder.parts:
        period = values.PERIODS[part]
        code = columns.op("Cast", codes[part], to=TensorProto.INT64)
        angle = 2 * np.pi * np.arange(period) / period
        for table in (np.sin(angle), np.cos(angle)):
            y = columns.op("Gather", columns.vector(table), code)
            blocks.append(columns.op("Where", missing, 0.0, y))
    return blocks


def _modulo(columns: ColumnGraph, x: str, period: float) -> str:
    """Append x − period ⌊x / period⌋."""
    return columns.op("Sub", x, columns.op("Mul", _floor_divide(columns, x, period), period))


def _floor_divide(columns: ColumnGraph, x: str, divisor: float) -> str:
    return columns.op("Floor", columns.op("Div", x, divisor))


def _append_month_and_day(columns: ColumnGraph, day: str) -> dict[str, str]:
    """Append month and day of the month, from 0, of days since 1970.

    Years begin in March and periods of 400 years have 146,097 days. Source: Hinnant,
    *chrono-Compatible Low-Level Date Algorithms*, 2014 (``civil_from_days``).
    """

    def divide(x: str, divisor: float) -> str:
        return _floor_divide(columns, x, divisor)

    def add(*terms: str) -> str:
        total = terms[0]
        for term in terms[1:]:
            total = columns.op("Add", total, term)
        return total

    def minus(x: str) -> str:
        return columns.op("Neg", x)

    of_period = _modulo(columns, columns.op("Add", day, 719_468.0), 146_097.0)
    leap = divide(of_period, 1_460.0), divide(of_period, 36_524.0), divide(of_period, 146_096.0)
    year = divide(add(of_period, minus(leap[0]), leap[1], minus(leap[2])), 365.0)
    before = add(columns.op("Mul", year, 365.0), divide(year, 4.0), minus(divide(year, 100.0)))
    of_year = add(of_period, minus(before))
    month = divide(columns.op("Add", columns.op("Mul", of_year, 5.0), 2.0), 153.0)
    start = divide(columns.op("Add", columns.op("Mul", month, 153.0), 2.0), 5.0)
    return {
        "month": _modulo(columns, columns.op("Add", month, 2.0), 12.0),
        "day": add(of_year, minus(start)),
    }
