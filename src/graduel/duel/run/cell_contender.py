"""From a duel's plan to the contender of a cell, with its search where there is a budget."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from graduel.contenders import get_family, make_contender
from graduel.contenders.search.trials import TrialLog
from graduel.contenders.search.tuning import TunedContender, count_curve_points
from graduel.duel.plan.protocol import Cell
from graduel.duel.result.outcome import Curve
from graduel.duel.store.store import Store
from graduel.errors import UserError


def build_contender(store: Store, cell: Cell, estimator: str | None = None) -> Any:
    """Return the contender of a cell; `estimator` is the user's, pickled and as base64."""
    protocol = store.protocol
    spec = protocol.contenders[cell.contender]
    contender = make_contender(
        cell.contender,
        spec["family"],
        spec["recipe"],
        protocol.metric,
        None if estimator is None else b64decode(estimator),
    )
    if protocol.trials is None and protocol.seconds is None:
        return contender
    space = get_family(spec["family"]).space(
        contender.recipe, image=not store.dataset().columns, quick=protocol.quick
    )
    journal = TrialLog(store.tuning / f"{cell.key}.sqlite")
    return TunedContender(
        contender, space, protocol.metric, journal, protocol.trials, protocol.seconds
    )


def load_curve(store: Store, cell: Cell, contender: Any) -> Curve:
    """Return the curve of the finished trials; it was stored before each of them.

    Raises
    ------
    UserError
        If points are missing, which no crash can cause.
    """
    if not isinstance(contender, TunedContender):
        return []
    n_points = count_curve_points(contender.read_trials())
    curve = store.read_curve(cell)
    if len(curve) < n_points:
        raise UserError(
            f"{store.tuning}: the curve of {cell.key} does not fit its trials; the files are "
            "damaged. Delete this folder to restart the search"
        )
    return curve[:n_points]
