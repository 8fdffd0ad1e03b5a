"""scikit-learn's random forest; all of its trees are the model."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from graduel.contenders.contender import Fitting
from graduel.contenders.family import Family, Recipes, Regressor
from graduel.contenders.fit_job import FitJob
from graduel.contenders.search.space import Choice, Integer, Real, RecipeSpace
from graduel.contenders.sklearn_contender import (
    FittedEstimator,
    FittedRegressor,
    estimator_model,
    prepare_for_trees,
    silence_warnings,
)

STEPS = 10
"""Number of steps in which the forest grows, each followed by a checkpoint."""


@dataclass(frozen=True, slots=True)
class RandomForestRecipe:
    """The parameters of ``RandomForestClassifier``; more trees do no harm, so none are left out."""

    n_estimators: int = 500
    max_features: float | str = "sqrt"
    min_samples_leaf: int = 1
    max_samples: float = 1.0
    criterion: str = "gini"


def fit(recipe: RandomForestRecipe, job: FitJob) -> Fitting:
    """Grow the trees of a classifier."""
    from sklearn.ensemble import RandomForestClassifier

    return _grow(RandomForestClassifier, FittedEstimator, recipe, job)


def fit_numbers(recipe: RandomForestRecipe, job: FitJob) -> Fitting:
    """Grow the trees of a regressor."""
    from sklearn.ensemble import RandomForestRegressor

    return _grow(RandomForestRegressor, FittedRegressor, recipe, job)


def _grow(
    make: Any, kind: type[FittedEstimator], recipe: RandomForestRecipe, job: FitJob
) -> Fitting:
    """Grow the recipe's trees; the validation rows are used only to report progress.

    Categories are passed as codes, missing values natively. Trees are independent, so a forest
    grown in steps equals one grown in a single call.
    """
    prepare, _ = prepare_for_trees(job.train)
    X, valid_X = (np.asarray(prepare(part.X), np.float32) for part in (job.train, job.valid))
    settings = asdict(recipe)
    if settings["max_samples"] == 1.0:
        settings["max_samples"] = None  # draws as many rows as there are
    model = make(
        **settings, warm_start=True, n_jobs=job.budget.threads, random_state=job.draw_seed()
    )
    fitted = kind(model, prepare, job.train.n_classes)
    trees, error = recipe.n_estimators, 1.0
    for n in sorted({max(1, round(trees * step / STEPS)) for step in range(1, STEPS + 1)}):
        model.n_estimators = n
        with silence_warnings():
            model.fit(X, job.train.y)
        error, loss = job.evaluate(fitted.predict(valid_X))
        if (yield from job.checkpoint(n / trees, error, loss, fitted.predict_cached)):
            break
    prepare.clear()
    fitted.seconds = job.clock.stop()
    fitted.details = {"trees": model.n_estimators, "valid_error": error}
    return fitted


OF_NUMBERS = RandomForestRecipe(max_features=1 / 3, criterion="squared_error")
"""A third of the columns for each split, as is usual for numbers (Hastie, Tibshirani and Friedman,
*The Elements of Statistical Learning*, 2009)."""

FAMILY = Family(
    name="forest",
    title="random forest",
    recipe=RandomForestRecipe,
    fit=fit,
    space=RecipeSpace(
        {
            "max_features": Choice(("sqrt", "log2", 0.1, 0.25, 0.5, 1.0)),
            "min_samples_leaf": Integer(1, 20, log=True),
            "max_samples": Real(0.5, 1.0),
            "criterion": Choice(("gini", "entropy")),
        }
    ),
    images=Recipes(RandomForestRecipe(300), RandomForestRecipe(100)),
    tables=Recipes(RandomForestRecipe(), RandomForestRecipe(100)),
    to_model=estimator_model,
    deciding_packages=("scikit-learn",),
    regressor=Regressor(
        fit_numbers,
        {"forest": Recipes(OF_NUMBERS, replace(OF_NUMBERS, n_estimators=100))},
        RecipeSpace(
            {
                "max_features": Choice(("sqrt", 0.1, 0.25, 0.5, 1.0)),
                "min_samples_leaf": Integer(1, 20, log=True),
                "max_samples": Real(0.5, 1.0),
            }
        ),
    ),
)
