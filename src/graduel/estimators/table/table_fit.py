"""A table's fit: understood, divided, prepared, trained."""

from __future__ import annotations

import re
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
from graduel.errors import UserError
from graduel.estimators.parameters import OF_TABLES, check, check_class_weight
from graduel.estimators.table import table_input
from graduel.estimators.table.table_training import EpochScorer, train_and_select
from graduel.nn import Network, Weights
from graduel.train.build.recipe_parser import parse_recipe, validate_recipe
from graduel.train.loop.training import Training, to_probabilities
from graduel.train.recipes import NetRecipe, net_recipe

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class FittedTable:
    """All that an answer needs, in one object that is exchanged whole.

    It answers in float64: in float32 the last digits of a row's answer would depend on which other
    rows are asked for with it.

    Attributes
    ----------
    understood : what the columns are
    preparation : how they become numbers
    network, weights : what answers
    classes : the labels, sorted
    names : of the columns, where they came with names
    """

    understood: table_input.TableSchema
    preparation: NetPreparation
    network: Network
    weights: Weights
    classes: Array
    names: Array | None = None

    @cached_property
    def _exact(self) -> tuple[Network, Weights]:
        theta, state = (v.astype(np.float64) for v in (self.weights.theta, self.weights.state))
        return replace(self.network, dtype="float64"), Weights(theta, state)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_exact"}

    def answers(self, frame: pl.DataFrame) -> Array:
        """Return probabilities of rows as they came, shape (n, classes)."""
        matrix = self.preparation.transform(self.understood.frame(frame))
        network, weights = self._exact
        return to_probabilities(network.loss, network.predict(matrix, weights))


@dataclass(frozen=True, slots=True, eq=False)
class TableRows:
    """Rows as they are learned from, and their class codes."""

    frame: pl.DataFrame
    y: Array

    def __getitem__(self, rows: Array) -> TableRows:
        return TableRows(self.frame[rows], self.y[rows])


def fit(p: Any, X: Any, y: Any, eval_set: Any) -> dict[str, Any]:
    """Fit a table; return the fitted attributes of the estimator, which is not changed.

    Raises
    ------
    ValueError
        If a parameter or the data do not fit, or the training diverges in its first epoch.
    """
    check(p, OF_TABLES)
    check_class_weight(p.class_weight)
    stand_in = p._stand_in(None)
    given = table_input.to_frame(stand_in, X, least=2)
    y = validate_labels(y)
    check_consistent_length(given, y)
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            "expected y with two classes or more; got one class, "
            f"{quote_name(classes.tolist()[0])}. "
            "Give rows of the others too"
        )
    categorical = table_input.resolve_columns(p.categorical_features, X, given.columns)
    understood, frame = table_input.TableSchema.of(given, categorical)
    draws = check_random_state(p.random_state)
    rng = np.random.default_rng(draws.randint(0, 2**32, 4, dtype=np.uint32))
    part = TableRows(frame, codes)
    if eval_set is None:
        rows, aside = set_aside(codes, p.validation_fraction, rng)
        train, valid = part[rows], part[aside]
    else:
        stand_in.classes_ = classes
        train, valid = part, _given(stand_in, understood, eval_set)
    recipe = resolve_recipe(p, len(train.y))
    preparation = NetPreparation.fit(train.frame, understood.columns, **recipe.preparation)
    if not preparation.names:
        raise UserError(
            f"expected columns that differ in the {len(train.y):,} rows to learn from; of "
            f"{join_names(c.name for c in understood.columns)} each holds one value. Give more rows"
        )
    weights = _class_weight(p.class_weight, classes, train.y)
    training = Training(
        recipe,
        preparation.transform(train.frame),
        train.y,
        len(classes),
        rng=rng,
        inputs=preparation,
        class_weight=weights,
    )
    best, epochs = train_and_select(
        p.verbose,
        training,
        preparation.transform(valid.frame),
        EpochScorer(p.metric, weights, valid.y),
    )
    fitted = FittedTable(
        understood,
        preparation,
        training.network,
        best.weights,
        classes,
        getattr(stand_in, "feature_names_in_", None),
    )
    watched = len(valid.y) > 0
    return fitted_attributes(fitted) | {
        "recipe_": recipe,
        "n_iter_": len(epochs),
        "best_epoch_": best.epoch,
        "loss_curve_": [e.loss for e in epochs],
        "validation_error_curve_": [e.validation_error for e in epochs] if watched else None,
        "validation_loss_curve_": [e.validation_loss for e in epochs] if watched else None,
        "validation_scores_": [e.validation_score for e in epochs] if watched else None,
    }


def fitted_attributes(fitted: FittedTable) -> dict[str, Any]:
    """Return the fitted attributes that follow from what answers."""
    names = {} if fitted.names is None else {"feature_names_in_": fitted.names}
    return {
        "_fitted": fitted,
        "n_features_in_": len(fitted.understood.names),
        **names,
        "classes_": fitted.classes,
        "columns_": fitted.understood.columns,
        "set_aside_": fitted.understood.set_aside,
        "preparation_": fitted.preparation,
        "network_": fitted.network,
        "weights_": fitted.weights,
    }


def validate_labels(y: Any) -> Array:
    """Return y as one label a row.

    Raises
    ------
    ValueError
        If it is not that.
    """
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    found: Array = np.asarray(column_or_1d(y, warn=True))
    if found.dtype.kind == "O":
        gone = [_missing(label) for label in found.tolist()]
        if any(gone):
            raise UserError(
                f"expected y with a label in each row; {sum(gone):,} are missing (the first: row "
                f"{1 + gone.index(True):,}). Leave those rows out"
            )
    assert_all_finite(found, input_name="y")
    check_classification_targets(found)
    return found


def _missing(label: Any) -> bool:
    nan = isinstance(label, float) and isnan(label)
    return label is None or nan or type(label).__name__ == "NAType"


def set_aside(codes: Array, fraction: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return the rows to learn from and those to choose the epoch on, each class by its share.

    Of every class at least one row is learned from. With `fraction` above 0 there is a row to
    choose on wherever a class has two.

    >>> rows, aside = set_aside(np.array([0, 0, 0, 0, 1]), 0.2, np.random.default_rng(0))
    >>> len(rows), len(aside), 4 in rows
    (4, 1, True)
    """
    counts = np.bincount(codes)
    most = np.maximum(counts - 1, 0)
    exact = counts * fraction
    sizes = np.minimum(exact.astype(np.int64), most)
    wanted = max(1, round(fraction * len(codes))) if fraction else 0
    for k in np.argsort(sizes - exact, kind="stable"):  # the largest remainders first
        if sizes.sum() < wanted and sizes[k] < most[k]:
            sizes[k] += 1
    aside = [rng.permutation(np.flatnonzero(codes == k))[:n] for k, n in enumerate(sizes)]
    held = np.zeros(len(codes), bool)
    held[np.concatenate(aside)] = True
    return np.flatnonzero(~held), np.flatnonzero(held)


def _given(stand_in: Any, understood: table_input.TableSchema, eval_set: Any) -> TableRows:
    """Return the user's validation rows."""
    if isinstance(eval_set, list) and len(eval_set) == 1:
        eval_set = eval_set[0]
    if not isinstance(eval_set, tuple | list) or len(eval_set) != 2:
        raise ValueError(
            "eval_set must be a pair of validation rows and their labels, (X, y); got "
            f"{type(eval_set).__name__}"
        )
    frame = table_input.to_frame(stand_in, eval_set[0], names=understood.names)
    y, classes = validate_labels(eval_set[1]), stand_in.classes_
    check_consistent_length(frame, y)
    new = np.setdiff1d(y, classes)
    if len(new):
        raise ValueError(
            f"y of eval_set must hold labels of y ({join_names(classes.tolist())}); got "
            f"{join_names(new.tolist())}. Leave those rows out, or learn from some of them"
        )
    return TableRows(understood.frame(frame), np.searchsorted(classes, y))


def resolve_recipe(p: Any, rows: int) -> NetRecipe:
    """Return every choice: the recipe for so many rows, as the user changed it.

    Raises
    ------
    UserError
        If there is no such choice.
    """
    recipe = net_recipe(quick=False, table_rows=rows)
    if isinstance(p.recipe, NetRecipe):
        recipe = validate_recipe(p.recipe)
    elif p.recipe is not None:
        recipe = parse_recipe(p.recipe, recipe)
    if p.max_epochs is not None:
        recipe = replace(recipe, epochs=min(recipe.epochs, int(p.max_epochs)))
    return recipe


def _class_weight(given: Any, classes: Array, y: Array) -> tuple[float, ...] | None:
    if given is None:
        return None
    weights = compute_class_weight(given, classes=classes, y=classes[y])
    return tuple(float(weight) for weight in weights)


def translate_error(error: UserError) -> UserError:
    """Say what the command line would say, in an estimator's words."""
    text = re.sub(r"--categorical ('[^']*')", r"categorical_features=[\1]", str(error))
    return UserError(text.replace("--net", "recipe"))
