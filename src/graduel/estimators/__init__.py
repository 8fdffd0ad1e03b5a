"""scikit-learn's conventions over the engine: a superset of its ``MLPClassifier``."""

from graduel.estimators.classifier import MLPClassifier
from graduel.estimators.course import FitEpoch
from graduel.estimators.regressor import MLPRegressor

__all__ = ["FitEpoch", "MLPClassifier", "MLPRegressor"]
