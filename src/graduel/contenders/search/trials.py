"""The hyperparameter search of one fit: Optuna proposes trials, a SQLite file stores them.

A finished trial is written in one transaction, so a killed process leaves no partial trial. The
parameters of a trial depend only on the cell, the trial's number and the finished trials before it,
so a resumed search gives the same result as an uninterrupted one.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from graduel.contenders.search.space import Choice, Real, Space
from graduel.errors import UserError

STARTUP = 5
"""Random trials before the sampler models the loss (trial 0, the default recipe, included)."""
STATES = {"complete": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}
"""The states of a trial, and their names in Optuna."""
PRUNE_AFTER, PRUNE_FROM = 3, 25
"""Complete trials before pruning starts, and the percentage of its work from which a trial may be
pruned."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A finished trial.

    Attributes
    ----------
    number : the number of the trial; 0 is the default recipe
    params : the hyperparameters, as plain values
    loss : the leading metric on the validation rows as a loss; None if the trial failed
    tie : the log loss on the validation rows, which breaks ties of `loss`
    seconds : duration of its fit
    clock : seconds of the search up to the end of the trial
    state : "complete", "pruned" or "failed"
    cut : whether the time budget ended the trial early
    why : the reason of a failure
    course : the validation loss by percentage of its epochs or rounds
    """

    number: int
    params: Mapping[str, Any]
    loss: float | None
    tie: float | None
    seconds: float
    clock: float
    state: str
    cut: bool = False
    why: str = ""
    course: Mapping[int, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for ``result.json``."""
        data = {
            "number": self.number,
            "params": {k: list(v) if isinstance(v, tuple) else v for k, v in self.params.items()},
            "loss": self.loss,
            "seconds": self.seconds,
            "state": self.state,
        }
        return data | ({"why": self.why} if self.why else {})


def select_best(trials: list[Trial]) -> Trial | None:
    """Return the complete trial with the lowest loss; ties are broken by log loss and number."""
    complete = [t for t in trials if t.state == "complete" and t.loss is not None]
    return min(complete, key=lambda t: (t.loss, t.tie, t.number), default=None)


def require_optuna() -> Any:
    """Import Optuna and return it; raise `UserError` with the install command if it is missing."""
    try:
        import optuna
    except ImportError:
        raise UserError(
            "a hyperparameter search needs Optuna, which is not installed. Run "
            "python -m pip install 'graduel[tune]', or choose --budget none"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


class TrialLog:
    """The finished trials of one cell, in a SQLite file in Optuna's format."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def _study(self) -> Iterator[Any]:
        from sqlalchemy.exc import SQLAlchemyError

        optuna = require_optuna()
        try:
            self.path.parent.mkdir(exist_ok=True)
            address = f"sqlite:///{self.path.resolve().as_posix()}"
            storage = optuna.storages.RDBStorage(address)
            try:
                yield optuna.create_study(
                    storage=storage, study_name=self.path.stem, load_if_exists=True
                )
            finally:
                storage.remove_session()
                storage.engine.dispose()
        except (SQLAlchemyError, optuna.exceptions.OptunaError) as error:
            cause = getattr(error, "orig", None) or error.__cause__ or error
            reason = str(getattr(cause, "orig", None) or cause).splitlines()[0]
            if "full" in reason or "disk I/O" in reason:
                raise OSError(28, "No space left on device", str(self.path)) from None
            raise UserError(
                f"{self.path}: expected the trials of a hyperparameter search; the file is damaged "
                f"({reason[:120]}). Delete it to restart the search"
            ) from None

    def read(self, space: Space) -> list[Trial]:
        """Return the finished trials in order."""
        if not self.path.exists():
            return []
        with self._study() as study:
            return [_from_frozen(one, space) for one in study.get_trials(deepcopy=False)]

    def add(self, trial: Trial, space: Space) -> None:
        """Store a finished trial."""
        with self._study() as study:
            study.add_trial(_to_frozen(trial, space))


def propose_trial(trials: list[Trial], space: Space, number: int, seed: int) -> PendingTrial:
    """Propose the next trial.

    Parameters
    ----------
    trials : the finished trials
    space : the search space
    number : the number of the new trial
    seed : the sampler's seed, different for each trial
    """
    optuna = require_optuna()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about multivariate sampling being experimental
        sampler = optuna.samplers.TPESampler(
            n_startup_trials=STARTUP, multivariate=True, constant_liar=False, seed=seed
        )
    pruner = optuna.pruners.MedianPruner(PRUNE_AFTER, PRUNE_FROM)
    study = optuna.create_study(sampler=sampler, pruner=pruner)
    study.add_trials([_to_frozen(trial, space) for trial in trials])
    trial = study.ask(_distributions(space))
    return PendingTrial(trial, {k: _value(space[k], v) for k, v in sorted(trial.params.items())})


class PendingTrial:
    """A proposed trial: its parameters and the losses reported so far."""

    def __init__(self, trial: Any, params: Mapping[str, Any]) -> None:
        self._trial, self.params = trial, params
        self.course: dict[int, float] = {}

    def prune(self, share: float, loss: float) -> bool:
        """Record the loss at a share of the work; return whether to prune the trial."""
        step = int(100 * share)
        if step in self.course or not np.isfinite(loss):
            return False
        self.course[step] = loss
        self._trial.report(loss, step)
        return bool(share < 1 and self._trial.should_prune())


def _label(value: Any) -> Any:
    """Return an option in the form Optuna stores: tuples as text."""
    return json.dumps(value) if isinstance(value, tuple | list) else value


def _value(dimension: Any, label: Any) -> Any:
    """Return the option for a stored label."""
    if not isinstance(dimension, Choice):
        return label
    return next(o for o in dimension.options if _label(o) == label and _same(o, label))


def _same(option: Any, label: Any) -> bool:
    return isinstance(option, tuple) or type(option) is type(label)


def _distributions(space: Space) -> dict[str, Any]:
    optuna = require_optuna()
    distributions: dict[str, Any] = {}
    for name, one in sorted(space.items()):
        if isinstance(one, Choice):
            options = [_label(option) for option in one.options]
            distributions[name] = optuna.distributions.CategoricalDistribution(options)
        else:
            kind = "FloatDistribution" if isinstance(one, Real) else "IntDistribution"
            make = getattr(optuna.distributions, kind)
            distributions[name] = make(one.low, one.high, log=one.log)
    return distributions


def _to_frozen(trial: Trial, space: Space) -> Any:
    optuna = require_optuna()
    attributes = {k: getattr(trial, k) for k in ("loss", "tie", "seconds", "clock", "cut", "why")}
    return optuna.trial.create_trial(
        state=getattr(optuna.trial.TrialState, STATES[trial.state]),
        value=trial.loss if trial.state != "failed" else None,
        params={k: _label(v) for k, v in trial.params.items()},
        distributions=_distributions(space),
        user_attrs=attributes,
        intermediate_values=dict(trial.course),
    )


def _from_frozen(frozen: Any, space: Space) -> Trial:
    states = {name: state for state, name in STATES.items()}
    try:
        return Trial(
            number=frozen.number,
            params={k: _value(space[k], v) for k, v in sorted(frozen.params.items())},
            state=states[frozen.state.name],
            course=dict(sorted(frozen.intermediate_values.items())),
            **frozen.user_attrs,
        )
    except (KeyError, StopIteration, TypeError):
        raise UserError(
            "the trials stored in this run's folder belong to a different search space. "
            "Choose another --out"
        ) from None
