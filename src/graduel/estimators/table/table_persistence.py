"""The estimator of tables in one file: the network's, with all that a row needs in its notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
from sklearn.utils.validation import check_is_fitted

from graduel.data.column import KINDS, Column
from graduel.data.prepare.encoder import compress_spec, decompress_spec
from graduel.data.prepare.preparation import NetPreparation
from graduel.data.table import DroppedColumn, Why
from graduel.errors import UserError
from graduel.estimators import persistence
from graduel.estimators.table.table_fit import FittedTable, fitted_attributes
from graduel.estimators.table.table_input import TableSchema
from graduel.estimators.tagged_values import from_tagged, to_tagged
from graduel.estimators.targets import LabelTarget
from graduel.train.build.recipe_parser import validate_recipe
from graduel.train.io.container import one_line
from graduel.train.io.network_file import SavedNetwork, load_network, save_network
from graduel.train.recipes import NetRecipe

FORMAT = 1
"""Of what stands beside the network. Files of every format keep loading."""
CURVES = ("loss_curve_", "validation_error_curve_", "validation_loss_curve_", "validation_scores_")
COUNTS = ("n_iter_", "best_epoch_")
PARTS: dict[str, type] = {"NetRecipe": NetRecipe}
"""What a parameter may be, beside plain data."""


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
    known = fitted.understood
    params = {}
    for name, value in estimator.get_params(deep=False).items():
        try:
            params[name] = to_tagged(value)
        except (TypeError, ValueError):
            continue  # a random stream: the default comes back
    notes = {
        "estimator": type(estimator).__name__,
        "format": FORMAT,
        "params": params,
        "targets": persistence.targets_to_plain(LabelTarget(fitted.classes, fitted.network.loss)),
        "table": {
            "names": list(known.names),
            "labels": None if fitted.names is None else [str(name) for name in fitted.names],
            "columns": [[c.name, c.kind, c.reason] for c in known.columns],
            "set_aside": [[c.name, c.why, c.reason] for c in known.set_aside],
            "formats": dict(known.formats),
            "numbers": list(known.numbers),
        },
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
        return _made(kind, model)
    except Exception as error:  # a damaged file may lead anywhere
        what = one_line(f"{type(error).__name__}: {error}", 200)
        raise UserError(
            f"{one_line(path)}: what the file says of the estimator is damaged ({what})"
        ) from None


def _made(kind: type, model: SavedNetwork) -> Any:
    notes = model.notes
    params = {k: from_tagged(v, PARTS) for k, v in dict(notes["params"]).items()}
    estimator = kind(**params)
    fitted = _fitted(model, notes)
    recipe = from_tagged(notes["recipe"], PARTS)
    if not isinstance(recipe, NetRecipe):
        raise TypeError("the recipe is none")
    attributes = {"recipe_": validate_recipe(recipe)} | _noted(notes["fitted"])
    estimator.__dict__.update(fitted_attributes(fitted) | attributes)
    return estimator


def _fitted(model: SavedNetwork, notes: Mapping[str, Any]) -> FittedTable:
    table, about = notes["table"], notes["targets"]
    classes = persistence.parse_classes(**about["classes"])
    known = TableSchema(
        names=_texts(table["names"]),
        columns=tuple(Column(*_texts(one)) for one in table["columns"]),  # type: ignore[arg-type]
        set_aside=tuple(DroppedColumn(*_texts(one)) for one in table["set_aside"]),  # type: ignore[arg-type]
        formats=dict(_texts(pair) for pair in table["formats"].items()),  # type: ignore[misc]
        numbers=_texts(table["numbers"]),
    )
    used = [column.name for column in known.columns]
    every = [*used, *(one.name for one in known.set_aside)]
    if sorted(every) != sorted(known.names) or len(set(every)) < len(every):
        raise ValueError("the columns are not those of the table")
    if not (set(known.numbers) | set(known.formats)) <= set(used):
        raise ValueError("there is no such column")
    if not all(column.kind in KINDS for column in known.columns):
        raise ValueError("a column's kind is unknown")
    if not all(one.why in get_args(Why) for one in known.set_aside):
        raise ValueError("a column is set aside for no reason")
    preparation = NetPreparation.from_spec(decompress_spec(notes["preparation"]))
    if not {encoder.name for encoder in preparation.encoders} <= set(used):
        raise ValueError("the preparation is of other columns")
    network = model.network
    if network.input_shape != (len(preparation.names),) or network.answer_shape != classes.shape:
        raise ValueError("the network's shapes are not the table's")
    names = table["labels"]
    if names is not None:
        names = np.array(_texts(names), dtype=object)
        if len(names) != len(known.names):
            raise ValueError("there must be a name for each column")
    return FittedTable(known, preparation, network, model.weights, classes, names)


def _texts(values: Any) -> tuple[str, ...]:
    if not all(type(value) is str for value in values):
        raise TypeError("expected text")
    return tuple(values)


def _noted(about: Mapping[str, Any]) -> dict[str, Any]:
    """Read the attributes of COUNTS and CURVES."""
    noted: dict[str, Any] = {name: persistence.parse_count(about[name]) for name in COUNTS}
    for name in CURVES:
        values = from_tagged(about[name], {})
        if values is not None or name == CURVES[0]:
            values = [persistence.parse_number(value) for value in values]
        noted[name] = values
    if len({len(noted[name]) for name in CURVES if noted[name] is not None}) > 1:
        raise ValueError("the curves have several lengths")
    return noted
