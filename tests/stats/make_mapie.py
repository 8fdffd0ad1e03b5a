"""Print ``mapie.json``: intervals, sets and scores by MAPIE, for the rows of :func:`rows`.

python -m pip install mapie==1.6.0 && python tests/stats/make_mapie.py > tests/stats/mapie.json
"""

from __future__ import annotations

import json

import numpy as np

N, NEW = 40, 6
"""Numbers of calibration rows and of new rows."""


def rows():
    """Return truth, prediction, quantile predictions, probabilities and classes of all rows."""
    i = np.arange(N + NEW, dtype=float)
    y = np.sin(i) + 0.2 * np.cos(3 * i) + 0.01 * i
    low, high = np.sin(i) - 0.15 - 0.002 * i, np.sin(i) + 0.1 + 0.004 * i
    odds = np.exp(np.stack([np.sin(i), np.cos(2 * i), np.sin(3 * i + 1)], axis=1))
    p = odds / odds.sum(axis=1, keepdims=True)
    return y, np.sin(i), low, high, p, np.arange(N + NEW) * 7 % 3


def main():
    from mapie.classification import SplitConformalClassifier
    from mapie.conformity_scores.sets import aps
    from mapie.regression import ConformalizedQuantileRegressor, SplitConformalRegressor
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    class Given(RegressorMixin, BaseEstimator):
        """A fitted model whose predictions are given."""

        def __init__(self, values=None):
            self.values = values

        def fit(self, X, y=None):
            return self

        def predict(self, X):
            return self.values[X[:, 0].astype(int)]

        def __sklearn_is_fitted__(self):
            return True

    class GivenClassifier(ClassifierMixin, Given):
        classes_ = np.arange(3)

        def predict_proba(self, X):
            return Given.predict(self, X)

    y, prediction, low, high, p, classes = rows()
    X = np.arange(N + NEW)[:, np.newaxis]
    split = SplitConformalRegressor(Given(prediction), confidence_level=0.9, prefit=True)
    split.conformalize(X[:N], y[:N])
    cqr = ConformalizedQuantileRegressor(
        [Given(low), Given(high), Given(prediction)], confidence_level=0.8, prefit=True
    )
    cqr.conformalize(X[:N], y[:N])
    result = {
        "split": split.predict_interval(X[N:])[1][:, :, 0].tolist(),
        "cqr": cqr.predict_interval(X[N:], symmetric_correction=True)[1][:, :, 0].tolist(),
    }
    streams = iter([np.random.default_rng(1), np.random.default_rng(2)])
    aps.check_random_state = lambda seed: next(streams)  # the scores, then the sets
    for name, params in (("lac", {}), ("aps", {"include_last_label": "randomized"})):
        model = SplitConformalClassifier(
            GivenClassifier(p), confidence_level=0.8, prefit=True, conformity_score=name
        ).conformalize(X[:N], classes[:N])
        _, sets = model.predict_set(X[N:], conformity_score_params=params)
        inner = model._mapie_classifier
        result[name] = {
            "scores": np.ravel(inner.conformity_scores_).tolist(),
            "quantile": float(np.ravel(inner.conformity_score_function_.quantiles_)[0]),
            "sets": sets[:, :, 0].tolist(),
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
