"""scikit-learn estimators: supersets of its ``MLPClassifier`` and ``MLPRegressor``, and tables."""

from graduel.estimators.classifier import MLPClassifier
from graduel.estimators.fit.fit_history import FitEpoch
from graduel.estimators.regressor import MLPRegressor
from graduel.estimators.tabular import TabularMLPClassifier, TabularMLPRegressor

__all__ = [
    "FitEpoch",
    "MLPClassifier",
    "MLPRegressor",
    "TabularMLPClassifier",
    "TabularMLPRegressor",
]


def __dir__() -> list[str]:
    return list(__all__)
