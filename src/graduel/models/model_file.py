"""A model in one file: its network or trees, its schema, and its preparation.

The file is safetensors with a description in JSON, never a pickle. A network's file is one of
:func:`graduel.train.save_network`, with the rest in its notes; XGBoost's trees are stored as the
bytes of XGBoost's own binary JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from graduel.atomic_io import atomic_write
from graduel.data.prepare.compression import compress_spec
from graduel.data.prepare.preparation import NetPreparation, Preparation, TreePreparation
from graduel.data.schema import Schema
from graduel.errors import UserError
from graduel.models.model import Model
from graduel.nn import Network, Weights
from graduel.serialize import from_plain, to_plain
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

NOTE = "model"
"""Key of a :class:`ModelNote` among the notes of a file."""
TREES = "booster"
"""Name of the trees' bytes in a file, and the kind of the file."""
DAMAGED = "the description of the model is damaged"


@dataclass(frozen=True, slots=True)
class ModelNote:
    """What a file says of its model beside the network or the trees."""

    family: str
    title: str
    schema: Schema
    preparation: dict[str, Any] | str | None
    """The plain form of a preparation; compressed where it is long."""
    class_codes: tuple[int, ...]

    def read_preparation(self, kind: type[Preparation]) -> Preparation | None:
        """Return the preparation of this class, or None where there is none."""
        return None if self.preparation is None else kind.from_spec(self.preparation)


def save_model(path: str | Path, model: Model) -> None:
    """Write a model to one file, whole or not at all; equal models make equal bytes.

    Raises
    ------
    UserError
        If the description is too long for a file.
    OSError
        If the file cannot be written.
    """
    preparation = model.preparation
    note = ModelNote(
        model.family,
        model.title,
        model.schema,
        None if preparation is None else compress_spec(preparation.to_spec()),
        model.class_codes,
    )
    notes = model.notes | {NOTE: to_plain(note)}
    if model.network is not None and model.weights is not None:
        save_network(path, model.network, model.weights, notes)
        return
    header = {"format": FORMAT, "graduel": version("graduel"), "kind": TREES, "notes": notes}
    trees = np.frombuffer(bytes(model.booster.save_raw("ubj")), np.uint8)
    atomic_write(path, pack_file(header, {TREES: trees}))


def load_model(path: str | Path) -> Model:
    """Read a model that :func:`save_model` or ``graduel train`` wrote. Nothing is unpickled.

    The checksum detects damage, not malice: trees are parsed by XGBoost, so load trees only from
    people you trust.

    Raises
    ------
    UserError
        If there is no such file, or it is not a model's, damaged, or of a newer format.
    """
    path, where = Path(path), one_line(path)
    try:
        check_file(path)
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get(KEY)
            header = {} if text is None else parse_header(text)
            trees = file.get_tensor(TREES) if header.get("kind") == TREES else None
        if trees is not None:
            return _read_trees(header, trees)
    except UserError as error:
        raise UserError(f"{where}: {one_line(error)}") from None
    except OSError as error:
        raise UserError(f"{where}: cannot be read ({error.strerror or one_line(error)})") from None
    except Exception as error:  # a damaged file may lead anywhere
        detail = one_line(f"{type(error).__name__}: {error}")
        raise UserError(f"{where}: {OTHER} ({detail})") from None
    saved = load_network(path)
    try:
        return _read_network(saved.network, saved.weights, saved.notes)
    except UserError as error:
        raise UserError(f"{where}: {one_line(error)}") from None


def _read_network(network: Network, weights: Weights, notes: dict[str, Any]) -> Model:
    """Return the model of a network's file; `notes` loses the model's own."""
    if "estimator" in notes:
        kind = one_line(notes["estimator"], 40)
        raise UserError(f"holds an estimator, which {kind}.load(…) reads")
    if NOTE not in notes:
        raise UserError(
            "holds a network alone, without its classes; graduel.train.load_network reads it"
        )
    note = _read_note(notes.pop(NOTE))
    if note.family != "net" or network.prediction_shape != (len(note.schema.classes),):
        raise UserError(f"{DAMAGED} (its classes are not the network's)")
    preparation = note.read_preparation(NetPreparation)
    _check_width(network.input_shape, note.schema, preparation)
    return Model("net", note.title, note.schema, preparation, network, weights, notes=notes)


def _read_trees(header: dict[str, Any], trees: Array) -> Model:
    """Return the model of a file with trees, once its checksum holds."""
    check_sum(header, [(TREES, trees)])
    from xgboost import Booster

    notes = dict(header["notes"])
    note = _read_note(notes.pop(NOTE, None))
    codes = note.class_codes
    if note.family != "xgboost" or not codes or max(codes) >= len(note.schema.classes):
        raise UserError(f"{DAMAGED} (its classes are not the trees')")
    booster = Booster()
    booster.load_model(bytearray(trees.tobytes()))
    preparation = note.read_preparation(TreePreparation)
    _check_width((booster.num_features(),), note.schema, preparation)
    return Model(
        "xgboost",
        note.title,
        note.schema,
        preparation,
        booster=booster,
        class_codes=codes,
        notes=notes,
    )


def _read_note(data: Any) -> ModelNote:
    """Return a file's note of its model, its types and class codes checked."""
    note = from_plain(ModelNote, data, DAMAGED)
    if any(code < 0 for code in note.class_codes):
        raise UserError(f"{DAMAGED} (a class code is negative)")
    if len(set(note.class_codes)) < len(note.class_codes):
        raise UserError(f"{DAMAGED} (a class code stands twice)")
    return note


def _check_width(shape: tuple[int, ...], schema: Schema, preparation: Preparation | None) -> None:
    """Raise if the network or trees take other inputs than the preparation and schema give."""
    width = int(np.prod(shape))
    if preparation is None:
        if schema.columns:
            raise UserError(f"{DAMAGED} (columns without their preparation)")
        if schema.image is not None and int(np.prod(schema.image)) != width:
            raise UserError(f"{DAMAGED} (the images are another model's)")
        return
    if len(preparation.names) != width:
        raise UserError(f"{DAMAGED} (the preparation is another model's)")
    known = {column.name for column in schema.columns}
    if any(encoder.name not in known for encoder in preparation.encoders):
        raise UserError(f"{DAMAGED} (the preparation is of other columns)")
