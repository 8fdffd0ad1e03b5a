"""XGBoost, as its experts use it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from graduel.contenders.contender import Array, Fitting, error_rate
from graduel.contenders.family import Family, NamedContender, Recipes, TableTraits
from graduel.contenders.fit_job import FitJob, GrowingMargin, round_checkpoints
from graduel.contenders.prepared_table import PreparedTable
from graduel.contenders.search.space import Choice, Integer, Real, RecipeSpace, Space
from graduel.contenders.sklearn_contender import (
    CHECKPOINTS,
    LIBRARY_METRICS,
    expand_classes,
    prepare_for_trees,
    softmax,
    two_columns,
)
from graduel.metrics.metric import Metric
from graduel.train.recipes import RECIPES

if TYPE_CHECKING:
    from graduel.data.schema import Schema
    from graduel.models.model import Model


@dataclass(frozen=True, slots=True)
class XGBoostRecipe:
    """Histogram trees with early stopping on the validation rows.

    With `early_stopping_rounds` 0 nothing stops, and all rounds are the model. Besides its training
    rows it is fitted on `copies` of each, augmented as `augment` says (``--net`` takes the same
    names).
    """

    n_estimators: int = 250
    learning_rate: float = 0.3
    max_depth: int = 6
    max_bin: int = 16
    colsample_bynode: float = 0.3
    multi_strategy: str = "multi_output_tree"
    early_stopping_rounds: int = 30
    min_child_weight: float = 1.0
    subsample: float = 1.0
    colsample_bylevel: float = 1.0
    reg_alpha: float = 0.0
    reg_lambda: float = 1.0
    grow_policy: str = "depthwise"
    max_leaves: int = 0
    max_cat_to_onehot: int = 4
    augment: str = "none"
    copies: int = 0
    stops_by: str = "log_loss"
    """Where a duel's metric is the error: "log_loss", or "metric", the error itself."""


@dataclass(slots=True)
class FittedXGBoost:
    """A fitted classifier; early stopping, if there is any, has selected its round."""

    model: Any
    prepare: PreparedTable
    classes: Array
    """The codes of the classes among the training rows."""
    n_classes: int
    seconds: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)

    def predict_proba(self, X: Any) -> Array:
        """Return float32 probabilities, shape (n, n_classes)."""
        return self.prepare.predict(X, self.predict)

    def predict(self, matrix: Array, rounds: int | None = None) -> Array:
        """Return the probabilities of prepared rows, perhaps after fewer rounds."""
        part = None if rounds is None else (0, rounds)
        return self.expand(self.model.predict_proba(matrix, iteration_range=part))

    def expand(self, p: Any) -> Array:
        """Return probabilities of the training rows' classes as those of all classes."""
        return expand_classes(p, self.classes, self.n_classes)

    def booster(self) -> Any:
        """Return the trees up to the selected round."""
        return self.model.get_booster()[: self.details["best_round"]]

    def to_bytes(self) -> bytes:
        """Return the trees, in XGBoost's binary JSON, and the preparation."""
        return bytes(self.booster().save_raw("ubj")) + self.prepare.to_bytes()


def fit(recipe: XGBoostRecipe, job: FitJob) -> Fitting:
    """Boost in one go, noting the time of each round; checkpoints are cut afterwards.

    It stops by log loss where the metric is the error, since the error of a few thousand rows is
    too coarse for that; otherwise by the metric. A recipe with the patience for it may stop by the
    error all the same: then of the rounds with the fewest errors the one of the lowest log loss is
    the model, as with a network's epochs.
    """
    from xgboost import XGBClassifier
    from xgboost.callback import TrainingCallback

    train, metric, rounds = job.train, job.metric, recipe.n_estimators
    if recipe.copies:
        from graduel.contenders.augmented_rows import augment_rows

        train = augment_rows(train, recipe.augment, recipe.copies, job.rng)
    prepare, categorical = prepare_for_trees(train)
    X, classes = prepare(train.X), np.unique(train.y)
    valid_X, valid_y = job.select_known(prepare(job.valid.X))
    seconds: list[float] = []
    binary = len(classes) == 2
    errors, losses = ("error", "logloss") if binary else ("merror", "mlogloss")
    custom = None if metric.name in LIBRARY_METRICS else CustomMetric(metric)
    by_error = recipe.stops_by == "metric" and metric.name in ("error", "accuracy")

    class Watch(TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            seconds.append(job.clock.seconds)
            history = evals_log["validation_0"]
            error = custom.errors[-1] if custom else float(history[errors][-1])
            loss = float(history["cost"][-1]) if custom else error
            if metric.name == "log_loss":
                loss = float(history[losses][-1])
            stop = job.report((epoch + 1) / rounds, seconds[-1], error, loss)
            # Before its second round XGBoost does not know which is the best.
            return stop and epoch > 0

    model = XGBClassifier(
        **_settings(recipe, prepare, binary or bool(categorical)),
        tree_method="hist",
        # The last metric stops.
        eval_metric=custom.cost if custom else [losses, errors] if by_error else [errors, losses],
        n_jobs=job.budget.threads,
        random_state=job.draw_seed(),
        callbacks=[Watch()],
    )
    y, valid_y = np.searchsorted(classes, train.y), np.searchsorted(classes, valid_y)
    model.fit(X, y, eval_set=[(valid_X, valid_y)], verbose=False)
    fitted = FittedXGBoost(model, prepare, classes, train.n_classes, job.clock.stop())
    growing = GrowingMargin(partial(_extend_margin, model.get_booster()))
    yield from round_checkpoints(
        prepare,
        list(enumerate(seconds, 1)),
        lambda matrix, rounds: fitted.expand(softmax(growing(matrix, rounds))),
        max(1, rounds // CHECKPOINTS),
    )
    model.callbacks = None  # nothing of the fit stays alive with the model
    if by_error and recipe.early_stopping_rounds:
        history = model.evals_result()["validation_0"]
        best_iteration = int(np.lexsort((history[losses], history[errors]))[0])
        model.get_booster().best_iteration = best_iteration
    best = int(model.best_iteration) if recipe.early_stopping_rounds else len(seconds) - 1
    by_round = custom.errors if custom else model.evals_result()["validation_0"][errors]
    fitted.details = {
        "best_round": best + 1,
        "rounds": len(seconds),
        "valid_error": float(by_round[best]),
    }
    if recipe.copies:
        fitted.details |= {"copies_of_each_row": recipe.copies, "rows_with_copies": len(y)}
    return fitted


def _extend_margin(booster: Any, matrix: Array, margin: Any, start: int, stop: int) -> Any:
    return booster.inplace_predict(
        matrix,
        iteration_range=(start, stop),
        predict_type="margin",
        base_margin=margin,
        missing=np.nan,
    )


def _settings(recipe: XGBoostRecipe, prepare: PreparedTable, one_tree: bool) -> dict[str, Any]:
    """Return the classifier's parameters.

    No patience, 0, is XGBoost's None. A vector leaf takes no categories (XGBoost 3.2) and makes no
    sense for two classes: there, one tree a class.
    """
    settings = asdict(recipe)
    for name in ("augment", "copies", "stops_by"):
        del settings[name]
    settings["early_stopping_rounds"] = recipe.early_stopping_rounds or None
    if one_tree:
        settings["multi_strategy"] = "one_output_per_tree"
    if types := getattr(prepare.preparation, "feature_types", None):
        settings |= {"feature_types": types, "enable_categorical": True}
    return settings


class CustomMetric:
    """A metric that XGBoost lacks, in its signature; errors are recorded for the progress."""

    def __init__(self, metric: Metric) -> None:
        self._loss, self.errors = metric.loss, list[float]()

    def cost(self, y: Array, p: Array) -> float:
        """Return the loss; lower is better."""
        codes, p = y.astype(np.int64), two_columns(p)
        self.errors.append(error_rate(p, codes))
        return self._loss(p, codes)


def to_model(fitted: FittedXGBoost, schema: Schema, title: str) -> Model:
    """Return the trees up to the selected round."""
    from graduel.models.model import Model

    return Model(
        "xgboost",
        title,
        schema,
        fitted.prepare.preparation,
        booster=fitted.booster(),
        class_codes=tuple(int(code) for code in fitted.classes),
    )


TABLE_SPACE: Space = {
    "n_estimators": Integer(100, 10_000, log=True),
    "learning_rate": Real(5e-3, 0.5, log=True),
    "max_depth": Integer(3, 10, log=True),
    "max_bin": Choice((32, 64, 128, 256)),
    "min_child_weight": Real(1e-6, 20.0, log=True),
    "subsample": Real(0.5, 1.0),
    "colsample_bylevel": Real(0.5, 1.0),
    "colsample_bynode": Real(0.3, 1.0),
    "reg_alpha": Real(0.0, 5.0),
    "reg_lambda": Real(0.0, 5.0),
    "grow_policy": Choice(("depthwise", "lossguide")),
    "max_leaves": Integer(0, 1024),
    "max_cat_to_onehot": Integer(2, 100, log=True),
}
"""It contains XGB-TD (see :data:`TUNED_DEFAULTS`) and the space of Erickson et al., *TabArena: A
Living Benchmark for Machine Learning on Tabular Data*, 2025. There ``max_leaves`` goes from 8 to
1,024; 0 here stands for no limit."""

IMAGE_SPACE: Space = {
    # Pixels are many and alike: few bins, and few of them at each split, lose nothing and are
    # fast. A rate below 0.1 needs more rounds than a budget of minutes has.
    "n_estimators": Integer(150, 800, log=True),
    "learning_rate": Real(0.1, 0.5, log=True),
    "max_depth": Integer(5, 8),
    "max_bin": Choice((8, 16, 32)),
    "min_child_weight": Real(0.03, 10.0, log=True),
    "subsample": Real(0.6, 1.0),
    "colsample_bynode": Real(0.05, 0.5, log=True),
    "reg_lambda": Real(0.0, 5.0),
}

TUNED_DEFAULTS = XGBoostRecipe(
    n_estimators=1000,
    learning_rate=0.08,
    max_depth=6,
    max_bin=256,
    colsample_bynode=1.0,
    multi_strategy="one_output_per_tree",
    early_stopping_rounds=300,
    min_child_weight=5e-6,
    subsample=0.65,
    colsample_bylevel=0.9,
    reg_lambda=0.0,
    stops_by="metric",
)
"""XGB-TD-C: defaults that were tuned to be best on average over many tables for classification.

Source: Holzmüller et al., *Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular
Data*, 2024, as in pytabkit, and like there the metric of the duel stops it, the error too.
"""

LIBRARY_DEFAULTS = XGBoostRecipe(
    n_estimators=100,
    learning_rate=0.3,
    max_depth=6,
    max_bin=256,
    colsample_bynode=1.0,
    multi_strategy="one_output_per_tree",
    early_stopping_rounds=0,
)
"""``XGBClassifier()`` without any parameter."""

AUGMENTED = XGBoostRecipe(
    n_estimators=400,
    learning_rate=0.3,
    max_depth=9,
    early_stopping_rounds=30,
    augment=RECIPES["mnist-augmented"].augment,
    copies=4,
)
"""The network ``mnist-augmented`` sees each digit warped anew in each epoch; trees see four warps
of it, and the digit itself. Five times as many rows, all different, carry deeper trees: with depth
9 the validation rows' log loss after ten rounds is 0.37, with depth 6 0.62.
"""

STRONGEST = XGBoostRecipe(n_estimators=1600, learning_rate=0.08, early_stopping_rounds=50)
STRONGEST_XGBOOST: dict[str, Any] = {
    "contender": "xgboost-best",
    "test_error": 0.0149,
    "fit_seconds": 477.0,
    "settings": asdict(STRONGEST),
    "note": "measured on raw pixels with seed 0, on two cores; docs/results.md says how",
}
"""The strongest XGBoost recipe on MNIST that the project knows, and what it costs."""


def _quick_rounds(table: TableTraits) -> int:
    """Return the rounds of ``--quick``: a round costs in proportion to the number of classes."""
    return min(150, max(20, 4000 // table.n_classes))


def _quick_rate(table: TableTraits) -> float:
    return 0.2 if _quick_rounds(table) == 150 else 0.3


def _table_recipes(table: TableTraits) -> Recipes:
    full = XGBoostRecipe(
        n_estimators=1000,
        learning_rate=0.05,
        max_bin=256,
        colsample_bynode=0.8,
        multi_strategy="one_output_per_tree",
        early_stopping_rounds=50,
    )
    if table.vector_leaves:
        full = replace(
            full,
            learning_rate=0.1,
            max_bin=64,
            colsample_bynode=0.5,
            multi_strategy="multi_output_tree",
        )
    quick = replace(
        full,
        n_estimators=_quick_rounds(table),
        learning_rate=_quick_rate(table),
        early_stopping_rounds=15,
    )
    return Recipes(full, quick)


def _strongest_table_recipes(table: TableTraits) -> Recipes:
    usual = _table_recipes(table).full
    full = replace(
        usual,
        n_estimators=4000,
        learning_rate=0.4 * usual.learning_rate,
        max_depth=8,
        early_stopping_rounds=150,
    )
    quick = replace(full, n_estimators=500, learning_rate=0.08, early_stopping_rounds=40)
    return Recipes(full, quick)


def _tuned_table_recipes(table: TableTraits) -> Recipes:
    quick = replace(
        TUNED_DEFAULTS,
        n_estimators=_quick_rounds(table),
        learning_rate=_quick_rate(table),
        early_stopping_rounds=15,
    )
    return Recipes(TUNED_DEFAULTS, quick)


def _library_table_recipes(table: TableTraits) -> Recipes:
    # With very many classes 100 rounds take long; otherwise they are quick.
    rounds = min(100, _quick_rounds(table))
    return Recipes(LIBRARY_DEFAULTS, replace(LIBRARY_DEFAULTS, n_estimators=rounds))


FAMILY = Family(
    name="xgboost",
    title="XGBoost",
    recipe=XGBoostRecipe,
    fit=fit,
    space=RecipeSpace(TABLE_SPACE, IMAGE_SPACE, lengths=("n_estimators",)),
    contenders=(
        NamedContender(
            "xgboost",
            "XGBoost",
            Recipes(
                XGBoostRecipe(),
                XGBoostRecipe(n_estimators=50, learning_rate=0.4, early_stopping_rounds=15),
            ),
            _table_recipes,
            default=True,
        ),
        NamedContender(
            "xgboost-best",
            "strongest XGBoost",
            Recipes(
                STRONGEST,
                replace(STRONGEST, n_estimators=250, learning_rate=0.15, early_stopping_rounds=25),
            ),
            _strongest_table_recipes,
        ),
        NamedContender(
            "xgboost-augmented",
            "XGBoost on augmented digits",
            Recipes(
                AUGMENTED,
                replace(
                    AUGMENTED,
                    n_estimators=50,
                    learning_rate=0.4,
                    early_stopping_rounds=15,
                    max_depth=6,
                    copies=2,
                ),
            ),
            None,
        ),
        NamedContender(
            "xgboost-td",
            "XGBoost with tuned defaults",
            Recipes(
                TUNED_DEFAULTS,
                replace(
                    TUNED_DEFAULTS,
                    n_estimators=100,
                    learning_rate=0.2,
                    max_bin=16,
                    early_stopping_rounds=15,
                ),
            ),
            _tuned_table_recipes,
        ),
        NamedContender(
            "xgboost-plain",
            "XGBoost as it comes",
            Recipes(LIBRARY_DEFAULTS, replace(LIBRARY_DEFAULTS, n_estimators=30)),
            _library_table_recipes,
        ),
    ),
    to_model=to_model,
    explains="trees",
    deciding_packages=("xgboost",),
)
