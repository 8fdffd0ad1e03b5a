"""Toy data sets of scikit-learn, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from graduel.data.dataset import Dataset
from graduel.data.read.arrays.labeled_arrays import dataset_from_arrays

if TYPE_CHECKING:
    import polars as pl

TOYS = {
    "iris": "Fisher, 1936; scikit-learn's copy",
    "wine": "Forina et al., 1991; scikit-learn's copy",
    "breast_cancer": "Wolberg, Street and Mangasarian, 1995; scikit-learn's copy",
    "diabetes": "Efron, Hastie, Johnstone and Tibshirani, 2004; scikit-learn's copy",
    "digits": "Alpaydin and Kaynak, 1998; scikit-learn's copy, 0 to 16 stretched to 0 to 255",
}
"""Names, and the origin of the data."""


def load_toy(name: str) -> pl.DataFrame | Dataset:
    """Load a toy data set: a table with the column ``target``, or images (``digits``)."""
    import polars as pl
    from sklearn import datasets

    bunch: Any = getattr(datasets, f"load_{name}")()
    if name == "digits":
        X = np.round(bunch.images * (255 / 16)).astype(np.uint8)
        return dataset_from_arrays(name, X, bunch.target, source=TOYS[name])
    columns = {str(c): bunch.data[:, i] for i, c in enumerate(bunch.feature_names)}
    if "target_names" not in bunch:
        return pl.DataFrame({**columns, "target": bunch.target})
    labels = [str(bunch.target_names[code]) for code in bunch.target]
    return pl.DataFrame({**columns, "target": labels})
