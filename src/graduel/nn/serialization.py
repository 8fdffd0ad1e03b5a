"""Networks as plain data, and back: what a file or a page can hold.

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
"""Every part that a spec may name; a name, once given, keeps its meaning."""


def write(
    layers: Sequence[Layer], input_shape: Sequence[int], loss: Loss, dtype: str
) -> dict[str, Any]:
    """Return what a network is made of as plain data."""
    return {
        "format": FORMAT,
        "input_shape": list(input_shape),
        "dtype": dtype,
        "loss": part_to_plain(loss, "loss"),
        "layers": [part_to_plain(layer, f"layer {i}") for i, layer in enumerate(layers)],
    }


def read(spec: Mapping[str, Any], parts: Sequence[type] = ()) -> dict[str, Any]:
    """Return the arguments of a network from plain data."""
    if not isinstance(spec, Mapping) or spec.get("format") != FORMAT:
        got = spec.get("format") if isinstance(spec, Mapping) else type(spec).__name__
        raise ValueError(f"expected a network's spec of format {FORMAT}; got format {got!r}")
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
            f"expected a network's spec with layers, input_shape, loss and dtype; {error!r} is "
            "missing or of another kind"
        ) from None


def part_to_plain(value: Any, where: str, names: Mapping[type, str] | None = None) -> Any:
    """Return a part, or the value of one of its fields, as plain data; tuples become lists.

    Parameters
    ----------
    value : a dataclass of parts, tuples, numbers and text
    where : its place, for the error
    names : class → name in the data, where it is not the class's own
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
    """Build what :func:`part_to_plain` described; `known` holds the classes by their names.

    Raises
    ------
    ValueError
        If a name is unknown.
    KeyError, TypeError
        If the data are of another form.
    """
    if isinstance(value, Mapping):
        name = value["type"]
        if name not in known:
            near = get_close_matches(str(name), known, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise ValueError(
                f"a part must be one of {', '.join(known)}; got '{name}'.{hint} "
                "A part of your own goes into from_spec(…, parts=[…])"
            )
        return known[name](
            **{k: part_from_plain(v, known) for k, v in value.items() if k != "type"}
        )
    if isinstance(value, list):
        return tuple(part_from_plain(item, known) for item in value)
    return value
