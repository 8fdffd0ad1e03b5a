"""The trees of a model: read once, with the names of its margins and categories."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from graduel.data.prepare.encoders import CategoryCode
from graduel.errors import UserError
from graduel.glassbox.trees.tree_arrays import Forest, read_forest
from graduel.models.model import Model

_FORESTS: WeakKeyDictionary[Model, Forest] = WeakKeyDictionary()


def get_forest(model: Model) -> Forest:
    """Return the trees of a model, read at the first call and remembered with the model.

    Raises
    ------
    UserError
        If the model is a network.
    """
    if model.booster is None:
        raise UserError("expected XGBoost's trees; this model is a network")
    if model not in _FORESTS:
        _FORESTS[model] = read_forest(model.booster)
    return _FORESTS[model]


def margin_codes(model: Model) -> tuple[int, ...]:
    """Return the class code of each margin; of two classes, the trees have that of the second."""
    binary = get_forest(model).n_classes == 1
    return model.class_codes[1:] if binary else model.class_codes


def category_names(model: Model) -> dict[int, tuple[str, ...]]:
    """Return the names of the categories in each input of codes, by the input's number."""
    names: dict[int, tuple[str, ...]] = {}
    start = 0
    for encoder in () if model.preparation is None else model.preparation.encoders:
        if isinstance(encoder, CategoryCode) and encoder.for_trees:
            names[start] = (*encoder.categories, *("another",) * encoder.others)
        start += len(encoder.names)
    return names
