"""Files of TabularMLPClassifier: a network's file with schema and preparation in its notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from graduel.data.prepare.compression import compress_spec
from graduel.data.prepare.preparation import NetPreparation
from graduel.data.schema import Schema
from graduel.data.table import DroppedColumn
from graduel.errors import UserError
from graduel.estimators import persistence
from graduel.estimators.table.table_fit import FittedTable, fitted_attributes
from graduel.estimators.tagged_values import from_tagged, to_tagged
from graduel.estimators.targets import LabelTarget
from graduel.serialize import from_plain, to_plain
from graduel.train.build.recipe_parser import validate_recipe
from graduel.train.io.container import one_line
from graduel.train.io.network_file import SavedNetwork, load_network, save_network
from graduel.train.recipes import NetRecipe

FORMAT = 1
"""Format of the notes beside the network."""
CURVES = ("loss_curve_", "validation_error_curve_", "validation_loss_curve_", "validation_scores_")
COUNTS = ("n_iter_", "best_epoch_")
PARTS: dict[str, type] = {"NetRecipe": NetRecipe}
"""Classes of parameters, beside plain data."""


@dataclass(frozen=True, slots=True)
class SavedColumns:
    """Columns of a fitted table; see :class:`FittedTable`."""

    names: tuple[str, ...]
    feature_names: tuple[str, ...] | None
    schema: Schema
    set_aside: tuple[DroppedColumn, ...]

    def __post_init__(self) -> None:
        columns = [column.name for column in self.schema.columns]
        columns += [column.name for column in self.set_aside]
        if sorted(columns) != sorted(self.names) or len(set(columns)) < len(columns):
            raise ValueError("the columns are not those of the table")
        if self.feature_names is not None and len(self.feature_names) != len(self.names):
            raise ValueError("there must be a name for each column")


def save(estimator: Any, path: str | Path) -> None:
    """Write a fitted estimator to one file.

    Raises
    ------
    NotFittedError
        If nothing was fitted.
    UserError
        If the labels are of a kind that a file cannot hold, or the table is too wide for one.
    OSError
        If the file cannot be written.
    """
    check_is_fitted(estimator)
    fitted: FittedTable = estimator._fitted
    params = {}
    for name, value in estimator.get_params(deep=False).items():
        try:
            params[name] = to_tagged(value)
        except (TypeError, ValueError):
            continue  # a random stream: the default comes back
    labels = fitted.feature_names
    feature_names = None if labels is None else tuple(map(str, labels))
    notes = {
        "estimator": type(estimator).__name__,
        "format": FORMAT,
        "params": params,
        "targets": persistence.targets_to_plain(LabelTarget(fitted.classes, fitted.network.loss)),
        "table": to_plain(
            SavedColumns(fitted.names, feature_names, fitted.schema, fitted.set_aside)
        ),
        "preparation": compress_spec(fitted.preparation.to_spec()),
        "recipe": to_tagged(estimator.recipe_),
        "fitted": {
            name: to_tagged(persistence.last_epochs(getattr(estimator, name)))
            for name in COUNTS + CURVES
        },
    }
    save_network(path, fitted.network, fitted.weights, notes)


def load(kind: type, path: str | Path, parts: Sequence[type] = ()) -> Any:
    """Read an estimator from a file.

    Raises
    ------
    UserError
        If there is no such file, or it holds no such estimator.
    """
    model = load_network(path, parts)
    persistence.check_notes(model.notes, kind, FORMAT, path)
    try:
        return _load(kind, model)
    except Exception as error:  # a damaged file may lead anywhere
        what = one_line(f"{type(error).__name__}: {error}", 200)
        raise UserError(
            f"{one_line(path)}: what the file says of the estimator is damaged ({what})"
        ) from None


def _load(kind: type, model: SavedNetwork) -> Any:
    notes = model.notes
    params = {k: from_tagged(v, PARTS) for k, v in dict(notes["params"]).items()}
    estimator = kind(**params)
    fitted = _load_fitted(model, notes)
    recipe = from_tagged(notes["recipe"], PARTS)
    if not isinstance(recipe, NetRecipe):
        raise TypeError("the recipe is none")
    attributes = {"recipe_": validate_recipe(recipe)} | _read_curves(notes["fitted"])
    estimator.__dict__.update(fitted_attributes(fitted) | attributes)
    return estimator


def _load_fitted(model: SavedNetwork, notes: Mapping[str, Any]) -> FittedTable:
    classes = persistence.parse_classes(**notes["targets"]["classes"])
    saved = from_plain(SavedColumns, notes["table"], "columns")
    preparation = NetPreparation.from_spec(notes["preparation"])
    if not {encoder.name for encoder in preparation.encoders} <= {
        column.name for column in saved.schema.columns
    }:
        raise ValueError("the preparation is of other columns")
    network = model.network
    if network.input_shape != (len(preparation.names),) or network.answer_shape != classes.shape:
        raise ValueError("the network's shapes are not the table's")
    names = saved.feature_names
    return FittedTable(
        saved.names,
        saved.schema,
        saved.set_aside,
        preparation,
        network,
        model.weights,
        classes,
        None if names is None else np.array(names, dtype=object),
    )


def _read_curves(notes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of COUNTS and CURVES."""
    attributes: dict[str, Any] = {name: persistence.parse_count(notes[name]) for name in COUNTS}
    for name in CURVES:
        values = from_tagged(notes[name], {})
        if values is not None or name == CURVES[0]:
            values = [persistence.parse_number(value) for value in values]
        attributes[name] = values
    if len({len(attributes[name]) for name in CURVES if attributes[name] is not None}) > 1:
        raise ValueError("the curves have several lengths")
    return attributes
