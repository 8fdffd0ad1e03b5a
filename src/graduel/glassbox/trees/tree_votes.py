"""XGBoost's prediction for one example: the trees' votes and paths, the features' SHAP values.

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


@dataclass(frozen=True, slots=True)
class Split(PlainData):
    """One node on the path: its condition, and the branch that the example takes."""

    node: int
    feature: int
    name: str
    value: float
    """NaN where it is missing."""
    value_text: str
    """The value as text: a category's name, 'missing', or the number."""
    condition: str
    """The condition of the left branch."""
    went: str
    """'left' or 'right'."""
    missing: bool
    """Whether it takes the branch because the value is missing."""


@dataclass(frozen=True, slots=True)
class Path(PlainData):
    """An example's path through one tree."""

    ALSO: ClassVar[tuple[str, ...]] = ("value", "strongest")

    tree: int
    round: int
    group: int | None
    """The class that the tree votes for; None where a leaf votes for all classes."""
    splits: tuple[Split, ...]
    leaf: int
    values: tuple[float, ...]
    """The leaf's contribution to the margin (log-odds) of each class."""

    @property
    def value(self) -> float:
        """The vote for the tree's class; of a vector leaf, the largest by size."""
        return self.values[self.strongest]

    @property
    def strongest(self) -> int:
        """The class whose margin it changes most; 0 for two classes."""
        return max(range(len(self.values)), key=lambda k: abs(self.values[k]))


@dataclass(frozen=True, slots=True, eq=False)
class Votes(PlainData):
    """Every tree's leaf value for one example; base + Σ over rounds = margin."""

    kind: str
    base: Array
    by_round: Array
    """Shape (rounds, classes): each round's contribution, in log-odds."""
    so_far: Array
    """Shape (rounds + 1, classes): the margin after each round, first the base."""
    margin: Array
    probabilities: Array
    strongest: tuple[Path, ...]
    """The trees of the largest votes by size, of all classes, with their paths."""


@dataclass(frozen=True, slots=True, eq=False)
class Shap(PlainData):
    """Each feature's contribution to each class's margin: bias + Σ values = margin."""

    values: Array
    """Shape (classes, features), in log-odds."""
    bias: Array
    """Shape (classes,): the expected margin."""
    margin: Array


def _make_matrix(forest: Forest, x: Any) -> Any:
    """Return one row as XGBoost takes it."""
    import xgboost

    row = np.asarray(x, np.float32).reshape(1, -1)
    n = forest.booster.num_features()
    if row.shape[1] != n:
        raise UserError(f"the trees take {n} numbers an example; got {row.shape[1]}")
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
    """Return every tree's vote for one example, and the paths through the strongest trees.

    Parameters
    ----------
    forest : from :func:`read_forest`
    x : one row, prepared as XGBoost takes it; NaN is missing
    top : the number of trees with their paths
    names : of the features
    levels : the names of a feature's categories, by the feature's number

    Raises
    ------
    UserError
        If x has another size.
    """
    matrix = _make_matrix(forest, x)
    row = np.asarray(x, np.float32).reshape(-1)
    leaves = np.asarray(forest.booster.predict(matrix, pred_leaf=True)).reshape(-1).astype(int)
    pairs = zip(forest.trees, leaves, strict=True)
    values = np.stack([tree.value(leaf, forest.n_classes) for tree, leaf in pairs])
    by_round = values.reshape(forest.n_rounds, forest.per_round, -1).sum(axis=1)
    so_far = forest.base + np.vstack([np.zeros(forest.n_classes), np.cumsum(by_round, axis=0)])
    order = rank_by_size(np.abs(values).max(axis=1), top)
    # Of two classes, XGBoost gives the probability of the second alone.
    p = np.asarray(forest.booster.predict(matrix)).reshape(-1)
    return Votes(
        forest.kind,
        forest.base,
        by_round,
        so_far,
        np.asarray(forest.booster.predict(matrix, output_margin=True)).reshape(-1),
        np.array([1 - p[0], p[0]], p.dtype) if len(p) == 1 else p,
        tuple(_trace_path(forest, int(i), int(leaves[i]), row, names, levels or {}) for i in order),
    )


def explain_path(
    forest: Forest,
    x: Any,
    tree: int,
    names: Sequence[str] = (),
    levels: Mapping[int, Sequence[str]] | None = None,
) -> Path:
    """Return one example's path through one tree.

    Parameters
    ----------
    forest, x, names, levels : as in :func:`explain_votes`
    tree : its number, from 0: round · trees a round + class

    Raises
    ------
    UserError
        If there is no such tree.
    """
    if not 0 <= tree < len(forest.trees):
        raise UserError(f"tree must be from 0 to {len(forest.trees) - 1}; got {tree}")
    leaves = forest.booster.predict(_make_matrix(forest, x), pred_leaf=True).reshape(-1)
    row = np.asarray(x, np.float32).reshape(-1)
    return _trace_path(forest, tree, int(leaves[tree]), row, names, levels or {})


def _trace_path(
    forest: Forest,
    number: int,
    leaf: int,
    row: Array,
    names: Sequence[str],
    levels: Mapping[int, Sequence[str]],
) -> Path:
    """Return the path to a leaf, walking up from it."""
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
            )
        )
        node = parent
    values = tuple(map(float, tree.value(leaf, forest.n_classes)))
    return Path(
        number, number // forest.per_round, tree.group, tuple(reversed(splits)), leaf, values
    )


def _format_condition(tree: Tree, node: int, levels: Sequence[str] | None) -> str:
    if node in tree.categories:
        return "not in " + ", ".join(format_value(code, levels) for code in tree.categories[node])
    return f"< {tree.condition[node]:.7g}"


def format_value(value: float, levels: Sequence[str] | None = None) -> str:
    """Return a value as text: a category by its name.

    >>> format_value(1.0, ["DSL", "fibre"]), format_value(2.5), format_value(float("nan"))
    ('fibre', '2.5', 'missing')
    """
    if np.isnan(value):
        return "missing"
    if levels is not None and value in range(len(levels)):
        return levels[int(value)]
    return f"{value:.7g}"


def explain_shap(forest: Forest, x: Any) -> Shap:
    """Return each feature's contribution to each class's margin, by TreeSHAP.

    Source: Lundberg et al., *From Local Explanations to Global Understanding with Explainable AI
    for Trees*, 2020; computed by XGBoost itself (``pred_contribs``).

    Parameters
    ----------
    forest, x : as in :func:`explain_votes`

    Raises
    ------
    UserError
        If the trees have vector leaves, for which XGBoost computes none.
    """
    if forest.vector_leaves:
        raise UserError(
            "SHAP needs one tree a class, and this model has vector leaves, one tree a round "
            "for all classes. Train it with multi_strategy=one_output_per_tree"
        )
    matrix = _make_matrix(forest, x)
    values = np.asarray(forest.booster.predict(matrix, pred_contribs=True), np.float64)
    values = values.reshape(forest.n_classes, -1)
    margin = np.asarray(forest.booster.predict(matrix, output_margin=True)).reshape(-1)
    return Shap(values[:, :-1], values[:, -1], margin)
