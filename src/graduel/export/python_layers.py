"""Each layer as a line or two of NumPy, with its equation.

In both texts {x} stands for the variable that goes in, {to} for the one that comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import sqrt

from graduel.export.code_builder import CodeBuilder
from graduel.export.export_graph import ExportLayer, Shape
from graduel.export.python_tables import ensemble, heads, periodic_embedding, scaled_dense
from graduel.export.window import Window
from graduel.nn import (
    ELU,
    GELU,
    PBLD,
    SELU,
    AveragePool2D,
    BatchNorm,
    Columns,
    Conv2D,
    Dense,
    Dropout,
    EnsembleDense,
    Flatten,
    HardSwish,
    HeadsDense,
    Identity,
    LayerNorm,
    LeakyReLU,
    MaxPool2D,
    Mish,
    Noise,
    NTKDense,
    Parametric,
    ParametricReLU,
    ReLU,
    Reshape,
    Residual,
    Scale,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from graduel.nn.layers.gated_activation import CUBIC, ROOT

Exporter = Callable[[CodeBuilder, ExportLayer], None]


def write_layers(page: CodeBuilder, places: Sequence[ExportLayer]) -> None:
    """Write layers one after the other."""
    for place in places:
        LAYERS[type(place.layer)](page, place)


def format_shape(shape: Shape) -> str:
    """Write a shape as sizes.

    >>> format_shape((28, 28, 1))
    '28 x 28 x 1'
    """
    return " x ".join(map(str, shape)) or "1"


def _arrays(page: CodeBuilder, place: ExportLayer, *names: str) -> list[str]:
    return [page.array(name, place.arrays[name]) for name in names]


def _training_only(page: CodeBuilder, place: ExportLayer) -> None:
    page.line("", f"{type(place.layer).__name__}: in training only")


def _identity(page: CodeBuilder, place: ExportLayer) -> None:
    page.line("", f"Identity: {page.now} stays as it is")


def _element(code: str, equation: str, helper: str | None = None) -> Exporter:
    """Make the exporter of an activation without parameters."""

    def export(page: CodeBuilder, place: ExportLayer) -> None:
        if helper:
            page.helpers.add(helper)
        page.activate(code, f"{type(place.layer).__name__}: {equation}")

    return export


def _leaky_relu(page: CodeBuilder, place: ExportLayer) -> None:
    s = float(place.layer.slope)
    page.activate(f"np.maximum({{x}}, {s!r} * {{x}})", f"LeakyReLU: below zero {s!r} {{x}}")


def _parametric_relu(page: CodeBuilder, place: ExportLayer) -> None:
    (s,) = _arrays(page, place, "slope")
    page.activate(
        f"np.maximum(0, {{x}}) + {s} * np.minimum(0, {{x}})",
        f"ParametricReLU: below zero {s} {{x}}",
    )


def _elu(page: CodeBuilder, place: ExportLayer) -> None:
    alpha = float(place.layer.alpha)
    page.activate(
        f"np.where({{x}} > 0, {{x}}, {alpha!r} * np.expm1(np.minimum(0, {{x}})))",
        f"ELU: below zero {alpha!r} (exp({{x}}) - 1)",
    )


def _selu(page: CodeBuilder, place: ExportLayer) -> None:
    page.activate(
        f"{SELU.scale!r} * np.where({{x}} > 0, {{x}}, "
        f"{SELU.alpha!r} * np.expm1(np.minimum(0, {{x}})))",
        "SELU: lambda {x}, below zero lambda alpha (exp({x}) - 1)",
    )


def _gelu(page: CodeBuilder, place: ExportLayer) -> None:
    if place.layer.approximate:
        page.activate(
            f"0.5 * {{x}} * (1 + np.tanh({ROOT!r} * ({{x}} + {CUBIC!r} * {{x}}**3)))",
            "GELU: {x} Phi({x}), Phi the normal distribution, by way of tanh",
        )
    else:
        page.helpers.add("erf")
        page.activate(
            f"0.5 * {{x}} * (1 + erf({sqrt(0.5)!r} * {{x}}))",
            "GELU: {x} Phi({x}), Phi the normal distribution",
        )


def _columns(page: CodeBuilder, place: ExportLayer) -> None:
    p = place.layer.numeric
    page.line(f"parts = [{page.now}[:, :{p}]]", "Columns: the numbers,")
    for j in range(len(place.layer.categorical)):
        page.helpers.add("vectors")
        E = page.array("E", place.arrays[f"E{j}"])
        page.line(f"parts.append(vectors({E}, {page.now}[:, {p + j}]))", "a code's vector,")
    page.change("np.hstack(parts)", "beside each other")


def _dense(page: CodeBuilder, place: ExportLayer) -> None:
    W, b = _arrays(page, place, "W", "b")
    shapes = f"{format_shape(place.shape)} -> {format_shape(place.out)}"
    page.weigh(f"{{x}} @ {W} + {b}", f"Dense, {shapes}: {{to}} = {{x}} {W} + {b}")


def _conv(page: CodeBuilder, place: ExportLayer) -> None:
    page.helpers.add("convolve")
    window = Window.of(place)
    if window.zeros != ((0, 0), (0, 0)):
        around = f"(0, 0), {window.zeros[0]}, {window.zeros[1]}, (0, 0)"
        page.change(f"np.pad({{x}}, [{around}])", "zeros around the images")
    W, b = _arrays(page, place, "W", "b")
    page.weigh(
        f"convolve({{x}}, {W}, {window.stride}) + {b}",
        f"Conv2D, {format_shape(place.shape)} -> {format_shape(place.out)}",
    )


def _pool(helper: str, what: str) -> Exporter:
    """Make the exporter of a pool."""

    def export(page: CodeBuilder, place: ExportLayer) -> None:
        page.helpers.add(helper)
        size, stride, _ = Window.of(place)
        page.change(
            f"{helper}({{x}}, {size}, {stride})",
            f"{type(place.layer).__name__}, {format_shape(place.shape)} -> "
            f"{format_shape(place.out)}: {what}",
        )

    return export


def _batch_norm(page: CodeBuilder, place: ExportLayer) -> None:
    mean, var, gamma, beta = _arrays(page, place, "mean", "var", "gamma", "beta")
    page.change(
        f"{gamma} * ({{x}} - {mean}) / np.sqrt({var} + {float(place.layer.eps)!r}) + {beta}",
        "BatchNorm: with the running mean and variance",
    )


def _layer_norm(page: CodeBuilder, place: ExportLayer) -> None:
    gamma, beta = _arrays(page, place, "gamma", "beta")
    page.change("{x} - {x}.mean(axis=-1, keepdims=True)", "LayerNorm: each example's mean 0,")
    page.change(
        f"{{x}} / np.sqrt(np.mean({{x}}**2, axis=-1, keepdims=True) + {float(place.layer.eps)!r})",
        "its variance 1,",
    )
    page.change(f"{gamma} * {{x}} + {beta}", f"then {gamma} times, plus {beta}")


def _scale(page: CodeBuilder, place: ExportLayer) -> None:
    (s,) = _arrays(page, place, "s")
    page.change(f"{s} * {{x}}", "Scale: a factor for each feature")


def _reshape(page: CodeBuilder, place: ExportLayer) -> None:
    shape = ", ".join(map(str, place.out))
    page.change(
        f"{{x}}.reshape(len({{x}}), {shape})",
        f"{type(place.layer).__name__}, {format_shape(place.shape)} -> {format_shape(place.out)}",
    )


def _residual(page: CodeBuilder, place: ExportLayer) -> None:
    around = page.kept()
    write_layers(page, place.kids)
    page.activate(f"{around} + {{x}}", f"Residual: {{to}} = {around} + {{x}}")


def _parametric(page: CodeBuilder, place: ExportLayer) -> None:
    around = page.kept()
    (alpha,) = _arrays(page, place, "alpha")
    write_layers(page, place.kids)
    page.activate(f"{around} + {alpha} * ({{x}} - {around})", "Parametric: bent by degrees")


LAYERS: Mapping[type, Exporter] = {
    Columns: _columns,
    PBLD: periodic_embedding,
    Dense: _dense,
    NTKDense: scaled_dense,
    EnsembleDense: ensemble,
    HeadsDense: heads,
    Conv2D: _conv,
    MaxPool2D: _pool("max_pool", "the largest"),
    AveragePool2D: _pool("average_pool", "the mean"),
    BatchNorm: _batch_norm,
    LayerNorm: _layer_norm,
    Scale: _scale,
    Dropout: _training_only,
    Noise: _training_only,
    Identity: _identity,
    Flatten: _reshape,
    Reshape: _reshape,
    Residual: _residual,
    Parametric: _parametric,
    ReLU: _element("np.maximum(0, {x})", "{to} = max(0, {x})"),
    LeakyReLU: _leaky_relu,
    ParametricReLU: _parametric_relu,
    ELU: _elu,
    SELU: _selu,
    GELU: _gelu,
    SiLU: _element("{x} * sigmoid({x})", "{to} = {x} sigmoid({x})", "sigmoid"),
    Mish: _element("{x} * np.tanh(softplus({x}))", "{to} = {x} tanh(softplus({x}))", "softplus"),
    HardSwish: _element(
        "{x} * np.clip({x} + 3, 0, 6) / 6", "{to} = {x} times 0 to 1, a ramp from -3 to 3"
    ),
    Softplus: _element("softplus({x})", "{to} = log(1 + exp({x}))", "softplus"),
    Sigmoid: _element("sigmoid({x})", "{to} = 1 / (1 + exp(-{x}))", "sigmoid"),
    Tanh: _element("np.tanh({x})", "{to} = tanh({x})"),
}
"""How each layer of graduel.nn is exported."""
