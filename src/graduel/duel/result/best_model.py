"""The model of a finished duel: the winner's, or that of a contender who is named."""

from __future__ import annotations

from pathlib import Path

from graduel.duel.plan.design import Design
from graduel.duel.plan.protocol import Cell, Protocol
from graduel.duel.result.duel_result import RESULT, read_result
from graduel.duel.store.plan_file import PLAN
from graduel.duel.store.store import Store
from graduel.errors import UserError, unknown
from graduel.serialize import read_json


def find_model(path: Path, contender: str | None = None) -> tuple[Path, str]:
    """Return where a duel's model is, and in a few words whose it is.

    Of those whose models are kept it is the one with the lowest loss in the duel's metric: the
    winner, or where none was better, the first in the table. The fit is that of the first seed.

    Raises
    ------
    UserError
        If the folder holds no finished duel, or none of its models was kept.
    """
    if not (path / RESULT).exists():
        raise UserError(
            f"expected a model's file or a finished duel's folder; {path} has no {RESULT}"
        )
    result, protocol = read_result(path), Protocol.from_dict(read_json(path / PLAN))
    if contender is not None and contender not in protocol.contenders:
        raise unknown("contender", contender, protocol.contenders)
    if Design.parse(protocol.split).kind == "folds":
        raise UserError(
            f"{path}: cross-validation fits a model for each fold and keeps none. Train one: "
            f"graduel train {protocol.source['file'] if protocol.source else protocol.dataset} …"
        )
    store = Store(path, protocol)
    kept = {
        name: found
        for name in protocol.contenders
        if (found := store.model_path(Cell(name, 0))).exists()
    }
    if contender is not None and contender not in kept:
        raise UserError(f"{path}: the model of {contender} was not kept")
    if not kept:
        raise UserError(f"{path}: no model was kept. Run the duel again in a new folder")
    sign = 1 if result.protocol.lower_is_better else -1

    def loss(name: str) -> float:
        return sign * result.contenders[name].leading_metric

    name = contender or min(kept, key=loss)
    return kept[name], str(protocol.contenders[name]["title"])
