"""One unit's row of dW, written out term by term."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.network.backward_pass import Backward
from graduel.glassbox.network.dense_terms import get_layer_scale
from graduel.glassbox.network.equations import Equation
from graduel.glassbox.network.layer_info import (
    Array,
    LayerInfo,
    check_unit,
    find_layer,
    takes_example,
)
from graduel.glassbox.network.neuron import InputNames, Term
from graduel.glassbox.plain_data import PlainData
from graduel.nn import Dense, Network, NTKDense


@dataclass(frozen=True, slots=True, eq=False)
class WeightGradients(PlainData):
    """One unit's row of dW = dZ Aᵀ: dW[j, k] = dz_j a_k, the largest first."""

    place: LayerInfo
    unit: int
    dz: float
    terms: tuple[Term, ...]
    """x is a_k, w is dz_j (over √n in a layer that scales its sums), product is dW[j, k]."""
    norm: float
    """√Σₖ dW[j, k]²."""
    db: float
    equations: tuple[Equation, ...]
    image: Array | None = None
    """The row in the shape of the image, where the layer sees pixels."""


def explain_gradients(
    network: Network,
    backward_pass: Backward,
    layer: int | str,
    unit: int,
    top: int = 20,
    *,
    image: tuple[int, int, int] | None = None,
    names: Sequence[str] = (),
) -> WeightGradients:
    """Return one unit's row of dW, the largest entries first.

    Parameters
    ----------
    network : the network
    backward_pass : from :func:`~graduel.glassbox.backward`
    layer, unit, top, image, names : as in :func:`~graduel.glassbox.explain_neuron`; a dense layer

    Raises
    ------
    UserError
        If there is no such layer or unit, or the layer is not dense.
    """
    place = find_layer(network, layer)
    unit = check_unit(place, unit)
    back = backward_pass.layer(place.path)
    x = backward_pass.forward.layer(place.path).input
    if not isinstance(place.layer, Dense | NTKDense) or back.dy is None or x is None:
        raise UserError(f"layer must be a dense layer; got {place.title}")
    row = back.gradients["W"][:, unit]
    dz = float(back.dy[unit])
    factor = dz * get_layer_scale(place.layer, len(x))
    is_first = takes_example(network, place)
    input_name = InputNames(x.shape, image if is_first else None, names if is_first else ())
    order = np.argsort(-np.abs(row), kind="stable")[: max(0, top)]
    terms = tuple(
        Term(int(k), input_name(int(k)), float(x[k]), factor, float(row[k])) for k in order
    )
    return WeightGradients(
        place,
        unit,
        dz,
        terms,
        float(np.linalg.norm(row.astype(np.float64))),
        float(back.gradients["b"][unit]),
        place.backward[:2],
        row.reshape(image) if is_first and image is not None else None,
    )
