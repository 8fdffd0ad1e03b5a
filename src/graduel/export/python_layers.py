"""Layers as lines of NumPy code with their equations as comments.

In code and comment, {x} is the input variable and {to} the output variable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import sqrt

from graduel import nn
from graduel.export.code_builder import CodeBuilder
from graduel.export.export_graph import ExportLayer, Shape, Window
from graduel.nn.layers.gated_activation import CUBIC, ROOT

Exporter = Callable[[CodeBuilder, ExportLayer], None]


def write_layers(builder: CodeBuilder, nodes: Sequence[ExportLayer]) -> None:
    """Append the code of layers."""
    for node in nodes:
        LAYERS[type(node.layer)](builder, node)


def format_shape(shape: Shape) -> str:
    """Return a shape as text.

    >>> format_shape((28, 28, 1))
    '28 x 28 x 1'
    """
    return " x ".join(map(str, shape)) or "1"


def _arrays(builder: CodeBuilder, node: ExportLayer, *names: str) -> list[str]:
    return [builder.array(name, node.arrays[name]) for name in names]


def _training_only(builder: CodeBuilder, node: ExportLayer) -> None:
    builder.line("", f"{type(node.layer).__name__}: only in training")


def _identity(builder: CodeBuilder, node: ExportLayer) -> None:
    builder.line("", f"Identity: {builder.variable} is unchanged")


def _element(code: str, equation: str, helper: str | None = None) -> Exporter:
    """Return the exporter of an activation without parameters."""

    def export(builder: CodeBuilder, node: ExportLayer) -> None:
        if helper:
            builder.helpers.add(helper)
        builder.activate(code, f"{type(node.layer).__name__}: {equation}")

    return export


def _leaky_relu(builder: CodeBuilder, node: ExportLayer) -> None:
    s = float(node.layer.slope)
    builder.activate(f"np.maximum({{x}}, {s!r} * {{x}})", f"LeakyReLU: below zero {s!r} {{x}}")


def _parametric_relu(builder: CodeBuilder, node: ExportLayer) -> None:
    (s,) = _arrays(builder, node, "slope")
    builder.activate(
        f"np.maximum(0, {{x}}) + {s} * np.minimum(0, {{x}})",
        f"ParametricReLU: below zero {s} {{x}}",
    )


def _elu(builder: CodeBuilder, node: ExportLayer) -> None:
    alpha = float(node.layer.alpha)
    builder.activate(
        f"np.where({{x}} > 0, {{x}}, {alpha!r} * np.expm1(np.minimum(0, {{x}})))",
        f"ELU: below zero {alpha!r} (exp({{x}}) - 1)",
    )


def _selu(builder: CodeBuilder, node: ExportLayer) -> None:
    builder.activate(
        f"{nn.SELU.scale!r} * np.where({{x}} > 0, {{x}}, "
        f"{nn.SELU.alpha!r} * np.expm1(np.minimum(0, {{x}})))",
        "SELU: lambda {x}, below zero lambda alpha (exp({x}) - 1)",
    )


def _gelu(builder: CodeBuilder, node: ExportLayer) -> None:
    if node.layer.approximate:
        builder.activate(
            f"0.5 * {{x}} * (1 + np.tanh({ROOT!r} * ({{x}} + {CUBIC!r} * {{x}}**3)))",
            "GELU: {x} Phi({x}), Phi the normal CDF, approximated by tanh",
        )
    else:
        builder.helpers.add("erf")
        builder.activate(
            f"0.5 * {{x}} * (1 + erf({sqrt(0.5)!r} * {{x}}))",
            "GELU: {x} Phi({x}), Phi the normal CDF",
        )


def _columns(builder: CodeBuilder, node: ExportLayer) -> None:
    p = node.layer.numeric
    builder.line(f"parts = [{builder.variable}[:, :{p}]]", "Columns: numeric columns,")
    for j in range(len(node.layer.categorical)):
        builder.helpers.add("embed")
        E = builder.array("E", node.arrays[f"E{j}"])
        builder.line(
            f"parts.append(embed({E}, {builder.variable}[:, {p + j}]))", "embedded category codes,"
        )
    builder.change("np.hstack(parts)", "side by side")


def _dense(builder: CodeBuilder, node: ExportLayer) -> None:
    W, b = _arrays(builder, node, "W", "b")
    shapes = f"{format_shape(node.shape)} -> {format_shape(node.out)}"
    builder.weigh(f"{{x}} @ {W} + {b}", f"Dense, {shapes}: {{to}} = {{x}} {W} + {b}")


def _conv(builder: CodeBuilder, node: ExportLayer) -> None:
    builder.helpers.add("convolve")
    window = Window.of(node)
    if window.padding != ((0, 0), (0, 0)):
        widths = f"(0, 0), {window.padding[0]}, {window.padding[1]}, (0, 0)"
        builder.change(f"np.pad({{x}}, [{widths}])", "zero padding")
    W, b = _arrays(builder, node, "W", "b")
    builder.weigh(
        f"convolve({{x}}, {W}, {window.stride}) + {b}",
        f"Conv2D, {format_shape(node.shape)} -> {format_shape(node.out)}",
    )


def _pool(helper: str, result: str) -> Exporter:
    """Return the exporter of a pooling layer."""

    def export(builder: CodeBuilder, node: ExportLayer) -> None:
        builder.helpers.add(helper)
        size, stride, _ = Window.of(node)
        builder.change(
            f"{helper}({{x}}, {size}, {stride})",
            f"{type(node.layer).__name__}, {format_shape(node.shape)} -> "
            f"{format_shape(node.out)}: {result}",
        )

    return export


def _batch_norm(builder: CodeBuilder, node: ExportLayer) -> None:
    mean, var, gamma, beta = _arrays(builder, node, "mean", "var", "gamma", "beta")
    builder.change(
        f"{gamma} * ({{x}} - {mean}) / np.sqrt({var} + {float(node.layer.eps)!r}) + {beta}",
        "BatchNorm: with the running mean and variance",
    )


def _layer_norm(builder: CodeBuilder, node: ExportLayer) -> None:
    gamma, beta = _arrays(builder, node, "gamma", "beta")
    builder.change("{x} - {x}.mean(axis=-1, keepdims=True)", "LayerNorm: mean 0 in each row,")
    builder.change(
        f"{{x}} / np.sqrt(np.mean({{x}}**2, axis=-1, keepdims=True) + {float(node.layer.eps)!r})",
        "variance 1,",
    )
    builder.change(f"{gamma} * {{x}} + {beta}", f"then times {gamma}, plus {beta}")


def _scale(builder: CodeBuilder, node: ExportLayer) -> None:
    (s,) = _arrays(builder, node, "s")
    builder.change(f"{s} * {{x}}", "Scale: one factor per feature")


def _reshape(builder: CodeBuilder, node: ExportLayer) -> None:
    shape = ", ".join(map(str, node.out))
    builder.change(
        f"{{x}}.reshape(len({{x}}), {shape})",
        f"{type(node.layer).__name__}, {format_shape(node.shape)} -> {format_shape(node.out)}",
    )


def _residual(builder: CodeBuilder, node: ExportLayer) -> None:
    shortcut = builder.save_variable()
    write_layers(builder, node.kids)
    builder.activate(f"{shortcut} + {{x}}", f"Residual: {{to}} = {shortcut} + {{x}}")


def _parametric(builder: CodeBuilder, node: ExportLayer) -> None:
    shortcut = builder.save_variable()
    (alpha,) = _arrays(builder, node, "alpha")
    write_layers(builder, node.kids)
    builder.activate(
        f"{shortcut} + {alpha} * ({{x}} - {shortcut})",
        f"Parametric: from {shortcut} to {{x}} by {alpha}",
    )


def _scaled_dense(builder: CodeBuilder, node: ExportLayer) -> None:
    """Write NTKDense."""
    W, b = _arrays(builder, node, "W", "b")
    builder.weigh(
        f"{{x}} @ {W} / {sqrt(node.shape[0])!r} + {b}",
        f"NTKDense: {{to}} = {{x}} {W} / sqrt({node.shape[0]}) + {b}",
    )


def _ensemble(builder: CodeBuilder, node: ExportLayer) -> None:
    """Write EnsembleDense; all members share an input without a member axis."""
    i = node.shape[-1]
    W, b, r, s = _arrays(builder, node, "W", "b", "r", "s")
    x = "{x}[:, None]" if len(node.shape) == 1 else "{x}"
    by = f" / {sqrt(i)!r}" if node.layer.scaled else ""
    builder.weigh(
        f"({x} * {r}) @ {W}{by} * {s} + {b}",
        f"EnsembleDense: {node.layer.members} members share {W}, each with its own {r}, {s}, {b}",
    )


def _ensemble_output(builder: CodeBuilder, node: ExportLayer) -> None:
    """Write EnsembleOutput."""
    W, b = _arrays(builder, node, "W", "b")
    by = f" / {sqrt(node.shape[1])!r}" if node.layer.scaled else ""
    builder.weigh(
        f'np.einsum("nki,kio->nko", {{x}}, {W}){by} + {b}',
        f"EnsembleOutput: one matrix for each of {node.layer.members} members",
    )


def _periodic_embedding(builder: CodeBuilder, node: ExportLayer) -> None:
    """Write PBLD."""
    (i,), columns = node.shape, node.layer.columns
    numbers = tuple(range(i)) if columns is None else columns
    if not numbers:
        builder.line("", f"PBLD: {builder.variable} is unchanged")
        return
    builder.helpers.add("periodic")
    named = (("frequency", "w"), ("phase", "b"), ("mix", "A"), ("shift", "c"))
    arrays = ", ".join(builder.array(name, node.arrays[key]) for name, key in named)
    selected = "{x}" if columns is None else f"{{x}}[:, {list(numbers)}]"
    code = f"periodic({selected}, {arrays})"
    rest = [j for j in range(i) if j not in numbers]
    if rest:
        code = f"np.hstack([{code}, {{x}}[:, {rest}]])"
    builder.change(code, "PBLD: each number with its periodic embedding")


LAYERS: Mapping[type, Exporter] = {
    nn.Columns: _columns,
    nn.PBLD: _periodic_embedding,
    nn.Dense: _dense,
    nn.NTKDense: _scaled_dense,
    nn.EnsembleDense: _ensemble,
    nn.EnsembleOutput: _ensemble_output,
    nn.Conv2D: _conv,
    nn.MaxPool2D: _pool("max_pool", "maximum"),
    nn.AveragePool2D: _pool("average_pool", "mean"),
    nn.BatchNorm: _batch_norm,
    nn.LayerNorm: _layer_norm,
    nn.Scale: _scale,
    nn.Dropout: _training_only,
    nn.Noise: _training_only,
    nn.Identity: _identity,
    nn.Flatten: _reshape,
    nn.Reshape: _reshape,
    nn.Residual: _residual,
    nn.Parametric: _parametric,
    nn.ReLU: _element("np.maximum(0, {x})", "{to} = max(0, {x})"),
    nn.LeakyReLU: _leaky_relu,
    nn.ParametricReLU: _parametric_relu,
    nn.ELU: _elu,
    nn.SELU: _selu,
    nn.GELU: _gelu,
    nn.SiLU: _element("{x} * sigmoid({x})", "{to} = {x} sigmoid({x})", "sigmoid"),
    nn.Mish: _element("{x} * np.tanh(softplus({x}))", "{to} = {x} tanh(softplus({x}))", "softplus"),
    nn.HardSwish: _element(
        "{x} * np.clip({x} + 3, 0, 6) / 6", "{to} = {x} times a ramp from 0 at -3 to 1 at 3"
    ),
    nn.Softplus: _element("softplus({x})", "{to} = log(1 + exp({x}))", "softplus"),
    nn.Sigmoid: _element("sigmoid({x})", "{to} = 1 / (1 + exp(-{x}))", "sigmoid"),
    nn.Tanh: _element("np.tanh({x})", "{to} = tanh({x})"),
}
"""The exporter of each layer of graduel.nn."""
