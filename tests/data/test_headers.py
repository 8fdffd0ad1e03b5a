"""The first line of a text file: a header, a row, or a title."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graduel.cli.app import main
from graduel.data.read import read_source
from graduel.errors import UserError

RNG = np.random.default_rng(0)
HEADER, ROW = True, False


def numbers(n, width, decimals=3):
    return [[f"{v:.{decimals}f}" for v in row] for row in RNG.normal(5, 3, (n, width))]


def words(n, width, choice=("low", "med", "high")):
    return RNG.choice(choice, (n, width)).tolist()


def labelled(rows):
    return [[*row, "abc"[i % 3]] for i, row in enumerate(rows)]


def join(*parts):
    return "\n".join(",".join(map(str, row)) for part in parts for row in part) + "\n"


def integers(n, width):
    return RNG.integers(0, 9, (n, width)).tolist()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (join([[0, 1, 2, "label"]], labelled(numbers(30, 3))), HEADER),
        (join([[1, 2, 3, "label"]], labelled(numbers(30, 3))), HEADER),
        (join([["label", 0, 1]], [row[::-1] for row in labelled(numbers(30, 2))]), HEADER),
        (join([[1990, 1991, 1992, "label"]], labelled(numbers(30, 3))), HEADER),
        (join([[1990, 1995, 2000]], numbers(30, 3)), HEADER),
        (join([["country", 2019]], [[f"c{i}", f"{i}.5"] for i in range(30)]), HEADER),
        (join([[1100.5, 1102.7, 1104, 1106.2, 1109, "y"]], labelled(numbers(30, 5))), HEADER),
        (join([[0, 1, 2]], numbers(30, 3)), HEADER),
        (join([[0, 1]], numbers(30, 2)), HEADER),
        (join([[10, 20, 30]], integers(30, 3)), HEADER),
        (join([[0, 1]], [[0, 1]], numbers(30, 2)), ROW),
        (join(integers(30, 4)), ROW),
        (join([[1, 2, 3], [4, 5, 6], [7, 8, 1]]), ROW),
        (join(labelled([[5, 0, 3], *integers(30, 3)])), ROW),
        (join(labelled(numbers(30, 3))), ROW),
        (join(np.cumsum(RNG.integers(1, 5, (30, 6)), axis=1).tolist()), ROW),
        (join(words(40, 5)), ROW),
        (join([["x", "y", "class"]], words(40, 3)), HEADER),
        (join([["name", "city"]], [[f"n{i}", f"c{i}"] for i in range(40)]), HEADER),
        (join([["label"]], words(40, 1)), HEADER),
        (join(words(40, 1)), ROW),
    ],
)
def test_header_or_row(write, content, expected):
    read = read_source(write(content)).content
    assert len(read) == content.count("\n") - expected
    assert (read.columns[0] == "column_1") == (not expected)


@pytest.mark.parametrize("separator", [",", " ", "\t", ";"])
def test_names_in_single_quotes(write, separator):
    lines = [["'OBS'", "'a_mark'", "'GRADE'"], *integers(30, 3)]
    source = read_source(write("\n".join(separator.join(map(str, line)) for line in lines)))
    assert source.content.columns == ["OBS", "a_mark", "GRADE"]
    assert any("single quotes" in one.message for one in source.findings)


@pytest.mark.parametrize(
    ("content", "guess"),
    [
        (join([[0, 1, 2, "label"]], labelled(numbers(30, 3))), "numbers in the first line are"),
        (join(words(40, 4)), "its words occur again"),
        (
            join([["name", "city"]], [[f"n{i}", f"c{i}"] for i in range(40)]),
            "all columns hold text",
        ),
        (join([[5, 17, "label"]], labelled(integers(30, 2))), "'label' does not occur below"),
        (join([["a", "b"]], integers(30, 2)), None),
        (join([["x", "y", "class"]], words(40, 3)), None),
        (join(numbers(30, 2)), None),
    ],
)
def test_guesses_are_findings(write, capsys, content, guess):
    source = read_source(write(content))
    messages = [finding.message for finding in source.findings]
    assert [guess in one for one in messages] == [True] * (guess is not None)
    assert all("--header" in one for one in messages)
    assert main(["data", str(write(content))]) == 0
    assert ("GRD021" in capsys.readouterr().out) == (guess is not None)


@pytest.mark.parametrize("padding", ["", ",,,"])
@pytest.mark.parametrize("more", [[], ["Source: me"], [",,,"]])
def test_titles_are_refused_with_the_line_of_the_header(write, padding, more):
    titles = [f"{title}{padding}" for title in ["My title", *more] if title]
    rows = join([["x", "y", "z", "label"]], labelled(numbers(30, 3)))
    path = write("\n".join([*titles, rows]))
    line = len(titles) + 1
    with pytest.raises(UserError, match=rf"line 1: .*'My title'.*--header {line}$"):
        read_source(path)
    source = read_source(path, header=line)
    assert source.content.columns == ["x", "y", "z", "label"]
    assert len(source.content) == 30
    assert f"{line - 1} line" in " ".join(source.notes)


@pytest.mark.parametrize(
    "lines",
    [
        "report,2024,,\nx,y,z,label",
        "x,y,z,label\n(cm),(kg),,",
        "size,size,mass,\nmin,max,mean,label",
    ],
)
def test_a_second_line_of_names_or_units_is_refused(write, lines):
    path = write(f"{lines}\n{join(labelled(numbers(30, 3)))}")
    with pytest.raises(UserError, match=r"line 2: expected numbers.*--header 2"):
        read_source(path)
    read = read_source(path, header=2, names=("x", "y", "z", "label")).content
    assert read.columns == ["x", "y", "z", "label"]
    assert len(read) == 30
    assert len(read_source(write(join([["x", "y"], ["?", "n.k."]], integers(30, 2)))).content) == 31


@pytest.mark.parametrize(
    ("comments", "names"),
    [
        ("# made by hand\n# twice, or more\n", ["x", "y"]),
        ("% made by hand\n", ["x", "y"]),
        ("", ["x", "y"]),
    ],
)
def test_comments_above_the_header(write, comments, names):
    rows = join([[f"{i}.5", "ab"[i % 2]] for i in range(20)])
    assert read_source(write(f"{comments}x,y\n{rows}")).content.columns == names
    assert read_source(write(f"# why\n#x,y\n{rows}")).content.columns == ["#x", "y"]


def test_a_header_with_one_name(write):
    rows = [[f"{i % 3}", f"{i % 5}", "ab"[i % 2]] for i in range(20)]
    assert read_source(write(join([["", "", "y"]], rows))).content.columns[2] == "y"


def test_options(write):
    path = write(join([["x", "y", "class"]], words(40, 3)))
    assert len(read_source(path, header=False).content) == 41
    assert read_source(path, header=2).content.columns[0] in ("low", "med", "high")
    named = read_source(path, names=("a", "b", "c"))
    assert named.content.columns == ["a", "b", "c"]
    assert len(named.content) == 40
    assert "--names replaces" in named.findings[0].message
    assert len(read_source(path, header=False, names=("a", "b", "c")).content) == 41
    for rows in (words(40, 3), numbers(40, 3), [[0, 1, 2], *numbers(39, 3)]):
        named = read_source(write(join(rows)), names=("a", "b", "c"))
        assert named.content.columns == ["a", "b", "c"]
        assert len(named.content) == 40
    with pytest.raises(
        UserError, match="--names must list a name for each of the 3 columns; got 2"
    ):
        read_source(path, names=("a", "b"))
    with pytest.raises(UserError, match="expected a header in line 99; the file ends"):
        read_source(path, header=99)


def test_every_command_that_reads_tables_has_the_options(write, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command in (
        "data",
        "duel",
        "train",
        "predict",
        "experiment",
        "inspect",
        "serve",
        "verdict",
    ):
        assert main([command, "--help"]) == 0
        text = capsys.readouterr().out
        assert all(option in text for option in ("--header", "--names", "--quote")), command
    path = write(join([[f"{i % 7}.5", i % 3, "ab"[i % 2]] for i in range(60)]), "t.csv")
    options = ["--header", "no", "--names", "x,z,label"]
    assert main(["data", str(path), "--target", "label", *options]) == 0
    assert "60 rows, 2 features, 2 classes" in capsys.readouterr().out
    net = ["--contender", "net", "--net", "layers=4 epochs=1", "--threads", "1"]
    assert (
        main(["train", "t.csv", "--target", "label", "--out", "m.safetensors", *net, *options]) == 0
    )
    capsys.readouterr()
    assert main(["predict", "m.safetensors", "t.csv", *options]) == 0
    assert capsys.readouterr().out.count("\n") == 61
    assert main(["inspect", "m.safetensors", "--data", "t.csv", "--json", *options]) == 0
    json.loads(capsys.readouterr().out)
    for wrong in ("maybe", "0", "-1"):
        assert main(["data", "t.csv", "--header", wrong]) == 2
        assert "--header: expected yes, no or the number of a line" in capsys.readouterr().err


def test_the_specification_in_a_run_keeps_the_options():
    from graduel.data.spec import SourceSpec

    for header in (True, False, 3, None):
        spec = SourceSpec("t", "t.csv", header=header, names=("a", "b"), quote="none")
        again = SourceSpec.from_dict(json.loads(json.dumps(spec.as_dict())))
        assert again == spec
        assert type(again.header) is type(header)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(
    n=st.integers(25, 60),
    kinds=st.lists(st.sampled_from(["word", "number", "integer"]), min_size=2, max_size=6),
    header=st.sampled_from(["none", "names", "positions"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_rows_are_neither_lost_nor_added(tmp_path_factory, n, kinds, header, seed):
    rng = np.random.default_rng(seed)
    draw = {
        "word": lambda: rng.choice(["red", "green", "blue"], n),
        "number": lambda: rng.normal(size=n).round(4),
        "integer": lambda: rng.integers(0, 100, n),
    }
    columns = [draw[kind]() for kind in kinds]
    rows = [[str(column[i]) for column in columns] for i in range(n)]
    first = {
        "none": [],
        "names": [[f"{kind}{i}" for i, kind in enumerate(kinds)]],
        "positions": [[str(i) for i in range(len(kinds))]],
    }[header]
    if header == "positions" and (set(kinds) != {"number"} or len(kinds) < 3):
        return  # ambiguous
    path = tmp_path_factory.mktemp("header") / "table.csv"
    path.write_text(join(first, rows), encoding="utf-8")
    assert len(read_source(path).content) == n
