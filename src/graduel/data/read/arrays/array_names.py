"""Names of the arrays that hold features and labels, in files of several arrays."""

from __future__ import annotations

from collections.abc import Iterable

Pair = tuple[str, str]
"""The names of features and labels."""

PAIRS: tuple[Pair, ...] = (
    ("x", "y"),
    ("data", "target"),
    ("images", "labels"),
    ("data", "labels"),
    ("data", "label"),
    ("features", "labels"),
    ("fea", "gnd"),
)
"""Names without a predefined split, in lower case."""
TRAIN: tuple[Pair, ...] = (("x_train", "y_train"), ("train_images", "train_labels"))
VALID: tuple[Pair, ...] = (
    ("x_val", "y_val"),
    ("x_valid", "y_valid"),
    ("val_images", "val_labels"),
)
TEST: tuple[Pair, ...] = (("x_test", "y_test"), ("test_images", "test_labels"))
"""Names of the parts of a predefined split: of Keras' archives, and of MedMNIST's."""


def find_pair(names: Iterable[str], pairs: Iterable[Pair]) -> Pair | None:
    """Return the first of the pairs whose names, in any case, are in a file; None without one.

    >>> find_pair(["y", "X", "about"], PAIRS)
    ('X', 'y')
    """
    lower = {name.lower(): name for name in names}
    return next(((lower[x], lower[y]) for x, y in pairs if {x, y} <= lower.keys()), None)
