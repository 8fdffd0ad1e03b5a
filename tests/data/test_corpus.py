"""Tables of packages are inferred as in the golden file, which was reviewed by eye."""

from __future__ import annotations

import json

import pytest
from corpus import GOLDEN, PACKAGES, infer, list_tables

TABLES = list_tables()
EXPECTED = json.loads(GOLDEN.read_text("utf-8"))
NAMES = sorted(EXPECTED)


def check(name):
    if name not in TABLES:
        pytest.skip(f"{name.partition(':')[0]} is not installed, or another version")
    assert infer(TABLES[name]) == EXPECTED[name]


@pytest.mark.parametrize("name", NAMES[::8])
def test_kinds_in_a_sample(name):
    check(name)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_kinds(name):
    check(name)


def test_golden_file_holds_no_cells():
    assert len(EXPECTED) >= 150
    assert {name.partition(":")[0] for name in EXPECTED} == set(PACKAGES)
    words = {"numeric", "categorical", "boolean", "date", "images", "reader", "refused", "dropped"}
    for inferred in EXPECTED.values():
        assert {kind.split()[0].strip(":") for kind in inferred} <= words
