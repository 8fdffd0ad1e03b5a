"""scikit-learn's estimator checks for TabularMLPClassifier, with the reason of one failure."""

from __future__ import annotations

from sklearn.utils.estimator_checks import parametrize_with_checks
from table_mixed import plain

from graduel import TabularMLPClassifier

SMALL = "layers=32 epochs=30 batch_size=16 lr=0.02"


OTHER_ROWS = "two equal rows are in two mini-batches, or on two sides of the validation split"
FAILURES = {"check_sample_weight_equivalence_on_dense_data": OTHER_ROWS}
"""The check that a row of weight 2 equals two rows."""


@parametrize_with_checks(
    [
        TabularMLPClassifier(recipe=plain(SMALL)),
        TabularMLPClassifier(
            recipe=plain(f"{SMALL} category_embedding=4 scaling=quantile members=2"),
            metric="log_loss",
            validation_fraction=0.2,
        ),
    ],
    expected_failed_checks=lambda estimator: FAILURES,
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
