"""XGBoost's prediction for one example: leaf values, paths through the trees, SHAP values.

Leaves come from XGBoost (``pred_leaf``), the structure of the trees from its JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.network.neuron import rank_by_size
from graduel.glassbox.plain_data import Array, PlainData
from graduel.glassbox.trees.tree_arrays import Forest, Tree

MAX_NAMES = 12
"""Maximum number of categories named in a condition."""


@dataclass(frozen=True, slots=True)
class Split(PlainData):
    """One split on a path: its condition, and the branch that the example takes."""

    node: int
    feature: int
    name: str
    value: float
    """NaN if missing."""
    value_text: str
    """The value as text: the category name, 'missing', or the number."""
    condition: str
    """The condition of the left branch: < 2.5, = Graz, in {Graz, Linz}."""
    went: str
    """'left' or 'right'."""
    missing: bool
    """Whether the branch is taken because the value is missing."""
    left_categories: tuple[str, ...] = ()
    """All categories of the left branch, if the split is by category and they have names."""


@dataclass(frozen=True, slots=True)
class Path(PlainData):
    """An example's path through one tree."""

    ALSO: ClassVar[tuple[str, ...]] = ("value", "strongest")

    tree: int
    round: int
    group: int | None
    """The class whose margin the tree adds to; None for vector leaves, which add to all."""
    splits: tuple[Split, ...]
    leaf: int
    values: tuple[float, ...]
    """The leaf's contribution to each class's margin, in log-odds."""

    @property
    def value(self) -> float:
        """The leaf value; for a vector leaf, the entry largest in absolute value."""
        return self.values[self.strongest]

    @property
    def strongest(self) -> int:
        """Index of the margin that changes most; 0 for two classes."""
        return max(range(len(self.values)), key=lambda k: abs(self.values[k]))


@dataclass(frozen=True, slots=True, eq=False)
class Votes(PlainData):
    """The leaf values of all trees for one example: base + Σ over rounds = margin."""

    kind: str
    base: Array
    by_round: Array
    """Contribution of each round in log-odds, shape (n_rounds, n_classes)."""
    so_far: Array
    """Margin after each round, starting with the base score, shape (n_rounds + 1, n_classes)."""
    margin: Array
    probabilities: Array
    strongest: tuple[Path, ...]
    """The paths through the trees with the largest leaf values, by absolute value."""


@dataclass(frozen=True, slots=True, eq=False)
class Shap(PlainData):
    """Each feature's contribution to each class's margin: bias + Σ values = margin."""

    values: Array
    """SHAP values in log-odds, shape (n_classes, n_features)."""
    bias: Array
    """The expected margin, shape (n_classes,)."""
    margin: Array


def _make_matrix(forest: Forest, x: Any) -> Any:
    """Return one row as a DMatrix."""
    import xgboost

    row = np.asarray(x, np.float32).reshape(1, -1)
    n = forest.booster.num_features()
    if row.shape[1] != n:
        raise UserError(f"expected an example of {n} numbers; got {row.shape[1]}")
    types = forest.booster.feature_types
    return xgboost.DMatrix(
        row,
        feature_names=forest.booster.feature_names,
        feature_types=types,
        enable_categorical="c" in (types or ()),
        nthread=1,
    )


def explain_votes(
    forest: Forest,
    x: Any,
    top: int = 10,
    names: Sequence[str] = (),
    levels: Mapping[int, Sequence[str]] | None = None,
) -> Votes:
    """Compute the leaf values of all trees for one example, and the paths with the largest.

    Parameters
    ----------
    forest : from :func:`read_forest`
    x : one row, prepared for XGBoost; NaN is missing
    top : number of paths to return
    names : names of the features
    levels : names of the codes of categorical features, by index of the feature; by default those
        of the forest

    Raises
    ------
    UserError
        If the size of `x` differs from the number of features.
    """
    matrix = _make_matrix(forest, x)
    row = np.asarray(x, np.float32).reshape(-1)
    leaves = np.asarray(forest.booster.predict(matrix, pred_leaf=True)).reshape(-1).astype(int)
    pairs = zip(forest.trees, leaves, strict=True)
    values = np.stack([tree.value(leaf, forest.n_classes) for tree, leaf in pairs])
    by_round = values.reshape(forest.n_rounds, forest.per_round, -1).sum(axis=1)
    so_far = forest.base + np.vstack([np.zeros(forest.n_classes), np.cumsum(by_round, axis=0)])
    order = rank_by_size(np.abs(values).max(axis=1), top)
    # With two classes, XGBoost returns the probability of the second only.
    p = np.asarray(forest.booster.predict(matrix)).reshape(-1)
    return Votes(
        forest.kind,
        forest.base,
        by_round,
        so_far,
        np.asarray(forest.booster.predict(matrix, output_margin=True)).reshape(-1),
        np.array([1 - p[0], p[0]], p.dtype) if len(p) == 1 else p,
        tuple(_trace_path(forest, int(i), int(leaves[i]), row, names, levels) for i in order),
    )


def explain_path(
    forest: Forest,
    x: Any,
    tree: int,
    names: Sequence[str] = (),
    levels: Mapping[int, Sequence[str]] | None = None,
) -> Path:
    """Return the path of one example through one tree.

    Parameters
    ----------
    forest, x, names, levels : as in :func:`explain_votes`
    tree : index of the tree, from 0: round × trees per round + class

    Raises
    ------
    UserError
        If the tree does not exist.
    """
    if not 0 <= tree < len(forest.trees):
        raise UserError(f"tree must be from 0 to {len(forest.trees) - 1}; got {tree}")
    leaves = forest.booster.predict(_make_matrix(forest, x), pred_leaf=True).reshape(-1)
    row = np.asarray(x, np.float32).reshape(-1)
    return _trace_path(forest, tree, int(leaves[tree]), row, names, levels)


def _trace_path(
    forest: Forest,
    number: int,
    leaf: int,
    row: Array,
    names: Sequence[str],
    levels: Mapping[int, Sequence[str]] | None,
) -> Path:
    """Return the path to a leaf, traced from the leaf to the root."""
    levels = forest.levels if levels is None else levels
    tree, splits, node = forest.trees[number], list[Split](), leaf
    names = names or forest.names
    while node != 0:
        parent = int(tree.parent[node])
        feature = int(tree.feature[parent])
        left, missing = tree.left[parent] == node, bool(np.isnan(row[feature]))
        name = str(names[feature]) if len(names) else f"f{feature}"
        splits.append(
            Split(
                parent,
                feature,
                name,
                float(row[feature]),
                format_value(float(row[feature]), levels.get(feature)),
                _format_condition(tree, parent, levels.get(feature)),
                "left" if left else "right",
                missing,
                tuple(_left_categories(tree, parent, levels.get(feature, ()))),
            )
        )
        node = parent
    values = tuple(map(float, tree.value(leaf, forest.n_classes)))
    return Path(
        number, number // forest.per_round, tree.group, tuple(reversed(splits)), leaf, values
    )


def _format_condition(tree: Tree, node: int, levels: Sequence[str] | None) -> str:
    """Return the condition of the left branch, by the fewer categories of the two branches."""
    if node not in tree.categories and levels is None:
        return f"< {tree.condition[node]:.7g}"
    left = _left_categories(tree, node, levels or ())
    right = [format_value(code, levels) for code in tree.categories.get(node, ())]
    if len(left) == 1:
        return f"= {left[0]}"
    if len(right) == 1:
        return f"≠ {right[0]}"
    if left and len(left) <= len(right):
        return f"in {_format_set(left)}"
    return f"not in {_format_set(right)}"


def _left_categories(tree: Tree, node: int, levels: Sequence[str]) -> list[str]:
    """Return the names of the codes that go left, if they have names."""
    if node in tree.categories:
        right = set(tree.categories[node])
        return [name for code, name in enumerate(levels) if code not in right]
    return [name for code, name in enumerate(levels) if code < tree.condition[node]]


def _format_set(names: Sequence[str]) -> str:
    """Return a set of categories; of a large one, the first.

    >>> _format_set(["Graz", "Linz"])
    '{Graz, Linz}'
    """
    more = len(names) - MAX_NAMES
    rest = [f"and {more:,} more"] if more > 0 else []
    return "{" + ", ".join([*names[:MAX_NAMES], *rest]) + "}"


def format_value(value: float, levels: Sequence[str] | None = None) -> str:
    """Format a feature value: a category by name, a missing value as 'missing'.

    >>> format_value(1.0, ["DSL", "fiber"]), format_value(2.5), format_value(float("nan"))
    ('fiber', '2.5', 'missing')
    """
    if np.isnan(value):
        return "missing"
    if levels is not None and value in range(len(levels)):
        return levels[int(value)]
    return f"{value:.7g}"


def explain_shap(forest: Forest, x: Any) -> Shap:
    """Compute each feature's contribution to each class's margin by TreeSHAP.

    Source: Lundberg et al., *From Local Explanations to Global Understanding with Explainable AI
    for Trees*, 2020; computed by XGBoost itself (``pred_contribs``).

    Parameters
    ----------
    forest, x : as in :func:`explain_votes`

    Raises
    ------
    UserError
        If the trees have vector leaves, which XGBoost's SHAP does not support.
    """
    if forest.vector_leaves:
        raise UserError(
            "SHAP needs one tree per class; this model has vector leaves (one tree per round for "
            "all classes). Use a contender with one tree per class, such as xgboost-plain"
        )
    matrix = _make_matrix(forest, x)
    values = np.asarray(forest.booster.predict(matrix, pred_contribs=True), np.float64)
    values = values.reshape(forest.n_classes, -1)
    margin = np.asarray(forest.booster.predict(matrix, output_margin=True)).reshape(-1)
    return Shap(values[:, :-1], values[:, -1], margin)
