"""A fitted contender in one file: the model, the task, and how features are prepared for it.

The file is safetensors with a description in JSON, never a pickle. A network's file is one of
:func:`graduel.train.save_network`, with the task in its notes; XGBoost's trees stand in theirs as
the bytes of XGBoost's own binary JSON.
"""

from __future__ import annotations

import zlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from graduel.atomic_io import atomic_write
from graduel.data.prepare.encoder import Preparation, compress_spec, decompress_spec
from graduel.data.prepare.preparation import NetPreparation, TreePreparation
from graduel.errors import UserError
from graduel.models.model import Model
from graduel.models.schema import DAMAGED, Schema
from graduel.nn import Network, Weights
from graduel.train.io.container import (
    FORMAT,
    KEY,
    OTHER,
    check_file,
    check_sum,
    one_line,
    pack_file,
    parse_header,
)
from graduel.train.io.network_file import load_network, save_network

__all__ = ["Model", "load_model", "save_model"]

Array = NDArray[Any]

NOTE = "kept"
"""Under this key of a file's notes stands what this module adds."""
TREES = "booster"
"""The name of the trees' bytes in a file, and its kind."""


def save_model(path: str | Path, kept: Model) -> None:
    """Write a model to one file, whole or not at all; equal models make equal bytes.

    Raises
    ------
    UserError
        If the description is too long for a file.
    OSError
        If the file cannot be written.
    """
    note = {
        "family": kept.family,
        "title": kept.title,
        "task": kept.task.as_dict(),
        "preparation": None
        if kept.preparation is None
        else compress_spec(kept.preparation.to_spec()),
        "learned": list(kept.learned),
    }
    notes = kept.notes | {NOTE: note}
    if kept.network is not None and kept.weights is not None:
        save_network(path, kept.network, kept.weights, notes)
        return
    about = {"format": FORMAT, "graduel": version("graduel"), "kind": TREES, "notes": notes}
    trees = np.frombuffer(bytes(kept.booster.save_raw("ubj")), np.uint8)
    atomic_write(path, pack_file(about, {TREES: trees}))


def load_model(path: str | Path) -> Model:
    """Read a model that :func:`save_model` or ``graduel train`` wrote. Nothing is unpickled.

    The checksum tells damage, not malice: trees are parsed by XGBoost, so open those only of
    whom you trust.

    Raises
    ------
    UserError
        If there is no such file, it is none of a model's, damaged, or of a newer format.
    """
    path, where = Path(path), one_line(path)
    try:
        check_file(path)
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get(KEY)
            about = {} if text is None else parse_header(text)
            trees = file.get_tensor(TREES) if about.get("kind") == TREES else None
        if trees is not None:
            return _of_trees(about, trees)
    except UserError as error:
        raise UserError(f"{where}: {one_line(error)}") from None
    except OSError as error:
        raise UserError(f"{where}: cannot be read ({error.strerror or one_line(error)})") from None
    except Exception as error:  # a damaged file may lead anywhere
        detail = one_line(f"{type(error).__name__}: {error}")
        raise UserError(f"{where}: {OTHER} ({detail})") from None
    model = load_network(path)
    try:
        return _of_network(model.network, model.weights, model.notes)
    except UserError as error:
        raise UserError(f"{where}: {one_line(error)}") from None


def _of_network(network: Network, weights: Weights, notes: dict[str, Any]) -> Model:
    if "estimator" in notes:
        kind = one_line(notes["estimator"], 40)
        raise UserError(f"holds an estimator, which {kind}.load(…) reads")
    note = notes.pop(NOTE, None)
    if note is None:
        note = _before(network, notes)
    family, title, task, preparation, _ = _read(note, NetPreparation)
    if family != "net" or network.answer_shape != (len(task.classes),):
        raise UserError(f"{DAMAGED} (its classes are not the network's)")
    _check_width(network.input_shape, task, preparation)
    return Model(family, title, task, preparation, network, weights, notes=notes)


def _before(network: Network, notes: dict[str, Any]) -> dict[str, Any]:
    """Return the note of a file from before there was one: a network for MNIST."""
    if not isinstance(notes.get("classes"), list):
        raise UserError(
            "holds a network alone, without its classes; graduel.train.load_network reads it"
        )
    image = [28, 28, 1] if notes.get("dataset") == "mnist" else None
    task = Schema(
        str(notes.get("dataset")),
        tuple(map(str, notes["classes"])),
        scale=float(notes.get("scale") or 1),
    ).as_dict() | {"image": image}
    return {
        "family": "net",
        "title": "NumPy network",
        "task": task,
        "preparation": None,
        "learned": [],
    }


def _of_trees(about: dict[str, Any], trees: Array) -> Model:
    check_sum(about, [(TREES, trees)])
    from xgboost import Booster

    notes = dict(about["notes"])
    family, title, task, preparation, learned = _read(notes.pop(NOTE, None), TreePreparation)
    if family != "xgboost" or not learned or max(learned) >= len(task.classes):
        raise UserError(f"{DAMAGED} (its classes are not the trees')")
    booster = Booster()
    booster.load_model(bytearray(trees.tobytes()))
    _check_width((booster.num_features(),), task, preparation)
    return Model(family, title, task, preparation, booster=booster, learned=learned, notes=notes)


def _check_width(shape: tuple[int, ...], task: Schema, preparation: Preparation | None) -> None:
    width = int(np.prod(shape))
    if preparation is None and task.columns:
        raise UserError(f"{DAMAGED} (columns without their preparation)")
    if preparation is not None and len(preparation.names) != width:
        raise UserError(f"{DAMAGED} (the preparation is another model's)")
    if preparation is not None:
        known = {column.name for column in task.columns}
        if any(encoder.name not in known for encoder in preparation.encoders):
            raise UserError(f"{DAMAGED} (the preparation is of other columns)")
    if preparation is None and task.image is not None and int(np.prod(task.image)) != width:
        raise UserError(f"{DAMAGED} (the images are another model's)")


def _read(
    note: Any, kind: type[Preparation]
) -> tuple[str, str, Schema, Preparation | None, tuple[int, ...]]:
    try:
        family, title, learned = note["family"], note["title"], note["learned"]
        if not (isinstance(title, str) and all(type(n) is int and n >= 0 for n in learned)):
            raise ValueError("a title or a class is none")
        if len(set(learned)) < len(learned):
            raise ValueError("a class stands twice")
        spec = None if note["preparation"] is None else decompress_spec(note["preparation"])
        task = Schema.from_dict(note["task"])
    except (TypeError, KeyError, ValueError, zlib.error) as error:
        raise UserError(f"{DAMAGED} ({type(error).__name__}: {error})") from None
    return family, title, task, None if spec is None else kind.from_spec(spec), tuple(learned)
