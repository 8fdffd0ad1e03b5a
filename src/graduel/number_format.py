"""Format numbers for readers: percent, seconds, bytes, p-values."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, isfinite, log10

NONE = "–"
"""The text where there is no number."""
MINUS = "−"
_GAP = "\N{NO-BREAK SPACE}"


def count_decimals(n_test: int) -> int:
    """Return the number of decimals of a percentage that `n_test` rows support: one to three.

    >>> count_decimals(10_000), count_decimals(360), count_decimals(1)
    (2, 1, 1)
    """
    return min(3, max(1, floor(log10(max(n_test, 1))) - 2))


def format_percent(share: float | None, places: int = 2) -> str:
    r"""Write a share as a percentage.

    >>> format_percent(0.0131)
    '1.31\xa0%'
    """
    return NONE if share is None else f"{100 * share:.{places}f}{_GAP}%"


def format_interval(bounds: Sequence[float] | None, places: int = 2) -> str:
    """Write an interval of shares, in percent.

    >>> format_interval([0.0109, 0.0155])
    '1.09 to 1.55'
    """
    if bounds is None:
        return NONE
    low, high = (_format_signed(100 * bound, places) for bound in bounds)
    return f"{low} to {high}"


def format_points(difference: float | None, places: int = 2) -> str:
    """Write a difference of two shares in percentage points, with its sign.

    >>> format_points(-0.005), format_points(0.048), format_points(-1e-9)
    ('−0.50', '+4.80', '0.00')
    """
    if difference is None:
        return NONE
    text = _format_signed(100 * difference, places)
    return text if text.startswith(MINUS) or not text.strip("0.") else f"+{text}"


def format_number(value: float | None, places: int = 4) -> str:
    """Write a number with a true minus sign.

    >>> format_number(-0.0123), format_number(0.5, 2)
    ('−0.0123', '0.50')
    """
    return NONE if value is None else _format_signed(value, places)


def format_seconds(time: float | None) -> str:
    r"""Write a time with its unit, to three figures.

    >>> [format_seconds(t).replace("\xa0", " ") for t in (2.1e-5, 0.0034, 52.31, 170.2, 2400, 9000)]
    ['21 µs', '3.4 ms', '52.3 s', '170 s', '40 min', '2.5 h']
    """
    if time is None:
        return NONE
    for limit, size, unit in (
        (1e-3, 1e-6, "µs"),
        (1.0, 1e-3, "ms"),
        (1000.0, 1.0, "s"),
        (7200.0, 60.0, "min"),
    ):
        if time < limit:
            return f"{_format_short(time / size)}{_GAP}{unit}"
    return f"{_format_short(time / 3600)}{_GAP}h"


def format_bytes(size: float | None) -> str:
    r"""Write a number of bytes with a decimal unit, to three figures.

    >>> format_bytes(407_080), format_bytes(1.5e9)
    ('407\xa0kB', '1.5\xa0GB')
    """
    if size is None:
        return NONE
    for limit, unit_size, unit in ((1e3, 1.0, "B"), (1e6, 1e3, "kB"), (1e9, 1e6, "MB")):
        if size < limit:
            return f"{_format_short(size / unit_size)}{_GAP}{unit}"
    return f"{_format_short(size / 1e9)}{_GAP}GB"


def format_p(p: float | None) -> str:
    """Write a p-value; a tiny one as a bound.

    >>> format_p(0.0312), format_p(1e-30)
    ('0.031', '< 0.0001')
    """
    if p is None:
        return NONE
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def format_count(number: float | None) -> str:
    """Write a whole number with commas.

    >>> format_count(60_000)
    '60,000'
    """
    return NONE if number is None else f"{number:,.0f}"


def format_rows(number: int) -> str:
    """Write a number of rows.

    >>> format_rows(1), format_rows(10_000)
    ('1 row', '10,000 rows')
    """
    return f"{number:,} {'row' if number == 1 else 'rows'}"


def format_setting(value: object) -> str:
    """Write any value of a settings table as a user types it.

    >>> [format_setting(value) for value in ([784, 128, 10], True, 0.30000000001, None)]
    ['784, 128, 10', 'yes', '0.3', 'none']
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1 else f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(format_setting(part) for part in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {format_setting(part)}" for key, part in value.items())
    return str(value)


def _format_signed(number: float, places: int) -> str:
    """Write `number` with a true minus sign, and zero without one."""
    text = f"{number:.{places}f}"
    return text.lstrip("-") if not text.strip("-0.") else text.replace("-", MINUS)


def _format_short(number: float) -> str:
    """Write `number` to three figures, without trailing zeros and without an exponent."""
    if number == 0 or not isfinite(number):
        return f"{number:g}"
    places = max(0, 2 - floor(log10(abs(number))))
    text = f"{number:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
