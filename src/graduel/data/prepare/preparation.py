"""Preparation of a table: conversion to a contender's matrix, fitted on training rows.

All preprocessing of features is here. A preparation is an immutable value that converts to plain
data, so a saved model includes it. A table's columns may be in any order, with others among them.
Each row is prepared independently: a slice of the table gives the same slice of the matrix.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from graduel.data.column import KINDS, Column
from graduel.data.prepare.column_summary import (
    CategorySummary,
    ColumnSummary,
    DateSummary,
    FlagSummary,
    NumberSummary,
)
from graduel.data.prepare.compression import DAMAGED, decompress_spec
from graduel.data.prepare.encoders import Boolean, CategoryCode, Date, Number, OneHot
from graduel.data.prepare.scalers import Both, Quantile, Robust, Shift
from graduel.data.prepare.values import require_columns
from graduel.errors import UserError, unknown
from graduel.serialize import from_plain, to_plain

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[Any]

Category = TypeVar("Category")

Encoder = Number | OneHot | CategoryCode | Boolean | Date

ONE_HOT, CODES = 64, 4096
"""Default limits on the number of categories of a column: one-hot, and as codes."""
SCALERS: dict[str, type[Robust | Quantile | Both]] = {
    "robust": Robust,
    "quantile": Quantile,
    "both": Both,
}
"""Scalers of numbers for networks, by name."""


class Preparation(Struct, frozen=True):
    """The base class of preparations: a sequence of encoders, one per feature."""

    encoders: tuple[Encoder, ...]

    for_trees: ClassVar[bool]

    def __post_init__(self) -> None:
        counts = Counter(encoder.name for encoder in self.encoders)
        if twice := [name for name, count in counts.items() if count > 1]:
            raise UserError(f"each column must be named once; got {twice[0]!r} twice")
        for encoder in self.encoders:
            if encoder.for_trees != self.for_trees:
                kinds = ("trees", "a network") if self.for_trees else ("a network", "trees")
                raise UserError(
                    f"column {encoder.name!r}: expected an encoder for {kinds[0]}; got "
                    f"{type(encoder).__name__} for {kinds[1]}. Use an encoder for {kinds[0]}"
                )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the matrix columns, for display."""
        return tuple(name for encoder in self.encoders for name in encoder.names)

    def transform(self, frame: pl.DataFrame) -> Array:
        """Return the float32 matrix of a table, shape (n_rows, len(names)).

        Raises
        ------
        UserError
            If a column is missing, or has values that its kind does not allow.
        """
        require_columns(frame, (encoder.name for encoder in self.encoders))
        out = np.empty((len(frame), len(self.names)), np.float32)
        start = 0
        for encoder in self.encoders:
            stop = start + len(encoder.names)
            encoder.fill(frame[encoder.name], out[:, start:stop])
            start = stop
        return out

    def to_spec(self) -> dict[str, Any]:
        """Return plain data for JSON; the inverse of :meth:`from_spec`."""
        spec: dict[str, Any] = to_plain(self)
        return spec

    @classmethod
    def from_spec(cls, spec: Any) -> Self:
        """Build a preparation from plain data, compressed or not.

        Raises
        ------
        UserError
            If the data are not those of a preparation of this class.
        """
        return from_plain(cls, decompress_spec(spec), DAMAGED)


class NetPreparation(Preparation, frozen=True, tag="net"):
    """The preparation for networks: all numbers are finite and, except for codes, within ±3.

    - numeric: robust scaling with smooth clipping (:class:`scalers.Robust`), quantile transform
      (:class:`scalers.Quantile`), or both (:class:`scalers.Both`)
    - categorical: one-hot, two categories as −1 and +1 (:class:`encoders.OneHot`); or, for a
      first layer :class:`graduel.nn.Columns`, codes in the last columns of the matrix
      (:class:`encoders.CategoryCode`)
    - boolean: −1 and +1
    - date: days as a number, and cyclic encoding of month, day, weekday and time of day
      (:class:`encoders.Date`)
    - text: dropped

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"age": [20, 30, None, 40], "sex": ["f", "m", "m", "f"]})
    >>> columns = [Column("age", "numeric"), Column("sex", "categorical")]
    >>> preparation = NetPreparation.fit(frame, columns)
    >>> preparation.names
    ('age', 'age is missing', 'sex = m')
    >>> preparation.transform(pl.DataFrame({"sex": ["m", "?"], "age": [None, 30]})).tolist()
    [[0.0, 1.0, 1.0], [0.0, 0.0, 0.0]]

    With embeddings:

    >>> from graduel.nn import Columns
    >>> preparation = NetPreparation.fit(frame, columns, embed=True)
    >>> first = Columns(preparation.numeric, preparation.categorical)
    >>> preparation.names, preparation.categorical, first.plan((3,)).out
    (('age', 'age is missing', 'sex'), (3,), (5,))
    """

    for_trees: ClassVar[bool] = False

    @classmethod
    def fit(
        cls,
        frame: pl.DataFrame,
        columns: Sequence[Column],
        *,
        rows: Array | None = None,
        embed: bool = False,
        one_hot: int = 0,
        scaling: str = "robust",
        limit: int | None = None,
    ) -> NetPreparation:
        """Fit a preparation to a table of features.

        Parameters
        ----------
        frame : the table
        columns : the features and their kinds
        rows : the rows to fit on, as row numbers or a boolean mask; None for all
        embed : whether categories become codes for embeddings instead of one-hot columns
        one_hot : with `embed`, columns with at most this number of categories are one-hot
        scaling : scaling of numbers: 'robust', 'quantile' or 'both'; see :data:`SCALERS`
        limit : maximum number of categories of a column, the most frequent ones; default 64, or
            4,096 as codes

        Raises
        ------
        UserError
            If a column is named twice, does not exist, or has values that its kind does not allow.
        """
        most = _limit(limit, CODES if embed else ONE_HOT)
        scaler = _scaler(scaling)

        def fit_category(column: pl.Series) -> OneHot | CategoryCode:
            if embed and not _is_few(code := CategoryCode.fit(column, most), one_hot):
                return code
            return OneHot.fit(column, most)

        encoders = _fit_encoders(frame, columns, rows, scaler, fit_category)
        return cls(_codes_last(encoders))

    @classmethod
    def from_summaries(
        cls,
        summaries: Iterable[ColumnSummary],
        *,
        embed: bool = False,
        one_hot: int = 0,
        scaling: str = "robust",
        limit: int | None = None,
    ) -> NetPreparation:
        """Fit a preparation to summaries of the training rows; parameters as in :meth:`fit`."""
        most = _limit(limit, CODES if embed else ONE_HOT)
        scaler = _scaler(scaling)

        def fit_category(summary: CategorySummary) -> OneHot | CategoryCode:
            if embed and not _is_few(code := CategoryCode.from_summary(summary, most), one_hot):
                return code
            return OneHot.from_summary(summary, most)

        encoders = _encoders_from_summaries(summaries, scaler, fit_category)
        return cls(_codes_last(encoders))

    def __post_init__(self) -> None:
        super().__post_init__()
        if sorted(self.encoders, key=_is_code) != list(self.encoders):
            raise UserError(
                "the category codes of a preparation must be its last encoders; got "
                + ", ".join(type(encoder).__name__ for encoder in self.encoders[:20])
            )

    @property
    def categorical(self) -> tuple[int, ...]:
        """The number of codes of each of the last columns; empty without embeddings."""
        return tuple(e.cardinality for e in self.encoders if isinstance(e, CategoryCode))

    @property
    def numeric(self) -> int:
        """The number of columns before the codes."""
        return len(self.names) - len(self.categorical)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The matrix columns with scaled numbers or days, one per numeric or date feature."""
        columns, start = [], 0
        for encoder in self.encoders:
            if isinstance(encoder, Number | Date):
                columns.append(start)
            start += len(encoder.names)
        return tuple(columns)


class TreePreparation(Preparation, frozen=True, tag="tree"):
    """The preparation for XGBoost: missing values are NaN, no number is infinite.

    - numeric: unchanged, or shifted if float32 would merge values (:class:`scalers.Shift`)
    - categorical: codes, as native categories (:class:`encoders.CategoryCode`)
    - boolean: 0 and 1
    - date: days as a number, and month, day, weekday, minute (:class:`encoders.Date`)
    - text: dropped

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"age": [20, 30, None, 40], "sex": ["f", "m", "m", "f"]})
    >>> columns = [Column("age", "numeric"), Column("sex", "categorical")]
    >>> preparation = TreePreparation.fit(frame, columns)
    >>> preparation.feature_names, preparation.feature_types
    (['age', 'sex'], ['int', 'c'])
    >>> preparation.transform(pl.DataFrame({"sex": ["m", "?"], "age": [None, 30]})).tolist()
    [[nan, 1.0], [30.0, nan]]
    """

    encoders: tuple[Number | CategoryCode | Boolean | Date, ...]

    for_trees: ClassVar[bool] = True

    @classmethod
    def fit(
        cls,
        frame: pl.DataFrame,
        columns: Sequence[Column],
        *,
        rows: Array | None = None,
        limit: int | None = None,
    ) -> TreePreparation:
        """Fit a preparation to a table of features; parameters as in :meth:`NetPreparation.fit`.

        The default of `limit` is 4,096.
        """
        most = _limit(limit, CODES)
        fit_category = partial(CategoryCode.fit, limit=most, for_trees=True)
        return cls(tuple(_fit_encoders(frame, columns, rows, Shift, fit_category)))

    @classmethod
    def from_summaries(
        cls, summaries: Iterable[ColumnSummary], *, limit: int | None = None
    ) -> TreePreparation:
        """Fit a preparation to summaries of the training rows."""
        most = _limit(limit, CODES)
        fit_category = partial(CategoryCode.from_summary, limit=most, for_trees=True)
        return cls(tuple(_encoders_from_summaries(summaries, Shift, fit_category)))

    @property
    def feature_types(self) -> list[str]:
        """The XGBoost feature type of each matrix column."""
        return [kind for encoder in self.encoders for kind in encoder.types]

    @property
    def feature_names(self) -> list[str]:
        """Names that XGBoost accepts: unique, without brackets, < or control characters."""
        taken: dict[str, None] = {}
        for name in self.names:
            plain = "".join(c if c.isprintable() and c not in "[]<" else "_" for c in name)
            new, number = plain, 2
            while new in taken:
                new, number = f"{plain} ({number})", number + 1
            taken[new] = None
        return list(taken)


def _fit_encoders(
    frame: pl.DataFrame,
    columns: Sequence[Column],
    rows: Array | None,
    scaler: type[Robust | Quantile | Both | Shift],
    fit_category: Callable[[pl.Series], Category],
) -> Iterator[Number | Boolean | Date | Category]:
    """Yield an encoder for each column, fitted to the rows; columns of text are skipped."""
    used = [column for column in columns if column.kind != "text"]
    require_columns(frame, (column.name for column in used))
    if rows is not None and rows.dtype == np.bool_:
        rows = np.flatnonzero(rows)
    for column in used:
        values = frame[column.name]
        cells = values if rows is None else values.gather(rows)
        if column.kind == "numeric":
            yield Number.fit(cells, scaler)
        elif column.kind == "boolean":
            yield Boolean.fit(cells, for_trees=scaler is Shift)
        elif column.kind == "date":
            yield Date.fit(cells, for_trees=scaler is Shift)
        elif column.kind == "categorical":
            yield fit_category(cells)
        else:
            raise unknown(f"the kind of column {column.name!r}", column.kind, KINDS)


def _encoders_from_summaries(
    summaries: Iterable[ColumnSummary],
    scaler: type[Robust | Quantile | Both | Shift],
    fit_category: Callable[[CategorySummary], Category],
) -> Iterator[Number | Boolean | Date | Category]:
    """Yield an encoder for each summary."""
    for summary in summaries:
        if isinstance(summary, NumberSummary):
            yield Number.from_summary(summary, scaler)
        elif isinstance(summary, FlagSummary):
            yield Boolean.from_summary(summary, for_trees=scaler is Shift)
        elif isinstance(summary, DateSummary):
            yield Date.from_summary(summary, for_trees=scaler is Shift)
        else:
            yield fit_category(summary)


def _scaler(scaling: str) -> type[Robust | Quantile | Both]:
    if scaling not in SCALERS:
        raise unknown("scaling", scaling, SCALERS)
    return SCALERS[scaling]


def _is_few(code: CategoryCode, one_hot: int) -> bool:
    """Return whether a column is one-hot even with embeddings, since it has few categories."""
    return 0 < len(code.categories) + code.others <= one_hot


def _limit(limit: int | None, otherwise: int) -> int:
    if limit is not None and limit < 1:
        raise UserError(f"the limit of categories must be at least 1; got {limit}")
    return otherwise if limit is None else limit


def _codes_last(encoders: Iterable[Encoder]) -> tuple[Encoder, ...]:
    """Return the encoders with the category codes last, otherwise in their order."""
    return tuple(sorted(encoders, key=_is_code))


def _is_code(encoder: Encoder) -> bool:
    return isinstance(encoder, CategoryCode)
