"""Columns of years, whose numbers have no thousands separators."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from graduel.data.schema_inference import infer_table
from graduel.data.text.year_columns import thousands_separator


@pytest.mark.parametrize(
    ("name", "values", "separator"),
    [
        ("built", [1900, 2022], ""),
        ("built", [1900.0, None, 2022.0], ""),
        ("built", [1000, 2999], ""),
        ("built", [999, 2022], ","),
        ("built", [1900, 3000], ","),
        ("built", [1900.5, 2022.0], ","),
        ("year", [0, 9999], ""),
        ("YearBuilt", [0, 2022], ""),
        ("yr_sold", [0, 2022], ""),
        ("income per year", [0, 52000], ","),
        ("yearly", [0, 2022], ","),
        ("year", [-5000, 2022], ","),
        ("year", [None, None], ","),
        ("year", [], ","),
        ("year", ["1900", "2022"], ","),
        ("year", [date(1900, 1, 1)], ","),
    ],
)
def test_years_have_no_thousands_separator(name, values, separator):
    assert thousands_separator(pl.Series(name, values)) == separator


@pytest.mark.parametrize(
    ("first", "classes"),
    [
        (1900, ("below 1940", "1940 to 1980", "1980 or more")),
        (19000, ("below 19,040", "19,040 to 19,080", "19,080 or more")),
    ],
)
def test_ranges_of_a_target_of_years(first, classes):
    values = [first + i for i in range(120)]
    frame = pl.DataFrame({"x": [i % 7 for i in range(120)], "built": values})
    table = infer_table(frame, target="built", bins=3)
    assert table.classes == classes
    assert "1,9" not in " ".join(table.notes)
