"""Save and load models with their schema and preparation, each in one file.

The file is safetensors with a JSON description, never a pickle. Networks are written by
:func:`graduel.train.save_network`, with schema and preparation in the notes; XGBoost's trees are
the bytes of its binary JSON format; :mod:`graduel.models.library_model` has the forms of other
models.
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
from graduel.models.library_model import KINDS, Input, LibraryModel
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
"""The key of the :class:`ModelNote` in the notes of a file."""
TREES = "booster"
"""The name of the array with the trees, and the kind of such a file."""
CLASSIFIER = "classifier"
"""The name of the array with the bytes of a classifier, and the kind of such a file."""
DAMAGED = "the description of the model is damaged"
SKLEARN = "scikit-learn"
REMEDY = ". Save the model again, or copy the file again"


@dataclass(frozen=True, slots=True)
class ModelNote:
    """The description of a model, without its network or trees."""

    family: str
    title: str
    schema: Schema
    preparation: dict[str, Any] | str | None
    """The preparation as plain data, compressed if it is long."""
    class_codes: tuple[int, ...]
    takes: Input | None = None
    """What a library's model takes; None for networks and XGBoost."""

    def read_preparation(self, kind: type[Preparation]) -> Preparation | None:
        """Return the preparation, an instance of `kind`, or None without a preparation."""
        return None if self.preparation is None else kind.from_spec(self.preparation)


def save_model(path: str | Path, model: Model) -> None:
    """Save a model to one file, atomically. Equal models give identical bytes.

    Raises
    ------
    UserError
        If the description is too long for a file, or the model has no form that can be saved.
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
        None if model.library_model is None else model.library_model.input,
    )
    notes = model.notes | {NOTE: to_plain(note)}
    if model.network is not None and model.weights is not None:
        save_network(path, model.network, model.weights, notes)
        return
    if model.library_model is not None:
        kind, content = CLASSIFIER, model.library_model.to_bytes()
    else:
        kind, content = TREES, bytes(model.booster.save_raw("ubj"))
    header = {"format": FORMAT, "graduel": version("graduel"), "kind": kind, "notes": notes}
    if model.family == "sklearn":
        header["notes"] = notes | {SKLEARN: version(SKLEARN)}
    atomic_write(path, pack_file(header, {kind: np.frombuffer(content, np.uint8)}))


def load_model(path: str | Path) -> Model:
    """Load a model that :func:`save_model` or ``graduel train`` wrote, without unpickling.

    The checksum detects damage, not malicious changes: XGBoost parses the trees, so load trees
    only from sources you trust.

    Raises
    ------
    UserError
        If the file does not exist, is not a model file, is damaged or of another format.
    """
    path, where = Path(path), one_line(path)
    try:
        check_file(path)
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get(KEY)
            header = {} if text is None else parse_header(text)
            kind = header.get("kind")
            content = file.get_tensor(kind) if kind in (TREES, CLASSIFIER) else None
        if content is not None:
            read = _read_trees if kind == TREES else _read_classifier
            return read(header, content)
    except UserError as error:
        raise UserError(f"{where}: {one_line(error)}") from None
    except OSError as error:
        raise UserError(f"{where}: cannot be read ({error.strerror or one_line(error)})") from None
    except Exception as error:  # a damaged file can raise anything
        detail = one_line(f"{type(error).__name__}: {error}")
        raise UserError(f"{where}: {OTHER} ({detail})") from None
    saved = load_network(path)
    try:
        return _read_network(saved.network, saved.weights, saved.notes)
    except UserError as error:
        raise UserError(f"{where}: {one_line(error)}") from None


def _read_network(network: Network, weights: Weights, notes: dict[str, Any]) -> Model:
    """Build the model from a network file; remove its description from `notes`."""
    if "estimator" in notes:
        kind = one_line(notes["estimator"], 40)
        raise UserError(f"expected a model; got an estimator. Load it with {kind}.load(…)")
    if NOTE not in notes:
        raise UserError(
            "expected a model; got a network without classes. Load it with "
            "graduel.train.load_network"
        )
    note = _read_note(notes.pop(NOTE))
    if note.family != "net" or network.prediction_shape != (len(note.schema.classes) or 1,):
        raise UserError(
            f"{DAMAGED} ({len(note.schema.classes)} classes, a network with outputs of shape "
            f"{network.prediction_shape}){REMEDY}"
        )
    preparation = note.read_preparation(NetPreparation)
    _check_width(network.input_shape, note.schema, preparation)
    return Model("net", note.title, note.schema, preparation, network, weights, notes=notes)


def _read_trees(header: dict[str, Any], trees: Array) -> Model:
    """Build the model from a file with trees, after verifying the checksum."""
    check_sum(header, [(TREES, trees)])
    from xgboost import Booster

    notes = dict(header["notes"])
    note = _read_note(notes.pop(NOTE, None))
    codes = note.class_codes
    if note.family != "xgboost" or not _are_codes(codes, note.schema):
        raise UserError(
            f"{DAMAGED} ({len(note.schema.classes)} classes, trees with the class codes "
            f"{list(codes[:20])}){REMEDY}"
        )
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


def _read_classifier(header: dict[str, Any], content: Array) -> Model:
    """Build the model from a file with a library's model, after verifying the checksum."""
    check_sum(header, [(CLASSIFIER, content)])
    notes = dict(header["notes"])
    note = _read_note(notes.pop(NOTE, None))
    saved, codes = notes.pop(SKLEARN, None), note.class_codes
    if note.family not in KINDS or note.takes is None or bool(codes) != bool(note.schema.classes):
        raise UserError(f"{DAMAGED} (a classifier of the family {note.family!r}){REMEDY}")
    if not _are_codes(codes, note.schema):
        raise UserError(f"{DAMAGED} ({len(note.schema.classes)} classes, codes {list(codes[:20])})")
    try:
        library_model = LibraryModel.from_bytes(note.family, content.tobytes(), note.takes)
    except UserError:
        raise
    except Exception as error:
        if saved in (None, version(SKLEARN)):
            raise
        raise UserError(
            f"saved with scikit-learn {one_line(saved, 20)}, which differs from the installed "
            f"{version(SKLEARN)}, and cannot be read ({one_line(error, 100)}). Install that version"
        ) from None
    is_scaled = note.takes == "pixels"
    preparation: Preparation | None = None
    if note.preparation is not None:
        preparation = note.read_preparation(NetPreparation if is_scaled else TreePreparation)
    if note.takes != "frame" and library_model.n_features:
        _check_width((library_model.n_features,), note.schema, preparation)
    return Model(
        note.family,
        note.title,
        note.schema,
        preparation,
        library_model=library_model,
        class_codes=codes,
        notes=notes,
    )


def _read_note(data: Any) -> ModelNote:
    """Return the validated description of a model."""
    note = from_plain(ModelNote, data, DAMAGED)
    if any(code < 0 for code in note.class_codes):
        raise UserError(f"{DAMAGED} (a class code is negative){REMEDY}")
    if len(set(note.class_codes)) < len(note.class_codes):
        raise UserError(f"{DAMAGED} (a class code occurs twice){REMEDY}")
    return note


def _are_codes(codes: tuple[int, ...], schema: Schema) -> bool:
    """Return whether class codes are those of the schema's classes: none if it has none."""
    return max(codes, default=-1) < len(schema.classes) and bool(codes) == bool(schema.classes)


def _check_width(shape: tuple[int, ...], schema: Schema, preparation: Preparation | None) -> None:
    """Raise `UserError` unless preparation and schema give the inputs of the network or trees."""
    width = int(np.prod(shape))
    if preparation is None:
        if schema.columns:
            raise UserError(
                f"{DAMAGED} (it has {len(schema.columns)} columns, but no preparation){REMEDY}"
            )
        if schema.image is not None and int(np.prod(schema.image)) != width:
            raise UserError(
                f"{DAMAGED} (images of shape {schema.image}, a model of {width} inputs){REMEDY}"
            )
        return
    if len(preparation.names) != width:
        raise UserError(
            f"{DAMAGED} (a preparation with {len(preparation.names)} outputs, a model of {width} "
            f"inputs){REMEDY}"
        )
    known = {column.name for column in schema.columns}
    if extra := [e.name for e in preparation.encoders if e.name not in known]:
        raise UserError(
            f"{DAMAGED} (its preparation has a column {one_line(extra[0], 40)!r} that the schema "
            f"lacks){REMEDY}"
        )
