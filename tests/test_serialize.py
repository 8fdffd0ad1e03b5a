"""Plain data, and atomic writes."""

import os
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graduel.atomic_io import atomic_path, atomic_write, atomic_write_folder, remove_unfinished
from graduel.errors import UserError
from graduel.serialize import from_plain, read_json, to_plain, write_json


@dataclass(frozen=True, slots=True)
class Inner:
    """A nested dataclass."""

    name: str
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Outer:
    """A dataclass with every kind of field."""

    ratio: float
    on: bool
    inner: Inner | None = None
    parts: tuple[Inner, ...] = ()
    by_name: dict[str, float | None] = field(default_factory=dict)


inner = st.builds(Inner, st.text(), st.lists(st.integers(-(2**60), 2**60)).map(tuple))
finite = st.floats(allow_nan=False, allow_infinity=False)
outer = st.builds(
    Outer,
    finite,
    st.booleans(),
    st.none() | inner,
    st.lists(inner, max_size=3).map(tuple),
    st.dictionaries(st.text(), st.none() | finite, max_size=3),
)


@given(outer)
def test_json_round_trip(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("plain") / "value.json"
    write_json(path, value)
    assert from_plain(Outer, read_json(path)) == value


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"ratio": "1", "on": True}, r"thing: Expected float, got str - at \$.ratio"),
        ({"on": True}, "thing: Object missing required field ratio"),
        ({"ratio": 1, "on": 1}, "Expected bool, got int"),
        ({"ratio": 1, "on": True, "parts": [{"name": 3}]}, r"at \$.parts\[0\].name"),
        ([], "Expected object, got array"),
    ],
)
def test_wrong_types_raise_an_error_with_their_path(data, message):
    with pytest.raises(UserError, match=message):
        from_plain(Outer, data, "thing")


def test_numpy_values_become_plain_data():
    assert to_plain({"a": np.float32(0.5), "b": np.arange(3), "c": (np.int64(2),)}) == {
        "a": 0.5,
        "b": [0, 1, 2],
        "c": [2],
    }
    with pytest.raises(TypeError, match="object cannot be converted to plain data"):
        to_plain(object())


def test_nan_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "x.json", {"a": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"\xff", b"{", b"[" * 100_000])
def test_invalid_json_raises_a_user_error(tmp_path, content):
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(UserError, match="expected readable JSON"):
        read_json(tmp_path / "x.json")
    with pytest.raises(UserError, match="No such file"):
        read_json(tmp_path / "none.json")


def test_a_failed_write_leaves_the_old_file_unchanged(tmp_path, monkeypatch):
    path = tmp_path / "folder" / "x.txt"
    atomic_write(path, "old")

    def full(*_):
        raise OSError(28, "No space left on device")

    for name in ("replace", "fsync"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, full)
            with pytest.raises(OSError, match="No space left"):
                atomic_write(path, b"new")
        assert path.read_text() == "old"
        assert list(path.parent.iterdir()) == [path]


def test_an_exception_leaves_no_temporary_file(tmp_path):
    def write():
        with atomic_path(tmp_path / "x") as temporary:
            temporary.write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write()
    assert list(tmp_path.iterdir()) == []


def test_folders_are_written_atomically(tmp_path, monkeypatch):
    atomic_write_folder(tmp_path / "one", {"a": b"1", "b": b"2"})
    assert {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()} == {
        "a": b"1",
        "b": b"2",
    }

    def full(file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        atomic_write_folder(tmp_path / "two", {"a": b"1"})
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_temporary_files_of_killed_writers_are_removed(tmp_path):
    (tmp_path / ".a.json.123.tmp").write_text("{")
    half = tmp_path / ".cell.456.tmp"
    half.mkdir()
    (half / "file").write_text("x")
    (tmp_path / "a.json").write_text("{}")
    remove_unfinished(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
