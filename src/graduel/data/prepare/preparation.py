"""From a table to the matrix that a contender takes: fitted on training rows, applied to any.

Everything that is done to features is done here. A preparation is a frozen value, and plain data
on request, so that a saved model carries it. The columns of a table may come in any order and
among others. Each row is prepared by itself: a slice of the table gives that slice of the matrix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from graduel.data.column import KINDS, Column
from graduel.data.prepare import net_encoders, numeric_encoders, tree_encoders
from graduel.data.prepare.encoder import Encoder, Preparation
from graduel.data.prepare.values import require_columns
from graduel.errors import UserError, unknown

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[Any]

ONE_HOT, CODES = 64, 4096
"""How many categories of a column are told apart: as columns of their own, as codes."""
SCALERS: dict[str, Any] = {
    "robust": numeric_encoders.Numeric,
    "quantile": numeric_encoders.Quantile,
    "both": numeric_encoders.Both,
}
"""How numbers are brought to the same size, by name."""
AMOUNTS = (*SCALERS.values(), net_encoders.Date)


@dataclass(frozen=True, slots=True)
class NetPreparation(Preparation):
    """A table as a network takes it: every number finite and, but for codes, within ±3.

    - numeric: robust scaling with smooth clipping (:class:`prepare_numbers.Numeric`), normal scores
      (:class:`prepare_numbers.Quantile`), or both (:class:`prepare_numbers.Both`)
    - categorical: one-hot, two categories as −1 and +1 (:class:`prepare_net.OneHot`); or, for a
      first layer :class:`graduel.nn.Columns`, codes at the end of the matrix
      (:class:`prepare_net.Codes`)
    - boolean: −1 and +1
    - date: days as a number, and month, day, weekday, hour as points on a circle
      (:class:`prepare_net.Date`)
    - text: left out

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

    KIND: ClassVar[str] = "net"
    PARTS: ClassVar[tuple[type, ...]] = (
        numeric_encoders.Numeric,
        numeric_encoders.Quantile,
        numeric_encoders.Both,
        net_encoders.OneHot,
        net_encoders.CategoryCode,
        net_encoders.Boolean,
        net_encoders.Date,
    )

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
        """Fit on a table of features.

        Parameters
        ----------
        frame : the table
        columns : which of its columns are features, and of which kind
        rows : the rows to fit on, as numbers or as booleans; None for all
        embed : whether categories become codes for embeddings instead of one-hot columns
        one_hot : with embeddings, columns of at most so many categories are one-hot all the same
        scaling : of numbers: 'robust' (:class:`prepare_numbers.Numeric`), 'quantile'
            (:class:`prepare_numbers.Quantile`) or 'both' (:class:`prepare_numbers.Both`)
        limit : of the categories of a column, how many of the most frequent are told apart; 64
            by default, 4,096 as codes

        Raises
        ------
        UserError
            If a column is named twice, is not there, or does not hold what its kind says.
        """
        most = _limit(limit, CODES if embed else ONE_HOT)
        if scaling not in SCALERS:
            raise unknown("scaling", scaling, SCALERS)
        scaler = SCALERS[scaling]
        found: list[Encoder] = []
        for kind, column in _columns(frame, columns, rows):
            if kind == "numeric":
                found.append(scaler.fit(column))
            elif kind == "boolean":
                found.append(net_encoders.Boolean.fit(column))
            elif kind == "date":
                found.append(net_encoders.Date.fit(column))
            elif embed:
                codes = net_encoders.CategoryCode.fit(column, most)
                few = 0 < len(codes.categories) + codes.others <= one_hot
                found.append(net_encoders.OneHot.fit(column, most) if few else codes)
            else:
                found.append(net_encoders.OneHot.fit(column, most))
        return cls(tuple(sorted(found, key=_is_code)))

    def __post_init__(self) -> None:
        Preparation.__post_init__(self)
        if sorted(self.encoders, key=_is_code) != list(self.encoders):
            raise UserError("a preparation's codes must come last; the file is damaged")

    @property
    def categorical(self) -> tuple[int, ...]:
        """How many codes each of the last columns has; empty without embeddings."""
        return tuple(encoder.cardinality for encoder in self.encoders if _is_code(encoder))

    @property
    def numeric(self) -> int:
        """How many columns come before the codes."""
        return len(self.names) - len(self.categorical)

    @property
    def numbers(self) -> tuple[int, ...]:
        """Which columns hold amounts: scaled numbers and days, one for each column of the table."""
        found, start = [], 0
        for encoder in self.encoders:
            if isinstance(encoder, AMOUNTS):
                found.append(start)
            start += len(encoder.names)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class TreePreparation(Preparation):
    """A table as XGBoost takes it: NaN where missing, no number infinite.

    - numeric: as it is, moved where float32 would merge values (:class:`prepare_tree.Numeric`)
    - categorical: codes, as native categories (:class:`prepare_tree.Category`)
    - boolean: 0 and 1
    - date: days as a number, and month, day, weekday, minute (:class:`prepare_tree.Date`)
    - text: left out

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

    KIND: ClassVar[str] = "tree"
    PARTS: ClassVar[tuple[type, ...]] = (
        tree_encoders.Numeric,
        tree_encoders.Category,
        tree_encoders.Boolean,
        tree_encoders.Date,
    )

    @classmethod
    def fit(
        cls,
        frame: pl.DataFrame,
        columns: Sequence[Column],
        *,
        rows: Array | None = None,
        limit: int | None = None,
    ) -> TreePreparation:
        """Fit on a table of features; the arguments are those of :meth:`NetPreparation.fit`.

        `limit` is 4,096 by default.
        """
        most = _limit(limit, CODES)
        found: list[Encoder] = []
        for kind, column in _columns(frame, columns, rows):
            if kind == "numeric":
                found.append(tree_encoders.Numeric.fit(column))
            elif kind == "boolean":
                found.append(tree_encoders.Boolean.fit(column))
            elif kind == "date":
                found.append(tree_encoders.Date.fit(column))
            else:
                found.append(tree_encoders.Category.fit(column, most))
        return cls(tuple(found))

    @property
    def feature_types(self) -> list[str]:
        """XGBoost's type of each column of the matrix."""
        return [kind for encoder in self.encoders for kind in encoder.types]

    @property
    def feature_names(self) -> list[str]:
        """Names that XGBoost takes: different, and without brackets, < or control characters."""
        taken: dict[str, None] = {}
        for name in self.names:
            plain = "".join(c if c.isprintable() and c not in "[]<" else "_" for c in name)
            new, number = plain, 2
            while new in taken:
                new, number = f"{plain} ({number})", number + 1
            taken[new] = None
        return list(taken)


def _columns(
    frame: pl.DataFrame, columns: Sequence[Column], rows: Array | None
) -> Iterator[tuple[str, pl.Series]]:
    """Yield the kind and the fitted rows of each column, one at a time; text is left out."""
    used = [column for column in columns if column.kind != "text"]
    require_columns(frame, (column.name for column in used))
    if rows is not None and rows.dtype == np.bool_:
        rows = np.flatnonzero(rows)
    for column in used:
        if column.kind not in KINDS:
            raise unknown(f"the kind of column {column.name!r}", column.kind, KINDS)
        values = frame[column.name]
        yield column.kind, values if rows is None else values.gather(rows)


def _limit(limit: int | None, otherwise: int) -> int:
    if limit is not None and limit < 1:
        raise UserError(f"the limit of categories must be at least 1; got {limit}")
    return otherwise if limit is None else limit


def _is_code(encoder: Encoder) -> bool:
    return isinstance(encoder, net_encoders.CategoryCode)
