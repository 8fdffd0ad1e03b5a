"""scikit-learn's logistic regression on rows prepared as for a network."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from graduel.contenders.contender import Fitting
from graduel.contenders.family import Family, Recipes
from graduel.contenders.fit_job import FitJob
from graduel.contenders.search.space import Real, RecipeSpace
from graduel.contenders.sklearn_contender import (
    FittedEstimator,
    estimator_model,
    finish_single_fit,
    prepare_for_network,
    silence_warnings,
)


@dataclass(frozen=True, slots=True)
class LogisticRecipe:
    """The parameters of ``LogisticRegression``, fitted by L-BFGS."""

    C: float = 1.0
    max_iter: int = 1000


def fit(recipe: LogisticRecipe, job: FitJob) -> Fitting:
    """Fit on rows prepared as for a network; validation rows are used only to report progress."""
    from sklearn.linear_model import LogisticRegression

    prepare = prepare_for_network(job.train)
    model = LogisticRegression(**asdict(recipe))
    with silence_warnings():
        model.fit(prepare(job.train.X), job.train.y)
    fitted = FittedEstimator(model, prepare, job.train.n_classes)
    return (yield from finish_single_fit(job, fitted, iterations=int(model.n_iter_.max())))


FAMILY = Family(
    name="logistic",
    title="logistic regression",
    recipe=LogisticRecipe,
    fit=fit,
    space=RecipeSpace({"C": Real(1e-4, 1e3, log=True)}),
    images=Recipes(LogisticRecipe(C=0.1, max_iter=100), LogisticRecipe(C=0.1, max_iter=50)),
    tables=Recipes(LogisticRecipe(), LogisticRecipe(max_iter=200)),
    is_stochastic=False,
    to_model=estimator_model,
    deciding_packages=("scikit-learn",),
)
