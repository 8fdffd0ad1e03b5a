"""Times of day and durations in text, as seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

NUMBER = r"\d+(?:[.,]\d+)?"
CLOCK = (
    r"^(?P<sign>-)?(?:(?P<d>\d+)\s*(?:days?|d),?\s*)?\+?(?P<h>\d{1,4}):(?P<m>[0-5]\d)"
    r"(?::(?P<s>[0-5]\d(?:[.,]\d+)?))?(?:\s?(?P<half>[AaPp])\.?[Mm]\.?)?$"
)
"""Times of day and durations with colons: 13:05, 1:05 PM, 1 day 02:03:04.5."""
WORDS = (
    rf"^(?P<sign>-)?(?:(?P<d>{NUMBER})\s*d(?:ays?)?)?,?\s*(?:(?P<h>{NUMBER})\s*h(?:(?:ou)?rs?)?)?,?"
    rf"\s*(?:(?P<m>{NUMBER})\s*m(?:in(?:ute)?s?)?)?,?\s*(?:(?P<s>{NUMBER})\s*s(?:ec(?:ond)?s?)?)?$"
)
"""Durations with units: 2h 30m, 45 min."""
ISO = (
    rf"^(?P<sign>-)?P(?:(?P<d>{NUMBER})D)?(?:T(?:(?P<h>{NUMBER})H)?(?:(?P<m>{NUMBER})M)?"
    rf"(?:(?P<s>{NUMBER})S)?)?$"
)
"""ISO 8601 durations: PT1H30M."""
FACTORS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
"""Seconds of each part."""


def to_seconds(text: pl.Series) -> pl.Series | None:
    """Return times of day or durations in seconds; None if a cell is neither.

    All cells have one notation. Durations with units have two of them at least, in one cell or in
    the column: a column of 5 m is lengths.

    >>> import polars as pl
    >>> columns = ["00:07:00", "1:05 PM"], ["2h 30m", "45m"], ["PT1H30M"], ["5 m"]
    >>> [None if (x := to_seconds(pl.Series(c))) is None else x.to_list() for c in columns]
    [[420.0, 47100.0], [9000.0, 2700.0], [5400.0], None]
    """
    import polars as pl

    cells = text.drop_nulls()
    if not len(cells):
        return None
    for pattern in (CLOCK, ISO, WORDS):
        if not cells.head(1).str.contains(pattern)[0] or not cells.str.contains(pattern).all():
            continue
        parts = text.str.extract_groups(pattern).struct.unnest()
        used = [one for one in FACTORS if parts[one].is_not_null().any()]
        is_empty = parts.select(pl.all_horizontal(pl.col(*FACTORS).is_null())).to_series()
        if (is_empty & text.is_not_null()).any():
            return None
        if pattern == WORDS and len(used) < 2:
            return None
        numbers = parts.select(pl.col(*FACTORS).str.replace(",", ".").cast(pl.Float64))
        if "half" in parts.columns and parts["half"].is_not_null().any():
            late = parts["half"].str.to_lowercase() == "p"
            if not numbers["h"].filter(parts["half"].is_not_null()).is_between(1, 12).all():
                return None
            hours = numbers["h"] % 12 + 12 * late.cast(pl.Float64)
            numbers = numbers.with_columns(h=hours.fill_null(numbers["h"]))
        seconds = sum(numbers[one].fill_null(0) * factor for one, factor in FACTORS.items())
        seconds = seconds * (1 - 2 * parts["sign"].is_not_null().cast(pl.Float64))
        return seconds.set(text.is_null(), None).alias(text.name)
    return None
