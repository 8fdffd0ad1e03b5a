"""The one way to write a number for readers, in verdicts, reports and the terminal.

A number and its unit are separated by a space. The minus sign is U+2212, zero has no sign, and an
interval has as many decimals as the estimate it belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, isfinite, isnan, log10
from typing import Any, Literal

NONE = "–"
"""The text for a number that is missing."""
MINUS = "−"
SHARES = ("%", "points")
"""The units of metrics whose values are shares from 0 to 1."""
COMMAS = 10_000
"""Numbers from this on have commas."""
DIGITS = 4
"""Significant digits of a score in the unit of the target."""
BARE_DECIMALS = 4
"""Decimals of scores without a unit, such as log loss and AUC."""
SMALLEST_P = 1e-4
"""Smaller p-values are written as this bound."""


def count_decimals(n_test: int) -> int:
    """Return the number of decimals of a percentage that `n_test` rows support: one to three.

    >>> count_decimals(10_000), count_decimals(360), count_decimals(1)
    (2, 1, 1)
    """
    return min(3, max(1, floor(log10(max(n_test, 1))) - 2))


def decimals_of(unit: str, n_test: int, value: float = 1.0) -> int:
    """Return the number of decimals of a metric's differences on `n_test` rows.

    In the unit of the target they are those of four digits of the metric's `value`.

    >>> decimals_of("%", 360), decimals_of("points", 360)
    (1, 2)
    >>> decimals_of("", 360), decimals_of("target", 360, 523.4), decimals_of("target", 360, 0.012)
    (4, 1, 5)
    """
    if unit == "target":
        size = abs(value) if value and isfinite(value) else 1.0
        return min(max(0, DIGITS - 1 - floor(log10(size))), 12)
    if not unit:
        return BARE_DECIMALS
    return count_decimals(n_test) if unit == "%" else 2


def format_number(value: float | None, decimals: int = BARE_DECIMALS) -> str:
    """Return a number with a fixed number of decimals.

    >>> format_number(-0.0123), format_number(0.5, 2), format_number(-0.001, 2)
    ('−0.0123', '0.50', '0.00')
    """
    if value is None:
        return NONE
    text = f"{value:.{decimals}f}" if abs(value) < COMMAS else f"{value:,.{decimals}f}"
    return text.lstrip("-") if not text.strip("-0.") else text.replace("-", MINUS)


def format_magnitude(value: float, decimals: int = BARE_DECIMALS) -> str:
    """Return a number of at least 0; one that is not zero is never written as zero.

    >>> format_magnitude(0.0523), format_magnitude(0.001, 2), format_magnitude(0.0, 2)
    ('0.0523', '< 0.01', '0.00')
    """
    text = format_number(value, decimals)
    return f"< {10**-decimals:.{decimals}f}" if value > 0 and _is_zero(text) else text


def format_exact(value: float) -> str:
    """Return a number that was chosen, such as a ROPE or a level, without trailing zeros.

    >>> format_exact(0.5), format_exact(95.0), format_exact(98.3333), format_exact(2500)
    ('0.5', '95', '98.3', '2,500')
    """
    return _format_short(value, 3)


def format_percent(share: float | None, decimals: int = 2) -> str:
    """Return a share as a percentage; a share that is not zero is never written as zero.

    >>> format_percent(0.0131), format_percent(0.00001), format_percent(0.0)
    ('1.31 %', '< 0.01 %', '0.00 %')
    """
    return NONE if share is None else f"{format_magnitude(100 * share, decimals)} %"


def format_points(difference: float | None, decimals: int = 2) -> str:
    """Return a difference of two shares in percentage points, with its sign and without the unit.

    >>> format_points(-0.005), format_points(0.048), format_points(-1e-9)
    ('−0.50', '+4.80', '0.00')
    """
    return NONE if difference is None else _add_plus(format_number(100 * difference, decimals))


def format_interval(
    bounds: Sequence[float] | None, decimals: int = 2, *, scale: float = 100
) -> str:
    """Return an interval without a unit: of shares in percent, with `scale=1` as it is.

    >>> format_interval([-0.0109, 0.0155]), format_interval([0.0109, 0.0155], 4, scale=1)
    ('−1.09 to 1.55', '0.0109 to 0.0155')
    """
    if bounds is None:
        return NONE
    return " to ".join(format_number(scale * bound, decimals) for bound in bounds)


def format_score(value: float, unit: str, decimals: int = 2) -> str:
    """Return the value of a metric: in percent if that is its unit, otherwise as a number.

    In the unit of the target it has four digits.

    >>> format_score(0.018, "%"), format_score(0.9152, "points"), format_score(0.0523, "")
    ('1.80 %', '0.9152', '0.0523')
    >>> format_score(523.37, "target"), format_score(0.00012346, "target")
    ('523.4', '0.0001235')
    """
    if unit == "target":
        return format_number(value, decimals_of(unit, 0, value))
    return format_percent(value, decimals) if unit == "%" else format_number(value)


def format_difference(difference: float, unit: str, decimals: int = 2) -> str:
    """Return a difference of a metric with its sign: in percentage points if it has a unit.

    >>> format_difference(0.007, "points"), format_difference(-0.0123, "")
    ('+0.70', '−0.0123')
    """
    if unit in SHARES:
        return format_points(difference, decimals)
    return _add_plus(format_number(difference, decimals if unit else BARE_DECIMALS))


def format_seconds(time: float | None, digits: int = 3) -> str:
    """Return a duration with its unit, to a number of significant digits.

    >>> [format_seconds(t) for t in (2.1e-5, 0.0034, 52.31, 170.2, 2400, 9000)]
    ['21 µs', '3.4 ms', '52.3 s', '170 s', '40 min', '2.5 h']
    >>> format_seconds(7.43, digits=2), format_seconds(0)
    ('7.4 s', '0 s')
    """
    if time is None:
        return NONE
    if time == 0:
        return "0 s"
    rounded = _round(time, digits)
    for limit, size, unit in (
        (1e-3, 1e-6, "µs"),
        (1.0, 1e-3, "ms"),
        (1000.0, 1.0, "s"),
        (7200.0, 60.0, "min"),
    ):
        if rounded < limit:
            return f"{_format_short(time / size, digits)} {unit}"
    return f"{_format_short(time / 3600, digits)} h"


def format_bytes(size: float | None) -> str:
    """Return a number of bytes with a decimal unit, to three significant digits.

    >>> format_bytes(407_080), format_bytes(1.5e9)
    ('407 kB', '1.5 GB')
    """
    if size is None:
        return NONE
    rounded = _round(size, 3)
    for limit, unit_size, unit in ((1e3, 1.0, "B"), (1e6, 1e3, "kB"), (1e9, 1e6, "MB")):
        if rounded < limit:
            return f"{_format_short(size / unit_size, 3)} {unit}"
    return f"{_format_short(size / 1e9, 3)} GB"


def format_p(p: float | None) -> str:
    """Return a p-value: two decimals or two significant digits; a tiny one as a bound.

    >>> format_p(0.312), format_p(0.0312), format_p(1e-30)
    ('0.31', '0.031', '< 0.0001')
    """
    if p is None:
        return NONE
    if p < SMALLEST_P:
        return f"< {SMALLEST_P:.4f}"
    return f"{p:.2f}" if p >= 0.0995 else f"{p:.2g}"


def format_equals_p(p: float) -> str:
    """Return a p-value as an equation or a bound.

    >>> format_equals_p(0.0312), format_equals_p(0.00002)
    ('p = 0.031', 'p < 0.0001')
    """
    text = format_p(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def format_chance(p: float) -> str:
    """Return a probability in whole percent, never as a certainty.

    >>> format_chance(0.031), format_chance(0.9999)
    ('3 %', 'more than 99 %')
    """
    if 0.01 <= p <= 0.99:
        return f"{100 * p:.0f} %"
    return "less than 1 %" if p < 0.5 else "more than 99 %"


def format_ratio(ratio: float) -> str:
    """Return a ratio in words, rounded down, so that 1.999 never reads as twice.

    >>> format_ratio(2.0), format_ratio(1.999), format_ratio(3.38), format_ratio(2035)
    ('twice', '1.99 times', '3.3 times', '2,000 times')
    """
    if abs(ratio - 2) < 1e-9:
        return "twice"
    if ratio >= 100:
        step = 10 ** (floor(log10(ratio)) - 1)
        return f"{floor(ratio / step) * step:,} times"
    digits = 2 if ratio < 2 else 1 if ratio < 10 else 0
    down = floor(ratio * 10**digits + 1e-9) / 10**digits
    return f"{down:g} times"


def format_count(number: float | None) -> str:
    """Return a whole number with commas.

    >>> format_count(60_000)
    '60,000'
    """
    return NONE if number is None else f"{number:,.0f}".replace("-", MINUS)


def format_rows(number: int) -> str:
    """Return a number of rows.

    >>> format_rows(1), format_rows(10_000)
    ('1 row', '10,000 rows')
    """
    return format_quantity(number, "row")


def format_quantity(number: int, noun: str) -> str:
    """Return a number with its noun in the singular or plural.

    >>> format_quantity(1, "data set"), format_quantity(2000, "class")
    ('1 data set', '2,000 classes')
    """
    return f"{number:,} {agree(number, noun, pluralize(noun))}"


def pluralize(noun: str) -> str:
    """Return the plural of a regular noun.

    >>> [pluralize(noun) for noun in ("loss", "batch", "epoch", "property", "day")]
    ['losses', 'batches', 'epochs', 'properties', 'days']
    """
    if noun.endswith(("s", "x", "z", "ch", "sh")) and not noun.endswith("epoch"):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def agree(number: int, singular: str, plural: str) -> str:
    """Return the word that agrees with a number: the singular for 1.

    >>> agree(1, "is", "are"), agree(0, "is", "are")
    ('is', 'are')
    """
    return singular if number == 1 else plural


def round_rows(rows: int) -> str:
    """Return a number of rows that is needed, rounded up to two digits.

    >>> round_rows(3417)
    '3,500'
    """
    step = 10 ** max(floor(log10(rows)) - 1, 0)
    return f"{ceil(rows / step) * step:,}"


def format_value(value: Any, comma: Literal["", ","] = ",") -> str:
    """Return a value of a data set: four significant digits, whole numbers below 1,000,000 exactly.

    A date has no time of day if that is midnight.

    Parameters
    ----------
    comma : the thousands separator; none for years

    Examples
    --------
    >>> format_value(60_000), format_value(1900, ""), format_value(-3.14159), format_value(1e-7)
    ('60,000', '1900', '−3.142', '1e−07')
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not isfinite(value):
            return str(value)
        if value == round(value) and abs(value) < 1e6:
            text = f"{value:{comma}.0f}"
        else:
            text = f"{value:{comma}.4g}"
        return text.replace("-", MINUS) if text.strip("-0") else "0"
    return str(value).removesuffix(" 00:00:00")


def format_term(value: float) -> str:
    """Return a number of a computation: four to six decimals, or an exponent if these are too few.

    >>> [format_term(x) for x in (0.12345678, 0.00123456, -1234.5, 1e-9, 45.0)]
    ['0.1235', '0.001235', '−1234', '1.00e−09', '45']
    """
    if not isfinite(value):
        return "missing" if isnan(value) else str(value).replace("-", MINUS)
    if value == round(value) and abs(value) < 1e5:
        text = str(round(value))
    elif 1e-3 <= abs(value) < 1e5:
        text = f"{value:.{6 if abs(value) < 1e-2 else 4 if abs(value) < 100 else 0}f}"
    else:
        text = f"{value:.2e}"
    return text.replace("-", MINUS)


def format_setting(value: object) -> str:
    """Return a value of a settings table as a user types it.

    >>> [format_setting(value) for value in ([784, 128, 10], True, 0.30000000001, ())]
    ['784, 128, 10', 'yes', '0.3', 'none']
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1 else f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(format_setting(part) for part in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key} {format_setting(part)}" for key, part in value.items()) or "none"
    return str(value)


def _is_zero(text: str) -> bool:
    return not text.strip("0.")


def _add_plus(text: str) -> str:
    return text if text.startswith(MINUS) or _is_zero(text) else f"+{text}"


def _round(number: float, digits: int) -> float:
    """Return `number` rounded to a number of significant digits."""
    return float(f"{number:.{digits - 1}e}")


def _format_short(number: float, digits: int) -> str:
    """Return `number` to a number of significant digits, without trailing zeros or an exponent."""
    if number == 0 or not isfinite(number):
        return f"{number:g}".replace("-", MINUS)
    decimals = max(0, digits - 1 - floor(log10(abs(_round(number, digits)))))
    text = f"{number:,.{decimals}f}".replace("-", MINUS)
    return text.rstrip("0").rstrip(".") if "." in text else text
