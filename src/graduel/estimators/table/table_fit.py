"""Fit of TabularMLPClassifier: infer the schema, split, prepare, train."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, check_consistent_length, check_random_state
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from graduel.data.prepare.preparation import NetPreparation
from graduel.data.read.column_names import join_names, quote_name
from graduel.data.schema import Schema
from graduel.data.table import DroppedColumn
from graduel.errors import UserError, to_parameters
from graduel.estimators.inputs import check_order, feature_attributes, validate_weights
from graduel.estimators.parameters import TABLE_CONSTRAINTS, check, check_class_weight
from graduel.estimators.table import table_input
from graduel.estimators.table.table_training import EpochScorer, TableEpoch, train_and_select
from graduel.nn import Network, Weights
from graduel.train.build import recipe_parser
from graduel.train.loop.training import BestEpoch, Training, to_probabilities
from graduel.train.recipes import NetRecipe, net_recipe

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[Any]
PARAMETERS = {"net": "recipe", "categorical": "categorical_features"}
"""The estimator's parameters that differ from the option of the command line."""
REMEDY = "or fit with categorical_features=[{}]"
"""What else a user can do about cells that do not fit the schema."""


@dataclass(frozen=True, eq=False)
class FittedTable:
    """Everything that a prediction needs, in one object that is replaced in one step.

    Predictions are computed in float64: in float32, the last digits of a row's probabilities would
    depend on the other rows of the call.

    Attributes
    ----------
    columns : the columns of X, in order
    schema : the columns that are used
    set_aside : the other columns, with reasons
    preparation : the encoders from columns to the network's inputs
    network, weights : the trained network
    classes : the labels, sorted; empty for numbers, whose scale is in the schema
    names : the names of the columns of X, if X has names
    """

    columns: tuple[str, ...]
    schema: Schema
    set_aside: tuple[DroppedColumn, ...]
    preparation: NetPreparation
    network: Network
    weights: Weights
    classes: Array
    names: Array | None = None

    @property
    def n_features(self) -> int:
        """The number of columns of X."""
        return len(self.columns)

    @cached_property
    def _exact(self) -> tuple[Network, Weights]:
        theta, state = (v.astype(np.float64) for v in (self.weights.theta, self.weights.state))
        return replace(self.network, dtype="float64"), Weights(theta, state)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_exact"}

    def predict_proba(self, frame: pl.DataFrame) -> Array:
        """Return probabilities of raw rows, shape (n_rows, n_classes)."""
        return to_probabilities(self.network.loss, self.predict_outputs(frame))

    def predict_outputs(self, frame: pl.DataFrame) -> Array:
        """Return the network's outputs of raw rows."""
        matrix = self.preparation.transform(self.schema.conform(frame, remedy=REMEDY))
        network, weights = self._exact
        return network.predict(matrix, weights)


@dataclass(frozen=True, slots=True, eq=False)
class TableRows:
    """Rows of a DataFrame that conforms to a schema, with their class codes and weights."""

    frame: pl.DataFrame
    y: Array
    weight: Array | None = None

    def __getitem__(self, rows: Array) -> TableRows:
        weight = None if self.weight is None else self.weight[rows]
        return TableRows(self.frame[rows], self.y[rows], weight)


def fit(p: Any, X: Any, y: Any, sample_weight: Any, eval_set: Any) -> dict[str, Any]:
    """Fit a table; return the fitted attributes of the estimator `p`, which is not modified.

    Raises
    ------
    ValueError
        If a parameter or the data are invalid, or if the training diverges in its first epoch.
    """
    check(p, TABLE_CONSTRAINTS)
    check_class_weight(p.class_weight)
    stand_in, raw, y, weight = read_rows(p, X, y, sample_weight, validate_labels)
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            "expected y with at least two classes; got one class, "
            f"{quote_name(classes.tolist()[0])}. "
            "Add rows of other classes"
        )
    categorical = table_input.resolve_columns(p.categorical_features, X, raw.columns)
    schema, set_aside, frame = table_input.infer_schema(raw, categorical)
    rng = make_generator(p.random_state)
    rows = TableRows(frame, codes, weight)
    if eval_set is None:
        train_index, valid_index = split_validation(codes, p.validation_fraction, rng)
        train, valid = rows[train_index], rows[valid_index]
    else:
        stand_in.classes_ = classes
        train, valid = rows, _validation_rows(stand_in, schema, raw.columns, eval_set)
    recipe = resolve_recipe(p, len(train.y))
    preparation = fit_preparation(train, schema, recipe)
    weights = _class_weight(p.class_weight, classes, train.y)
    training = Training(
        recipe,
        preparation.transform(train.frame),
        train.y,
        len(classes),
        rng=rng,
        inputs=preparation,
        class_weight=weights,
        weight=train.weight,
    )
    best, epochs = train_and_select(
        p.verbose,
        training,
        preparation.transform(valid.frame),
        EpochScorer(p.metric, weights, valid.y, valid.weight),
    )
    fitted = FittedTable(
        tuple(raw.columns),
        schema,
        set_aside,
        preparation,
        training.network,
        best.weights,
        classes,
        getattr(stand_in, "feature_names_in_", None),
    )
    return fitted_attributes(fitted) | describe_training(recipe, best, epochs, len(valid.y) > 0)


def read_rows(
    p: Any, X: Any, y: Any, sample_weight: Any, validate: Callable[[Any], Array]
) -> tuple[Any, pl.DataFrame, Array, Array | None]:
    """Return a stand-in for the estimator, and the rows of positive weight: cells, y, weights."""
    stand_in = p._stand_in()
    check_order(X, y)
    raw = table_input.to_frame(stand_in, X, least=2)
    y = validate(y)
    check_consistent_length(raw, y)
    weight = validate_weights(sample_weight, np.empty((len(raw), 1)))
    if weight is not None and not weight.all():  # a row of weight 0 has no influence at all
        positive = np.flatnonzero(weight)
        raw, y, weight = raw[positive], y[positive], weight[positive]
    return stand_in, raw, y, weight


def make_generator(random_state: Any) -> np.random.Generator:
    """Return the generator of a fit."""
    state = check_random_state(random_state)
    return np.random.default_rng(state.randint(0, 2**32, 4, dtype=np.uint32))


def fit_preparation(train: TableRows, schema: Schema, recipe: NetRecipe) -> NetPreparation:
    """Return the encoders fitted on training rows; raise `UserError` if no column varies."""
    preparation = NetPreparation.fit(train.frame, schema.columns, **recipe.preparation)
    if not preparation.names:
        raise UserError(
            f"expected columns that vary in the {len(train.y):,} training rows; each of "
            f"{join_names(c.name for c in schema.columns)} has one value. Add rows"
        )
    return preparation


def describe_training(
    recipe: NetRecipe, best: BestEpoch, epochs: Sequence[TableEpoch], has_validation: bool
) -> dict[str, Any]:
    """Return the fitted attributes on epochs and curves."""
    return {
        "recipe_": recipe,
        "n_iter_": len(epochs),
        "best_epoch_": best.epoch,
        "loss_curve_": [e.loss for e in epochs],
        "validation_error_curve_": [e.validation_error for e in epochs] if has_validation else None,
        "validation_loss_curve_": [e.validation_loss for e in epochs] if has_validation else None,
        "validation_scores_": [e.validation_score for e in epochs] if has_validation else None,
    }


def fitted_attributes(fitted: FittedTable) -> dict[str, Any]:
    """Return the fitted attributes of the estimator that follow from the fitted table."""
    return {
        "_fitted": fitted,
        **feature_attributes(fitted),
        "classes_": fitted.classes,
        "columns_": fitted.schema.columns,
        "set_aside_": fitted.set_aside,
        "preparation_": fitted.preparation,
        "network_": fitted.network,
        "weights_": fitted.weights,
    }


def validate_labels(y: Any) -> Array:
    """Return y as one label per row; raise `ValueError` if it is not."""
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    labels: Array = np.asarray(column_or_1d(y, warn=True))
    if labels.dtype.kind == "O":
        missing = [_is_missing(label) for label in labels.tolist()]
        if any(missing):
            raise UserError(
                f"expected y with a label in each row; got {sum(missing):,} missing, the first in "
                f"row {1 + missing.index(True):,}. Leave those rows out"
            )
    assert_all_finite(labels, input_name="y")
    check_classification_targets(labels)
    return labels


def _is_missing(label: Any) -> bool:
    nan = isinstance(label, float) and isnan(label)
    return label is None or nan or type(label).__name__ == "NAType"


def split_validation(
    codes: Array, fraction: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return the training rows and the validation rows, stratified by class.

    At least one row of every class is a training row. With `fraction` above 0 there is at least one
    validation row if any class has two rows.

    >>> train, valid = split_validation(np.array([0, 0, 0, 0, 1]), 0.2, np.random.default_rng(0))
    >>> len(train), len(valid), 4 in train
    (4, 1, True)
    """
    counts = np.bincount(codes)
    most = np.maximum(counts - 1, 0)
    exact = counts * fraction
    sizes = np.minimum(exact.astype(np.int64), most)
    total = max(1, round(fraction * len(codes))) if fraction else 0
    for k in np.argsort(sizes - exact, kind="stable"):  # the largest remainders first
        if sizes.sum() < total and sizes[k] < most[k]:
            sizes[k] += 1
    valid = [rng.permutation(np.flatnonzero(codes == k))[:n] for k, n in enumerate(sizes)]
    is_valid = np.zeros(len(codes), bool)
    is_valid[np.concatenate(valid)] = True
    return np.flatnonzero(~is_valid), np.flatnonzero(is_valid)


def _validation_rows(
    stand_in: Any, schema: Schema, names: Sequence[str], eval_set: Any
) -> TableRows:
    """Return the user's validation rows, with class codes."""
    frame, y = read_validation_rows(stand_in, schema, names, eval_set, validate_labels)
    classes = stand_in.classes_
    new = np.setdiff1d(y, classes)
    if len(new):
        raise ValueError(
            f"y of eval_set must hold labels of y ({join_names(classes.tolist())}); got "
            f"{join_names(new.tolist())}. Leave those rows out, or add such rows to X and y"
        )
    return TableRows(frame, np.searchsorted(classes, y))


def read_validation_rows(
    stand_in: Any,
    schema: Schema,
    names: Sequence[str],
    eval_set: Any,
    validate: Callable[[Any], Array],
) -> tuple[pl.DataFrame, Array]:
    """Return the cells and the targets of the user's validation rows."""
    if isinstance(eval_set, list) and len(eval_set) == 1:
        eval_set = eval_set[0]
    if not isinstance(eval_set, tuple | list) or len(eval_set) != 2:
        raise ValueError(
            "eval_set must be a pair of validation rows and their labels, (X, y); got "
            f"{type(eval_set).__name__}"
        )
    frame = table_input.to_frame(stand_in, eval_set[0], names=names)
    y = validate(eval_set[1])
    check_consistent_length(frame, y)
    return schema.conform(frame, remedy=REMEDY), y


def resolve_recipe(p: Any, rows: int, *, regression: bool = False) -> NetRecipe:
    """Return the default recipe for this number of training rows, with the user's changes."""
    recipe = net_recipe(quick=False, table_rows=rows, regression=regression)
    if p.recipe is not None:
        recipe = recipe_parser.resolve_recipe(p.recipe, recipe)
    if p.max_epochs is not None:
        recipe = replace(recipe, epochs=min(recipe.epochs, int(p.max_epochs)))
    return recipe


def _class_weight(class_weight: Any, classes: Array, y: Array) -> tuple[float, ...] | None:
    if class_weight is None:
        return None
    weights = compute_class_weight(class_weight, classes=classes, y=classes[y])
    return tuple(float(weight) for weight in weights)


def translate_error(error: UserError) -> UserError:
    """Return the error with command-line options replaced by parameters of the estimator."""
    return UserError(to_parameters(str(error), PARAMETERS))
