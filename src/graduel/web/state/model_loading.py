"""The state of a server that is started on a model's file or on a finished duel's folder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from graduel.data.source import DataSource
from graduel.data.spec import SourceSpec
from graduel.duel.store.cell_files import MODEL
from graduel.duel.store.plan_file import PLAN
from graduel.duel.store.store import PLACE
from graduel.errors import UserError
from graduel.models.model_file import load_model
from graduel.web.state.app_state import AppState
from graduel.web.state.form_fields import fields_of
from graduel.web.state.holdout import HoldoutData
from graduel.web.state.model_pair import ModelPair, is_plain

PREFERRED = ("net", "xgboost", "textbook")
"""Contenders of a duel whose models are shown before those of others."""


def load_model_state(path: Path) -> AppState:
    """Return the state for one model; the other model of the pair is missing.

    Raises
    ------
    UserError
        If the file is not a model's.
    """
    pair = ModelPair.of([load_model(path)], f"read from {path.name}")
    return AppState(title=pair.schema.name, loaded=pair)


def load_duel_state(folder: Path) -> AppState:
    """Return the state for a finished duel: one of its networks and one of its boosters.

    Raises
    ------
    UserError
        If there is no saved model, or a file is damaged.
    """
    paths: dict[str, Path] = {}
    for path in sorted((folder / "cells").glob(f"*-seed0/{MODEL}")):
        paths.setdefault(path.parent.name.removesuffix("-seed0"), path)
    if not paths:
        raise UserError(
            f"{folder}: expected a finished duel with its saved models (cells/*/{MODEL}); there "
            "are none. Cross-validation saves none; a duel with one split does"
        )
    order = {name: rank for rank, name in enumerate(PREFERRED)}
    names = sorted(paths, key=lambda name: order.get(name, len(order)))
    models = [load_model(paths[name]) for name in names]
    shown = []
    for family in ("net", "xgboost"):
        of_family = [model for model in models if model.family == family]
        whole = [model for model in of_family if model.network is None or is_plain(model.network)]
        shown += (whole or of_family)[:1]
    pair = ModelPair.of(shown, f"read from the duel in {folder.resolve().name}")
    table = _load_table(folder) if pair.schema.columns else None
    if table is not None:
        pair = replace(pair, fields=fields_of(table.data.X, table.data.columns))
    return AppState(title=pair.schema.name, loaded=pair, table=table)


def _load_table(folder: Path) -> HoldoutData | None:
    """Return a duel's table, if it can still be read, with the duel's test rows."""
    try:
        plan: Any = json.loads((folder / PLAN).read_text(encoding="utf-8"))
        spec = SourceSpec.from_dict(plan["source"])
        place = json.loads((folder / PLACE).read_text(encoding="utf-8")).get("place")
        data = DataSource(spec, None if place is None else folder.resolve() / place).load()
        with np.load(folder / "splits" / "seed0.npz") as rows:
            return HoldoutData(data, np.sort(rows["test"]))
    except (OSError, ValueError, LookupError, TypeError, EOFError, BadZipFile):
        return None
