"""Estimators in one file: the network's, with the parameters and the labels in its notes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel import nn, optim
from graduel.errors import UserError
from graduel.estimators.course import History
from graduel.estimators.fitted import Fitted
from graduel.estimators.targets import Labels, Numbers, Targets
from graduel.estimators.work import derived
from graduel.train.models import Model, load_model, save_model

Array = NDArray[Any]

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
PARTS: dict[str, type] = {
    name: part
    for room in (nn, optim)
    for name in room.__all__
    if isinstance(part := getattr(room, name), type) and is_dataclass(part)
}
"""What a parameter may be, beside plain data."""


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
    fitted: Fitted = estimator._fitted
    params = {}
    for name, value in estimator.get_params(deep=False).items():
        try:
            params[name] = _plain(value)
        except TypeError:
            continue  # a random stream or a function: the default comes back
    names = None if fitted.names is None else [str(name) for name in fitted.names]
    notes = {
        "estimator": type(estimator).__name__,
        "params": params,
        "targets": _targets(fitted.targets),
        "features": {"names": names, "image": fitted.image, "scale": fitted.scale},
        "fitted": {name: _plain(getattr(estimator, name)) for name in NOTED},
    }
    save_model(path, fitted.network, fitted.weights, notes)


def load(kind: type, path: str | Path, parts: Sequence[type] = ()) -> Any:
    """Read an estimator of one class from a file.

    Raises
    ------
    UserError
        If there is no such file, or it holds no such estimator.
    """
    model = load_model(path, parts)
    notes = model.notes
    if notes.get("estimator") != kind.__name__:
        found = notes.get("estimator", "a network alone, which graduel.train.load_model reads")
        raise UserError(f"{path}: expected an {kind.__name__}; the file holds {found!r}")
    try:
        estimator = kind(**{k: _made(v, parts) for k, v in dict(notes["params"]).items()})
        fitted = _fitted(model, notes)
        noted = {name: _made(notes["fitted"][name], parts) for name in NOTED}
        history = _history(noted)
        estimator.__dict__.update(
            {**derived(estimator, fitted), **noted, "_history": history, "_kept": None}
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        text = " ".join(str(error).split())
        raise UserError(
            f"{path}: what the file says of the estimator is damaged ({text})"
        ) from None
    return estimator


def _history(noted: Mapping[str, Any]) -> History:
    best = noted["best_validation_score_"]
    return History(
        losses=_numbers(noted["loss_curve_"]),
        validation_losses=_numbers(noted["validation_loss_curve_"] or []),
        scores=_numbers(noted["validation_scores_"] or []),
        best_loss=float("inf" if noted["best_loss_"] is None else noted["best_loss_"]),
        best_score=float("-inf" if best is None else best),
        stalled=int(noted["_no_improvement_count"]),
        seen=int(noted["t_"]),
    )


def _numbers(values: Any) -> list[float]:
    if not isinstance(values, list) or not all(isinstance(v, float | int) for v in values):
        raise TypeError("a curve must be a list of numbers")
    return values


def _fitted(model: Model, notes: Mapping[str, Any]) -> Fitted:
    network, features, about = model.network, notes["features"], notes["targets"]
    targets: Targets
    if "classes" in about:
        values = about["classes"]["values"]
        classes = np.array(values, dtype=_dtype(about["classes"]["dtype"]))
        targets = Labels(
            classes, network.loss, about["multilabel"] is True, about["sparse"] is True
        )
        if classes.ndim != 1 or not len(classes):
            raise ValueError("classes must be a list of labels")
    else:
        targets = Numbers(int(about["n_outputs"]), network.loss)
    if network.output_shape != (targets.n_outputs,) or len(network.input_shape) != 1:
        raise ValueError("the network's shapes are not the estimator's")
    names = features["names"]
    if names is not None:
        names = np.array([str(name) for name in names], dtype=object)
        if len(names) != network.input_shape[0]:
            raise ValueError("there must be a name for each feature")
    image = features["image"]
    if image is not None:
        height, width, channels = map(int, image)
        if height * width * channels != network.input_shape[0]:
            raise ValueError("the shape of the images is not the network's")
        image = height, width, channels
    scale = float(features["scale"])
    if not (scale > 0 and isfinite(scale)):
        raise ValueError("scale must be above 0")
    return Fitted(network, model.weights, targets, scale, names, image)


def _targets(targets: Targets) -> dict[str, Any]:
    if isinstance(targets, Numbers):
        return {"n_outputs": targets.n_outputs}
    classes = targets.classes
    if classes.dtype.kind not in "biufU" and not all(type(c) is str for c in classes):
        raise UserError(
            f"labels must be numbers or text to be saved; got {classes.dtype} such as "
            f"{classes[0]!r}. Fit with text labels"
        )
    about = {"dtype": classes.dtype.str, "values": [_plain(c) for c in classes.tolist()]}
    return {"classes": about, "multilabel": targets.multilabel, "sparse": targets.sparse}


def _dtype(text: Any) -> np.dtype[Any]:
    dtype = np.dtype(str(text))
    if dtype.kind not in "biufUO" or dtype.itemsize > 2**20:
        raise ValueError(f"labels cannot be of dtype {dtype}")
    return dtype


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
        return {"part": type(value).__name__, "fields": inner}
    raise TypeError(f"{type(value).__name__} has no plain form")


def _made(value: Any, parts: Sequence[type]) -> Any:
    """Return what :func:`_plain` wrote."""
    if isinstance(value, list):
        return [_made(part, parts) for part in value]
    if not isinstance(value, dict):
        return value
    known = PARTS | {part.__name__: part for part in parts}
    readers: dict[str, Callable[[Any], Any]] = {
        "float": float,
        "tuple": lambda inner: tuple(_made(part, parts) for part in inner),
        "dict": lambda inner: {_made(k, parts): _made(v, parts) for k, v in inner},
        "part": lambda name: known[name](
            **{k: _made(v, parts) for k, v in value["fields"].items()}
        ),
    }
    kind = next(iter(value))
    return readers[kind](value[kind])
