"""Files of TabularMLPClassifier: a network file with schema and preparation in its notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from graduel.data.prepare.compression import compress_spec
from graduel.data.prepare.preparation import NetPreparation
from graduel.data.schema import Schema
from graduel.data.table import DroppedColumn
from graduel.estimators import persistence
from graduel.estimators.table.table_fit import FittedTable, fitted_attributes
from graduel.estimators.tagged_values import from_tagged, to_tagged
from graduel.estimators.targets import LabelTarget, NumberTarget, Targets
from graduel.serialize import from_plain, to_plain
from graduel.train.build.recipe_parser import validate_recipe
from graduel.train.io.network_file import SavedNetwork
from graduel.train.recipes import NetRecipe

FORMAT = 1
"""The format version of the notes."""
CURVES = ("loss_curve_", "validation_error_curve_", "validation_loss_curve_", "validation_scores_")
PARTS: dict[str, type] = {"NetRecipe": NetRecipe}
"""The classes that parameters can have."""


@dataclass(frozen=True, slots=True)
class SavedColumns:
    """The columns of a fitted table; see :class:`FittedTable`."""

    names: tuple[str, ...]
    feature_names: tuple[str, ...] | None
    schema: Schema
    set_aside: tuple[DroppedColumn, ...]

    def __post_init__(self) -> None:
        columns = [column.name for column in self.schema.columns]
        columns += [column.name for column in self.set_aside]
        if sorted(columns) != sorted(self.names) or len(set(columns)) < len(columns):
            raise ValueError(
                f"expected each of the {len(self.names)} columns once, used or set aside; got "
                f"{len(columns)} others"
            )
        if self.feature_names is not None and len(self.feature_names) != len(self.names):
            raise ValueError(
                f"expected a name for each of {len(self.names)} columns; got "
                f"{len(self.feature_names)} names"
            )


@dataclass(frozen=True, slots=True)
class SavedCurves:
    """The fitted attributes in the file; the others follow from the network."""

    n_iter_: int
    best_epoch_: int
    loss_curve_: list[float]
    validation_error_curve_: list[float] | None
    validation_loss_curve_: list[float] | None
    validation_scores_: list[float] | None

    def __post_init__(self) -> None:
        persistence.check_count(self.n_iter_)
        persistence.check_count(self.best_epoch_)
        curves = (
            self.validation_error_curve_,
            self.validation_loss_curve_,
            self.validation_scores_,
        )
        n = len(self.loss_curve_)
        if odd := {len(curve) for curve in curves if curve is not None} - {n}:
            raise ValueError(
                f"expected validation curves of {n} values, one per epoch; got {max(odd)}"
            )


def save(estimator: Any, path: str | Path) -> None:
    """Save a fitted estimator to one file."""
    check_is_fitted(estimator)
    fitted: FittedTable = estimator._fitted
    names = None if fitted.names is None else tuple(map(str, fitted.names))
    columns = SavedColumns(fitted.columns, names, fitted.schema, fitted.set_aside)
    persistence.save_estimator(
        estimator,
        path,
        FORMAT,
        SavedCurves,
        targets_of(fitted),
        table=to_plain(columns),
        preparation=compress_spec(fitted.preparation.to_spec()),
        recipe=to_tagged(estimator.recipe_),
    )


def targets_of(fitted: FittedTable) -> Targets:
    """Return the targets of a fitted table: labels or a number."""
    loss = fitted.network.loss
    return LabelTarget(fitted.classes, loss) if len(fitted.classes) else NumberTarget(1, loss)


def load(kind: type, path: str | Path, parts: Sequence[type] = ()) -> Any:
    """Load an estimator from a file."""
    return persistence.load_estimator(kind, path, parts, FORMAT, PARTS, _restore)


def _restore(estimator: Any, model: SavedNetwork) -> dict[str, Any]:
    """Return the fitted attributes of an estimator from its file."""
    recipe = from_tagged(model.notes["recipe"], PARTS)
    if not isinstance(recipe, NetRecipe):
        raise TypeError(f"expected a NetRecipe; got {type(recipe).__name__}")
    curves = persistence.load_curves(SavedCurves, model.notes["fitted"])
    return {
        **fitted_attributes(_load_fitted(model, model.notes)),
        "recipe_": validate_recipe(recipe),
        **{field.name: getattr(curves, field.name) for field in fields(curves)},
    }


def _load_fitted(model: SavedNetwork, notes: Mapping[str, Any]) -> FittedTable:
    labels = notes["targets"].get("classes")
    classes = np.empty(0) if labels is None else persistence.parse_classes(**labels)
    outputs = (len(classes) or 1,)
    saved = from_plain(SavedColumns, notes["table"], "columns")
    preparation = NetPreparation.from_spec(notes["preparation"])
    known = {column.name for column in saved.schema.columns}
    if extra := {encoder.name for encoder in preparation.encoders} - known:
        raise ValueError(
            f"expected a preparation of the schema's columns; got one of {min(extra)!r}, which is "
            "not among them"
        )
    network = model.network
    if network.input_shape != (len(preparation.names),) or network.prediction_shape != outputs:
        raise ValueError(
            f"expected a network with inputs of shape ({len(preparation.names)},) and predictions "
            f"of shape {outputs}; got {network.input_shape} and {network.prediction_shape}"
        )
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
