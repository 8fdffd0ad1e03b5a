"""The target column: likely candidates, its classes, and ranges of numbers as classes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graduel.data import finding
from graduel.data.coerce import category_text
from graduel.data.finding import Finding
from graduel.data.read.arrays.labeled_arrays import natural_order
from graduel.data.read.column_names import join_names, quote_name
from graduel.data.read.delimited.cells import MISSING, to_numbers
from graduel.data.task import TaskKind
from graduel.data.text.boolean_words import to_booleans
from graduel.data.text.spellings import list_spellings
from graduel.data.text.year_columns import thousands_separator
from graduel.errors import UserError
from graduel.number_format import agree

if TYPE_CHECKING:
    import polars as pl

    from graduel.data.table import Table

LIKE = re.compile(
    r"(^|[_\W])(target|label|class|y|outcome|response|species|diagnosis|churn|category)s?$", re.I
)
"""Typical names of targets."""
FEW = 20
"""Number of distinct values up to which they are classes in any table."""
EACH = 10
"""Rows per distinct value from which few numbers with decimals are classes."""
DOUBTFUL = 10
"""Number of classes above which numbers as classes are mentioned, since they may be a quantity."""
MOST_CODES, EVEN = 100, 3
"""Consecutive whole numbers from 0 or 1 are the codes of classes if they are at most 100, or the
most frequent one has at most three times the rows of the rarest; a count has more."""
HEAD = 10_000
"""Number of first rows that are used to rank candidates."""


def likely_targets(frame: pl.DataFrame, max_columns: int = 4) -> list[tuple[str, str]]:
    """Return likely targets with reasons, the most likely first.

    >>> import polars as pl
    >>> likely_targets(pl.DataFrame({"length": [1.5, 2.5, 3.5], "class": ["a", "b", "a"]}))
    [('class', '2 values, last column, named like a target')]
    """
    import polars as pl

    head, ranked = frame.head(HEAD), []
    for i, name in enumerate(frame.columns):
        column = head[name]
        if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
            continue
        k = column.drop_nulls().n_unique()
        few = 2 <= k <= FEW and 2 * k <= len(column) + 2 and not column.dtype.is_float()
        last, like = i == frame.width - 1, bool(LIKE.search(name))
        reasons = [f"{k:,} values"] + ["last column"] * last + ["named like a target"] * like
        ranked.append((few + last + 2 * like, -i, name, ", ".join(reasons)))
    ranked = sorted((candidate for candidate in ranked if candidate[0]), reverse=True)[:max_columns]
    return [(name, reason) for _, _, name, reason in ranked]


def target_options(frame: pl.DataFrame) -> str:
    """Return the likely targets as command-line options with reasons.

    >>> import polars as pl
    >>> target_options(pl.DataFrame({"length": [1.5, 2.5, 3.5], "class": ["a", "b", "a"]}))
    'Likely: --target class (2 values, last column, named like a target)'
    """
    likely = likely_targets(frame)
    options = "; ".join(f"--target {shlex.quote(name)} ({reason})" for name, reason in likely)
    return f"Likely: {options}" if likely else "Give --target COLUMN"


class NoTargetError(UserError):
    """The error that no target is named.

    Attributes
    ----------
    likely : likely targets with reasons
    columns : the names of all columns
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        super().__init__(f"expected the column to predict; got none. {target_options(frame)}")
        self.likely = likely_targets(frame)
        self.columns = frame.columns


def numeric_if_possible(target: pl.Series, *, units: bool = False, decimal: str = ".") -> pl.Series:
    """Convert a target of text to numbers or booleans if all values are; missing ones become null.

    Parameters
    ----------
    units : whether numbers may have units, which class names keep
    decimal : decimal sign of numbers
    """
    import polars as pl

    if target.dtype in (pl.Categorical, pl.Enum):
        # In a categorical type missing values are null; words such as "NA" are categories.
        target = target.cast(pl.String)
    elif target.dtype == pl.String:
        target = target.str.strip_chars()
        target = target.set(target.is_in(MISSING), None)
        numbers = to_numbers(target, decimal, units=units)
        if numbers is not None:
            target = numbers
        elif target.str.contains(r"^(?i:true|false)$").all():
            target = to_booleans(target)
    if target.dtype.is_decimal():
        target = target.cast(pl.Float64)
    if target.dtype.is_float():
        target = target.set(~target.is_finite(), None)
    if not (target.dtype.is_numeric() or target.dtype in (pl.String, pl.Boolean, pl.Null)):
        raise UserError(
            f"the target {quote_name(target.name)} must hold classes or numbers: text, numbers or "
            f"booleans; it holds {target.dtype}. Name another target, or convert it to a number, "
            "such as days since a date"
        )
    return target


def has_units(target: pl.Series, decimal: str = ".") -> bool:
    """Return whether a target of text is a quantity with units, such as "$1,200", not classes.

    >>> import polars as pl
    >>> has_units(pl.Series([f"{n} or more" for n in range(90)])), has_units(pl.Series(["a", "b"]))
    (False, False)
    >>> has_units(pl.Series([f"${n}" for n in range(90)]))
    True
    """
    import polars as pl

    if target.dtype != pl.String or target.n_unique() <= FEW:
        return False
    return to_numbers(target, decimal, units=True) is not None


def merge_spellings(target: pl.Series) -> tuple[pl.Series, tuple[Finding, ...]]:
    """Merge class names that differ by case only; return the target and a finding if there are any.

    Each class has its most frequent spelling.

    >>> import polars as pl
    >>> merge_spellings(pl.Series("y", ["Yes", "no", "yes", "Yes"]))[0].to_list()
    ['Yes', 'no', 'Yes', 'Yes']
    """
    import polars as pl

    if target.dtype != pl.String or not (spellings := list_spellings(target)):
        return target, ()
    others = {other: first for first, *rest in spellings.values() for other in rest}
    message = (
        f"the target {quote_name(target.name)}: class names that differ by case only are merged, "
        f"such as {join_names(next(iter(spellings.values())))}. Give --categorical "
        f"{shlex.quote(target.name)} to keep them apart"
    )
    return target.replace(others), (finding.MERGED_SPELLINGS.report(message, target.name),)


def find_class(name: str | None, classes: Sequence[str]) -> int | None:
    """Return the code of a class by its name, in another case if need be; None if there is none.

    >>> find_class("YES", ("no", "Yes")), find_class("x", ("no", "Yes"))
    (1, None)
    """
    if name is None or name in classes:
        return None if name is None else classes.index(name)
    same = [code for code, one in enumerate(classes) if one.lower() == name.lower()]
    return same[0] if len(same) == 1 else None


def encode(
    target: pl.Series, bins: int | None = None, as_is: bool = False, task: TaskKind | None = None
) -> tuple[NDArray[Any], tuple[str, ...], list[str]]:
    """Return class codes and names, or numbers and no classes; and notes.

    Without a `task`, numbers are the target of a regression unless they look like classes: few
    distinct values, or the consecutive codes of up to 100 classes.

    Parameters
    ----------
    target : the target, without missing values
    bins : number of ranges into which numbers are cut, at their quantiles
    as_is : treat every distinct value as a class
    task : the kind of target; None to infer it

    Raises
    ------
    UserError
        If the target has one value, is an identifier, or is not of the kind `task`.
    """
    import polars as pl

    name = quote_name(target.name)
    if bins is not None:
        return _cut_into_ranges(target, bins)
    if task == "regression":
        return to_target_numbers(target), (), []
    as_is = as_is or task == "classification"
    text = category_text(target)
    k, n = text.n_unique(), len(text)
    if k < 2:
        raise UserError(
            f"the target {name} must have two classes or more; every row holds "
            f"{quote_name(text[0])}"
        )
    option = shlex.quote(target.name)
    if target.dtype.is_numeric() and not as_is and not _are_classes(target, k):
        notes = [
            f"the target {name} is a number, with {k:,} distinct values in {n:,} rows: this is a "
            "regression (--task classification to treat each as a class, --bins 3 for ranges)"
        ]
        return to_target_numbers(target), (), notes
    if target.dtype == pl.String and not as_is and k > max(FEW, n // 2):
        raise UserError(
            f"the target {name} has {k:,} distinct values in {n:,} rows, such as "
            f"{quote_name(text[0])}: these are not classes, and not all of them are numbers. Give "
            f"another --target, or --categorical {option} to treat each as a class"
        )
    classes = sorted(text.unique().to_list(), key=natural_order)
    codes = text.cast(pl.Enum(classes)).to_physical().cast(pl.Int64).to_numpy()
    notes = []
    if target.dtype.is_numeric() and k > DOUBTFUL and not as_is:
        notes.append(
            f"the target's {k:,} numbers are treated as classes (--task regression to predict the "
            "number, --bins N for ranges)"
        )
    return np.array(codes), tuple(classes), notes


def to_target_numbers(target: pl.Series) -> NDArray[np.float64]:
    """Return the numbers of a target without missing values.

    Raises
    ------
    UserError
        If it is not numeric, or all numbers are equal.
    """
    import polars as pl

    name = quote_name(target.name)
    if not target.dtype.is_numeric():
        raise UserError(
            f"--task regression needs a target of numbers; {name} holds "
            f"{'text' if target.dtype == pl.String else target.dtype}, such as "
            f"{quote_name(target[0])}. Leave --task out to predict classes, or name another target"
        )
    numbers = target.to_numpy().astype(np.float64)
    if numbers.min() == numbers.max():
        raise UserError(
            f"the target {name} must vary; every row holds {target[0]}. Name another target"
        )
    return numbers


def check_logarithm(table: Table) -> None:
    """Raise `UserError` unless the target of a table has a logarithm."""
    name = quote_name(table.target)
    if table.classes:
        raise UserError(
            f"--log-target needs a target of numbers; {name} has classes. Leave it out, or give "
            "--task regression"
        )
    if n_low := int((table.y <= 0).sum()):
        raise UserError(
            f"--log-target needs a target above 0; {n_low:,} of the {len(table.y):,} values of "
            f"{name} {agree(n_low, 'is', 'are')} not. Leave it out"
        )


def _are_classes(numbers: pl.Series, k: int) -> bool:
    """Return whether numbers are classes: few, or consecutive whole numbers from 0 or 1."""
    n = len(numbers)
    values = numbers.to_numpy()
    if (values != np.round(values)).any():
        return k <= FEW and n >= EACH * k
    low, high = values.min(), values.max()
    if k <= FEW:
        return True
    if low not in (0, 1) or high - low != k - 1 or n < 2 * k:
        return False
    counts = np.unique(values, return_counts=True)[1]
    return bool(k <= MOST_CODES or counts.max() <= EVEN * counts.min())


def _cut_into_ranges(
    target: pl.Series, bins: int
) -> tuple[NDArray[np.int64], tuple[str, ...], list[str]]:
    edges, name = range_edges(target, bins), quote_name(target.name)
    comma = thousands_separator(target)
    texts = [f"{edge:{comma}.15g}" for edge in edges]
    between = [f"{a} to {b}" for a, b in pairwise(texts)]
    classes = (f"below {texts[0]}", *between, f"{texts[-1]} or more")
    values = target.to_numpy().astype(np.float64)
    notes = [f"the target {name} is cut into {len(classes)} ranges: {', '.join(classes)}"]
    if len(classes) < bins:
        notes.append(f"fewer than {bins} ranges, because many rows hold equal numbers")
    return np.searchsorted(edges, values, side="right").astype(np.int64), classes, notes


def range_edges(target: pl.Series, bins: int) -> NDArray[np.float64]:
    """Return the edges of the ranges into which a numeric target is cut, at its quantiles.

    Raises
    ------
    UserError
        If the target is not numeric, or too many of its numbers are equal.
    """
    name = quote_name(target.name)
    if bins < 2:
        raise UserError(f"bins must be a whole number, at least 2; got {bins}")
    if not target.dtype.is_numeric():
        raise UserError(f"bins need a numeric target; {name} holds {target.dtype}. Omit bins")
    values = target.to_numpy().astype(np.float64)
    exact = np.unique(np.quantile(values, np.arange(1, bins) / bins, method="inverted_cdf"))
    exact = exact[exact > values.min()]
    if not len(exact):
        raise UserError(
            f"bins must cut the target {name} into two ranges or more; most of its rows hold "
            f"{values.min()}. Leave bins out, or give more"
        )
    return _round_edges(exact, values)


def _round_edges(exact: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
    """Round edges to the fewest digits that nearly preserve the ranges' sizes."""
    sizes = np.bincount(np.searchsorted(exact, values, side="right"))
    for digits in range(2, 16):
        edges = np.array([float(f"{edge:.{digits}g}") for edge in exact])
        rounded = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(sizes))
        same = len(np.unique(edges)) == len(exact) and len(rounded) == len(sizes)
        if same and rounded.min() and np.abs(rounded - sizes).max() <= 0.05 * sizes.mean():
            return edges
    return exact
