"""Save and load estimators: a network file with the parameters and labels in its notes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from math import inf, isfinite, isnan, prod
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from graduel.errors import UserError
from graduel.estimators.fit.fit_history import FitHistory
from graduel.estimators.fit.fit_setup import fitted_attributes
from graduel.estimators.fit.fitted_network import FittedNetwork
from graduel.estimators.tagged_values import PARTS, from_tagged, to_tagged
from graduel.estimators.targets import LabelTarget, NumberTarget, Targets
from graduel.serialize import from_plain
from graduel.train.io.container import one_line
from graduel.train.io.network_file import SavedNetwork, load_network, save_network

Array = NDArray[Any]
T = TypeVar("T")

FORMAT = 1
"""The format version of the notes."""
MOST_EPOCHS = 5_000
"""The number of last epochs of each curve that are saved: the size of notes is limited."""
LARGEST = 2**53
"""The bound of counts."""
LARGEST_LABELS = 2**24
"""The maximum size of all labels in memory, in bytes."""


@dataclass(frozen=True, slots=True)
class FitNotes:
    """The fitted attributes in the file; the others follow from the network."""

    n_iter_: int
    t_: int
    loss_: float
    loss_curve_: list[float]
    best_loss_: float | None
    validation_loss_curve_: list[float] | None
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    learning_rate_: float
    _no_improvement_count: int

    def __post_init__(self) -> None:
        for name in COUNTS:
            check_count(getattr(self, name))
        lengths = [len(getattr(self, name) or ()) for name in CURVES]
        if not lengths[0] >= lengths[1] == lengths[2] or not lengths[0]:
            raise ValueError(
                f"expected a loss curve with an entry and validation curves of equal length, no "
                f"longer; got {lengths} values"
            )


COUNTS = ("n_iter_", "t_", "_no_improvement_count")
CURVES = ("loss_curve_", "validation_loss_curve_", "validation_scores_")


@dataclass(frozen=True, slots=True)
class FeatureNotes:
    """The notes about the columns of X."""

    names: list[str] | None
    image: tuple[int, int, int] | None
    scale: float

    def check(self, n_features: int) -> None:
        """Raise `ValueError` unless these notes match a network of `n_features` inputs."""
        if self.names is not None and len(self.names) != n_features:
            raise ValueError(
                f"expected a name for each of {n_features} features; got {len(self.names)} names"
            )
        if self.image is not None and (min(self.image) < 1 or prod(self.image) != n_features):
            raise ValueError(
                f"expected images of {n_features} values, the inputs of the network; got shape "
                f"{self.image}"
            )
        if not (self.scale > 0 and isfinite(self.scale)):
            raise ValueError(f"scale must be a finite number above 0; got {self.scale}")


def save(estimator: Any, path: str | Path) -> None:
    """Save a fitted estimator to one file."""
    check_is_fitted(estimator)
    fitted: FittedNetwork = estimator._fitted
    names = None if fitted.names is None else [str(name) for name in fitted.names]
    features = {"names": names, "image": fitted.image, "scale": fitted.scale}
    save_estimator(estimator, path, FORMAT, FitNotes, fitted.targets, features=features)


def save_estimator(
    estimator: Any, path: str | Path, number: int, curves: type, targets: Targets, **notes: Any
) -> None:
    """Save a fitted network with its parameters, fitted attributes and notes.

    `number` is the format version; the fields of the dataclass `curves` are the attributes.
    """
    params = {}
    for name, value in estimator.get_params(deep=False).items():
        try:
            params[name] = to_tagged(value)
        except (TypeError, ValueError):
            continue  # a RandomState or a function: reset to the default
    values = {field.name: getattr(estimator, field.name) for field in fields(curves)}
    about = {
        "estimator": type(estimator).__name__,
        "format": number,
        "params": params,
        "targets": targets_to_plain(targets),
        **notes,
        "fitted": {
            name: to_tagged(value[-MOST_EPOCHS:] if isinstance(value, list) else value)
            for name, value in values.items()
        },
    }
    save_network(path, estimator._fitted.network, estimator._fitted.weights, about)


def load(kind: type, path: str | Path, parts: Sequence[type] = ()) -> Any:
    """Load an estimator of class `kind` from a file."""
    known = PARTS | {part.__name__: part for part in parts}
    return load_estimator(kind, path, parts, FORMAT, known, _restore)


def load_estimator(
    kind: type,
    path: str | Path,
    parts: Sequence[type],
    number: int,
    known: Mapping[str, type],
    restore: Callable[[Any, SavedNetwork], dict[str, Any]],
) -> Any:
    """Load an estimator of class `kind` from a file of format version `number`.

    `known` holds the classes that parameters can have; `restore` returns the fitted attributes for
    an estimator with its parameters and the loaded network.
    """
    model = load_network(path, parts)
    check_notes(model.notes, kind, number, path)
    try:
        params = dict(model.notes["params"])
        estimator = kind(**{name: from_tagged(value, known) for name, value in params.items()})
        estimator.__dict__.update(restore(estimator, model))
    except Exception as error:  # a damaged file can raise anything
        detail = one_line(f"{type(error).__name__}: {error}", 200)
        raise UserError(
            f"{one_line(path)}: the description of the estimator is damaged ({detail}). "
            "Save the estimator again"
        ) from None
    return estimator


def load_curves(kind: type[T], notes: Mapping[str, Any]) -> T:
    """Return the fitted attributes of a file as a dataclass of type `kind`."""
    values = {field.name: from_tagged(notes[field.name], {}) for field in fields(kind)}  # type: ignore[arg-type]
    return from_plain(kind, values, "fitted")


def _restore(estimator: Any, model: SavedNetwork) -> dict[str, Any]:
    """Return the fitted attributes of an estimator from its file."""
    fitted = _build_fitted(model, model.notes, labels=not estimator._is_regressor)
    curves = load_curves(FitNotes, model.notes["fitted"])
    return {
        **fitted_attributes(estimator, fitted),
        **{field.name: getattr(curves, field.name) for field in fields(curves)},
        "_history": _build_history(curves, fitted),
        "_resume_state": None,
    }


def check_notes(notes: Mapping[str, Any], kind: type, newest: int, path: str | Path) -> None:
    """Raise `UserError` unless a file holds an estimator of this class and format version."""
    where, name = one_line(path), notes.get("estimator")
    if name != kind.__name__:
        network = "a network without an estimator; use graduel.train.load_network"
        content = network if name is None else one_line(repr(name), 60)
        article = "an" if kind.__name__[0] in "MAEIO" else "a"
        raise UserError(f"{where}: expected {article} {kind.__name__}; got {content}")
    if notes.get("format") != newest:
        raise UserError(
            f"{where}: expected an estimator of format {newest}; got format "
            f"{one_line(repr(notes.get('format')), 20)}. Install a newer graduel"
        )


def check_count(value: int) -> int:
    """Return a count; raise `ValueError` if it is below 0 or too large."""
    if not 0 <= value < LARGEST:
        raise ValueError(f"expected an integer of at least 0; got {value!r}")
    return value


def _build_history(notes: FitNotes, fitted: FittedNetwork) -> FitHistory:
    """Return the history that a warm start continues."""
    losses, validation_losses, scores = (list(getattr(notes, name) or ()) for name in CURVES)
    history = FitHistory(
        losses, validation_losses, scores, stalled=notes._no_improvement_count, seen=notes.t_
    )
    history.best_loss = min(filter(isfinite, losses), default=inf)
    if notes.best_loss_ is None:  # early stopping: the weights are those of the best epoch
        history.best_score = max((s for s in scores if not isnan(s)), default=-inf)
        history.best = fitted.weights.copy()
    return history


def _build_fitted(model: SavedNetwork, notes: Mapping[str, Any], *, labels: bool) -> FittedNetwork:
    """Return the fitted network; `labels` is whether the targets are labels."""
    network, target_notes = model.network, notes["targets"]
    features = from_plain(FeatureNotes, notes["features"], "features")
    targets: Targets
    if labels:
        classes = parse_classes(**target_notes["classes"])
        targets = LabelTarget(
            classes,
            network.loss,
            target_notes["multilabel"] is True,
            target_notes["sparse"] is True,
        )
        if targets.multilabel and classes.dtype.kind not in "iu":
            raise ValueError(f"multilabel targets must be integers; got {classes.dtype}")
    else:
        targets = NumberTarget(
            check_count(from_plain(int, target_notes["n_outputs"])), network.loss
        )
        if hasattr(network.loss, "label_smoothing"):
            raise ValueError(
                f"expected a network with a loss for regression; got {type(network.loss).__name__}"
            )
    if network.output_shape != (targets.n_outputs,) or len(network.input_shape) != 1:
        raise ValueError(
            f"expected a network with inputs of shape (n_features,) and outputs of shape "
            f"({targets.n_outputs},); got {network.input_shape} and {network.output_shape}"
        )
    features.check(network.input_shape[0])
    names = None if features.names is None else np.array(features.names, dtype=object)
    return FittedNetwork(network, model.weights, targets, features.scale, names, features.image)


def targets_to_plain(targets: Targets) -> dict[str, Any]:
    """Return targets as plain data; raise `UserError` if labels are not numbers or text."""
    if isinstance(targets, NumberTarget):
        return {"n_outputs": targets.n_outputs}
    classes = targets.classes
    values = [str(c) if isinstance(c, str) else c for c in classes.tolist()]
    plain = {"dtype": classes.dtype.str, "values": values}
    try:
        parse_classes(**plain)
    except ValueError:
        raise UserError(
            f"labels must be numbers or text to be saved; got {classes.dtype} such as "
            f"{classes[0]!r}. Fit with text labels"
        ) from None
    return {"classes": plain, "multilabel": targets.multilabel, "sparse": targets.sparse}


def parse_classes(dtype: Any, values: Any) -> Array:
    """Return the labels of a file; raise `ValueError` unless they are sorted and of this dtype."""
    match = re.fullmatch(r"[<>|]?(?:(b1|[iu][1248]|f[248])|(U)(\d{1,7})|(O))", str(dtype))
    if match is None or not isinstance(values, list) or not values:
        raise ValueError(
            f"labels must be a list of at least one number or text; got dtype {dtype} and "
            f"{type(values).__name__}"
        )
    if (n_bytes := 4 * int(match[3] or 0) * len(values)) > LARGEST_LABELS:
        raise ValueError(
            f"labels must take at most {LARGEST_LABELS:,} bytes together; got {n_bytes:,}"
        )
    kinds = {"b": (bool,), "i": (int,), "u": (int,), "f": (float, int)}
    kind = kinds[match[1][0]] if match[1] else (str,)
    if not all(type(value) in kind for value in values):
        odd = next(value for value in values if type(value) not in kind)
        raise ValueError(f"labels of dtype {dtype} must be {kind[0].__name__}; got {odd!r}")
    with np.errstate(all="ignore"):
        classes = np.array(values, dtype=dtype)
    if classes.tolist() != values or not (classes[:-1] < classes[1:]).all():
        raise ValueError(
            f"labels must be sorted, distinct and of dtype {dtype}; got {values[:5]!r}"
        )
    return classes
