"""``graduel verdict`` on files."""

from __future__ import annotations

import gzip
import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.cli.app import main
from graduel.data.read.arrays.array_file import read_array
from graduel.duel.verdict.predictions import compare_predictions
from graduel.errors import UserError
from graduel.number_format import format_equals_p


class Trap:
    """Unpickled, it would leave a mark."""

    def __reduce__(self):
        return (open, ("unpickled", "w"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=600)
    net = np.where(rng.random(600) < 0.15, 1 - y, y)
    trees = np.where(rng.random(600) < 0.05, 1 - y, y)
    words = np.array(["no", "yes"])
    p = np.stack([0.9 - 0.8 * net, 0.1 + 0.8 * net], axis=1)
    for name, array in {"y": y, "net": net, "trees": trees, "p": p, "words": words[net]}.items():
        np.save(f"{name}.npy", array)
    np.save("objects.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    (tmp_path / "pickled.npy").write_bytes(pickle.dumps(Trap()))
    lines = [f"{words[t]},{words[a]},{words[b]}" for t, a, b in zip(y, net, trees, strict=True)]
    (tmp_path / "all.csv").write_text("truth,net,trees\n" + "\n".join(lines) + "\n")
    (tmp_path / "one.csv").write_text("label\n" + "\n".join(map(str, net)) + "\n")
    rows = "\n".join(f"{b:.3f},{a:.3f}" for a, b in p)
    (tmp_path / "p.csv").write_text(f"yes,no\n{rows}\n")
    (tmp_path / "holes.csv").write_text("label,other\n1,2\n,3\n")
    (tmp_path / "blank.csv").write_text("label\n1\n\n0\n")
    np.savez("both.npz", y=y)
    return tmp_path


def out(capsys, *args):
    assert main(["verdict", *args]) == 0
    return capsys.readouterr().out


def test_sentence_numbers_test_and_why(folder, capsys):
    text = out(capsys, "net.npy", "trees.npy", "y.npy")
    found = compare_predictions(
        np.load("net.npy"), np.load("trees.npy"), np.load("y.npy"), names=("net", "trees")
    )
    flat = " ".join(text.split())
    assert found.sentence in flat
    assert found.why in flat
    assert found.scope in flat
    assert (
        f"McNemar mid-p, {format_equals_p(found.p_value)} (exact {format_equals_p(found.p_exact)})"
        in flat
    )
    assert "ROPE ±1 " in flat
    assert max(map(len, text.splitlines())) <= 80


def test_json_is_the_comparison(folder, capsys):
    found = json.loads(out(capsys, "net.npy", "trees.npy", "y.npy", "--json", "--names", "x, y"))
    assert (found["a"], found["b"], found["verdict"]) == ("x", "y", "b better")
    assert found["p_exact"] > found["p_value"]


def test_tables_and_their_columns(folder, capsys):
    told = ["--json", "--names", "net,trees"]
    expected = json.loads(out(capsys, "net.npy", "trees.npy", "y.npy", *told))
    for a in ("net.npy", "one.csv", "one.csv:label"):
        assert json.loads(out(capsys, a, "trees.npy", "y.npy", *told)) == expected
    columns = ("all.csv:net", "all.csv:trees", "all.csv:truth")
    assert json.loads(out(capsys, *columns, *told)) == expected


def test_tables_are_read_as_a_duel_reads_them(folder, capsys):
    """Semicolons, decimal commas, tabs, an old encoding, and a comment above the header."""
    text = (folder / "p.csv").read_text()
    european = text.replace(",", ";").replace(".", ",")
    (folder / "european.csv").write_text(european)
    (folder / "old.tsv").write_bytes(
        "# größer\n".encode("cp1252") + text.replace(",", "\t").encode()
    )
    rest = ("all.csv:trees", "all.csv:truth", "--json", "--names", "p,trees")
    expected = json.loads(out(capsys, "p.csv", *rest))
    for name in ("european.csv", "old.tsv"):
        assert json.loads(out(capsys, name, *rest)) == expected
    (folder / "labels.csv").write_text((folder / "all.csv").read_text().replace(",", ";"))
    columns = ("labels.csv:net", "labels.csv:trees", "labels.csv:truth", "--names", "net,trees")
    one = json.loads(out(capsys, "all.csv:net", "all.csv:trees", "all.csv:truth", "--json"))
    assert json.loads(out(capsys, *columns, "--json")) == one


@pytest.mark.parametrize(
    ("name", "convert"),
    [
        ("semicolons.csv", lambda text: text.replace(",", ";").encode()),
        ("wide.csv", lambda text: text.encode("utf-16")),
        ("old.csv", lambda text: text.replace("yes", "süß").encode("cp1252")),
        ("packed.csv.gz", lambda text: gzip.compress(text.encode())),
        ("blanks.txt", lambda text: text.replace(",", "   ").encode()),
    ],
)
def test_text_files_of_any_dialect(folder, capsys, name, convert):
    columns = [f"all.csv:{column}" for column in ("net", "trees", "truth")]
    expected = json.loads(out(capsys, *columns, "--json"))
    (folder / name).write_bytes(convert((folder / "all.csv").read_text()))
    columns = [f"{name}:{column}" for column in ("net", "trees", "truth")]
    assert main(["verdict", *columns, "--json"]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out) == expected
    assert output.err.count(f"note: {name}: ") == (name != "packed.csv.gz")


def test_files_of_savetxt_have_no_header(folder, capsys):
    names = ("y", "net", "trees", "p")
    arrays = {name: np.load(f"{name}.npy") for name in names}
    for name, array in arrays.items():
        np.savetxt(f"{name}.csv", array, delimiter=",")
        np.savetxt(f"{name}.txt", array, fmt="%g")
    more = ("--json", "--names", "a,b")
    for ending in ("csv", "txt"):
        for a, metric in (("net", "error"), ("p", "log_loss")):
            files = [f"{a}.{ending}", f"p.{ending}", f"y.{ending}", "--metric", metric, *more]
            expected = out(capsys, f"{a}.npy", "p.npy", "y.npy", "--metric", metric, *more)
            assert json.loads(out(capsys, *files)) == json.loads(expected)
    files = ("net.csv", "trees.csv", "y.csv", "--header", "yes")
    assert json.loads(out(capsys, *files, *more))["rows"] == 599


def test_rounded_probabilities_are_renormalized(folder, capsys):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 5, 400)
    p = rng.dirichlet(np.ones(5), 400) * 0.5 + 0.5 * np.eye(5)[y]
    np.savetxt("truth.csv", y, fmt="%d")
    for decimals in (2, 3, 4):
        np.savetxt("p.csv", p, fmt=f"%.{decimals}f", delimiter=",")
        assert (
            main(["verdict", "p.csv", "p.csv", "truth.csv", "--metric", "log_loss", "--json"]) == 0
        )
        output = capsys.readouterr()
        result = json.loads(output.out)
        exact = np.mean(-np.log(p[np.arange(400), y]))
        assert result["error_a"] == pytest.approx(exact, rel=10.0 ** (1 - decimals))
        if decimals < 4:
            assert f"rounded to {decimals} decimals" in result["notes"][0]
            assert "each row is divided by its sum" in output.err


@given(
    n_classes=st.integers(2, 12),
    decimals=st.sampled_from([2, 3, 4]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=50, deadline=None)
def test_any_rounded_probabilities_are_accepted(n_classes, decimals, seed):
    rng = np.random.default_rng(seed)
    y = np.arange(60) % n_classes
    p = rng.dirichlet(np.ones(n_classes), 60).round(decimals)
    result = compare_predictions(p, p, y, names=("a", "b"), metric="brier")
    deviation = np.abs(p.sum(axis=1) - 1).max()
    assert bool(result.notes) == (deviation > 1e-3)


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        (lambda p: p * 100, "Divide percentages by 100"),
        (lambda p: p * 8 - 4, "softmax"),
        (lambda p: p * 4, "softmax"),
        (lambda p: p * 0.8, "Give the probabilities of all classes"),
        (lambda p: p.round(1) * 0.9, "Give the probabilities of all classes"),
    ],
)
def test_numbers_that_are_not_probabilities(change, remedy):
    p = np.array([[0.61, 0.39], [0.28, 0.72]] * 20)
    with pytest.raises(UserError, match=remedy):
        compare_predictions(change(p), p, np.arange(40) % 2, metric="brier")


def test_columns_of_probabilities_are_known_by_their_names(folder, capsys):
    by_name = out(capsys, "p.csv", "all.csv:trees", "all.csv:truth", "--json")
    labels = out(capsys, "all.csv:net", "all.csv:trees", "all.csv:truth", "--json")
    assert json.loads(by_name)["error_a"] == json.loads(labels)["error_a"]
    swapped = ("p.csv", "p.csv", "all.csv:truth", "--metric", "log_loss", "--json")
    [named, listed] = [
        json.loads(out(capsys, *swapped, *more)) for more in ([], ["--classes", "no,yes"])
    ]
    assert named["error_a"] == listed["error_a"] < 0.5


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["none.npy", "trees.npy", "y.npy"], "none.npy: expected a file; there is no such file"),
        ([".", "trees.npy", "y.npy"], "it is a folder"),
        (["objects.npy", "trees.npy", "y.npy"], "Object arrays are not supported"),
        (["pickled.npy", "trees.npy", "y.npy"], "it cannot be read"),
        (["both.npz", "trees.npy", "y.npy"], "expected a .npy file, or a table"),
        (["holes.csv:label", "trees.npy", "y.npy"], "column 'label' has 1 missing of 2 values"),
        (["blank.csv", "trees.npy", "y.npy"], "blank.csv: line 3: expected a value in every row"),
        (["all.csv", "trees.npy", "y.npy"], "Name one column: all.csv:truth"),
        (["all.csv:nett", "trees.npy", "y.npy"], "Did you mean 'net'?"),
        (["net.npy", "trees.npy", "p.csv"], "p.csv:COLUMN"),
        (["words.npy", "trees.npy", "y.npy"], "words: expected one of the classes '0', '1'; got"),
        (["net.npy", "trees.npy", "y.npy", "--metric", "log_loss"], "needs probabilities"),
        (["net.npy", "trees.npy", "y.npy", "--metric", "acuracy"], "Did you mean 'accuracy'?"),
        (["net.npy", "trees.npy", "y.npy", "--names", "x"], "expected two names"),
        (["net.npy", "trees.npy", "y.npy", "--rope", "-1"], "rope must be a share"),
        (["net.npy", "trees.npy"], "Missing argument 'Y'"),
    ],
)
def test_mistakes_are_one_line(folder, capsys, args, message):
    assert main(["verdict", *args]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("graduel: ")
    assert output.err.count("\n") == 1
    assert message.lower() in output.err.lower()
    assert not (folder / "unpickled").exists()


@given(st.binary(max_size=200), st.integers(0, 300), st.sampled_from(["npy", "csv", "parquet"]))
@settings(max_examples=80, deadline=None)
def test_any_bytes_are_an_array_or_one_line(tmp_path_factory, noise, cut, kind):
    folder = tmp_path_factory.mktemp("noise")
    path = folder / f"x.{kind}"
    np.save(folder / "whole.npy", np.arange(20))
    whole = (folder / "whole.npy").read_bytes()
    path.write_bytes(whole[:cut] + noise if kind == "npy" else noise)
    try:
        assert isinstance(read_array(str(path)).array, np.ndarray)
    except UserError as error:
        assert "\n" not in str(error)


@pytest.fixture
def scores(folder):
    rng = np.random.default_rng(0)
    lines = [
        f"{repeat},{fold},{0.80 + 0.02 * rng.random():.4f},{0.90 + 0.02 * rng.random():.4f}"
        for fold in range(5)
        for repeat in range(2)
    ]
    (folder / "scores.csv").write_text("repeat,fold,net,trees\n" + "\n".join(lines) + "\n")
    return folder


SCORES = ["--scores", "scores.csv", "--rows", "500", "--metric", "accuracy"]


def test_a_table_of_scores_by_fold(scores, capsys):
    text = out(capsys, *SCORES)
    assert text.startswith("trees is better than net: ")
    assert "500 rows, 5 folds with 2 repeats" in " ".join(text.split())
    fields = json.loads(out(capsys, *SCORES, "--json", "--names", "trees,net"))
    assert (fields["a"], fields["repeats"], fields["verdict"]) == ("trees", 2, "a better")


@pytest.mark.parametrize(
    ("names", "condition", "code"),
    [
        ("trees,net", "better or equal", 0),
        ("net,trees", "better or equal", 1),
        ("net,trees", "undecided,worse", 0),
        ("trees,net", "EQUAL", 1),
    ],
)
def test_a_gate_for_continuous_integration(scores, capsys, names, condition, code):
    from xml.etree import ElementTree

    args = [*SCORES, "--names", names, "--fail-unless", condition, "--junit", "verdict.xml"]
    assert main(["verdict", *args]) == code
    err = capsys.readouterr().err
    (case,) = ElementTree.parse("verdict.xml").getroot().iter("testcase")
    assert case.get("name") == f"{' against '.join(names.split(','))}: accuracy"
    assert "better than" in case.findtext("system-out")
    failure = case.find("failure")
    assert (failure is not None) == bool(code) == bool(err)
    if code:
        assert err == f"graduel: {failure.get('message')}\n"
        assert err.startswith(f"graduel: --fail-unless: expected {names.split(',')[0]} to be ")


@given(st.text(min_size=1), st.text(min_size=1))
@settings(max_examples=30, deadline=None)
def test_junit_is_xml_whatever_the_names(a, b):
    from dataclasses import replace
    from xml.etree import ElementTree

    from graduel.cli.verdicts.gate import write_junit
    from graduel.duel.verdict.scores import compare_scores

    one = replace(compare_scores([0.9, 0.8], [0.7, 0.6], n_rows=99), a=a, b=b, sentence=a + b)
    (suite,) = ElementTree.fromstring(write_junit(one, f"{a} fails"))
    assert suite.get("failures") == "1"


def test_errors_of_scores_and_conditions(scores, capsys):
    np.save("one.npy", np.ones(4))
    (scores / "three.csv").write_text("a,b,c\n0.1,0.2,0.3\n0.2,0.3,0.4\n")
    for args, words in (
        ([], "missing argument 'A': expected the files A, B and Y"),
        ([*SCORES, "net.npy"], "--scores: expected no other files"),
        (["net.npy", "trees.npy", "y.npy", "--rows", "5"], "--rows: expected --scores"),
        ([*SCORES, "--fail-unless", "beter"], "Did you mean 'better'"),
        ([*SCORES, "--names", "net,forest"], "--names must be one of"),
        (["--scores", "three.csv", *SCORES[2:]], "got a, b, c. Name two of them"),
        (["--scores", "one.npy", *SCORES[2:]], "a column of scores for each model"),
        ([*SCORES[:2], *SCORES[4:]], "pass n_rows (on the command line: --rows)"),
        (SCORES[:4], "--metric: expected the metric of the scores, such as accuracy; got none"),
        (["."], ". is a folder. If it is that of a duel, graduel report . shows its verdicts"),
    ):
        assert main(["verdict", *args]) == 2
        err = capsys.readouterr().err
        assert words in err
        assert err.count("\n") == 1


def test_a_note_does_not_advise_the_names_of_models(scores, capsys):
    (scores / "a.csv").write_text("0\n1\n0\n1\n")
    np.save("y.npy", np.array([0, 1, 0, 1]))
    assert main(["verdict", "a.csv", "y.npy", "y.npy"]) == 0
    err = capsys.readouterr().err
    assert "there is no header" in err
    assert "--names" not in err
