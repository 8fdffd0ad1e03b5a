"""The files of a finished cell.

outcome.json                the outcome without its arrays
probabilities.npy           probabilities of the test rows, float32 (n_test, n_classes); in a
                            regression the predicted numbers, float64 (n_test, 1)
valid_probabilities.npy     the same of the validation rows
probes.json                 robustness and importance, if measured
model.safetensors           the fitted model, if it can be saved
"""

from __future__ import annotations

from dataclasses import fields
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.task import Classification, Regression, TaskKind
from graduel.duel.result.outcome import Outcome
from graduel.serialize import from_plain, read_json, to_json

OUTCOME, PROBES, MODEL = "outcome.json", "probes.json", "model.safetensors"
ARRAYS = ("probabilities", "valid_probabilities")
"""The arrays of an outcome, each in a separate file."""
DTYPES = {kind.kind: kind.dtype for kind in (Classification, Regression)}
"""The type of the predictions by the kind of task."""


def pack_outcome(outcome: Outcome, model: bytes | None = None) -> dict[str, bytes]:
    """Return the content of each file by name; `model` is the content of the model file."""
    values = {one.name: getattr(outcome, one.name) for one in fields(outcome)}
    files = {f"{name}.npy": to_npy(values.pop(name)) for name in ARRAYS}
    if (probes := values.pop("probes")) is not None:
        files[PROBES] = to_json(probes).encode()
    if model is not None:
        files[MODEL] = model
    return {OUTCOME: to_json(values).encode(), **files}


def read_outcome(folder: Path, n_test: int, n_valid: int, task: TaskKind) -> Outcome:
    """Return the outcome in a cell's folder.

    Parameters
    ----------
    folder : the cell's folder
    n_test, n_valid : numbers of test and validation rows of its run
    task : what its predictions are: probabilities of classes, or numbers

    Raises
    ------
    UserError, OSError, ValueError, TypeError, KeyError
        If a file is damaged.
    """
    values: dict[str, Any] = read_json(folder / OUTCOME)
    unknown = set(values) - {one.name for one in fields(Outcome)}
    if unknown:
        raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
    values |= {name: _read_npy(folder / f"{name}.npy") for name in ARRAYS}
    if (folder / PROBES).exists():
        values["probes"] = read_json(folder / PROBES)
    outcome = from_plain(Outcome, values)
    n_classes = outcome.probabilities.shape[-1]
    for name, n_rows in zip(ARRAYS, (n_test, n_valid), strict=True):
        p = values[name]
        if p.dtype != DTYPES[task] or p.shape != (n_rows, n_classes) or not np.isfinite(p).all():
            raise ValueError(f"{name} do not match the rows of the run")
    robustness = outcome.probes.robustness if outcome.probes else ()
    if task == "classification" and any(
        e is not None and e > 1 for k in robustness for e in k.errors
    ):
        raise ValueError("expected error rates of at most 1")
    return outcome


def to_npy(array: NDArray[Any]) -> bytes:
    """Return an array in NumPy's file format, never pickled."""
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _read_npy(path: Path) -> NDArray[Any]:
    with path.open("rb") as file:
        return np.asarray(np.lib.format.read_array(file))
