"""Helper functions of generated Python files that read and encode the columns of a table."""

from __future__ import annotations

from collections.abc import Sequence

from graduel.data.read.delimited.cells import MISSING_NUMBER
from graduel.data.text.boolean_words import FLAGS
from graduel.export.python_helpers import Helper
from graduel.export.python_text import format_bracketed


def write_words(helpers: Sequence[Helper], missing: Sequence[str]) -> list[str]:
    """Return the constants that the helpers read: words of missing cells, of true and false."""
    source = "".join(helper.source for helper in helpers)
    words: dict[str, list[str]] = {"MISSING": [*missing]}
    if "NO_NUMBER" in source:
        words["NO_NUMBER"] = [word for word in MISSING_NUMBER if word not in missing]
    if "TRUE" in source:
        words["TRUE"] = [word for word, is_true in FLAGS.items() if is_true]
        words["FALSE"] = [word for word, is_true in FLAGS.items() if not is_true]
    return [
        line
        for name, values in words.items()
        for line in format_bracketed(f"{name} = [", list(map(repr, values)), "]")
    ]


HELPERS = {
    "cells": Helper(
        '''
def cells(rows, name):
    """Return the cells of a column, None where missing: of dicts, a dict of columns, a table."""
    try:
        one_by_one = isinstance(rows, (list, tuple))
        column = [row[name] for row in rows] if one_by_one else rows[name]
    except Exception:  # each kind of table has its own error
        raise ValueError(f"expected rows with a column {name!r}; got rows without it") from None
    column = [column] if np.ndim(column) == 0 else column
    return [None if is_missing(x) else x for x in column]


def is_missing(x):
    """Return whether a cell is None, NaN, NaT, or a text that means a missing value."""
    if isinstance(x, str):
        return x.strip() in MISSING
    return x is None or str(x) in ("nan", "NaT", "<NA>")


def wrong(name, x, expected):
    """Return the error for a cell that cannot be read."""
    return ValueError(f"column {name!r}: expected {expected}; got {x!r}. Correct the cell")
'''
    ),
    "numbers": Helper(
        '''
def numbers(rows, name, decimal="."):
    """Return a column of numbers, NaN where missing or infinite. A duration is in seconds."""

    plain = rf"[+-]?([0-9]+[{decimal}]?[0-9]*|[{decimal}][0-9]+)([eE][+-]?[0-9]+)?"

    def number(x):
        if isinstance(x, str):
            if x.strip() in NO_NUMBER:
                return np.nan
            # Only plain numbers: 1.500 may be a thousand or not where the decimal sign is a comma.
            if not re.fullmatch(plain, x.strip()):
                raise wrong(name, x, f"a number such as 1{decimal}5")
            return float(x.replace(decimal, "."))
        if isinstance(x, np.timedelta64):
            return x / np.timedelta64(1, "s")
        if hasattr(x, "total_seconds"):
            return x.total_seconds()
        return np.nan if x is None else float(x)

    try:
        x = np.array([number(x) for x in cells(rows, name)], np.float64)
    except TypeError as error:
        raise ValueError(f"column {name!r}: expected numbers; got another type: {error}") from None
    return np.where(np.isfinite(x), x, np.nan)
''',
        imports=("re",),
    ),
    "labels": Helper(
        '''
def labels(rows, name, lower=False, numeric=False):
    """Return a column of categories as text, None where missing. 2.0 is "2"."""

    def label(x):
        if x is None:
            return None
        if isinstance(x, (bool, np.bool_)):
            return str(x).lower()
        text = str(x).strip()
        if not isinstance(x, str):
            if "e-05" in text:
                text = np.format_float_positional(x, trim="-")
            text = re.sub(r"e-0", "e-", text)
        if numeric and isinstance(x, str) and re.fullmatch(r"[+-]?[0-9]+", text):
            text = str(int(text))
        elif numeric and isinstance(x, str):
            try:
                text = str(float(text))
            except ValueError:
                pass
        text = re.sub(r"^([+-]?[0-9]+)[.]0+$", r"\\1", text)
        return text.lower() if lower else text

    return [label(x) for x in cells(rows, name)]
''',
        imports=("re",),
    ),
    "flags": Helper(
        '''
def flags(rows, name):
    """Return a column of booleans as 1 and 0, NaN where missing."""

    def flag(x):
        word = str(x).strip().lower()
        if x is None or str(x).strip() in NO_NUMBER:
            return np.nan
        if word in TRUE or word in FALSE:
            return float(word in TRUE)
        raise wrong(name, x, "true or false")

    return np.array([flag(x) for x in cells(rows, name)], np.float64)
''',
    ),
    "times": Helper(
        '''
def times(rows, name, formats=(), units=None, digits=False):
    """Return a column of dates as datetime64 in microseconds of UTC, NaT where missing.

    Cells are dates, text in one of the formats or in ISO 8601, or numbers: `units` per second since
    1970, or such as 20240131 with `digits`.
    """

    def parse(x):
        text = re.sub("Q([1-4])$", lambda quarter: f"{3 * int(quarter[1]) - 2:02}", x.strip())
        for form in formats:
            for completed in (text, text + "-1"):  # the first day of a week
                try:
                    return datetime.datetime.strptime(completed, form)
                except ValueError:
                    pass
        try:
            return datetime.datetime.fromisoformat(text)
        except ValueError:
            raise wrong(name, x, "a date such as 2024-02-29") from None

    def time(x):
        if x is None or (isinstance(x, str) and x.strip() in NO_NUMBER):
            return np.datetime64("NaT", "us")
        if units and isinstance(x, str):
            try:
                x = float(x)
            except ValueError:
                raise wrong(name, x, "a number since 1970") from None
        if units and not isinstance(x, (datetime.date, np.datetime64)):
            return np.datetime64(round(float(x) * (10**6 / units)), "us")
        if digits and not isinstance(x, (str, datetime.date, np.datetime64)):
            x = str(int(x))
        x = parse(x) if isinstance(x, str) else x
        if getattr(x, "tzinfo", None):
            x = x.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        if not isinstance(x, (datetime.date, np.datetime64)):
            raise wrong(name, x, "a date such as 2024-02-29")
        return np.datetime64(x, "us")

    return np.array([time(x) for x in cells(rows, name)], "M8[us]")
''',
        imports=("re", "datetime"),
    ),
    "with_indicator": Helper(
        '''
def with_indicator(y, missing, indicator):
    """Return y as a column, and with `indicator` a second one: 1 where the cell is missing."""
    return np.column_stack([y, missing] if indicator else [y])
'''
    ),
    "robust": Helper(
        '''
def robust(x, center, width, indicator):
    """Return z / sqrt(1 + (z / 3)^2) with z = (x - center) / width, within 3; 0 where missing."""
    missing = np.isnan(x)
    if width / 2 == 0:
        return with_indicator(np.zeros(len(x)), missing, indicator)
    with np.errstate(over="ignore"):
        z = (x / 2 - center / 2) / (width / 2)
    z = np.clip(np.where(missing, 0, z), -1e9, 1e9)
    return with_indicator(z / np.sqrt(1 + (z / 3) ** 2), missing, indicator)
''',
        helpers=("with_indicator",),
    ),
    "normal_scores": Helper(
        '''
def normal_scores(x, knots, indicator):
    """Return Phi^-1(F(x)), within 3, where F is linear between the knots; 0 where missing."""
    missing = np.isnan(x)
    if not knots or knots[0] == knots[-1]:
        return with_indicator(np.zeros(len(x)), missing, indicator)
    at, shares = np.array(knots) / 2, np.linspace(0, 1, len(knots))
    x = np.clip(np.where(missing, at[0], x / 2), at[0], at[-1])
    # At equal knots, F is the mean of the shares below and up to x.
    F = (np.interp(x, at, shares) + 1 - np.interp(-x, -at[::-1], shares)) / 2
    inverse = np.vectorize(statistics.NormalDist().inv_cdf, otypes=[float])
    y = np.clip(inverse(np.clip(F, 0.001, 0.999)), -3, 3)
    return with_indicator(np.where(missing, 0, y), missing, indicator)
''',
        imports=("statistics",),
        helpers=("with_indicator",),
    ),
    "both": Helper(
        '''
def both(x, knots, center, width, indicator):
    """Return the normal scores and the scaled numbers."""
    return np.hstack([normal_scores(x, knots, False), robust(x, center, width, indicator)])
'''
    ),
    "signs": Helper(
        '''
def signs(flags, indicator):
    """Return 1 for true, -1 for false, 0 where missing."""
    return with_indicator(np.nan_to_num(2 * flags - 1), np.isnan(flags), indicator)
''',
        helpers=("with_indicator", "flags"),
    ),
    "category_levels": Helper(
        '''
def category_levels(labels, categories, others, missing):
    """Return the index of each label; unseen ones are `others`, or -1; None is `missing`."""
    index = {category: i for i, category in enumerate(categories)}
    unseen = len(categories) if others else -1
    levels = [missing if label is None else index.get(label, unseen) for label in labels]
    return np.array(levels, dtype=int)
'''
    ),
    "one_hot": Helper(
        '''
def one_hot(labels, categories, others, missing):
    """Return a column per category, or with two of them one column of -1 and 1."""
    n = len(categories) + others + missing
    level = category_levels(labels, categories, others, n - 1 if missing else -1)
    if n == 2:
        return np.where(level < 0, 0.0, 2.0 * level - 1)[:, None]
    return (level[:, None] == np.arange(n)).astype(float)
''',
        helpers=("category_levels",),
    ),
    "embedding_codes": Helper(
        '''
def embedding_codes(labels, categories, others):
    """Return the code of each category from 1; 0 is missing or unseen."""
    return 1.0 + category_levels(labels, categories, others, -1)[:, None]
''',
        helpers=("category_levels",),
    ),
    "dates": Helper(
        '''
def dates(times, center, width, indicator, parts):
    """Return the scaled days since 1970, and sine and cosine of the parts; 0 where missing."""
    missing = np.isnat(times)
    days = np.where(missing, np.nan, times.astype(np.int64) / 86_400e6)
    month, day = times.astype("M8[M]"), times.astype("M8[D]")
    codes = {
        "month": (month.astype(np.int64) % 12, 12),
        "day": ((day - month.astype("M8[D]")).astype(np.int64), 31),
        "weekday": ((day.astype(np.int64) + 3) % 7, 7),
        "hour": ((times - day).astype("m8[m]").astype(np.int64), 24 * 60),  # in minutes
    }
    columns = [robust(days, center, width, indicator)]
    for part in parts:
        code, period = codes[part]
        angle = 2 * np.pi * np.where(missing, 0, code) / period
        columns += [np.where(missing, 0, f(angle))[:, None] for f in (np.sin, np.cos)]
    return np.hstack(columns)
''',
        helpers=("robust", "with_indicator", "times"),
    ),
}
"""Each helper by name, in the order of the file."""
