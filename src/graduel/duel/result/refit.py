"""A contender of a finished duel, to be trained again on all rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from graduel.contenders.registry import USER
from graduel.data import Dataset
from graduel.duel.plan.protocol import Protocol
from graduel.duel.plan.splits import Split, split_all_rows
from graduel.duel.plan.user_estimators import UserContender
from graduel.duel.result.best_model import REFITS, best_contender
from graduel.duel.result.duel_result import ContenderResult, read_result
from graduel.duel.store.store import read_store
from graduel.errors import UserError, unknown
from graduel.serialize import to_plain


@dataclass(frozen=True, slots=True)
class Refit:
    """The training of one contender on all rows of a duel's data.

    Attributes
    ----------
    name : the contender
    protocol : the duel's protocol with this contender only; after a hyperparameter search, with the
        best trial's hyperparameters
    dataset : the duel's data
    split : all rows, divided into training and validation rows
    path : the model's default file
    estimate : the contender's result in the duel, which estimates the error of the model
    """

    name: str
    protocol: Protocol
    dataset: Dataset
    split: Split
    path: Path
    estimate: ContenderResult


def plan_refit(
    folder: Path, contender: str | None, user_contender: UserContender | None, seed: int
) -> Refit:
    """Return the training of a duel's best contender, or of a given one, on all rows.

    Parameters
    ----------
    folder : the folder of a finished duel
    contender : name of the contender; by default the best by the duel's metric
    user_contender : the user's own classifier, if it is the contender
    seed : seed that selects the validation rows

    Raises
    ------
    UserError
        If the folder is not a finished duel, the contender is unknown, or the data have changed.
    """
    result, store = read_result(folder), read_store(folder)
    protocol = store.protocol
    name = contender or best_contender(result)
    if name not in result.contenders:
        raise unknown("--contender", name, result.contenders)
    spec = protocol.contenders[name]
    if spec["family"] == USER and user_contender is None:
        raise UserError(
            f"{name} is an estimator of your own, which is not stored in {folder}: name it again, "
            f"--contender {name}=MODULE:FUNCTION"
        )
    if user_contender is not None and spec["recipe"] != to_plain(user_contender.recipe):
        raise UserError(
            f"--contender: expected {name} as in {folder}; its class, parameters or search space "
            "differ"
        )
    recipe = {**spec["recipe"], **_best_parameters(result.contenders[name])}
    dataset = store.dataset()
    return Refit(
        name,
        replace(protocol, contenders={name: {**spec, "recipe": recipe}}, rows=None, seeds=1),
        dataset,
        split_all_rows(dataset, seed),
        folder / REFITS / f"{name}.safetensors",
        result.contenders[name],
    )


def _best_parameters(entry: ContenderResult) -> Mapping[str, Any]:
    """Return the hyperparameters of the trial with the lowest validation loss of all runs."""
    trials = [
        trial
        for run, best in zip(entry.trials, entry.best_trial, strict=True)
        for trial in run
        if trial.number == best and trial.loss is not None
    ]
    return min(trials, key=lambda trial: trial.loss or 0.0).params if trials else {}
