"""Categories whose spellings differ by case only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


def fold_case(text: pl.Series) -> pl.Series:
    """Return categories in lower case, as the columns of a schema with folded categories hold them.

    >>> import polars as pl
    >>> fold_case(pl.Series(["Paris", "PARIS"])).to_list()
    ['paris', 'paris']
    """
    return text.str.to_lowercase()


def list_spellings(text: pl.Series) -> dict[str, tuple[str, ...]]:
    """Return the spellings of each category that has several, by its folded form.

    The most frequent spelling comes first.

    >>> import polars as pl
    >>> list_spellings(pl.Series(["Paris", "PARIS", "Rome", "Paris"]))
    {'paris': ('Paris', 'PARIS')}
    """
    import polars as pl

    counts = text.drop_nulls().rename("text").value_counts(name="count")
    counts = counts.with_columns(folded=fold_case(counts["text"]))
    several = counts.filter(pl.len().over("folded") > 1)
    spellings: dict[str, tuple[str, ...]] = {}
    order = several.sort(["folded", "count", "text"], descending=[False, True, False])
    for one, folded in order.select("text", "folded").iter_rows():
        spellings[folded] = (*spellings.get(folded, ()), one)
    return spellings
