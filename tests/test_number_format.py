"""Numbers for readers: properties that hold for every value."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from graduel.number_format import (
    MINUS,
    NONE,
    agree,
    count_decimals,
    format_bytes,
    format_chance,
    format_count,
    format_difference,
    format_equals_p,
    format_interval,
    format_number,
    format_p,
    format_percent,
    format_points,
    format_quantity,
    format_ratio,
    format_score,
    format_seconds,
    format_term,
    format_value,
    round_rows,
)

SHARES = st.floats(0, 1)
DIFFERENCES = st.floats(-1, 1)
DECIMALS = st.integers(1, 4)
UNITS = {"µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
SIZES = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}


def parse(text: str) -> float:
    """Return the number at the start of a text."""
    return float(text.split(" ", maxsplit=1)[0].replace(MINUS, "-").replace(",", ""))


def decimals_in(text: str) -> int:
    """Return the number of decimals of a number."""
    return len(text.partition(".")[2])


def is_half_unit_away(shown: float, value: float, decimals: int) -> bool:
    """Return whether a shown number is the value rounded to that number of decimals."""
    return abs(shown - value) <= 0.5 * 10**-decimals * (1 + 1e-9) + 1e-12 * abs(value)


@given(st.floats(-1e6, 1e6), DECIMALS)
def test_numbers_are_rounded_and_zero_has_no_sign(value: float, decimals: int) -> None:
    text = format_number(value, decimals)
    assert is_half_unit_away(parse(text), value, decimals)
    assert decimals_in(text) == decimals
    assert "-" not in text
    assert not re.fullmatch(f"{MINUS}0\\.0+", text)


@given(SHARES, DECIMALS)
def test_a_percentage_is_zero_only_where_the_share_is(share: float, decimals: int) -> None:
    text = format_percent(share, decimals)
    assert text.endswith(" %")
    number = text.removesuffix(" %").removeprefix("< ")
    assert decimals_in(number) == decimals
    if text.startswith("<"):
        assert 0 < 100 * share <= 0.5 * 10**-decimals * (1 + 1e-9)
        assert float(number) == pytest.approx(10**-decimals)
    else:
        assert is_half_unit_away(float(number), 100 * share, decimals)
        assert (float(number) == 0) == (share == 0)


@given(DIFFERENCES, DECIMALS)
def test_points_have_a_sign_unless_they_read_zero(difference: float, decimals: int) -> None:
    text = format_points(difference, decimals)
    number = text.lstrip(f"+{MINUS}")
    assert is_half_unit_away(parse(text), 100 * difference, decimals)
    assert decimals_in(number) == decimals
    assert (text == number) == (float(number) == 0)
    if text != number:
        assert (text[0] == "+") == (difference > 0)


@given(st.tuples(DIFFERENCES, DIFFERENCES).map(sorted), DECIMALS)
def test_an_interval_has_the_decimals_of_its_estimate(bounds: list[float], decimals: int) -> None:
    low, high = format_interval(bounds, decimals).split(" to ")
    estimate = format_points(sum(bounds) / 2, decimals)
    assert decimals_in(low) == decimals_in(high) == decimals_in(estimate)
    assert float(low.replace(MINUS, "-")) <= float(high.replace(MINUS, "-"))
    assert is_half_unit_away(parse(low), 100 * bounds[0], decimals)


@given(DIFFERENCES, st.sampled_from(["%", "points", ""]))
def test_a_metric_without_a_unit_is_not_scaled(value: float, unit: str) -> None:
    factor, decimals = (100, 2) if unit else (1, 4)
    assert is_half_unit_away(parse(format_difference(value, unit)), factor * value, decimals)
    score = format_score(abs(value), unit)
    assert score.endswith(" %") == (unit == "%")


@given(st.floats(1e-9, 1e7), st.integers(2, 3))
def test_durations_have_three_digits_and_the_largest_unit(seconds: float, digits: int) -> None:
    number, unit = format_seconds(seconds, digits).replace(",", "").split(" ")
    assert float(number) * UNITS[unit] == pytest.approx(seconds, rel=0.5001 * 10 ** (1 - digits))
    limit = {"µs": 1000, "ms": 1000, "s": 1000, "min": 120, "h": float("inf")}[unit]
    assert float(number) < limit or (unit == "min" and number == "120")
    assert len(number.replace(".", "").strip("0")) <= max(digits, len(number.split(".")[0]))


@given(st.integers(0, 10**12))
def test_bytes_have_three_digits_and_the_largest_unit(size: int) -> None:
    number, unit = format_bytes(size).replace(",", "").split(" ")
    assert float(number) * SIZES[unit] == pytest.approx(size, rel=0.00501)
    assert float(number) < 1000 or unit == "GB"


@given(st.floats(0, 1))
def test_p_is_no_more_exact_than_two_digits_and_never_zero(p: float) -> None:
    text = format_p(p)
    if text.startswith("<"):
        assert p < float(text.removeprefix("< "))
    else:
        assert float(text) > 0
        assert float(text) == pytest.approx(p, rel=0.0501)
        assert "e" not in text
    assert format_equals_p(p) == (f"p {text}" if text[0] == "<" else f"p = {text}")


@given(SHARES)
def test_a_chance_is_never_a_certainty(p: float) -> None:
    text = format_chance(p)
    assert text not in ("0 %", "100 %")


@given(st.floats(1, 1e6))
def test_a_ratio_is_rounded_down(ratio: float) -> None:
    text = format_ratio(ratio)
    number = 2.0 if text == "twice" else parse(text)
    assert number <= ratio * (1 + 1e-9)
    assert number == pytest.approx(ratio, rel=0.1)


@given(st.integers(1, 10**9))
def test_needed_rows_are_rounded_up(rows: int) -> None:
    assert rows <= parse(round_rows(rows)) <= 1.1 * rows + 1


@given(st.integers(1000, 9999))
def test_years_have_no_comma_and_counts_have_one(year: int) -> None:
    assert format_value(year, "") == format_value(float(year), "") == str(year)
    assert format_value(year) == format_value(float(year)) == format_count(year) == f"{year:,}"


@given(st.floats(-1e300, 1e300))
def test_values_and_terms_are_close_and_have_the_true_minus_sign(value: float) -> None:
    for text in (format_value(value), format_value(value, ""), format_term(value)):
        assert "-" not in text
        assert parse(text) == pytest.approx(value, rel=0.0051, abs=5e-4 if value == 0 else 0)


@given(st.integers(1, 10**7), SHARES)
def test_decimals_suit_the_number_of_rows(n_test: int, share: float) -> None:
    decimals = count_decimals(n_test)
    assert 1 <= decimals <= 3
    assume(n_test >= 1000)
    assert 10**-decimals <= 10 * 100 / n_test or decimals == 3


def test_a_missing_number_is_a_dash() -> None:
    for write in (
        format_number,
        format_percent,
        format_points,
        format_interval,
        format_seconds,
        format_bytes,
        format_p,
        format_count,
    ):
        assert write(None) == NONE


@pytest.mark.parametrize(
    ("seconds", "text"), [(999.96, "16.7 min"), (0.99996, "1 s"), (0, "0 s"), (7199.9, "2 h")]
)
def test_a_duration_that_rounds_up_takes_the_next_unit(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("noun", "plural"),
    [
        ("row", "rows"),
        ("class", "classes"),
        ("category", "categories"),
        ("day", "days"),
        ("batch", "batches"),
        ("data set", "data sets"),
        ("fit", "fits"),
        ("index", "indexes"),
    ],
)
@given(number=st.integers(0, 10**7))
def test_a_noun_agrees_with_its_number(noun, plural, number):
    text = format_quantity(number, noun)
    assert text == f"{number:,} {noun if number == 1 else plural}"
    assert agree(number, "is", "are") == ("is" if number == 1 else "are")
