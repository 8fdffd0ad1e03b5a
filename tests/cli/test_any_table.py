"""Tables of every sort through the real commands: they work, or one line says what to do.

`graduel data` goes through all of them; `graduel duel` through those on which a fit is quick.
"""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from hashlib import sha256

import numpy as np
import polars as pl
import pytest

from graduel.cli.app import main

NET = ["--contenders", "net", "--net", "layers=4 epochs=1 batch_size=32", "--threads", "1"]


def lines(n, row, head="x,z,target"):
    return (head + "\n" + "\n".join(row(i) for i in range(n)) + "\n").encode()


def ab(i):
    return "ab"[i % 2]


def parquet(**columns):
    file = io.BytesIO()
    pl.DataFrame(columns).write_parquet(file)
    return file.getvalue()


def zipped(**files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return file.getvalue()


PLAIN = lines(60, lambda i: f"{i % 7},{i * 1.5},{ab(i)}")
WIDE = [f"f{i}" for i in range(3000)]
WORKS = {
    "mixed types.csv": lines(
        80,
        lambda i: (
            f"{i % 9}.5,{'red' if i % 3 else 'blue'},{['yes', 'no'][i % 2]},"
            f"2024-0{1 + i % 9}-11,{'' if i % 5 == 0 else i % 4},long text number {i},{ab(i)}"
        ),
        "number,colour,flag,day,gaps,text,target",
    ),
    "classes with one row.csv": lines(
        60, lambda i: f"{i % 5},{i * 1.5},{ab(i) if i > 2 else f'rare {i}'}"
    ),
    "duplicate names.csv": lines(
        60, lambda i: f"{i % 5},{i % 3},{i * 0.5},{ab(i)}", "x,x,x,target"
    ),
    "target twice.csv": lines(60, lambda i: f"{ab(i)},{i % 5},{'cd'[i % 2]}", "target,x,target"),
    "unicode and newlines.csv": lines(
        60, lambda i: f"{i % 5},{i % 3},{i * 0.5},{ab(i)}", '"naïve\nname","日本 語","🎉",target'
    ),
    "mixed line ends.csv": PLAIN.replace(b"\n", b"\r\n", 20).replace(b"\n", b"\r", 5),
    "bom.csv": b"\xef\xbb\xbf" + PLAIN,
    "semicolons and commas.csv": lines(
        60, lambda i: f"{i % 7},5;{i}.{i % 10:03},25;{ab(i)}", "x;z;target"
    ),
    "semicolons alone.csv": lines(60, lambda i: f"{i % 7};{i % 5};{ab(i)}", "x;z;target"),
    "numbers as strings.csv": lines(60, lambda i: f'"{i * 1.5}","{i % 4}","{i % 2}"'),
    "infinite.csv": lines(
        60, lambda i: f"{['inf', '-inf', '1.5', '2', '1e400'][i % 5]},{i % 4},{ab(i)}"
    ),
    "one constant column.csv": lines(60, lambda i: f"5,{i % 4},{ab(i)}"),
    "one missing column.csv": lines(60, lambda i: f",{i % 4},{ab(i)}"),
    "target with gaps.csv": lines(80, lambda i: f"{i % 5},{i % 3},{['a', 'b', '', 'NA'][i % 4]}"),
    "target of numbers.csv": lines(60, lambda i: f"{i % 5},{i % 3},{i % 2}.0"),
    "target of dates.csv": lines(60, lambda i: f"{i % 5},{i % 3},2024-01-0{1 + i % 2}"),
    "utf-16.csv": PLAIN.decode().encode("utf-16"),
    "utf-16 without a mark.csv": PLAIN.decode().encode("utf-16-le"),
    "latin-1.csv": lines(60, lambda i: f"ä{i % 3},{i % 5},{ab(i)}").decode().encode("latin-1"),
    "gzipped.csv.gz": gzip.compress(PLAIN),
    "gzipped in two.csv.gz": gzip.compress(PLAIN[:100]) + gzip.compress(PLAIN[100:]),
    "zipped.zip": zipped(table_csv=PLAIN),
    "tabs.tsv": PLAIN.replace(b",", b"\t"),
    "pipes.csv": PLAIN.replace(b",", b"|"),
    "blanks.txt": PLAIN.replace(b",", b"   "),
    "sep.csv": b"sep=;\r\n" + PLAIN.replace(b",", b";"),
    "comments.csv": b"# made by hand\n\n# twice\n" + PLAIN,
    "blank lines.csv": b"\n\n" + PLAIN.replace(b"\n", b"\n\n"),
    "trailing separators.csv": lines(60, lambda i: f"{i % 7},{i * 1.5},{ab(i)},"),
    "row names.csv": lines(60, lambda i: f"r{i},{i % 7},{i * 1.5},{ab(i)}"),
    "control-z.csv": PLAIN + b"\x1a",
    "no end of line.csv": PLAIN.rstrip(),
    "an odd quote.csv": lines(60, lambda i: f'{i % 5}" pipe,{i % 3},{ab(i)}'),
    "a cell of a million characters.csv": lines(
        60, lambda i: f"{'w' * 1_000_000 if i == 3 else i % 2},{i % 5},{ab(i)}"
    ),
    "negative zero.csv": lines(60, lambda i: f"{'-0.0' if i % 2 else '0.0'},{i % 3},{ab(i)}"),
    "dates of two formats.csv": lines(
        60, lambda i: f"{'2024-01-05' if i % 2 else '05/01/2024'},{i % 3},{ab(i)}"
    ),
    "booleans and gaps.csv": lines(
        60, lambda i: f"{['yes', 'no', '', 'NA', '?'][i % 5]},{i % 3},{ab(i)}"
    ),
    "huge integers.csv": lines(60, lambda i: f"{10**25 + i % 7},{2**63 + i % 5},{ab(i)}"),
    "per cent and money.csv": lines(60, lambda i: f'{i % 50}.5 %,"${i * 1000:,}.50",{ab(i)}'),
    "thousands.csv": lines(60, lambda i: f'"{i * 100_000:,}",{i % 5},{ab(i)}'),
    "hexadecimal.csv": lines(60, lambda i: f"0x{i % 16:x},1e{i % 3},{ab(i)}"),
    "form feeds.csv": PLAIN.replace(b"3,", b"3\x0c,"),
    "other line ends.csv": lines(60, lambda i: f"a\u2028b{i % 3}\x85c,{i % 5},{ab(i)}"),
    "half characters.csv": lines(60, lambda i: f"é{i % 3},{i % 5},{ab(i)}").replace(
        b"\xc3\xa9", b"\xed\xa0\x80"
    ),
    "markup.csv": lines(60, lambda i: f"[bold]{i % 3},{i % 5},{ab(i)}", "[red]x[/red],[/],target"),
    "names that are empty.csv": lines(60, lambda i: f"{i % 3},{i % 5},{ab(i)}", ",,target"),
    "a long name.csv": lines(60, lambda i: f"{i % 3},{i % 5},{ab(i)}", "n" * 5000 + ",z,target"),
    "late text.csv": lines(2000, lambda i: f"{'oops' if i == 1500 else i % 9},{i % 5},{ab(i)}"),
    "parquet by another name.csv": parquet(x=[1.0, 2, 3, 4] * 15, target=["a", "b"] * 30),
    "nested.parquet": parquet(l=[[1, 2]] * 60, x=list(range(6)) * 10, target=["a", "b"] * 30),
    "types.parquet": parquet(
        b=[b"ab"] * 60,
        d=pl.Series(range(60)).cast(pl.Decimal(20, 5)),
        t=pl.Series([1, 2, 3] * 20).cast(pl.Time),
        n=[None] * 60,
        u=pl.Series([2**64 - 1, 2**63] * 30, dtype=pl.UInt64),
        target=["a", "b"] * 30,
    ),
}
REFUSED = {
    "empty.csv": (b"", "the file is empty"),
    "blank.csv": (b" \n\n\t\n", "the file is empty"),
    "mark alone.csv": (b"\xef\xbb\xbf", "the file is empty"),
    "binary.csv": (bytes(range(256)) * 8, "got binary data"),
    "zero bytes.csv": (PLAIN.replace(b"3", b"\0"), "got binary data"),
    "header alone.csv": (b"x,z,target\n", "expected rows under the header"),
    "header too long.csv": (
        lines(9, lambda i: "1,a", "x,y,more,target"),
        "line 2: expected 4 cells",
    ),
    "one row too long.csv": (
        lines(30, lambda i: "1,2,a" if i != 17 else "1,2,a,b"),
        r"line 19: expected 3 cells, as the header has; got 4 (column 4: 'b')",
    ),
    "open quotes.csv": (
        lines(30, lambda i: f'{i},"open,{ab(i)}'),
        "line 2: expected a quote to be",
    ),
    "an open quote.csv": (PLAIN + b'1,"x,a\n2,3,b\n', "line 62: expected a quote to be closed"),
    "title.csv": (b"A title\n\n" + PLAIN, "line 1: expected 3 cells, as most lines have; got one"),
    "json.csv": (b"[[1, 2], [3, 4]]", "got JSON. Save it as CSV"),
    "page.csv": (b"<!DOCTYPE html><p>404</p>", "got HTML or XML"),
    "two files.zip": (zipped(a_csv=PLAIN, b_csv=PLAIN), "got 2 files ('a.csv', 'b.csv')"),
    "no file.zip": (zipped(), "an empty zip file"),
    "cut short.csv.gz": (gzip.compress(PLAIN)[:100], "it is damaged or cut short"),
    "twice.csv.gz": (gzip.compress(gzip.compress(PLAIN)), "compressed with gzip twice"),
    "cut short.parquet": (parquet(x=[1, 2], target=["a", "b"])[:-9], "a complete Parquet file"),
    "no columns.parquet": (parquet(), "it has no columns"),
    "no rows.parquet": (
        parquet(x=pl.Series([], dtype=pl.Int64), target=pl.Series([], dtype=pl.String)),
        "expected two rows or more",
    ),
    "one class.csv": (lines(40, lambda i: f"{i % 5},{i % 3},a"), "must have two classes or more"),
    "one row.csv": (lines(1, lambda i: "1,2,a"), "expected two rows or more with a target; got 1"),
    "all missing.csv": (
        lines(40, lambda i: f",NA,{ab(i)}"),
        "dropped: 'x' (missing), 'z' (missing)",
    ),
    "all constant.csv": (lines(40, lambda i: f"5,same,{ab(i)}"), "'x' (constant), 'z' (constant)"),
    "target missing.csv": (lines(40, lambda i: f"{i % 5},{i},"), "expected two rows or more"),
    "target alone.csv": (lines(40, ab, "target"), "the table has one column, 'target'"),
    "no target.csv": (lines(40, lambda i: "1,2,a", "x,z,targt"), "Did you mean 'targt'?"),
    "names as target.csv": (lines(60, lambda i: f"{i % 5},{i % 3},n{i}"), "these are not classes"),
    "unusual cells.csv": (PLAIN.replace(b",", b"^"), "Did you mean 'x^z^target'?"),
    "broken.npz": (b"PK\x03\x04garbage", "expected an NPZ file"),
    "database.csv": (b"SQLite format 3\0" + bytes(90), "expected a complete SQLite database"),
    "pickle.csv": (b"\x80\x04\x95" + bytes(90), "a Python pickle, which is never loaded"),
}


def run(capsys, *args):
    """Run a command: its exit code, what it said, and on standard error."""
    code = main([str(arg) for arg in args])
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    return code, said.out, said.err


@pytest.mark.parametrize("name", WORKS)
def test_it_is_shown(capsys, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(WORKS[name])
    before = sha256(path.read_bytes()).digest()
    code, out, err = run(capsys, "data", path, "--target", "target")
    assert (code, err) == (0, "")
    assert "classes" in out
    assert run(capsys, "data", path)[0] == 0
    assert sha256(path.read_bytes()).digest() == before


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("command", ["data", "duel"])
def test_it_is_refused_in_one_line(capsys, tmp_path, monkeypatch, command, name):
    content, message = REFUSED[name]
    path = tmp_path / name
    path.write_bytes(content)
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, command, path, "--target", "target")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert path.read_bytes() == content
    assert sorted(one.name for one in tmp_path.iterdir()) == [name]


DUELS = [
    "mixed types.csv",
    "classes with one row.csv",
    "unicode and newlines.csv",
    "semicolons and commas.csv",
    "infinite.csv",
    "target with gaps.csv",
    "types.parquet",
]


@pytest.mark.parametrize("name", DUELS)
def test_it_is_duelled_on(capsys, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(WORKS[name])
    args = ["--target", "target", "--quick", "--split", "2x1", *NET, "--out", tmp_path / "run"]
    code, _, _ = run(capsys, "duel", path, *args)
    assert code == 0
    result = json.loads((tmp_path / "run" / "result.json").read_text(encoding="utf-8"))
    assert 0 <= result["contenders"]["net"]["test_error"] <= 1
    assert (tmp_path / "run" / "report.html").exists()
    assert path.read_bytes() == WORKS[name]


@pytest.mark.long
@pytest.mark.parametrize("name", [*WORKS, "iris", "wine", "breast_cancer", "digits"])
def test_all_contenders_duel_on_it(capsys, tmp_path, name):
    path = tmp_path / name
    if name in WORKS:
        path.write_bytes(WORKS[name])
    given = [path, "--target", "target"] if name in WORKS else [name]
    args = ["--quick", "--split", "2x1", "--threads", "1", "--out", tmp_path / "run"]
    code, _, err = run(capsys, "duel", *given, *args)
    assert code == 0, err


def test_two_rows_are_too_few_to_split(capsys, tmp_path):
    path = tmp_path / "two.csv"
    path.write_bytes(lines(2, lambda i: f"{i},{i * 2},{ab(i)}"))
    assert run(capsys, "data", path, "--target", "target")[0] == 0
    code, out, err = run(
        capsys, "duel", path, "--target", "target", "--quick", "--out", tmp_path / "run"
    )
    assert (code, out) == (2, "")
    assert "--split 5x1 needs at least 10 rows; two has 2" in err


def test_three_thousand_columns(capsys, tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "wide.csv"
    cells = rng.integers(9, size=(120, 3000))
    cells[:, 7] = 10 * (np.arange(120) % 2)
    path.write_bytes(
        lines(120, lambda i: ",".join(map(str, cells[i])) + f",{ab(i)}", ",".join(WIDE) + ",target")
    )
    # What probes do with many columns, tests/duel/test_probes.py says.
    args = ["--target", "target", "--quick", "--split", "2x1", *NET, "--no-probes"]
    args += ["--out", tmp_path / "run"]
    code, _, err = run(capsys, "duel", path, *args)
    assert code == 0
    assert "column 'f7' alone predicts the target almost perfectly" in err


def test_three_hundred_classes(capsys, tmp_path):
    path = tmp_path / "many.csv"
    path.write_bytes(lines(1200, lambda i: f"{i % 13},{i % 300 * 1.1},c{i % 300}"))
    args = ["--target", "target", "--quick", "--split", "2x1", *NET, "--out", tmp_path / "run"]
    assert run(capsys, "duel", path, *args)[0] == 0
    result = json.loads((tmp_path / "run" / "result.json").read_text(encoding="utf-8"))
    assert result["dataset"]["n_classes"] == 300


@pytest.mark.long
def test_a_million_rows(capsys, tmp_path):
    rng = np.random.default_rng(0)
    n, path = 1_000_000, tmp_path / "million.csv"
    y = rng.integers(2, size=n)
    frame = pl.DataFrame({f"f{i}": (rng.normal(size=n) + y * (i == 3)).round(3) for i in range(29)})
    frame.with_columns(target=pl.Series(["no", "yes"]).gather(y)).write_csv(path)
    args = ["--target", "target", "--quick", "--threads", "1", "--out", tmp_path / "run"]
    assert run(capsys, "duel", path, *args)[0] == 0
    result = json.loads((tmp_path / "run" / "result.json").read_text(encoding="utf-8"))
    assert result["dataset"]["rows"] == n
    assert result["contenders"]["net"]["test_error"] < 0.35
