"""scikit-learn's estimator checks for TabularMLPClassifier. All pass."""

from __future__ import annotations

from sklearn.utils.estimator_checks import parametrize_with_checks
from table_mixed import plain

from graduel import TabularMLPClassifier

SMALL = "layers=32 epochs=30 batch_size=16 lr=0.02"


@parametrize_with_checks(
    [
        TabularMLPClassifier(recipe=plain(SMALL)),
        TabularMLPClassifier(
            recipe=plain(f"{SMALL} category_embedding=4 scaling=quantile members=2"),
            metric="log_loss",
            validation_fraction=0.2,
        ),
    ]
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
