"""scikit-learn's ridge regression on rows prepared as for a network."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from graduel.contenders.contender import Fitting
from graduel.contenders.family import Family, Recipes, Regressor
from graduel.contenders.fit_job import FitJob
from graduel.contenders.search.space import Real, RecipeSpace
from graduel.contenders.sklearn_contender import (
    FittedRegressor,
    estimator_model,
    finish_single_fit,
    prepare_for_network,
    silence_warnings,
)


@dataclass(frozen=True, slots=True)
class RidgeRecipe:
    """The parameters of ``Ridge``: squared errors, and α times the squares of the coefficients."""

    alpha: float = 1.0


def fit(recipe: RidgeRecipe, job: FitJob) -> Fitting:
    """Fit on rows prepared as for a network; validation rows are used only to report progress."""
    from sklearn.linear_model import Ridge

    prepare = prepare_for_network(job.train)
    model = Ridge(**asdict(recipe))
    with silence_warnings():
        model.fit(prepare(job.train.X), job.train.y)
    return (yield from finish_single_fit(job, FittedRegressor(model, prepare, 0)))


FAMILY = Family(
    name="ridge",
    title="ridge regression",
    recipe=RidgeRecipe,
    fit=fit,
    space=RecipeSpace({"alpha": Real(1e-3, 1e4, log=True)}),
    is_stochastic=False,
    to_model=estimator_model,
    deciding_packages=("scikit-learn",),
    regressor=Regressor(fit, {"ridge": Recipes(RidgeRecipe(), RidgeRecipe())}),
    classifies=False,
)
