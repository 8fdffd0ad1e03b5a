"""CatBoost (optional) with native categories, missing values and early stopping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

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
from graduel.metrics.probabilities import expand_classes, softmax
from graduel.models.library_model import (
    LibraryModel,
    catboost_bytes,
    catboost_rows,
    load_catboost,
)

if TYPE_CHECKING:
    from graduel.data.schema import Schema
    from graduel.models.model import Model


ONLY_VALID = "hints=skip_train~true"
"""The hint of a metric that is not computed on the training rows."""


@dataclass(frozen=True, slots=True)
class CatBoostRecipe:
    """The parameters of ``CatBoostClassifier``, stopped early on the validation rows."""

    n_estimators: int = 1000
    learning_rate: float = 0.05
    depth: int = 6
    grow_policy: str = "SymmetricTree"
    l2_leaf_reg: float = 3.0
    random_strength: float = 1.0
    bootstrap_type: str = "Bernoulli"
    subsample: float = 0.8
    colsample_bylevel: float = 1.0
    leaf_estimation_iterations: int = 1
    border_count: int = 254
    one_hot_max_size: int = 2
    max_ctr_complexity: int = 4
    model_size_reg: float = 0.5
    early_stopping_rounds: int = 100


@dataclass(slots=True)
class FittedCatBoost(FittedEstimator):
    """A fitted classifier with the round selected by early stopping."""

    classes: Any = None
    """The codes of the classes among the training rows; the model numbers them from 0."""
    threads: int = 1

    def predict(self, matrix: Any) -> Array:
        """Return the class probabilities of prepared rows."""
        rows = catboost_rows(matrix, self.model.get_cat_feature_indices())
        best = self.details["best_round"]
        p = self.model.predict_proba(rows, ntree_end=best, thread_count=self.threads)
        return self.expand(p)

    def expand(self, p: Any) -> Array:
        """Expand probabilities of the classes in the training rows to all classes."""
        return expand_classes(p, self.classes, self.n_classes)

    def best(self) -> Any:
        """Return the trees up to the selected round."""
        model = self.model.copy()
        model.shrink(ntree_end=self.details["best_round"])
        return model

    def to_bytes(self) -> bytes:
        """Return the trees up to the selected round in CatBoost's format, and the preparation."""
        return catboost_bytes(self.best()) + self.prepare.to_bytes()


@dataclass(slots=True)
class FittedCatBoostRegressor(FittedRegressor):
    """A fitted regressor with the round selected by early stopping."""

    threads: int = 1
    classes: tuple[int, ...] = ()
    best = FittedCatBoost.best
    to_bytes = FittedCatBoost.to_bytes

    def predict(self, matrix: Any) -> Array:
        """Return the predicted numbers of prepared rows, float64 `(n_rows, 1)`."""
        rows = catboost_rows(matrix, self.model.get_cat_feature_indices())
        raw = self.model.predict(
            rows,
            prediction_type="RawFormulaVal",
            ntree_end=self.details["best_round"],
            thread_count=self.threads,
        )
        return as_column(raw)


def fit(recipe: CatBoostRecipe, job: FitJob) -> Fitting:
    """Fit all rounds, recording the time of each; then yield the checkpoints.

    Categories and missing values are handled natively. Early stopping is by log loss, or by the
    leading metric if that is neither the error nor log loss, as for XGBoost.
    """
    from catboost import CatBoostClassifier

    train, metric = job.train, job.metric
    classes = np.unique(train.y)
    valid_y = job.valid.y[np.isin(job.valid.y, train.y)]
    loss = "Logloss" if len(classes) == 2 else "MultiClass"
    is_library = metric.name in LIBRARY_METRICS

    def predict(approxes: Any) -> Array:
        p = softmax(np.stack([np.asarray(one) for one in approxes], axis=1))
        return expand_classes(p, classes, train.n_classes)

    def read_error(history: Any) -> float:
        return 1 - float(history["Accuracy"][-1])

    own = None if is_library else ValidationLoss(metric.loss, predict, valid_y)
    watch = Watch(job, recipe, loss if is_library else ValidationLoss.__name__, read_error)
    if is_library:
        watch.selected_by = "log_loss"
    codes = np.searchsorted(classes, train.y), np.searchsorted(classes, valid_y)
    boosting = Boosting(
        CatBoostClassifier, loss, own or f"{loss}:{ONLY_VALID}", f"Accuracy:{ONLY_VALID}"
    )
    kind = partial(FittedCatBoost, classes=classes)
    return _boost(recipe, job, boosting, codes, watch, kind, softmax)


def fit_numbers(recipe: CatBoostRecipe, job: FitJob) -> Fitting:
    """Fit all rounds of a regressor by squared errors; early stopping is by the leading metric."""
    from catboost import CatBoostRegressor

    own = ValidationLoss(job.metric.loss, lambda approxes: as_column(approxes[0]), job.valid.y)
    is_rmse = job.metric.name == "rmse" and not job.train.log_target

    def read_error(history: Any) -> float:
        return float(history["RMSE"][-1])

    watch = Watch(job, recipe, "RMSE" if is_rmse else ValidationLoss.__name__, read_error)
    rmse = f"RMSE:{ONLY_VALID}"
    boosting = Boosting(CatBoostRegressor, "RMSE", rmse if is_rmse else own, rmse)
    targets = job.train.y, job.valid.y
    return _boost(recipe, job, boosting, targets, watch, FittedCatBoostRegressor, as_column)


class Boosting(NamedTuple):
    """What differs between the fits of a classifier and of a regressor."""

    make: Any
    """The class of CatBoost."""
    loss: str
    eval_metric: Any
    """The metric of early stopping: a name of CatBoost's, or a :class:`ValidationLoss`."""
    custom_metric: str
    """The metric of the error."""


def _boost(
    recipe: CatBoostRecipe,
    job: FitJob,
    boosting: Boosting,
    targets: tuple[Array, Array],
    watch: Watch,
    kind: Callable[..., Any],
    link: Callable[[Array], Array],
) -> Fitting:
    """Fit all rounds to targets of the training and validation rows; yield the checkpoints."""
    from catboost import Pool

    train = job.train
    prepare, categorical = prepare_for_trees(train)
    valid_X, _ = job.select_known(prepare(job.valid.X))
    settings = asdict(recipe)
    rounds, patience = settings.pop("n_estimators"), settings.pop("early_stopping_rounds")
    model = boosting.make(
        **settings,
        iterations=rounds,
        loss_function=boosting.loss,
        eval_metric=boosting.eval_metric,
        custom_metric=[boosting.custom_metric],
        od_type="Iter",
        od_wait=patience,
        use_best_model=False,  # the curve shows all rounds
        thread_count=job.budget.threads,
        random_seed=job.draw_seed(),
        allow_writing_files=False,
        logging_level="Silent",
    )
    pools = [
        Pool(catboost_rows(X, categorical), y, categorical or None)
        for X, y in zip((prepare(train.X), valid_X), targets, strict=True)
    ]
    with silence_warnings():  # about metrics that Numba cannot compile
        model.fit(pools[0], eval_set=pools[1], callbacks=[watch])
    seconds = job.clock.stop()
    model = load_catboost(catboost_bytes(model))  # without the metric, which holds the job's rows
    fitted = kind(model, prepare, train.n_classes, seconds, threads=job.budget.threads)
    extend = partial(_extend_margin, model, job.budget.threads)
    yield from margin_checkpoints(fitted, watch.seconds, rounds, extend, link)
    best = int(np.argmin(watch.losses))
    fitted.details = {
        "best_round": best + 1,
        "rounds": len(watch.seconds),
        "valid_error": watch.errors[best],
    }
    fitted.details |= selection_details(watch.selected_by, watch.losses[best])
    return fitted


class Watch:
    """CatBoost's callback: records each round, reports it, and may stop the fit."""

    def __init__(
        self,
        job: FitJob,
        recipe: CatBoostRecipe,
        metric: str,
        read_error: Callable[[Any], float],
    ) -> None:
        self._job, self._rounds, self._metric = job, recipe.n_estimators, metric
        self._read_error, self.selected_by = read_error, job.metric.name
        self.seconds, self.errors, self.losses = list[float](), list[float](), list[float]()

    def after_iteration(self, info: Any) -> bool:
        """Return whether the fit continues."""
        history = info.metrics["validation"]
        self.seconds.append(self._job.clock.seconds)
        self.errors.append(self._read_error(history))
        self.losses.append(float(history[self._metric][-1]))
        error, loss = self.errors[-1], self.losses[-1]
        reported = error if self._job.metric.name in ("error", "accuracy") else loss
        share = len(self.seconds) / self._rounds
        selection = (self.selected_by, loss)
        return not self._job.report(share, self.seconds[-1], error, reported, selection)


class ValidationLoss:
    """The leading metric's loss on the validation rows, as a metric of CatBoost.

    Parameters
    ----------
    loss : function of predictions and targets
    predict : predictions of CatBoost's raw scores
    valid_y : targets of the validation rows
    """

    no_jit = True
    """CatBoost does not compile it by Numba."""

    def __init__(
        self,
        loss: Callable[[Array, Array], float],
        predict: Callable[[Any], Array],
        valid_y: Array,
    ) -> None:
        self._loss, self._predict, self._valid_y = loss, predict, valid_y

    def is_max_optimal(self) -> bool:
        """Return False: lower is better."""
        return False

    def evaluate(self, approxes: Any, target: Any, weight: Any) -> tuple[float, float]:
        """Return the loss and its weight; 0 for the training rows, which are not evaluated."""
        if len(target) != len(self._valid_y):
            return 0.0, 1.0
        return self._loss(self._predict(approxes), self._valid_y), 1.0

    def get_final_error(self, error: float, weight: float) -> float:
        """Return the loss."""
        return error


def _extend_margin(
    model: Any, threads: int, matrix: Any, margin: Any, start: int, stop: int
) -> Any:
    more = model.predict(
        catboost_rows(matrix, model.get_cat_feature_indices()),
        prediction_type="RawFormulaVal",
        ntree_start=start,
        ntree_end=stop,
        thread_count=threads,
    )
    return more if margin is None else margin + more


TABLE_SPACE: Space = {
    "n_estimators": Integer(100, 10_000, log=True),
    "learning_rate": Real(5e-3, 0.1, log=True),
    "depth": Integer(4, 8),
    "grow_policy": Choice(("SymmetricTree", "Depthwise")),
    "l2_leaf_reg": Real(1e-5, 5.0, log=True),
    "subsample": Real(0.7, 1.0),
    "colsample_bylevel": Real(0.85, 1.0),
    "leaf_estimation_iterations": Integer(1, 20, log=True),
    "one_hot_max_size": Integer(2, 100, log=True),
    "max_ctr_complexity": Integer(2, 5),
    "model_size_reg": Real(0.1, 1.5, log=True),
}
"""The space of Erickson et al., *TabArena*, 2025, with the rounds, and the defaults of CatBoost and
of CatBoost-TD (Holzmüller et al., *Better by Default*, 2024)."""

IMAGE_SPACE: Space = {
    "n_estimators": Integer(100, 1000, log=True),
    "learning_rate": Real(0.03, 0.3, log=True),
    "depth": Integer(4, 8),
    "l2_leaf_reg": Real(1e-5, 5.0, log=True),
    "subsample": Real(0.5, 1.0),
    "colsample_bylevel": Real(0.05, 0.5, log=True),
}

# Pixels are redundant: few bins, and a part of the pixels per level of a tree.
IMAGE_RECIPE = CatBoostRecipe(
    n_estimators=400,
    learning_rate=0.15,
    colsample_bylevel=0.3,
    border_count=63,
    early_stopping_rounds=30,
)


def _table_recipes(table: TableTraits) -> Recipes:
    full = CatBoostRecipe()
    quick = replace(
        full, n_estimators=table.quick_rounds, learning_rate=0.15, early_stopping_rounds=15
    )
    return Recipes(full, quick)


def to_model(fitted: FittedCatBoost, schema: Schema, title: str) -> Model:
    """Return the trees up to the selected round; they are saved in CatBoost's format."""
    from graduel.models.model import Model

    return Model(
        "catboost",
        title,
        schema,
        fitted.prepare.preparation,
        library_model=LibraryModel("catboost", fitted.best()),
        class_codes=tuple(int(code) for code in fitted.classes),
    )


FAMILY = Family(
    name="catboost",
    title="CatBoost",
    recipe=CatBoostRecipe,
    fit=fit,
    space=RecipeSpace(TABLE_SPACE, IMAGE_SPACE, lengths=("n_estimators",)),
    images=Recipes(IMAGE_RECIPE, replace(IMAGE_RECIPE, n_estimators=50, early_stopping_rounds=15)),
    tables=_table_recipes,
    to_model=to_model,
    regressor=Regressor(fit_numbers, {"catboost": _table_recipes}),
    requires=(Requirement("catboost", "CatBoost", "graduel[catboost]"),),
    deciding_packages=("catboost",),
)
