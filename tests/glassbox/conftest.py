"""Models for the glass box's tests, trained once on a part of MNIST."""

from __future__ import annotations

import numpy as np
import pytest

from graduel.train.loop.training import Training
from graduel.train.recipes import NetRecipe


@pytest.fixture(scope="session")
def digit_net(mnist):
    """A network 784-128-10 trained for four epochs on 20,000 digits, in about a second."""
    recipe = NetRecipe(layers=(128,), epochs=4, dropout=0.1)
    rng = np.random.default_rng(0)
    training = Training(recipe, mnist.table[:20_000], mnist.y[:20_000], 10, rng=rng)
    for _ in training.epochs():
        pass
    return training


@pytest.fixture(scope="session")
def digit_trees(mnist):
    """Boosted trees, one per class and round, on raw pixels of 5,000 digits."""
    from xgboost import XGBClassifier

    model = XGBClassifier(
        n_estimators=25,
        learning_rate=0.4,
        max_depth=5,
        max_bin=8,
        colsample_bynode=0.1,
        n_jobs=1,
        random_state=0,
    )
    return model.fit(mnist.table[:5_000], mnist.y[:5_000])
