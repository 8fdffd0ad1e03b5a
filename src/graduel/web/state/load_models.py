"""Models that a server is given: a model's file, or a finished duel's folder."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from graduel.data.source import DataSource, SourceSpec
from graduel.duel.store.cell_files import MODEL
from graduel.duel.store.plan_file import PLAN
from graduel.duel.store.store import PLACE
from graduel.errors import UserError
from graduel.models.model_file import Model, load_model
from graduel.web.state.app_state import AppState
from graduel.web.state.form_fields import fields_of
from graduel.web.state.holdout import HoldoutData
from graduel.web.state.model_pair import ModelPair, NetSide, TreeSide, plain

FIRST = ("net", "xgboost", "textbook")
"""Of a duel's models the ones that are shown rather than others."""


def load_model_state(path: Path) -> AppState:
    """Serve one model; the other contender's place stays empty.

    Raises
    ------
    UserError
        If the file is no model's.
    """
    kept = load_model(path)
    contest = build_pair([kept], f"read from {path.name}")
    return AppState(title=kept.task.name, given=contest)


def load_duel_state(folder: Path) -> AppState:
    """Serve a finished duel's models: of its networks one, of its boosted trees one.

    Raises
    ------
    UserError
        If no model was kept there, or a file is damaged.
    """
    found: dict[str, Path] = {}
    for path in sorted((folder / "cells").glob(f"*-seed0/{MODEL}")):
        found.setdefault(path.parent.name.removesuffix("-seed0"), path)
    if not found:
        raise UserError(
            f"{folder}: expected a finished duel with the models it kept (cells/*/{MODEL}); there "
            "are none. Cross-validation keeps none; a duel with one split does"
        )
    order = sorted(found, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    models = [load_model(found[name]) for name in order]
    shown = []
    for family in ("net", "xgboost"):
        of_family = [kept for kept in models if kept.family == family]
        best = [kept for kept in of_family if kept.network is None or plain(kept.network)]
        shown += (best or of_family)[:1]
    contest = build_pair(shown, f"read from the duel in {folder.resolve().name}")
    home = AppState(title=contest.task.name, given=contest)
    if contest.task.columns and (table := _table(folder)) is not None:
        home.table = table
        fields = fields_of(table.data.X, table.data.columns)
        home.given = replace(contest, fields=fields)
    return home


def build_pair(models: Iterable[Model], about: str) -> ModelPair:
    """Make a contest of models that were kept.

    Raises
    ------
    UserError
        If their classes differ.
    """
    net, trees, task = None, None, None
    for kept in models:
        if task is not None and task.classes != kept.classes:
            raise UserError("the models must tell the same classes apart; theirs differ")
        task = kept.task if task is None else task
        if kept.network is not None and kept.weights is not None:
            scale = None if kept.preparation is not None else kept.task.scale
            net = NetSide(kept.network, kept.weights, kept.preparation, kept.title, scale)
        else:
            kept.booster.set_param({"nthread": 1})
            n = len(kept.classes)
            trees = TreeSide(kept.booster, n, kept.preparation, kept.title, kept.learned)
    assert task is not None
    return ModelPair(task, fields_of(None, task.columns), net, trees, about)


def _table(folder: Path) -> HoldoutData | None:
    """Return a duel's table, where it still is, with the rows that its models never saw."""
    try:
        plan: Any = json.loads((folder / PLAN).read_text(encoding="utf-8"))
        described = SourceSpec.from_dict(plan["source"])
        place = json.loads((folder / PLACE).read_text(encoding="utf-8")).get("place")
        data = DataSource(described, None if place is None else folder.resolve() / place).load()
        with np.load(folder / "splits" / "seed0.npz") as rows:
            return HoldoutData(data, np.sort(rows["test"]))
    except (OSError, ValueError, LookupError, TypeError, EOFError, BadZipFile):
        return None
