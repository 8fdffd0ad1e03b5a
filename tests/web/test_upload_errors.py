"""Errors of an uploaded table: in the words of the page, without paths or options."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_table import upload

import graduel.data
from graduel.errors import UserError
from graduel.web.http_error import ClientError
from graduel.web.limits import Limits
from graduel.web.page_messages import note_to_page, to_page
from graduel.web.routes.upload import read_table

OPTION = re.compile(r"--[a-z]")


@pytest.mark.parametrize(
    "content",
    [
        b"a,b,c\n1,2,3\n1,2\n1,2,3,4,5\n",
        b'a,b\n"1,2\n3,4\n',
        b"a,a,b\n1,2,3\n4,5,6\n",
        b"a;b\n1,5;x\n2.000,5;y\n",
        b"\xff\xfea\x00",
        b'a,b\n1,\\"x\\"\n',
        b"one column\n" + b"x\n" * 20,
        b"a,b\n" + b"".join(b"%d,%d.5\n" % (k, k * k) for k in range(200)),
    ],
)
def test_a_damaged_file_is_refused_in_the_words_of_the_page(client, content):
    for query in ({}, {"target": "b"}, {"target": "nothing"}):
        answer = upload(client, content, name="my file", **query)
        text = answer.text
        assert answer.status_code < 500
        assert tempfile.gettempdir() not in text, text
        assert "graduel-" not in text, text
        assert not OPTION.search(text), text
        if answer.status_code != 200:
            assert "\n" not in answer.json()["detail"]


def test_the_page_names_its_limits_and_shows_errors_at_the_field(browser, address):
    page = browser.new_page()
    page.goto(f"{address}/#data")
    page.wait_for_selector("body[data-ready]")
    assert page.get_by_text("2,000 rows and 60 columns").is_visible()
    box = page.locator(".field", has=page.get_by_label("CSV file"))
    wide = ",".join(f"c{k}" for k in range(70))
    row = ",".join("1" * 70)
    for content, error in (
        (b"a,b\n1,2\n1,2,3,4\n", "my table.csv: line 3"),
        (f"{wide}\n{row}\n{row}\n".encode(), "60 columns"),
    ):
        file = {"name": "my table.csv", "mimeType": "text/csv", "buffer": content}
        page.get_by_label("CSV file").set_input_files(file)
        box.locator(".error", has_text=error).wait_for()
    assert page.locator("#toast").text_content() == ""
    good = {"name": "t.csv", "mimeType": "text/csv", "buffer": b"a,b\n1,x\n2,x\n"}
    page.get_by_label("CSV file").set_input_files(good)
    page.get_by_label("Target column").select_option("b")
    assert box.locator(".error").count() == 0
    page.get_by_role("button", name="Load table").click()
    page.locator(".field", has=page.get_by_label("Target column")).locator(".error").wait_for()
    page.close()


CELLS = st.text(st.sampled_from("ab1.,;\"'\\\t\n -0é"), max_size=60)


@settings(max_examples=60, deadline=None)
@given(CELLS, st.sampled_from([None, "a", "b"]))
def test_no_message_has_a_path_or_an_option(text, target):
    try:
        read_table(f"a,b\n{text}".encode(), "t", target, Limits())
    except (ClientError, UserError) as error:
        message = str(error)
        assert "graduel-" not in message
        assert tempfile.gettempdir() not in message
        assert not OPTION.search(message), message


def advice() -> list[str]:
    """Return every text of graduel.data that names an option."""
    folder = Path(graduel.data.__file__).parent
    texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*.py")]
    return [part for text in texts for part in re.findall(r'"([^"\n]*--[a-z][^"\n]*)"', text)]


def test_every_advice_of_an_option_is_replaced():
    path = Path("/tmp/graduel-abc/table.csv")
    assert len(advice()) > 20
    for text in advice():
        for result in (to_page(f"{path}: line 3 is cut off. {text}", path, "t.csv"),
                       to_page(text, path, "t.csv"), note_to_page(text)):  # fmt: skip
            assert not OPTION.search(result), (text, result)
            assert "graduel-abc" not in result
            assert result.strip()
    assert to_page(f"{path}: is empty", path, "t.csv") == "t.csv: is empty"
