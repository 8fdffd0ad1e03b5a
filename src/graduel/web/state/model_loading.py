"""Loading of server state from a model file or the folder of a finished duel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from graduel.duel.plan.protocol import Protocol
from graduel.duel.result.best_model import is_explained
from graduel.duel.store.cell_files import MODEL
from graduel.duel.store.plan_file import PLAN
from graduel.duel.store.store import DAMAGE, Store
from graduel.errors import UserError
from graduel.models.model_file import load_model
from graduel.serialize import read_json
from graduel.web.state.app_state import AppState
from graduel.web.state.form_fields import fields_of
from graduel.web.state.holdout import HoldoutData
from graduel.web.state.model_pair import ModelPair, is_plain

PREFERRED = ("net", "xgboost", "textbook")
"""Contenders whose models take precedence over those of others."""


def load_model_state(path: Path) -> AppState:
    """Return the state for a single model; UserError if the file is not a saved model."""
    model = load_model(path)
    model.require_classes("graduel serve")
    pair = ModelPair.of([model], f"loaded from {path.name}")
    return AppState(title=pair.schema.name, loaded=pair)


def load_duel_state(folder: Path) -> AppState:
    """Return the state for a finished duel: one of its networks and one of its boosters.

    UserError if the folder is not a duel, contains no saved model, or a file is damaged.
    """
    store = Store(folder, Protocol.from_dict(read_json(folder / PLAN)))
    cells = [cell for cell in store.protocol.cells() if cell.seed == 0]
    paths = {cell.contender: path for cell in cells if (path := store.model_path(cell)).is_file()}
    if not paths:
        raise UserError(
            f"{folder}: expected a finished duel with saved models (cells/*/{MODEL}); got none. "
            "Cross-validation saves no models: run a duel with a single split"
        )
    families = {name: spec["family"] for name, spec in store.protocol.contenders.items()}
    # The page shows no others; to load them would need their packages.
    paths = {name: path for name, path in paths.items() if is_explained(families[name])}
    ranks = {name: rank for rank, name in enumerate(PREFERRED)}
    models = [load_model(paths[n]) for n in sorted(paths, key=lambda n: (ranks.get(n, 3), n))]
    for model in models:
        model.require_classes("graduel serve")
    shown = []
    for family in ("net", "xgboost"):
        of_family = [model for model in models if model.family == family]
        plain = [model for model in of_family if model.network is None or is_plain(model.network)]
        shown += (plain or of_family)[:1]
    pair = ModelPair.of(shown, f"loaded from the duel {folder.resolve().name}")
    table = _load_table(store) if pair.schema.columns else None
    if table is not None:
        pair = replace(pair, fields=fields_of(table.data.X, table.data.columns))
    return AppState(title=pair.schema.name, loaded=pair, table=table)


def _load_table(store: Store) -> HoldoutData | None:
    """Return the table and test rows of a duel; None if they cannot be read."""
    try:
        return HoldoutData(store.dataset(), np.sort(store.read_split(0).test))
    except DAMAGE:
        return None
