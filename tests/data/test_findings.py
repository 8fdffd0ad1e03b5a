"""Every check has a unique code and a section in docs/checks.md."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from graduel.data import finding
from graduel.data.finding import CHECKS, Check, Finding
from graduel.data.read.reading_errors import LONGEST, describe_error, shorten
from graduel.serialize import from_plain, to_plain

DOCS = Path(__file__).parents[2] / "docs" / "checks.md"


def test_codes_are_unique_and_consecutive():
    assert [check.code for check in CHECKS] == [f"GRD{i:03}" for i in range(1, len(CHECKS) + 1)]
    assert {id(one) for one in vars(finding).values() if isinstance(one, Check)} == {
        id(check) for check in CHECKS
    }
    assert len({check.title for check in CHECKS}) == len(CHECKS)


def test_docs_list_every_check_with_its_title_and_severity():
    sections = re.findall(r"^### (.*)\n\n(.*)\n\n(.+)", DOCS.read_text(encoding="utf-8"), re.M)
    assert sorted((heading, severity) for heading, severity, _ in sections) == [
        (f"{check.code}: {check.title}", f"*{check.severity}*") for check in CHECKS
    ]
    assert all(len(text) > 60 for *_, text in sections)


def test_a_finding_as_text_and_plain_data():
    result = finding.IDENTIFIER.report("column 'id' looks like an identifier", "id")
    assert str(result) == "warning GRD004: column 'id' looks like an identifier"
    assert from_plain(Finding, to_plain(result)) == result


@given(st.text(st.characters(exclude_categories=())))
def test_messages_of_libraries_are_one_short_line(text):
    for line in (shorten(text), describe_error(ValueError(text))):
        assert len(line) <= LONGEST + 1
        assert len(line.splitlines()) <= 1
        assert "\x1b" not in line
