"""A small table with every kind of column, and a fast estimator."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl

from graduel import TabularMLPClassifier
from graduel.train.build.recipe_parser import parse_recipe
from graduel.train.recipes import NetRecipe

SMALL = "layers=16 epochs=12 batch_size=16 lr=0.02"


def plain(text):
    """Return a recipe that does not depend on the default recipe for tables."""
    return parse_recipe(text, NetRecipe())


def quick(**options):
    """Return an estimator that fits fast."""
    return TabularMLPClassifier(**{"recipe": plain(SMALL), "random_state": 0, **options})


def mixed(n=120, seed=0):
    """Return a pandas DataFrame with missing values, and labels that depend on two columns."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "age": rng.normal(40, 10, n).round(1),
            "city": rng.choice(["Rome", "Oslo", "Bern"], n),
            "size": pd.Categorical(rng.choice(["1.50", "2.0", "3"], n)),
            "member": rng.choice(["yes", "no"], n),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
            "took": pd.to_timedelta(rng.integers(1, 900, n), "s"),
            "visits": pd.array(rng.integers(0, 5, n), dtype="Int64"),
            "paid": rng.random(n) > 0.5,
            "note": [f"what somebody wrote about row {i}" for i in range(n)],
            "row": np.arange(n),
            "one": 1,
        }
    )
    y = np.where((X["age"] > 40) ^ (X["city"] == "Rome"), "stays", "goes")
    X.loc[::9, "age"] = np.nan
    X.loc[3, "city"] = None
    X.loc[4, "visits"] = pd.NA
    return X, y


def as_polars(X):
    """Return the same table as a Polars DataFrame."""
    columns = []
    for name in X.columns:
        series = X[name]
        values = [
            None if missing else v
            for v, missing in zip(series.tolist(), series.isna(), strict=True)
        ]
        column = pl.Series(name, values)
        categorical = series.dtype == "category"
        columns.append(column.cast(pl.Categorical) if categorical else column)
    return pl.DataFrame(columns)
