"""Parse and build hidden layers: ``256``, ``conv32x5/2``, ``dropout0.3``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from graduel.errors import UserError
from graduel.nn import AveragePool2D, Conv2D, Dense, Dropout, Flatten, Layer, MaxPool2D, Reshape
from graduel.nn.initializers import Initializer
from graduel.nn.layers.layer import Shape
from graduel.nn.tree import Node

Image = tuple[int, int, int]
MAX_UNITS = 100_000


@dataclass(frozen=True, slots=True)
class LayerText:
    """The parsed text of a layer."""

    kind: str
    units: int = 1
    window: int = 2
    stride: int = 1
    rate: float = 0.0

    @property
    def has_weights(self) -> bool:
        """Whether the layer has weights, so that an activation follows."""
        return self.kind in ("dense", "conv")


def parse_layer(text: str) -> LayerText:
    """Parse one layer's text.

    ``256`` is a dense layer; ``conv32`` a convolution with 32 channels and a 3 × 3 kernel,
    ``conv32x5/2`` with a 5 × 5 kernel and stride 2; ``maxpool`` and ``avgpool`` have windows of
    2 × 2, ``maxpool3`` of 3 × 3. ``dropout0.3`` drops 30 % of the units before it.

    >>> parse_layer("conv32x5/2")
    LayerText(kind='conv', units=32, window=5, stride=2, rate=0.0)
    """
    if match := re.fullmatch(r"\d{1,9}", text):
        layer = LayerText("dense", int(text))
    elif match := re.fullmatch(r"conv(\d{1,9})(?:x(\d{1,3}))?(?:/(\d{1,3}))?", text):
        units, window, stride = match.groups()
        layer = LayerText("conv", int(units), int(window or 3), int(stride or 1))
    elif match := re.fullmatch(r"(maxpool|avgpool)(\d{0,3})", text):
        layer = LayerText(match.group(1), window=int(match.group(2) or 2))
    elif match := re.fullmatch(r"dropout(0?\.\d{1,9})", text):
        layer = LayerText("dropout", rate=float(match.group(1)))
    if not match or layer.units > MAX_UNITS or 0 in (layer.units, layer.window, layer.stride):
        raise UserError(
            f"layers must be a comma-separated list of sizes from 1 to {MAX_UNITS:,}, such as "
            "256,128, and layers such as dropout0.3 or, for images, conv32, conv32x5, conv32/2, "
            f"maxpool, avgpool; got '{text}'"
        )
    return layer


def build_layers(
    items: Sequence[LayerText | Layer],
    n_in: int,
    image: Image | None,
    *,
    init: Initializer,
    after: Sequence[Sequence[Layer]],
    dense: Callable[[int, bool], Layer] | None = None,
    axes: int = 1,
) -> Iterator[Layer]:
    """Yield the layers before the dense output layer.

    Layer objects in `items` are used unchanged. The i-th parsed layer with weights is followed by
    the layers ``after[i]``: normalization, activation, dropout. A reshape to images precedes the
    first convolution or pooling layer; a flatten precedes a dense layer and the output. `dense`
    builds a dense layer from its units and whether it is the first. `axes` is the number of axes
    of a row: 2 for ensemble members, otherwise 1.
    """
    shape: Shape = (n_in,)
    following = iter(after)
    position, first = 0, True

    def append_layers(*layers: Layer) -> Iterator[Layer]:
        nonlocal shape, position
        for layer in layers:
            shape = Node.grow(str(position), layer, shape).plan.out
            position += 1
            yield layer

    for item in items:
        if not isinstance(item, LayerText):
            yield from append_layers(item)
            continue
        if item.kind == "dense":
            if len(shape) > axes:
                yield from append_layers(Flatten())
            dense_layer = dense(item.units, first) if dense is not None else Dense(item.units, init)
            first = False
            yield from append_layers(dense_layer, *next(following))
            continue
        if item.kind == "dropout":
            yield from append_layers(Dropout(item.rate))
            continue
        if len(shape) == 1:
            if image is None or shape != (n_in,):
                raise UserError(
                    f"'{item.kind}' in layers needs images as rows and no dense layer before it. "
                    "Give sizes only, such as layers=256,128"
                )
            yield from append_layers(Reshape(image))
        if image is not None and max(item.window, item.stride) > max(image[:2]):
            raise UserError(
                f"windows and strides in layers must be no larger than the images, {image[0]} × "
                f"{image[1]}; got {max(item.window, item.stride)} in '{item.kind}'"
            )
        if item.kind == "conv":
            yield from append_layers(
                Conv2D(item.units, item.window, item.stride, init=init), *next(following)
            )
        else:
            pool = MaxPool2D if item.kind == "maxpool" else AveragePool2D
            yield from append_layers(pool(item.window))
    if len(shape) > axes:
        yield from append_layers(Flatten())
