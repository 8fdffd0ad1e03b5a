"""scikit-learn's histogram gradient boosting with early stopping on the validation rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from graduel.contenders.contender import Array, Fitting
from graduel.contenders.family import Family, Recipes, Regressor, TableTraits
from graduel.contenders.fit_job import FitJob, round_checkpoints
from graduel.contenders.search.space import Integer, Real, RecipeSpace
from graduel.contenders.sklearn_contender import (
    FittedEstimator,
    FittedRegressor,
    as_column,
    estimator_model,
    prepare_for_trees,
    silence_warnings,
)
from graduel.metrics.probabilities import expand_classes, softmax

MOST_CATEGORIES = 254
"""scikit-learn accepts 255 categories: these, and one for all rarer values."""


@dataclass(frozen=True, slots=True)
class HistGradientBoostingRecipe:
    """The parameters of ``HistGradientBoostingClassifier``; early stopping is always on."""

    max_iter: int = 1000
    learning_rate: float = 0.05
    max_leaf_nodes: int = 31
    min_samples_leaf: int = 20
    l2_regularization: float = 0.0
    max_features: float = 1.0
    max_bins: int = 255
    n_iter_no_change: int = 50


def fit(recipe: HistGradientBoostingRecipe, job: FitJob) -> Fitting:
    """Fit all rounds, recording the time of each; then yield the checkpoints.

    Categories and missing values are handled natively. Early stopping is by log loss, and the model
    has all rounds fitted by then, as in scikit-learn.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    classes, n_classes = np.unique(job.train.y), job.train.n_classes

    def link(raw: Array) -> Array:
        return expand_classes(softmax(raw), classes, n_classes)

    return _boost(HistGradientBoostingClassifier, FittedEstimator, link, recipe, job)


def fit_numbers(recipe: HistGradientBoostingRecipe, job: FitJob) -> Fitting:
    """Fit all rounds of a regressor by squared errors, as :func:`fit` does."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    return _boost(HistGradientBoostingRegressor, FittedRegressor, as_column, recipe, job)


def _boost(
    make: Any,
    kind: type[FittedEstimator],
    link: Callable[[Array], Array],
    recipe: HistGradientBoostingRecipe,
    job: FitJob,
) -> Fitting:
    """Fit all rounds; `link` returns the predictions of raw scores."""
    from threadpoolctl import threadpool_limits

    train, rounds = job.train, recipe.max_iter
    prepare, categorical = prepare_for_trees(train, MOST_CATEGORIES)
    valid_X, valid_y = job.select_known(prepare(job.valid.X))
    seconds: list[float] = []

    def observe(raw: Array) -> bool:
        seconds.append(job.clock.seconds)
        if len(seconds) == 1:
            return False  # the first call comes before the first round
        evaluated = job.evaluate(link(raw), valid_y)
        return job.report((len(seconds) - 1) / rounds, seconds[-1], *evaluated)

    model = make(
        **asdict(recipe),
        early_stopping=True,
        categorical_features=categorical or None,
        random_state=job.draw_seed(),
    )
    with silence_warnings(), threadpool_limits(job.budget.threads), observe_rounds(model, observe):
        model.fit(prepare(train.X), train.y, X_val=valid_X, y_val=valid_y)
    total, n = job.clock.stop(), int(model.n_iter_)
    fitted = kind(model, prepare, train.n_classes, total)
    points = list(enumerate(seconds[1:], 1)) if len(seconds) == n + 1 else [(n, total)]
    yield from round_checkpoints(prepare, points, StagedPredictions(fitted), rounds)
    error, _ = job.evaluate(fitted.predict_proba(job.valid.X))
    fitted.details = {"rounds": n, "valid_error": error}
    return fitted


@contextmanager
def observe_rounds(model: Any, observe: Callable[[Array], bool]) -> Iterator[None]:
    """Call `observe` with the validation rows' raw scores after each round; True ends the fit.

    scikit-learn has no callback for that, so its early-stopping check is wrapped. If a later
    version checks elsewhere, nothing is reported: the curve has one point and no trial is pruned.
    """
    check = getattr(model, "_check_early_stopping_loss", None)

    def check_and_report(*args: Any, **options: Any) -> bool:
        enough = check is not None and check(*args, **options)
        raw = options.get("raw_predictions_val")
        return bool(enough or (raw is not None and observe(raw)))

    model._check_early_stopping_loss = check_and_report
    try:
        yield
    finally:
        del model._check_early_stopping_loss


class StagedPredictions:
    """The predictions after increasing numbers of rounds, in one pass over the trees."""

    def __init__(self, fitted: FittedEstimator) -> None:
        self._fitted = fitted
        self._matrix: Any = None
        self._stages: Iterator[Array] = iter(())
        self._rounds = 0

    def __call__(self, matrix: Any, rounds: int) -> Array:
        """Return the predictions of prepared rows after `rounds`."""
        if matrix is not self._matrix or rounds <= self._rounds:
            model = self._fitted.model
            is_classifier = hasattr(model, "staged_predict_proba")
            staged = model.staged_predict_proba if is_classifier else model.staged_predict
            self._stages = staged(matrix)
            self._matrix, self._rounds = matrix, 0
        for _ in range(rounds - self._rounds):
            p = next(self._stages)
        self._rounds = rounds
        return as_column(p) if p.ndim == 1 else self._fitted.expand(p)


IMAGE_RECIPE = HistGradientBoostingRecipe(
    max_iter=300, learning_rate=0.1, max_features=0.3, max_bins=63, n_iter_no_change=20
)


def _table_recipes(table: TableTraits) -> Recipes:
    full = HistGradientBoostingRecipe(min_samples_leaf=max(1, min(20, table.n_rows // 20)))
    quick = replace(full, max_iter=table.quick_rounds, learning_rate=0.15, n_iter_no_change=15)
    return Recipes(full, quick)


FAMILY = Family(
    name="hist",
    title="histogram boosting",
    recipe=HistGradientBoostingRecipe,
    fit=fit,
    space=RecipeSpace(
        {
            "max_iter": Integer(100, 5000, log=True),
            "learning_rate": Real(0.01, 0.3, log=True),
            "max_leaf_nodes": Integer(4, 256, log=True),
            "min_samples_leaf": Integer(1, 100, log=True),
            "l2_regularization": Real(0.0, 5.0),
            "max_features": Real(0.1, 1.0),
        },
        lengths=("max_iter",),
    ),
    images=Recipes(IMAGE_RECIPE, replace(IMAGE_RECIPE, max_iter=30, n_iter_no_change=10)),
    tables=_table_recipes,
    to_model=estimator_model,
    deciding_packages=("scikit-learn",),
    regressor=Regressor(fit_numbers, {"hist": _table_recipes}),
)
