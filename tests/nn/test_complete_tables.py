"""Every layer, activation and loss of `graduel.nn` is in the tables of these tests."""

from __future__ import annotations

from dataclasses import is_dataclass

import table_images
import table_losses
import table_rows
from test_activations import TABLE

from graduel import nn
from graduel.nn import Columns, EnsembleMean


def classes(attribute):
    """Return the classes of graduel.nn with an attribute: layers or losses."""
    parts = [getattr(nn, name) for name in nn.__all__]
    return {part for part in parts if is_dataclass(part) and hasattr(part, attribute)}


def names(parts):
    return sorted(part.__name__ for part in parts)


def test_every_layer_is_in_a_table():
    ensembles = [layer for layer, _ in table_rows.ENSEMBLES]
    listed = {type(layer) for layer in table_rows.LAYERS + ensembles + table_images.LAYERS}
    # Columns takes category codes: test_columns.py, and within a Residual in table_rows.py.
    absent = names(classes("plan") - listed - {Columns})
    assert absent == [], (
        f"add {absent} to LAYERS in tests/nn/table_rows.py or tests/nn/table_images.py, and to "
        "NOT_SMOOTH there if the derivative jumps"
    )


def test_every_activation_is_in_the_table_of_formulas():
    activations = {part for part in classes("plan") if part.__module__.endswith("activation")}
    assert len(activations) >= 12
    absent = names(activations - {type(layer) for layer, *_ in TABLE})
    assert absent == [], f"add formula and limits of {absent} to TABLE in test_activations.py"


def test_every_loss_is_in_the_table():
    # The mean over ensemble members wraps another loss: test_ensemble.py.
    absent = names(classes("link") - {type(loss) for loss in table_losses.LOSSES} - {EnsembleMean})
    assert absent == [], (
        f"add {absent} to LOSSES and its targets to targets() in tests/nn/table_losses.py"
    )
