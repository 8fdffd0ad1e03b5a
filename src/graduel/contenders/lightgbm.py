"""LightGBM (optional) with early stopping on the validation rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from graduel.contenders.contender import Array, Fitting
from graduel.contenders.family import Family, Recipes, Regressor, Requirement, TableTraits
from graduel.contenders.fit_job import FitJob, margin_checkpoints, selection_details
from graduel.contenders.search.space import Choice, Integer, Real, RecipeSpace, Space
from graduel.contenders.sklearn_contender import (
    LIBRARY_METRICS,
    FittedEstimator,
    FittedRegressor,
    as_column,
    prepare_for_trees,
    silence_warnings,
)
from graduel.metrics.probabilities import expand_classes, softmax, two_columns

if TYPE_CHECKING:
    from graduel.data.schema import Schema
    from graduel.models.model import Model


@dataclass(frozen=True, slots=True)
class LightGBMRecipe:
    """The parameters of ``LGBMClassifier``, stopped early on the validation rows.

    The values for tables are those of LGBM-TD (Holzmüller et al., *Better by Default*, 2024),
    except its patience of 300 rounds.
    """

    n_estimators: int = 1000
    learning_rate: float = 0.04
    num_leaves: int = 50
    min_child_samples: int = 40
    min_child_weight: float = 1e-7
    subsample: float = 0.75
    subsample_freq: int = 1
    colsample_bytree: float = 1.0
    colsample_bynode: float = 1.0
    reg_alpha: float = 0.0
    reg_lambda: float = 0.0
    max_bin: int = 255
    extra_trees: bool = False
    early_stopping_rounds: int = 100


@dataclass(slots=True)
class FittedLightGBM(FittedEstimator):
    """A fitted classifier with the round selected by early stopping."""

    def to_bytes(self) -> bytes:
        """Return the trees up to the selected round as text, and the preparation."""
        text = self.model.booster_.model_to_string(num_iteration=self.details["best_round"])
        return bytes(text.encode()) + self.prepare.to_bytes()


@dataclass(slots=True)
class FittedLightGBMRegressor(FittedRegressor):
    """A fitted regressor with the round selected by early stopping."""

    to_bytes = FittedLightGBM.to_bytes


def fit(recipe: LightGBMRecipe, job: FitJob) -> Fitting:
    """Fit all rounds, recording the time of each; then yield the checkpoints.

    Categories and missing values are handled natively. Early stopping is by log loss, or by the
    leading metric if that is neither the error nor log loss, as for XGBoost.
    """
    from lightgbm import LGBMClassifier

    classes, n_classes = np.unique(job.train.y), job.train.n_classes

    def link(p: Array) -> Array:
        return expand_classes(two_columns(p), classes, n_classes)

    is_library = job.metric.name in LIBRARY_METRICS
    stops_by = "log_loss" if is_library else job.metric.name
    options = {} if is_library else {"metric": "None"}
    kind, margin_link = FittedLightGBM, softmax
    return _boost(LGBMClassifier, kind, (link, margin_link), recipe, job, stops_by, options)


def fit_numbers(recipe: LightGBMRecipe, job: FitJob) -> Fitting:
    """Fit all rounds of a regressor by squared errors; early stopping is by the leading metric."""
    from lightgbm import LGBMRegressor

    kind, links = FittedLightGBMRegressor, (as_column, as_column)
    options = {"metric": "None"}
    return _boost(LGBMRegressor, kind, links, recipe, job, job.metric.name, options)


def _boost(
    make: Any,
    kind: type[FittedEstimator],
    links: tuple[Callable[[Array], Array], Callable[[Array], Array]],
    recipe: LightGBMRecipe,
    job: FitJob,
    selected_by: str,
    options: dict[str, Any],
) -> Fitting:
    """Fit all rounds; `links` turn the library's predictions, and its raw scores, into ours."""
    from lightgbm import early_stopping
    from lightgbm.callback import EarlyStopException

    train, (link, margin_link) = job.train, links
    prepare, categorical = prepare_for_trees(train)
    valid_X, valid_y = job.select_known(prepare(job.valid.X))
    settings = asdict(recipe)
    rounds, patience = settings["n_estimators"], settings.pop("early_stopping_rounds")
    seconds, errors, costs = list[float](), list[float](), list[float]()
    stopping: list[float] = []

    def cost(y: Array, p: Array) -> tuple[str, float, bool]:
        error, loss = job.evaluate(link(p), valid_y)
        errors.append(error)
        costs.append(loss)
        return "cost", loss, False

    def watch(env: Any) -> None:
        seconds.append(job.clock.seconds)
        stopping.append(float(env.evaluation_result_list[0][2]))
        selection = (selected_by, stopping[-1])
        if job.report(len(seconds) / rounds, seconds[-1], errors[-1], costs[-1], selection):
            raise EarlyStopException(int(np.argmin(stopping)), env.evaluation_result_list)

    model = make(
        **settings,
        **options,
        n_jobs=job.budget.threads,
        random_state=job.draw_seed(),
        deterministic=True,
        force_col_wise=True,
        verbosity=-1,
    )
    with silence_warnings():
        model.fit(
            prepare(train.X),
            train.y,
            eval_set=[(valid_X, valid_y)],
            eval_metric=cost,
            categorical_feature=categorical or "auto",
            # The first metric decides: log loss, or the leading metric if it replaces log loss.
            callbacks=[watch, early_stopping(patience, first_metric_only=True, verbose=False)],
        )
    fitted = kind(model, prepare, train.n_classes, job.clock.stop())
    extend = partial(_extend_margin, model)
    yield from margin_checkpoints(fitted, seconds, rounds, extend, margin_link)
    best = int(model.best_iteration_ or len(seconds))
    fitted.details = {"best_round": best, "rounds": len(seconds), "valid_error": errors[best - 1]}
    fitted.details |= selection_details(selected_by, stopping[best - 1])
    return fitted


def _extend_margin(model: Any, matrix: Any, margin: Any, start: int, stop: int) -> Any:
    with silence_warnings():
        more = model.predict(
            matrix, raw_score=True, start_iteration=start, num_iteration=stop - start
        )
    return more if margin is None else margin + more


TABLE_SPACE: Space = {
    "n_estimators": Integer(100, 10_000, log=True),
    "learning_rate": Real(5e-3, 0.3, log=True),
    "num_leaves": Integer(2, 256, log=True),
    "min_child_samples": Integer(1, 64, log=True),
    "subsample": Real(0.5, 1.0),
    "colsample_bytree": Real(0.4, 1.0),
    "reg_alpha": Real(0.0, 1.0),
    "reg_lambda": Real(0.0, 2.0),
    "extra_trees": Choice((False, True)),
}
"""Contains LGBM-TD and the space of Erickson et al., *TabArena*, 2025, except the parameters for
categories."""

IMAGE_SPACE: Space = {
    "n_estimators": Integer(100, 1000, log=True),
    "learning_rate": Real(0.03, 0.3, log=True),
    "num_leaves": Integer(8, 128, log=True),
    "min_child_samples": Integer(5, 64, log=True),
    "subsample": Real(0.5, 1.0),
    "colsample_bynode": Real(0.05, 0.5, log=True),
    "reg_lambda": Real(0.0, 2.0),
}

# Pixels are redundant: few bins, and a part of the pixels per split, do not raise the error.
IMAGE_RECIPE = LightGBMRecipe(
    n_estimators=400,
    learning_rate=0.1,
    colsample_bynode=0.3,
    max_bin=63,
    early_stopping_rounds=30,
)


def _table_recipes(table: TableTraits) -> Recipes:
    """Return the recipes for a table.

    >>> _table_recipes(TableTraits(n_rows=100)).full.min_child_samples
    5
    """
    # A minimum of 40 rows per leaf is too large for a table of a few hundred rows.
    full = LightGBMRecipe(min_child_samples=max(1, min(40, table.n_rows // 20)))
    quick = replace(
        full, n_estimators=table.quick_rounds, learning_rate=0.15, early_stopping_rounds=15
    )
    return Recipes(full, quick)


def _number_recipes(table: TableTraits) -> Recipes:
    """Return the recipes for numbers, LGBM-TD-R: more leaves, of fewer rows."""
    full = LightGBMRecipe(learning_rate=0.05, num_leaves=100, min_child_samples=3, subsample=0.7)
    quick = replace(
        full, n_estimators=table.quick_rounds, learning_rate=0.15, early_stopping_rounds=15
    )
    return Recipes(full, quick)


def to_model(fitted: FittedLightGBM, schema: Schema, title: str) -> Model:
    """Return the trees up to the selected round; they are saved as LightGBM's text."""
    from lightgbm import Booster

    from graduel.models.library_model import LibraryModel
    from graduel.models.model import Model

    booster = fitted.model.booster_
    text = booster.model_to_string(num_iteration=fitted.details["best_round"])
    return Model(
        "lightgbm",
        title,
        schema,
        fitted.prepare.preparation,
        library_model=LibraryModel("lightgbm", Booster(model_str=text)),
        class_codes=tuple(int(code) for code in getattr(fitted.model, "classes_", ())),
    )


FAMILY = Family(
    name="lightgbm",
    title="LightGBM",
    recipe=LightGBMRecipe,
    fit=fit,
    space=RecipeSpace(TABLE_SPACE, IMAGE_SPACE, lengths=("n_estimators",)),
    images=Recipes(IMAGE_RECIPE, replace(IMAGE_RECIPE, n_estimators=50, early_stopping_rounds=15)),
    tables=_table_recipes,
    to_model=to_model,
    requires=(Requirement("lightgbm", "LightGBM", "graduel[lightgbm]"),),
    deciding_packages=("lightgbm",),
    regressor=Regressor(fit_numbers, {"lightgbm": _number_recipes}),
)
