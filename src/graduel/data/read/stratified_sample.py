"""A part of a table that is too large to be held: drawn block by block, each class by its share."""

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
"""Different values of a target; of more, all rows are drawn alike."""

Blocks = Callable[[], Iterator["pl.DataFrame"]]


def stratified_sample(
    blocks: Blocks, targets: Callable[[], Iterator[pl.Series]], size: int
) -> tuple[pl.DataFrame, int]:
    """Draw rows so that each class keeps its share; they stay in their order.

    The table is gone through twice: to count, and to draw. Of a class that needs k more rows and
    has n left, m of them in a block, that block gives a number from the hypergeometric
    distribution (n, k, m), and rows of it at random: together a simple random sample of the class.
    The same table gives the same rows. Rows without a target are left out.

    Source: sequential sampling by Fan, Muller and Rezucha, *Development of Sampling Plans by Using
    Sequential (Item by Item) Selection Techniques*, 1962, a block at a time.

    Parameters
    ----------
    blocks : begins anew and yields the table in blocks
    targets : the same for the target's column alone, in the same blocks
    size : how many rows; those of all classes together come as near to it as shares round

    Returns
    -------
    The rows, and how many the table has.

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

    left, total = _counted(targets())
    need, rng, parts = allocate_rows(left, size), np.random.default_rng(0), list[pl.DataFrame]()
    for block, target in zip(blocks(), targets(), strict=True):
        found = _labels(target)
        if list(left) == [""]:
            found = found.set(found.is_not_null(), "")
        rows = [
            _drawn(
                np.flatnonzero((found == name).fill_null(False).to_numpy()), name, left, need, rng
            )
            for name in sorted(found.drop_nulls().unique())
        ]
        parts.append(block[np.sort(np.concatenate([*rows, np.empty(0, np.int64)]))])
    return pl.concat(parts), total


def _counted(targets: Iterator[pl.Series]) -> tuple[dict[str, int], int]:
    """Count the rows of each class, or of all together where there are too many; and all rows."""
    counts, known, total = Counter[str](), 0, 0
    for target in targets:
        found = _labels(target).drop_nulls().rename("label")
        total, known = total + len(target), known + len(found)
        if len(counts) <= MOST_STRATA:
            counts.update(dict(found.value_counts().iter_rows()))
    return dict(counts) if len(counts) <= MOST_STRATA else {"": known}, total


def _drawn(
    rows: NDArray[np.int64],
    name: str,
    left: dict[str, int],
    need: dict[str, int],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Draw from one class's rows of a block, and keep count."""
    others = left.get(name, 0) - len(rows)
    if others < 0:
        raise UserError("the table was changed while it was read. Try again when it is whole")
    take = int(rng.hypergeometric(len(rows), others, need[name])) if need[name] else 0
    left[name], need[name] = others, need[name] - take
    return rng.choice(rows, take, replace=False)


def sampled_note(rows: int, total: int) -> str:
    """Say that the table is not the whole one."""
    return f"of {total:,} rows {rows:,} are held, a sample with each class by its share"


def allocate_rows(counts: dict[str, int], size: int) -> dict[str, int]:
    """Share out a size by counts, one at least for each; the largest remainders are rounded up.

    >>> allocate_rows({"a": 70, "b": 29, "c": 1}, 10)
    {'a': 7, 'b': 3, 'c': 1}
    """
    total = sum(counts.values())
    if size >= total:
        return dict(counts)
    exact = {name: size * n / total for name, n in counts.items()}
    found = {name: int(share) for name, share in exact.items()}
    order = sorted(exact, key=lambda name: (found[name] - exact[name], name))
    for name in order[: size - sum(found.values())]:
        found[name] += 1
    return {name: max(1, n) if counts[name] else 0 for name, n in found.items()}


def _labels(target: pl.Series) -> pl.Series:
    """Name the classes of a block; what has none is null."""
    import polars as pl

    if target.dtype.is_float():
        target = target.fill_nan(None)
    if target.dtype.is_nested() or target.dtype in (pl.Binary, pl.Object):
        return target.is_not_null().cast(pl.String)
    text = target.cast(pl.String).str.strip_chars()
    return text.set(text.is_in(MISSING), None) if target.dtype == pl.String else text
