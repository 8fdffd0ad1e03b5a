"""Export of a network as one readable Python file that requires only NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.prepare.target_scale import MOST_LOG, TargetScale
from graduel.errors import UserError
from graduel.export import python_text as text
from graduel.export.code_builder import CodeBuilder
from graduel.export.export_graph import ExportGraph, to_list
from graduel.export.python_docstring import describe_scale, write_docstring
from graduel.export.python_helpers import select_helpers
from graduel.export.python_layers import LAYERS, format_shape, write_layers
from graduel.export.table import python_cells
from graduel.export.table.python_prepare import PrepareCode, write_prepare
from graduel.export.table.raw_columns import TableInput
from graduel.nn import Network, Weights

PRINTED = '*np.ravel(row), sep=","'
"""The arguments of print for a row of several outputs."""


def to_python(
    network: Network,
    weights: Weights,
    *,
    scale: float = 1.0,
    classes: Sequence[Any] | NDArray[Any] | None = None,
    title: str = "A neural network",
    columns: Sequence[str] | None = None,
    table: TableInput | None = None,
    normalizes: bool = False,
    target: TargetScale | None = None,
) -> str:
    """Return a network and its weights as the source of one readable Python module.

    The module requires only NumPy (1.26 or later). With a classification loss it has
    ``predict_proba(X)`` and ``predict(X)``, otherwise only ``predict(X)``: each layer is a line of
    NumPy with its equation as a comment, and the weights are at the end of the file. Run as a
    script, it reads a CSV file and prints a prediction for each line. Write it with
    ``encoding="utf-8"``, since labels can contain any character.

    ``predict_proba(X)`` returns the same as ``network.predict(X * scale, weights)``; for
    BinaryCrossEntropy with one output and two classes it returns (1 − p, p).

    Parameters
    ----------
    network, weights : the network to export; batch normalization uses its running means
    scale : factor for X, such as 1/255 for pixels
    classes : labels, integers or text, one for each output, or two for one output with
        BinaryCrossEntropy. For several binary outputs, and without classes, ``predict`` returns
        numbers
    title : first line of the docstring
    columns : names of the features, in order
    table : the columns of a table, with their preparation; the functions then take raw rows: a dict
        of columns, a DataFrame, or a list of dicts
    normalizes : whether each row of outputs is scaled to the sum 1, as probabilities of classes, if
        the loss has no softmax
    target : the scale of a numeric target, by which outputs become its numbers

    Raises
    ------
    UserError
        If a layer or the loss is a custom class, or if weights, scale, classes or columns are
        invalid.

    Examples
    --------
    >>> from graduel.nn import Dense, ReLU
    >>> net = Network((Dense(16), ReLU(), Dense(3)), (4,))
    >>> source = to_python(net, net.init(np.random.default_rng(0)), classes=["a", "b", "c"])
    >>> module = {}
    >>> exec(source, module)
    >>> module["predict_proba"](np.zeros((2, 4))).sum(axis=1)
    array([1., 1.], dtype=float32)
    """
    options: dict[str, Any] = {"normalizes": normalizes, "target": target}
    exported = ExportGraph.of(network, weights, scale, classes, LAYERS, **options)
    names = _check_columns(exported, columns, table)
    builder = CodeBuilder()
    dtype, shape = network.dtype, network.input_shape
    if table is None:
        inner = ", ".join(map(str, ("len(X)", *shape)))
        builder.line(f"X = np.asarray(X, dtype=np.{dtype}).reshape({inner})")
    else:
        builder.line(f"X = prepare(rows).astype(np.{dtype})", "encoded and scaled, as in training")
    prepare = PrepareCode() if table is None else write_prepare(table)
    if exported.scale != 1:
        builder.change("{x} " + describe_scale(exported.scale), "scaled as in training")
    write_layers(builder, exported.nodes)
    _apply_link(builder, exported)
    builder.line(f"return {builder.variable}")
    tail = [
        line for name, value in builder.arrays.items() for line in text.format_array(name, value)
    ]
    if any(" = decode(" in line for line in tail):
        builder.helpers.add("decode")
    helpers = select_helpers(builder.helpers)
    words: list[str] = []
    if table is not None:
        of_table = select_helpers(prepare.helpers, python_cells.HELPERS)
        words = python_cells.write_words(of_table, table.missing)
        helpers = [*of_table, *helpers]
    imports = {"sys", *(name for helper in helpers for name in helper.imports)}
    imports |= {"csv"} if table is not None else set()
    parts = [
        write_docstring(exported, title, named=names is not None, table=table),
        [*(f"import {name}" for name in sorted(imports)), "", "import numpy as np"],
        [
            line
            for name, values in (("COLUMNS", names), ("CLASSES", exported.classes))
            if values is not None
            for line in text.format_bracketed(f"{name} = [", list(map(repr, values)), "]")
        ],
        words,
        _write_functions(exported, builder, "X" if table is None else "rows"),
        prepare.function,
        *(_fill_source(helper.source, dtype) for helper in helpers),
        _write_main(exported, has_columns=table is not None),
        prepare.constants,
        tail,
        ['if __name__ == "__main__":', "    main()"],
    ]
    return _join_parts([part for part in parts if part])


def _check_columns(
    exported: ExportGraph, columns: Sequence[str] | None, table: TableInput | None
) -> list[str] | None:
    """Return the names of features as text; raise `UserError` if they or the table do not fit."""
    if table is not None:
        table.require_fit(exported.network.input_shape)
        if columns is not None:
            raise UserError("expected either columns or a table, which names them; got both")
    if columns is None:
        return None
    shape = exported.network.input_shape
    names = to_list("columns", columns)
    if len(shape) != 1 or len(names) != shape[0]:
        raise UserError(
            "columns require a network with inputs of shape (n_features,), and one name for each "
            f"feature; got {len(names)} names for inputs of shape {shape}"
        )
    return [str(name) for name in names]


def _apply_link(builder: CodeBuilder, exported: ExportGraph) -> None:
    """Append the link of the loss, from raw predictions to outputs."""
    if exported.link == "softmax":
        builder.assign(
            "E",
            "np.exp({x} - {x}.max(axis=-1, keepdims=True))",
            "softmax: E = exp({x}), without overflow",
        )
        builder.assign("P", "{x} / {x}.sum(axis=-1, keepdims=True)", "P_k = E_k / sum_j E_j")
    elif exported.link == "sigmoid":
        builder.helpers.add("sigmoid")
        builder.assign("P", "sigmoid({x})", "sigmoid: P = 1 / (1 + exp(-{x}))")
    elif exported.link == "exp":
        # The largest number with a finite exponential, since the network's outputs are finite.
        largest = np.finfo(exported.network.dtype).max
        most = float(np.nextafter(np.log(largest), largest.dtype.type(0)))
        builder.assign("Y", f"np.exp(np.minimum({{x}}, {most!r}))", "rates: Y = exp({x}), finite")
    if exported.is_ensemble:
        builder.change("{x}.mean(axis=1)", "the mean of the members' predictions")
    if (t := exported.target) is not None:
        code = f"{{x}}.astype(np.float64) * {t.scale!r} + {t.center!r}"
        builder.assign("Y", code, "on the scale of the target")
        builder.change(f"np.clip({{x}}, {t.low!r}, {t.high!r})", "in the range of training")
        if t.is_log:
            builder.change(f"np.exp(np.minimum({{x}}, {MOST_LOG!r}))", "from its logarithm")
    if exported.normalizes:
        tiny = float(np.finfo(exported.network.dtype).tiny)
        builder.assign("P", f"np.maximum({{x}}, 0) + {tiny!r}", "at least 0, so that")
        builder.change("{x} / {x}.sum(axis=-1, keepdims=True)", "the sum of each row is 1")
    if exported.is_pair:
        builder.assign("P", "np.hstack([1 - {x}, {x}])", "first and second class")


def _write_functions(exported: ExportGraph, builder: CodeBuilder, argument: str) -> list[str]:
    """Return the code of predict_proba and predict, or of predict only."""
    name, out = format_shape(exported.network.input_shape), format_shape(exported.out)
    shapes = "raw rows in, " if argument == "rows" else f"{name} numbers per row in, "
    shapes += f"{out} out" if argument == "X" else f"{out} numbers per row out"
    if not exported.has_probabilities:
        return [
            f"def predict({argument}):",
            f'    """Return the outputs of the network: {shapes}."""',
            *builder.body(),
        ]
    proba = [
        f"def predict_proba({argument}):",
        f'    """Return probabilities: {shapes}."""',
        *builder.body(),
    ]
    if not exported.has_one_class:
        description, expression = (
            "1 where the probability is above 0.5, else 0,",
            "(P > 0.5).astype(int)",
        )
    elif exported.classes is not None:
        description, expression = "the most probable class", "np.array(CLASSES)[P.argmax(axis=-1)]"
    else:
        description, expression = "the code of the most probable class", "P.argmax(axis=-1)"
    return [
        *proba,
        "",
        "",
        f"def predict({argument}):",
        f'    """Return {description} for each row."""',
        f"    P = predict_proba({argument})",
        f"    return {expression}",
    ]


def _write_main(exported: ExportGraph, *, has_columns: bool) -> list[str]:
    """Return the code of the function for the command line."""
    shown = "row" if exported.has_one_class and len(exported.out) == 1 else PRINTED
    if has_columns:
        about = "rows from a CSV file whose first line names the columns"
        read = [
            '    with open(sys.argv[1], newline="", encoding="utf-8-sig") as file:',
            "        rows = list(csv.DictReader(file))",
        ]
    else:
        about = "rows of numbers from a CSV file"
        read = ['    rows = np.loadtxt(sys.argv[1], delimiter=",", ndmin=2)']
    return [
        "def main():",
        f'    """Read {about} and print the prediction for each."""',
        "    if len(sys.argv) != 2:",
        '        sys.exit(f"usage: python {sys.argv[0]} rows.csv")',
        *read,
        "    for row in predict(rows):",
        f"        print({shown})",
    ]


def _fill_source(source: str, dtype: str) -> list[str]:
    code = "<f4" if dtype == "float32" else "<f8"
    return source.strip("\n").replace("{dtype}", dtype).replace("{code}", code).split("\n")


def _join_parts(parts: Sequence[list[str]]) -> str:
    """Join parts, with two empty lines around functions and one elsewhere."""
    lines: list[str] = []
    for part in parts:
        before = part[0].startswith("def ") or (lines and lines[-1].startswith("    "))
        lines += ([""] * (2 if before else 1) if lines else []) + part
    return "\n".join(lines) + "\n"
