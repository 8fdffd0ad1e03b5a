"""Stratified sampling of a table that is too large for memory, block by block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graduel.data.read.delimited.cells import MISSING
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

MOST_STRATA = 1_000
"""Maximum number of distinct target values; with more, the sample is not stratified."""

Blocks = Callable[[], Iterator["pl.DataFrame"]]


def stratified_sample(
    blocks: Blocks, targets: Callable[[], Iterator[pl.Series]], size: int
) -> tuple[pl.DataFrame, int]:
    """Return a stratified random sample of the rows, in their order, and the number of all rows.

    The table is read twice: to count, and to draw. If k more rows of a class are needed, and n of
    its rows are left, m of them in this block, then the number drawn from the block has the
    hypergeometric distribution (n, k, m), which gives a simple random sample of the class. The same
    table gives the same rows. Rows without a target are dropped.

    Source: sequential sampling by Fan, Muller and Rezucha, *Development of Sampling Plans by Using
    Sequential (Item by Item) Selection Techniques*, 1962, applied block by block.

    Parameters
    ----------
    blocks : function that returns a new iterator over the table in blocks
    targets : the same for the target column, in the same blocks
    size : number of rows to draw, up to the rounding of the classes' shares

    Returns
    -------
    The sampled rows, and the number of rows of the table.

    Examples
    --------
    >>> import polars as pl
    >>> table = pl.DataFrame({"x": range(100), "y": ["a"] * 80 + ["b"] * 20})
    >>> def blocks():
    ...     return iter([table[:50], table[50:]])
    >>> part, total = stratified_sample(blocks, lambda: (block["y"] for block in blocks()), 10)
    >>> part["y"].to_list(), total
    (['a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'b', 'b'], 100)
    """
    import polars as pl

    left, total = _count_classes(targets())
    need, rng, parts = allocate_rows(left, size), np.random.default_rng(0), list[pl.DataFrame]()
    for block, target in zip(blocks(), targets(), strict=True):
        labels = _class_names(target)
        if list(left) == [""]:
            labels = labels.set(labels.is_not_null(), "")
        rows = [
            _draw_rows(
                np.flatnonzero((labels == name).fill_null(False).to_numpy()), name, left, need, rng
            )
            for name in sorted(labels.drop_nulls().unique())
        ]
        parts.append(block[np.sort(np.concatenate([*rows, np.empty(0, np.int64)]))])
    return pl.concat(parts), total


def _count_classes(targets: Iterator[pl.Series]) -> tuple[dict[str, int], int]:
    """Return the number of rows per class, as one class if there are too many, and the total."""
    counts, known, total = Counter[str](), 0, 0
    for target in targets:
        labels = _class_names(target).drop_nulls().rename("label")
        total, known = total + len(target), known + len(labels)
        if len(counts) <= MOST_STRATA:
            counts.update(dict(labels.value_counts().iter_rows()))
    return dict(counts) if len(counts) <= MOST_STRATA else {"": known}, total


def _draw_rows(
    rows: NDArray[np.int64],
    name: str,
    left: dict[str, int],
    need: dict[str, int],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Draw rows of one class from its rows in a block; update `left` and `need`."""
    others = left.get(name, 0) - len(rows)
    if others < 0:
        raise UserError("the table changed while it was read. Try again")
    take = int(rng.hypergeometric(len(rows), others, need[name])) if need[name] else 0
    left[name], need[name] = others, need[name] - take
    return rng.choice(rows, take, replace=False)


def sampled_note(rows: int, total: int) -> str:
    """Return a note that the table is a sample."""
    return f"read a stratified sample: {rows:,} of {total:,} rows"


def allocate_rows(counts: dict[str, int], size: int) -> dict[str, int]:
    """Allocate rows proportionally (largest-remainder method), at least one per class.

    >>> allocate_rows({"a": 70, "b": 29, "c": 1}, 10)
    {'a': 7, 'b': 3, 'c': 1}
    """
    total = sum(counts.values())
    if size >= total:
        return dict(counts)
    exact = {name: size * n / total for name, n in counts.items()}
    rows = {name: int(share) for name, share in exact.items()}
    order = sorted(exact, key=lambda name: (rows[name] - exact[name], name))
    for name in order[: size - sum(rows.values())]:
        rows[name] += 1
    return {name: max(1, n) if counts[name] else 0 for name, n in rows.items()}


def _class_names(target: pl.Series) -> pl.Series:
    """Return the class names of a block; rows without a target are null."""
    import polars as pl

    if target.dtype.is_float():
        target = target.fill_nan(None)
    if target.dtype.is_nested() or target.dtype in (pl.Binary, pl.Object):
        return target.is_not_null().cast(pl.String)
    text = target.cast(pl.String).str.strip_chars()
    return text.set(text.is_in(MISSING), None) if target.dtype == pl.String else text
