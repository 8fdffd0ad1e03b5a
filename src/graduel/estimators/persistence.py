"""Estimators in one file: the network's, with the parameters and the labels in its notes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from math import inf, isfinite, isnan, prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel import optim
from graduel.errors import UserError
from graduel.estimators.fit.fit_loop import FitHistory
from graduel.estimators.fit.fit_setup import fitted_attributes
from graduel.estimators.fit.fitted_network import FittedNetwork
from graduel.estimators.targets import LabelTarget, NumberTarget, Targets
from graduel.nn import serialization
from graduel.train.io.container import one_line
from graduel.train.io.network_file import SavedNetwork, load_network, save_network

Array = NDArray[Any]

FORMAT = 1
"""Of what an estimator notes beside its network. Files of every format keep loading."""
NOTED = (
    "n_iter_",
    "t_",
    "loss_",
    "loss_curve_",
    "best_loss_",
    "validation_loss_curve_",
    "validation_scores_",
    "best_validation_score_",
    "learning_rate_",
    "_no_improvement_count",
)
"""The fitted attributes that stand in the file; the others follow from the network."""
COUNTS = ("n_iter_", "t_", "_no_improvement_count")
CURVES = ("loss_curve_", "validation_loss_curve_", "validation_scores_")
MOST_EPOCHS = 5_000
"""So many last epochs of each curve are saved: what describes a model is bounded in a file."""
PARTS: dict[str, type] = {
    **{f"nn.{name}": part for name, part in serialization.PARTS.items()},
    **{
        f"optim.{name}": part
        for name in optim.__all__
        if isinstance(part := getattr(optim, name), type)
        and is_dataclass(part)
        and name not in ("Iteration", "OptimizerState")
    },
}
"""What a parameter may be, beside plain data; both rooms have a ``Constant``."""
DEEPEST = 32
"""Levels of brackets in the file's parameters."""
LARGEST = 2**53
"""No count is as large."""
LARGEST_LABELS = 2**24
"""Bytes that all labels may take in memory."""


def save(estimator: Any, path: str | Path) -> None:
    """Write a fitted estimator to one file; :meth:`load` says what comes back.

    Raises
    ------
    NotFittedError
        If nothing was fitted.
    UserError
        If the labels are of a kind that a file cannot hold.
    OSError
        If the file cannot be written.
    """
    from sklearn.utils.validation import check_is_fitted

    check_is_fitted(estimator)
    fitted: FittedNetwork = estimator._fitted
    params = {}
    for name, value in estimator.get_params(deep=False).items():
        try:
            params[name] = _plain(value)
        except TypeError:
            continue  # a random stream or a function: the default comes back
    names = None if fitted.names is None else [str(name) for name in fitted.names]
    notes = {
        "estimator": type(estimator).__name__,
        "format": FORMAT,
        "params": params,
        "targets": _targets(fitted.targets),
        "features": {"names": names, "image": fitted.image, "scale": fitted.scale},
        "fitted": {name: _plain(_last(getattr(estimator, name))) for name in NOTED},
    }
    save_network(path, fitted.network, fitted.weights, notes)


def _last(value: Any) -> Any:
    return value[-MOST_EPOCHS:] if isinstance(value, list) else value


def load(kind: type, path: str | Path, parts: Sequence[type] = ()) -> Any:
    """Read an estimator of one class from a file.

    Raises
    ------
    UserError
        If there is no such file, or it holds no such estimator.
    """
    model = load_network(path, parts)
    notes, where = model.notes, one_line(path)
    check_notes(notes, kind, FORMAT, path)
    try:
        known = PARTS | {part.__name__: part for part in parts}
        params = {name: _made(value, known) for name, value in dict(notes["params"]).items()}
        estimator = kind(**params)
        fitted = _fitted(model, notes, labels=not estimator._numeric)
        noted = _noted(notes["fitted"])
        estimator.__dict__.update(
            {**fitted_attributes(estimator, fitted), **noted, "_history": _history(noted, fitted)},
            _kept=None,
        )
    except Exception as error:  # a damaged file may lead anywhere
        what = one_line(f"{type(error).__name__}: {error}", 200)
        raise UserError(
            f"{where}: what the file says of the estimator is damaged ({what})"
        ) from None
    return estimator


def check_notes(notes: Mapping[str, Any], kind: type, newest: int, path: str | Path) -> None:
    """Refuse a file that holds something else, or is of a newer format.

    Raises
    ------
    UserError
        With what was expected, and what the file holds.
    """
    where, found = one_line(path), notes.get("estimator")
    if found != kind.__name__:
        alone = "a network alone, which graduel.train.load_network reads"
        held = alone if found is None else one_line(repr(found), 60)
        article = "an" if kind.__name__[0] in "MAEIO" else "a"
        raise UserError(f"{where}: expected {article} {kind.__name__}; the file holds {held}")
    if notes.get("format") != newest:
        raise UserError(
            f"{where}: expected an estimator of format {newest}; got format "
            f"{one_line(repr(notes.get('format')), 20)}. Install a newer graduel"
        )


def _noted(about: Mapping[str, Any]) -> dict[str, Any]:
    """Read the attributes of NOTED."""
    noted = {name: _made(about[name], {}) for name in NOTED}
    for name, value in noted.items():
        if name in COUNTS:
            noted[name] = _count(value)
        elif name.endswith(("curve_", "scores_")):
            if value is not None or name == "loss_curve_":
                noted[name] = [_number(each) for each in value]
        elif value is not None or name not in ("best_loss_", "best_validation_score_"):
            noted[name] = _number(value)
    lengths = [len(noted[name] or ()) for name in CURVES]
    if not lengths[0] >= lengths[1] == lengths[2] or not lengths[0]:
        raise ValueError(f"the curves have {lengths} values")
    return noted


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < LARGEST:
        raise TypeError(f"expected a whole number of at least 0; got {value!r}")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise TypeError(f"expected a number; got {value!r}")
    return float(value)


def _history(noted: Mapping[str, Any], fitted: FittedNetwork) -> FitHistory:
    """Return what a warm start goes on from."""
    losses, watched, scores = (list(noted[name] or ()) for name in CURVES)
    history = FitHistory(losses, watched, scores, stalled=noted["_no_improvement_count"])
    history.seen = noted["t_"]
    history.best_loss = min(filter(isfinite, losses), default=inf)
    if noted["best_loss_"] is None:  # early stopping: what answers is the best epoch
        history.best_score = max((s for s in scores if not isnan(s)), default=-inf)
        history.best = fitted.weights.copy()
    return history


def _fitted(model: SavedNetwork, notes: Mapping[str, Any], *, labels: bool) -> FittedNetwork:
    network, features, about = model.network, notes["features"], notes["targets"]
    targets: Targets
    if labels:
        classes = _classes(**about["classes"])
        targets = LabelTarget(
            classes, network.loss, about["multilabel"] is True, about["sparse"] is True
        )
        if targets.multilabel and classes.dtype.kind not in "iu":
            raise ValueError("the labels of several a row must be numbers")
    else:
        targets = NumberTarget(_count(about["n_outputs"]), network.loss)
        if hasattr(network.loss, "label_smoothing"):
            raise ValueError("the network's loss is for labels")
    if network.output_shape != (targets.n_outputs,) or len(network.input_shape) != 1:
        raise ValueError("the network's shapes are not the estimator's")
    names = features["names"]
    if names is not None:
        texts = isinstance(names, list) and all(type(name) is str for name in names)
        if not texts or len(names) != network.input_shape[0]:
            raise ValueError("there must be a name for each feature")
        names = np.array(names, dtype=object)
    image = features["image"]
    if image is not None:
        height, width, channels = map(_count, image)
        image = height, width, channels
        if prod(image) != network.input_shape[0]:
            raise ValueError("the shape of the images is not the network's")
    scale = _number(features["scale"])
    if not (scale > 0 and isfinite(scale)):
        raise ValueError("scale must be above 0")
    return FittedNetwork(network, model.weights, targets, scale, names, image)


def _targets(targets: Targets) -> dict[str, Any]:
    if isinstance(targets, NumberTarget):
        return {"n_outputs": targets.n_outputs}
    classes = targets.classes
    values = [str(c) if isinstance(c, str) else c for c in classes.tolist()]
    about = {"dtype": classes.dtype.str, "values": values}
    try:
        _classes(**about)
    except ValueError:
        raise UserError(
            f"labels must be numbers or text to be saved; got {classes.dtype} such as "
            f"{classes[0]!r}. Fit with text labels"
        ) from None
    return {"classes": about, "multilabel": targets.multilabel, "sparse": targets.sparse}


def _classes(dtype: Any, values: Any) -> Array:
    """Return labels: sorted, each as the file says it.

    Raises
    ------
    ValueError
        If they are not.
    """
    found = re.fullmatch(r"[<>|]?(?:(b1|[iu][1248]|f[248])|(U)(\d{1,7})|(O))", str(dtype))
    if found is None or not isinstance(values, list) or not values:
        raise ValueError(f"labels cannot be of dtype {dtype}")
    if 4 * int(found[3] or 0) * len(values) > LARGEST_LABELS:
        raise ValueError("the labels are too long")
    kinds = {"b": (bool,), "i": (int,), "u": (int,), "f": (float, int)}
    kind = kinds[found[1][0]] if found[1] else (str,)
    if not all(type(value) in kind for value in values):
        raise ValueError(f"labels of dtype {dtype} must be {kind[0].__name__}")
    with np.errstate(all="ignore"):
        classes = np.array(values, dtype=dtype)
    if classes.tolist() != values or not (classes[:-1] < classes[1:]).all():
        raise ValueError("labels must be sorted, each of its dtype")
    return classes


def _plain(value: Any) -> Any:
    """Return plain data for JSON, from which :func:`_made` makes an equal value.

    Raises
    ------
    TypeError
        If the value is of a kind that has no plain form.
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, float) and not isfinite(value):
        return {"float": repr(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, tuple):
        return {"tuple": [_plain(part) for part in value]}
    if isinstance(value, dict):
        return {"dict": [[_plain(k), _plain(v)] for k, v in value.items()]}
    if is_dataclass(value) and not isinstance(value, type):
        inner = {f.name: _plain(getattr(value, f.name)) for f in fields(value) if f.init}
        names = {part: name for name, part in PARTS.items()}
        return {"part": names.get(type(value), type(value).__name__), "fields": inner}
    raise TypeError(f"{type(value).__name__} has no plain form")


def _made(value: Any, known: Mapping[str, type], level: int = 0) -> Any:
    """Return what :func:`_plain` wrote."""
    if level > DEEPEST:
        raise ValueError(f"more than {DEEPEST} levels of brackets")

    def made(inner: Any) -> Any:
        return _made(inner, known, level + 1)

    if isinstance(value, list):
        return [made(part) for part in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"float": "nan" | "inf" | "-inf" as text, **rest} if not rest:
            return float(text)
        case {"tuple": list(inner), **rest} if not rest:
            return tuple(made(part) for part in inner)
        case {"dict": list(inner), **rest} if not rest:
            return {made(k): made(v) for k, v in inner}
        case {"part": str(name), "fields": dict(inner), **rest} if not rest:
            if name not in known:
                raise ValueError(f"there is no part {name}; parts=[…] names those of one's own")
            return known[name](**{k: made(v) for k, v in inner.items()})
    raise ValueError(f"expected a value of a parameter; got {value!r}")
