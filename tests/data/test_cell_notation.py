"""How cells are read: notations of numbers, dates, durations, booleans, and case."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.data.column_inference import infer_features
from graduel.data.read import read_source
from graduel.data.schema import Schema
from graduel.data.schema_inference import infer_table
from graduel.data.source import open_source
from graduel.data.table_checks import check_table
from graduel.errors import UserError

N = 60


def infer(cells, name="x", **options):
    """Infer the schema of a table with this column, repeated to N rows."""
    cells = [cells[i % len(cells)] for i in range(N)]
    frame = pl.DataFrame({name: cells, "z": [i % 7 for i in range(N)], "y": [0, 1] * (N // 2)})
    return infer_table(frame, target="y", **options)


def column(cells, **options):
    """Return the kind and the first cells of a column."""
    table = infer(cells, **options)
    return table.columns[0].kind, table.frame["x"].to_list()[: len(cells)]


def messages(table):
    return {one.code: one.message for one in table.findings}


@pytest.mark.parametrize(
    ("cells", "numbers", "note"),
    [
        (["1 234", "7"], [1234, 7], "a blank separates thousands"),
        (["1'234'567", "7"], [1234567, 7], '"\'" separates thousands'),
        (["12,34,567", "1,234"], [1234567, 1234], "',' separates thousands"),
        (["(1.5)", "2"], [-1.5, 2], "numbers in parentheses are negative"),
        (["5%", "7.5 %", "3"], [5, 7.5, 3], "'%' is left out (some cells lack it)"),
        (["$1,234.50", "-$3", "$-4"], [1234.5, -3, -4], "'$' is left out"),
        (["USD 5", "USD 1,000"], [5, 1000], "'USD' is left out"),
        (["5 kg", "7.5kg", "8 KG"], [5, 7.5, 8], "'KG' or 'kg' is left out"),
        (["1.2k", "5K", "7"], [1200, 5000, 7], "'K' means thousand"),
        (["€110.5M", "€675K"], [110_500_000, 675_000], "'M' means million"),
        (["5m", "200k"], [5_000_000, 200_000], "'m' means million"),
        (["5 m", "7 m"], [5, 7], "'m' is left out"),
        (["36 months", "1 month"], [36, 1], "'month' or 'months' is left out"),
        (["1.107,87 €", "2,5 €"], [1107.87, 2.5], "',' is the decimal sign"),
        (["33,2 %", "1 %"], [33.2, 1], "',' is the decimal sign"),
        (["1", "#DIV/0!", "2"], [1, None, 2], ""),
        (["1.5", r"\N", "2.5"], [1.5, None, 2.5], ""),
        (["1.5", "-nan", "2.5"], [1.5, None, 2.5], ""),
        (["1.5", "n.a.", "-", "2"], [1.5, None, None, 2], "'-' (15), 'n.a.' (15) counts as"),
        (["00:07:00", "13:05:30"], [420, 47130], "times or durations are read as seconds"),
        (["1:05 PM", "11:30 am"], [47100, 41400], "read as seconds"),
        (["0 days 00:05:00", "1 days 00:00:01.5"], [300, 86401.5], "read as seconds"),
        (["2h 30m", "45m", "19h"], [9000, 2700, 68400], "read as seconds"),
        (["PT1H30M", "PT5S"], [5400, 5], "read as seconds"),
    ],
)
def test_numbers(cells, numbers, note):
    assert column(cells) == ("numeric", numbers)
    assert note in messages(infer(cells)).get("GRD022", "")


@pytest.mark.parametrize(
    "cells",
    [
        ["5 kg", "7 g"],
        ["$5", "€7"],
        ["5%", "$7"],
        ["Q1", "Q2"],
        ["1A", "2A"],
        ["1.5.2", "1.5.3"],
        ["16:9", "4:3"],
        ["10-20", "20-30"],
        ["0049 30", "0049 40"],
        ["4G", "5G"],
    ],
)
def test_cells_that_are_not_numbers(cells):
    assert column(cells) == ("categorical", cells)


@given(
    st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=8, unique=True),
    st.sampled_from(["{:,}", "{:,} €", "${:,}", "{:,}%", "{:,} kg", "EUR {:,}"]),
    st.sampled_from([",", ".", " ", "'", "\u202f"]),
)
@settings(max_examples=60, deadline=None)
def test_whole_numbers_in_any_notation(numbers, form, separator):
    numbers = [*numbers, 12_345_678, 5]
    cells = [form.format(one).replace(",", separator) for one in numbers]
    kind, read = column(cells, numeric=["x"])
    assert (kind, read) == ("numeric", numbers)


@pytest.mark.parametrize(
    ("cells", "first", "form"),
    [
        (["31-01-2024", "01-02-2024"], datetime(2024, 1, 31), "%d-%m-%Y"),
        (["1/31/2011 13:05", "2/1/2011 1:00"], datetime(2011, 1, 31, 13, 5), "%m/%d/%Y %H:%M"),
        (["31-Jan-2024", "01-Feb-2024"], datetime(2024, 1, 31), "%d-%b-%Y"),
        (["31-JAN-24", "01-FEB-24"], datetime(2024, 1, 31), "%d-%b-%y"),
        (["1/2/2019 1:00:00 PM", "1/31/2019 2:00:00 AM"], datetime(2019, 1, 2, 13), None),
        (["2019-01-01 00:30:00 UTC", "2019-01-02 00:00:00 UTC"], datetime(2019, 1, 1, 0, 30), None),
        (["2019-01-01T02:00:00+02:00", "2019-01-02T00:00:00+00:00"], datetime(2019, 1, 1), None),
        (["2024-W05", "2024-W06"], datetime(2024, 1, 29), "%G-W%V"),
        (["2024-W05-3", "2024-W06-1"], datetime(2024, 1, 31), "%G-W%V-%u"),
        (["2024-05", "2024-06"], datetime(2024, 5, 1), "%Y-%m"),
        (["May 2024", "June 2024"], datetime(2024, 5, 1), "%B %Y"),
        (["1974Q2", "1974Q3"], datetime(1974, 4, 1), "%YQ%q"),
        (["2024-Q4", "2024-Q1"], datetime(2024, 10, 1), "%Y-Q%q"),
        (["Jan 31 2024", "Feb 1 2024"], datetime(2024, 1, 31), "%b %d %Y"),
        (["Jan-31-1995", "Feb-1-1995"], datetime(1995, 1, 31), "%b-%d-%Y"),
        (["1995-Jan-31", "1995-FEB-1"], datetime(1995, 1, 31), "%Y-%b-%d"),
        (["Mon, 29 Jan 2024", "Tue, 30 Jan 2024"], datetime(2024, 1, 29), None),
        (["2024-01-31", "2024-02-01 10:00:00"], datetime(2024, 1, 31), "%Y-%m-%d %H:%M:%S"),
        (["5 May 2024", "7 February 2024"], datetime(2024, 5, 5), "%d %B %Y"),
        (["31.01.2024", "n.a.", "01.02.2024"], datetime(2024, 1, 31), "%d.%m.%Y"),
    ],
)
def test_dates(cells, first, form):
    table = infer(cells)
    assert (table.columns[0].kind, table.frame["x"][0]) == ("date", first)
    assert form is None or table.formats == {"x": form}
    schema = Schema(columns=table.columns, date_formats=table.formats)
    assert (
        schema.conform(pl.DataFrame({"x": cells, "z": 1}))
        .to_series()
        .equals(table.frame["x"].head(len(cells)))
    )


def test_seconds_since_1970_are_dates_if_the_name_says_so():
    seconds = [1_706_659_200 + 3600 * i for i in range(9)]
    for factor, form in ((1, "epoch s"), (1000, "epoch ms"), (10**9, "epoch ns")):
        cells = [factor * one for one in seconds]
        table = infer(cells, name="created_at")
        assert table.formats == {"created_at": form}
        assert table.frame["created_at"][0] == datetime(2024, 1, 31)
        assert "since 1970" in messages(table)["GRD022"]
        schema = Schema(columns=table.columns, date_formats=table.formats)
        again = schema.conform(pl.DataFrame({"created_at": list(map(str, cells)), "z": 1}))
        assert again["created_at"].to_list() == table.frame["created_at"].to_list()[:9]
        assert infer(cells).columns[0].kind == "numeric"


@given(days=st.lists(st.dates(date(1900, 1, 1), date(2100, 12, 31)), min_size=2, unique=True))
@settings(max_examples=20)
def test_numbers_with_year_month_and_day_are_dates_if_the_name_says_so(days):
    numbers = [int(f"{day:%Y%m%d}") for day in days]
    for cells in (numbers, list(map(float, numbers)), list(map(str, numbers))):
        features = infer_features(pl.DataFrame({"sale_date": cells, "sale": cells}))
        kinds = {one.name: one.kind for one in features.columns}
        kinds |= {one.name: one.why for one in features.set_aside}
        assert kinds["sale_date"] in ("date", "time stamp")
        assert kinds["sale"] in ("numeric", "identifier")
        if kinds["sale_date"] == "date":
            assert features.frame["sale_date"].dt.date().to_list() == days
            assert "%Y%m%d" in "".join(map(str, features.findings))
    features = infer_features(pl.DataFrame({"date": [*numbers, 20240132]}))
    assert [one.kind for one in features.columns] in (["numeric"], [])


def test_day_and_month_that_cannot_be_told_apart():
    cells = ["01/02/2024", "03/04/2024", "05/06/2024"]
    table = infer(cells)
    assert table.columns[0].kind == "categorical"
    assert "Give --date-order dmy or --date-order mdy" in messages(table)["GRD023"]
    assert "01/02/2024" in messages(table)["GRD023"]
    for order, first in (("dmy", datetime(2024, 2, 1)), ("mdy", datetime(2024, 1, 2))):
        assert infer(cells, date_order=order).frame["x"][0] == first
    assert infer(["01/01/2024", "02/02/2024"]).columns[0].kind == "date"


def test_the_order_of_day_and_month_is_that_of_the_other_dates():
    frame = pl.DataFrame(
        {
            "a": ["01/02/2024", "03/04/2024"] * 10,
            "b": ["31/01/2024 10:00", "01/02/2024 11:00"] * 10,
            "y": [0, 1] * 10,
        }
    )
    table = infer_table(frame, target="y")
    assert table.frame["a"][0] == datetime(2024, 2, 1)
    assert "the day comes first ('01/02/2024' is 2024-02-01)" in " ".join(
        one.message for one in table.findings
    )
    mixed = frame.with_columns(c=pl.Series(["12/31/2023", "1/1/2024"] * 10))
    assert infer_table(mixed, target="y").columns[0].kind == "categorical"


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["Yes", "YES", "no", "No"], "boolean"),
        (["True", "0", "FALSE"], "boolean"),
        (["yes", "no", "n.a."], "boolean"),
        (["yes", "f"], "categorical"),
        (["0", "1"], "numeric"),
    ],
)
def test_booleans(cells, kind):
    assert infer(cells).columns[0].kind == kind


ONE, ZERO = ["1", "1.0", 1, 1.0, True, "true", "TRUE"], ["0", "0.0", 0, 0.0, False, "false"]


@pytest.mark.parametrize("trained", [["True", "False"], [1, 0], [True, False], ["yes", "no"]])
def test_a_cell_is_the_same_in_any_type_of_column(trained):
    table = infer(trained)
    schema = Schema(columns=table.columns, missing=table.missing)
    one, zero = table.frame["x"][:2].to_list()
    for cells, expected in ((ONE, one), (ZERO, zero)):
        for cell in cells:
            column = schema.conform(pl.DataFrame({"x": [cell, None], "z": [1, 2]}))["x"]
            assert column.to_list() == [expected, None], cell


@pytest.mark.parametrize("cells", [["maybe", "1"], [2, 1], [0.5, 1.0]])
def test_other_cells_are_not_booleans(cells):
    schema = Schema(columns=infer([True, False]).columns)
    with pytest.raises(UserError, match="column 'x': expected true or false; row 1 holds"):
        schema.conform(pl.DataFrame({"x": cells, "z": 1}))


def test_the_first_three_invalid_cells_are_named():
    cells = ["1", "two", "3", "four", "five", "six"]
    with pytest.raises(UserError, match="rows 2, 4, 5 hold 'two', 'four', 'five'") as error:
        infer(cells, numeric=["x"])
    assert "40 such cells in all" in str(error.value)
    assert "--categorical 'x', or name what is missing with --missing" in str(error.value)
    with pytest.raises(UserError, match=r"expected numbers of one unit; got 'g', 'kg'"):
        infer(["1 kg", "2 g"], numeric=["x"])
    schema = Schema(columns=infer([1, 2, 4]).columns)
    with pytest.raises(UserError, match=r"row 12 holds 'two'\. Correct the cell$"):
        schema.conform(pl.DataFrame({"x": ["1", "two"], "z": 1}), first_row=10)


def test_further_missing_words():
    table = infer(["1.5", "unknown", "2", "n/k"], missing=["unknown", "n/k"])
    assert table.frame["x"].to_list()[:4] == [1.5, None, 2, None]
    assert "column 'x': read as missing: 'n/k' (15), 'unknown' (15)" in table.notes
    schema = Schema(columns=table.columns, missing=table.missing)
    assert schema.conform(pl.DataFrame({"x": ["unknown"], "z": 1}))["x"].to_list() == [None]
    labels = pl.DataFrame({"x": [1, 2, 3, 4], "y": ["a", "b", "unknown", "a"]})
    assert infer_table(labels, target="y", missing=["unknown"]).classes == ("a", "b")


def test_categories_that_differ_by_case():
    table = infer(["Paris", "PARIS", "Rome"])
    assert table.frame["x"].unique().sort().to_list() == ["paris", "rome"]
    assert table.folded == ("x",)
    assert "1 categories differ" not in messages(table)["GRD024"]
    assert (
        "'Paris', 'PARIS'" in messages(table)["GRD024"]
        or "'PARIS', 'Paris'" in messages(table)["GRD024"]
    )
    assert infer(["Paris", "PARIS", "Rome"], categorical=["x"]).folded == ()
    assert infer(["Paris", "Rome"]).folded == ()


def test_classes_that_differ_by_case():
    frame = pl.DataFrame(
        {
            "x": [i % 7 for i in range(60)],
            "y": ["Yes", "yes", "YES", "No", "no", "NO", "Yes", "No", "No", "Yes"] * 6,
        }
    )
    table = infer_table(frame, target="y")
    assert table.classes == ("No", "Yes")
    assert "--categorical y" in messages(table)["GRD024"]
    assert len(infer_table(frame, target="y", categorical=["y"]).classes) == 6


def test_booleans_as_classes_are_the_same_in_text():
    cells = ["True", "False"] * 10
    table = infer_table(pl.DataFrame({"x": [1, 2] * 10, "y": cells}), target="y")
    assert table.classes == ("false", "true")


def test_findings_are_checks():
    table = infer(["$5", "$7", "n.a."])
    assert table.findings[0] in check_table(table)


def test_columns_named_in_another_case():
    schema = Schema(columns=infer([1, 2]).columns)
    with pytest.raises(UserError, match="Names differ by case: rename 'X' to 'x', 'Z' to 'z'"):
        schema.conform(pl.DataFrame({"X": [1], "Z": [1]}))


@pytest.mark.parametrize(
    ("lines", "prices"),
    [
        (["1.298,1.107,87 €", "995,33,2 €"], [1298, 995]),
        (["1.298,x", "995,y", "2.100,x", "870,y"], [1298, 995, 2100, 870]),
        (["1.298,x", "0.5,y"], [1.298, 0.5]),
        (["1.333,x", "2,y", "1.667,x", "3,y"], [1.333, 2, 1.667, 3]),
        (["1.298,x", "2.100,y"], [1.298, 2.1]),
    ],
)
def test_thousands_or_decimals_of_a_file(tmp_path, lines, prices):
    rows = [line.split(",", 1) for line in lines]
    text = "price;other\n" + "\n".join(";".join(row) for row in rows)
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    source = read_source(tmp_path / "t.csv")
    assert source.content["price"].to_list() == prices
    assert open_source(tmp_path / "t.csv").spec.decimal is None


UNCLEAR = st.tuples(st.integers(1, 999), st.integers(0, 999))


def unclear_findings(path, text, **options):
    path.write_text(text)
    dataset = open_source(path, target="y", **options).load()
    assert dataset.inferred_table is not None
    every = (*dataset.findings, *dataset.inferred_table.findings)
    frame = dataset.inferred_table.frame
    return frame["x"].to_list()[:1], [one.message for one in every if one.code == "GRD023"]


@given(cells=st.lists(UNCLEAR, min_size=20, max_size=40), sign=st.sampled_from(".,"))
@settings(max_examples=15)
def test_three_digits_after_one_sign_are_said(tmp_path_factory, cells, sign):
    path = tmp_path_factory.getbasetemp() / "unclear.csv"
    texts = [f"{a}{sign}{b:03}" for a, b in [(1, 2), *cells]]
    lines = [f'"{text}",{"uvw"[i % 3]}' for i, text in enumerate(texts)]
    text = "\n".join(["x,y", *lines])
    other, decimals = 1002, 1.002
    first, found = unclear_findings(path, text)
    assert first == ([decimals] if sign == "." else [other])
    assert len(found) == 1
    assert f"'1{sign}002'" in found[0]
    assert found[0].endswith("--decimal ,")
    first, found = unclear_findings(path, text, decimal=",")
    assert (first, found) == ([other] if sign == "." else [decimals], [])
    # Other numbers show the decimal sign.
    lines = [f"{line},0.5" for line in lines]
    assert unclear_findings(path, "\n".join(["x,y,z", *lines]))[1] == []
    if sign == ".":
        text = "\n".join(line.replace('",', ' €",') for line in text.split("\n"))
        first, found = unclear_findings(path, text)
        assert (first, len(found)) == ([decimals], 1)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["01/02/2024", "03/04/2024"], "may have the day or the month first. Give --date-order"),
        (["2024-01-01", "soon", "2024-01-02"], "row 2 holds 'soon'. Correct the cell, or name"),
    ],
)
def test_a_time_column_that_does_not_hold_times(tmp_path, cells, message):
    lines = "".join(f"{cell},{i % 2}\n" for i, cell in enumerate(cells))
    (tmp_path / "t.csv").write_text("when,y\n" + lines, encoding="utf-8")
    source = open_source(tmp_path / "t.csv", target="y", time="when", categorical=("when",))
    with pytest.raises(UserError, match=message):
        source.load()
    with pytest.raises(UserError, match="--date-order must be dmy or mdy; got 'ymd'"):
        open_source(tmp_path / "t.csv", target="y", date_order="ymd").load()


def test_a_note_names_what_keeps_a_column_from_being_a_date_or_a_number():
    dates = [f"2024-01-{1 + i:02}" for i in range(29)]
    notes = " ".join(infer([*dates, "soon"]).notes)
    assert "is text because 2 of its cells are not a date (first: row 30)" in notes
    prices = [f"${1 + i}.50" for i in range(29)]
    notes = " ".join(infer([*prices, "free"]).notes)
    assert "because 2 of its cells are not a number (first: row 30)" in notes
