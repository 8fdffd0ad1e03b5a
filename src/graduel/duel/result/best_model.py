"""The saved model of a finished duel: the best one, or a given contender's."""

from __future__ import annotations

from pathlib import Path

from graduel.contenders.registry import BUILT_IN, USER
from graduel.duel.plan.protocol import Cell, Protocol
from graduel.duel.result.duel_result import RESULT, Result, read_result
from graduel.duel.store.plan_file import PLAN
from graduel.duel.store.store import Store
from graduel.errors import UserError, unknown
from graduel.serialize import read_json

REFITS = "models"
"""Subfolder of a duel for models that were trained again on all rows."""


def best_contender(result: Result) -> str:
    """Return the contender with the lowest loss in the duel's metric."""
    sign = 1 if result.protocol.lower_is_better else -1
    return min(result.contenders, key=lambda name: sign * result.contenders[name].leading_metric)


def is_explained(family: str) -> bool:
    """Return whether ``serve`` and ``inspect`` explain the models of a family."""
    return family in ("net", "textbook", "xgboost") or family not in (*BUILT_IN, USER)


def find_model(path: Path, contender: str | None = None) -> tuple[Path, str]:
    """Return the file of a duel's best model, or of a contender's, and the contender's title.

    The best model has the lowest loss in the duel's metric. Models that were trained again on all
    rows (``graduel train --from``) come first; others are those of the first seed.

    Raises
    ------
    UserError
        If the folder is not a finished duel, its best contender has no saved model, or the
        contender is unknown.
    """
    if not (path / RESULT).exists():
        raise UserError(
            f"expected a model file or a finished duel's folder; {path} has no {RESULT}"
        )
    result, protocol = read_result(path), Protocol.from_dict(read_json(path / PLAN))
    if contender is not None and contender not in protocol.contenders:
        raise unknown("contender", contender, protocol.contenders)
    name = contender or best_contender(result)
    store = Store(path, protocol)
    saved = {one: _model_path(store, one) for one in protocol.contenders}
    file = saved[name]
    if file is None:
        others = [one for one, model in saved.items() if model is not None and one != name]
        which = "" if contender else ", the best contender"
        hint = f", or choose another with a model: --contender {' or '.join(others)}"
        raise UserError(
            f"{path} has no saved model of {name}{which}. Train it on all rows: graduel train "
            f"--from {path}" + (f" --contender {name}" if contender else "") + hint * bool(others)
        )
    return file, str(protocol.contenders[name]["title"])


def _model_path(store: Store, name: str) -> Path | None:
    """Return the file of a contender's model; None if there is none."""
    files = (store.path / REFITS / f"{name}.safetensors", store.model_path(Cell(name, 0)))
    return next((file for file in files if file.exists()), None)
