"""Conversion between networks and plain data for JSON.

``{"format": 1, "input_shape": [4], "dtype": "float32", "loss": {"type": "SoftmaxCrossEntropy"},
"layers": [{"type": "Dense", "units": 3, "init": {"type": "HeNormal", "gain": 1.41}}]}``
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from graduel.nn import initializers, layers, losses
from graduel.nn.layers import Layer
from graduel.nn.losses import Loss

FORMAT = 1
PARTS: dict[str, type] = {
    name: getattr(room, name)
    for room in (layers, losses, initializers)
    for name in room.__all__
    if is_dataclass(getattr(room, name)) and name not in ("Plan", "Spec")
}
"""The parts that a spec may name. A name keeps its meaning across versions."""


def write(
    layers: Sequence[Layer], input_shape: Sequence[int], loss: Loss, dtype: str
) -> dict[str, Any]:
    """Return a network's layers, input shape, loss and dtype as plain data."""
    return {
        "format": FORMAT,
        "input_shape": list(input_shape),
        "dtype": dtype,
        "loss": part_to_plain(loss, "loss"),
        "layers": [part_to_plain(layer, f"layer {i}") for i, layer in enumerate(layers)],
    }


def read(spec: Mapping[str, Any], parts: Sequence[type] = ()) -> dict[str, Any]:
    """Return the arguments of :class:`Network` from plain data."""
    if not isinstance(spec, Mapping) or spec.get("format") != FORMAT:
        got = spec.get("format") if isinstance(spec, Mapping) else type(spec).__name__
        raise ValueError(f"expected a network spec of format {FORMAT}; got format {got!r}")
    known = PARTS | {part.__name__: part for part in parts}
    try:
        return {
            "layers": tuple(part_from_plain(layer, known) for layer in spec["layers"]),
            "input_shape": tuple(int(n) for n in spec["input_shape"]),
            "loss": part_from_plain(spec["loss"], known),
            "dtype": spec["dtype"],
        }
    except (KeyError, TypeError) as error:
        raise ValueError(
            "expected a network spec with layers, input_shape, loss and dtype; got one where "
            f"{error!r} is missing or of the wrong type"
        ) from None


def part_to_plain(value: Any, where: str, names: Mapping[type, str] | None = None) -> Any:
    """Return a part, or the value of one of its fields, as plain data. Tuples become lists.

    Parameters
    ----------
    value : a dataclass of parts, tuples, numbers and text
    where : the position, for the error message
    names : class → name in the data, where it differs from the class name
    """
    if isinstance(value, np.generic):
        value = value.item()
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        inner = {
            field.name: part_to_plain(getattr(value, field.name), f"{where}.{field.name}", names)
            for field in fields(value)
            if field.init
        }
        return {"type": (names or {}).get(kind, kind.__name__), **inner}
    if isinstance(value, tuple | list):
        return [part_to_plain(item, where, names) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(
        f"{where} must be numbers, text or parts that are dataclasses, to be written as plain "
        f"data; got {type(value).__name__}"
    )


def part_from_plain(value: Any, known: Mapping[str, type]) -> Any:
    """Build a part from the result of :func:`part_to_plain`; `known` maps names to classes.

    Raises
    ------
    ValueError
        If a name is unknown.
    KeyError, TypeError
        If the data have another structure.
    """
    if isinstance(value, Mapping):
        name = value["type"]
        if name not in known:
            near = get_close_matches(str(name), known, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise ValueError(
                f"a part must be one of {', '.join(known)}; got '{name}'.{hint} "
                "Pass user-defined parts as from_spec(…, parts=[…])"
            )
        return known[name](
            **{k: part_from_plain(v, known) for k, v in value.items() if k != "type"}
        )
    if isinstance(value, list):
        return tuple(part_from_plain(item, known) for item in value)
    return value
