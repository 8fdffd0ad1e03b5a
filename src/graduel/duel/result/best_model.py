"""The saved model of a finished duel: the best one, or a given contender's."""

from __future__ import annotations

from pathlib import Path

from graduel.duel.plan.protocol import Cell, Protocol
from graduel.duel.result.duel_result import RESULT, read_result
from graduel.duel.store.plan_file import PLAN
from graduel.duel.store.store import Store
from graduel.errors import UserError, unknown
from graduel.serialize import read_json


def find_model(path: Path, contender: str | None = None) -> tuple[Path, str]:
    """Return the file of a duel's best model, or of a contender's, and the contender's title.

    The best model has the lowest loss in the duel's metric. Models are those of the first seed.

    Raises
    ------
    UserError
        If the folder is not a finished duel or has no saved model, or the contender is unknown.
    """
    if not (path / RESULT).exists():
        raise UserError(
            f"expected a model file or a finished duel's folder; {path} has no {RESULT}"
        )
    result, protocol = read_result(path), Protocol.from_dict(read_json(path / PLAN))
    if contender is not None and contender not in protocol.contenders:
        raise unknown("contender", contender, protocol.contenders)
    if protocol.design.kind == "folds":
        raise UserError(
            f"{path}: a duel with cross-validation fits a model for each fold and saves none. "
            "Train one: graduel train "
            f"{protocol.source['file'] if protocol.source else protocol.dataset} …"
        )
    store = Store(path, protocol)
    paths = {name: store.model_path(Cell(name, 0)) for name in protocol.contenders}
    saved = {name: file for name, file in paths.items() if file.exists()}
    if not saved:
        raise UserError(f"{path} has no saved model. Run the duel again in a new folder")
    if contender is not None and contender not in saved:
        raise UserError(f"{path} has no saved model of {contender}, only of {', '.join(saved)}")
    sign = 1 if result.protocol.lower_is_better else -1

    def loss(name: str) -> float:
        return sign * result.contenders[name].leading_metric

    name = contender or min(saved, key=loss)
    return saved[name], str(protocol.contenders[name]["title"])
