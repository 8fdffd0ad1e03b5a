"""From a duel's plan to the contender of a cell, with its search where there is a budget."""

from __future__ import annotations

from typing import Any

from graduel.contenders import get_family, make_contender
from graduel.contenders.search.space import Space
from graduel.contenders.search.tuning import TunedContender
from graduel.duel.plan.protocol import Cell, Protocol


def build_contender(
    protocol: Protocol, cell: Cell, trials: Any, estimator: bytes | None = None, *, image: bool
) -> Any:
    """Build the contender of a cell.

    Parameters
    ----------
    protocol, cell : of the duel
    trials : the log of a tuning's finished trials
    estimator : the user's own, pickled
    image : whether rows are images
    """
    spec = protocol.contenders[cell.contender]
    contender = make_contender(
        cell.contender, spec["family"], spec["recipe"], protocol.metric, estimator
    )
    if not protocol.is_tuned:
        return contender
    space = search_space(protocol, cell, image=image)
    return TunedContender(
        contender, space, protocol.metric, trials, protocol.trials, protocol.seconds
    )


def search_space(protocol: Protocol, cell: Cell, *, image: bool) -> Space:
    """Return the search space of a cell's contender."""
    spec = protocol.contenders[cell.contender]
    family = get_family(spec["family"])
    return family.space(family.parse_recipe(spec["recipe"]), image=image, quick=protocol.quick)
