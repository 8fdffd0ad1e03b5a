"""docs/derivation.md and nn/textbook.py agree with each other and with finite differences."""

from __future__ import annotations

import ast
import inspect
import io
import math
import re
import tokenize
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from graduel.nn import textbook

DOC = Path(__file__).parents[2] / "docs" / "derivation.md"
TEXT = DOC.read_text(encoding="utf-8")
NUMBERS = list(range(1, 9))

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
DISPLAY = re.compile(r"^\$\$(.+?)\$\$$", re.M | re.S)
INLINE = re.compile(r"(?<![$\w])\$([^$\n]+)\$(?![$\w])")

# Prose without fenced code and code spans.
PROSE = re.sub(r"`[^`\n]+`", "", FENCE.sub("", TEXT))
BY_HAND = PROSE[PROSE.index("\n## 8.") : PROSE.index("\n## 9.")]


# --- the document's Python ------------------------------------------------------------------


def test_python_blocks_run_in_order_in_one_namespace() -> None:
    blocks = [found for found in FENCE.finditer(TEXT) if found[1] == "python"]
    assert len(blocks) >= 15
    space: dict[str, object] = {"__name__": "derivation"}
    for block in blocks:
        # Empty lines before it, so that a failure shows the line number of the document.
        before = "\n" * TEXT.count("\n", 0, block.start(2))
        exec(compile(before + block[2], str(DOC), "exec"), space)


def _numbered(source: str) -> list[tuple[str, list[int]]]:
    """Return (code without spaces, numbers) for each line with numbers in its comment."""
    lines: dict[int, list[str]] = {}
    found = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        row = token.start[0]
        if token.type == tokenize.COMMENT:
            numbers = [int(n) for n in re.findall(r"\((\d)\)", token.string)]
            if numbers:
                found.append((row, numbers))
        elif token.string.strip():
            lines.setdefault(row, []).append(token.string)
    return [(" ".join(lines[row]), numbers) for row, numbers in found]


def _quoted() -> list[tuple[str, list[int]]]:
    return [q for kind, code in FENCE.findall(TEXT) if kind == "python" for q in _numbered(code)]


def test_both_number_their_equations_from_1_to_8_in_order() -> None:
    assert [int(n) for n in re.findall(r"\\tag\{(\d)\}", PROSE)] == NUMBERS
    code = _numbered(inspect.getsource(textbook))
    assert [n for _, numbers in code for n in numbers] == NUMBERS


def test_every_number_is_quoted_with_its_own_line_of_the_textbook() -> None:
    code = _numbered(inspect.getsource(textbook))
    quoted = _quoted()
    assert {n for _, numbers in quoted for n in numbers} == set(NUMBERS)
    for line, numbers in quoted:
        for n in numbers:
            assert line in [own for own, its in code if n in its], f"({n}) of the document"


def test_second_half_of_the_step_is_quoted_too() -> None:
    own = ast.unparse(ast.parse(inspect.getsource(textbook)))
    line = "b = [v - rate * d for v, d in zip(b, db, strict=True)]"
    assert line in own
    assert line in TEXT


# --- the worked example ---------------------------------------------------------------------

MATRIX = re.compile(r"(\S.*?) = \\begin\{pmatrix\}(.*?)\\end\{pmatrix\}")
ARITHMETIC = re.compile(r"(?:[-\d. +=(){}e^]|\\(?:cdot|ln|frac)\b)+")


def _matrices() -> dict[str, np.ndarray]:
    """Return the matrices printed in section 8 by name."""
    found: dict[str, np.ndarray] = {}
    for display in DISPLAY.findall(BY_HAND):
        for label, body in MATRIX.findall(display):
            name = label.removeprefix(r"\qquad ")
            assert name not in found, f"{name} is printed twice"
            rows = [[float(n) for n in row.split("&")] for row in body.split(r"\cr")]
            found[name] = np.array(rows)
    return found


def test_printed_matrices_are_what_the_textbook_computes() -> None:
    said = _matrices()
    X, Y = said.pop("X"), said.pop("Y")
    W = [said.pop("W_1"), said.pop("W_2")]
    b = [said.pop("b_1"), said.pop("b_2")]
    Z, A = textbook.forward(X, W, b)
    dW, db = textbook.backward(Z, A, Y, W)
    [(W_new, b_new, loss)] = textbook.descend(X, Y, W, b, rate=0.1, steps=1)
    dZ_2 = A[2] - Y
    gate = (Z[0] > 0).astype(float)
    true = {
        "Z_1": Z[0],
        "A_1": A[1],
        "Z_2": Z[1],
        "A_2": A[2],
        "dZ_2": dZ_2,
        "dW_2": dW[1],
        "db_2": db[1],
        r"W_2^\top dZ_2": W[1].T @ dZ_2,
        "g'(Z_1)": gate,
        "dZ_1": (W[1].T @ dZ_2) * gate,
        "dW_1": dW[0],
        "db_1": db[0],
        "W_1'": W_new[0],
        "b_1'": b_new[0],
        "W_2'": W_new[1],
        "b_2'": b_new[1],
    }
    assert said.keys() == true.keys()
    for name, value in true.items():
        np.testing.assert_array_equal(said[name], np.round(value, 4), err_msg=name)

    losses = dict(re.findall(r"^\$\$(L'?) = ([\d.]+)\$\$$", BY_HAND, re.M))
    after = textbook.cross_entropy(textbook.predict(X, W_new, b_new), Y)
    assert losses == {"L": f"{loss:.4f}", "L'": f"{after:.4f}"}


def _value(latex: str) -> float:
    r"""Return the value of sums, products, \frac, \ln and powers of e."""
    code = re.sub(
        r"\\frac\{((?:[^{}]|\{[^{}]*\})*)\}\{((?:[^{}]|\{[^{}]*\})*)\}", r"((\1)/(\2))", latex
    )
    code = re.sub(r"e\^\{([^{}]*)\}", r"exp(\1)", code)
    code = re.sub(r"\\ln ([\d.]+)", r"log(\1)", code).replace(r"\cdot", "*")
    return float(eval(code.strip(), {"__builtins__": {}, "exp": math.exp, "log": math.log}))


def test_printed_arithmetic_is_correct() -> None:
    sums = [formula for formula in INLINE.findall(BY_HAND) if "=" in formula]
    assert len(sums) >= 25
    for chain in sums:
        assert ARITHMETIC.fullmatch(chain), chain
        first, *others = (_value(part) for part in chain.split("="))
        for other in others:
            assert first == pytest.approx(other, abs=1.01e-4), chain


# --- the mathematics survives GitHub's Markdown ---------------------------------------------


def test_mathematics_survives_markdown() -> None:
    formulas = DISPLAY.findall(PROSE)
    rest = DISPLAY.sub("", PROSE)
    formulas += INLINE.findall(rest)
    assert len(formulas) > 150
    assert "$" not in INLINE.sub("", rest), "a formula that is not closed on its line"
    for formula in formulas:
        assert not re.search(r"\\[^A-Za-z]", formula), f"Markdown eats the backslash: {formula}"
        assert not re.search(r"[^\w]_", formula), f"Markdown may see emphasis: {formula}"
        assert not re.search(r"[*|<>~]", formula), f"Markdown may see its own sign: {formula}"
        assert formula.count("{") == formula.count("}"), formula


def test_links_have_targets() -> None:
    titles = re.findall(r"^#+ (.+)$", PROSE, re.M)
    anchors = {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert len(links) > 10
    for link in links:
        if link.startswith("#"):
            assert link[1:] in anchors
        else:
            assert (DOC.parent / link).is_file(), link


# --- backward against central differences ---------------------------------------------------

Backward = Callable[..., tuple[list[np.ndarray], list[np.ndarray]]]


def _disagreement(backward: Backward, sizes: list[int]) -> float:
    """Return the largest |analytic − numeric| over all weights and biases in float64."""
    rng = np.random.default_rng(len(sizes))
    m, h = 7, 1e-5
    X = rng.normal(size=(sizes[0], m))
    Y = textbook.one_hot(rng.integers(sizes[-1], size=m), sizes[-1])
    W, b = textbook.initialize(sizes, rng)
    b = [rng.normal(0, 0.3, size=v.shape) for v in b]
    Z, A = textbook.forward(X, W, b)
    assert min(np.abs(z).min() for z in Z[:-1]) > 100 * h, "too near a kink of the ReLU"
    assert all(0 < np.mean(z > 0) < 1 for z in Z[:-1]), "gates both open and shut"

    worst = 0.0
    dW, db = backward(Z, A, Y, W)
    for P, dP in zip(W + b, dW + db, strict=True):
        assert P.shape == dP.shape
        for place in np.ndindex(P.shape):
            kept = P[place]
            P[place] = kept + h
            above = textbook.cross_entropy(textbook.predict(X, W, b), Y)
            P[place] = kept - h
            below = textbook.cross_entropy(textbook.predict(X, W, b), Y)
            P[place] = kept
            worst = max(worst, float(abs((above - below) / (2 * h) - dP[place])))
    return worst


DEPTHS = [[4, 5, 3], [4, 5, 6, 3], [4, 5, 6, 5, 3]]


@pytest.mark.parametrize("sizes", DEPTHS, ids=["1 hidden", "2 hidden", "3 hidden"])
def test_backward_is_the_derivative_of_the_loss(sizes: list[int]) -> None:
    assert _disagreement(textbook.backward, sizes) < 1e-8


def test_relu_gate_is_closed_at_zero() -> None:
    X, Y = np.zeros((2, 1)), np.array([[1.0], [0.0]])
    W: textbook.Arrays = [np.eye(2), np.eye(2)]
    b: textbook.Arrays = [np.array([[0.0], [1.0]]), np.zeros((2, 1))]
    Z, A = textbook.forward(X, W, b)
    assert Z[0].tolist() == [[0.0], [1.0]]
    db = textbook.backward(Z, A, Y, W)[1][0]
    assert db[0, 0] == 0
    assert db[1, 0] != 0


MISTAKES = [
    ("A[-1] - Y", "Y - A[-1]"),
    ("A[-1] - Y", "-Y / A[-1]"),
    ("1 / m * dZ @ A[l].T", "dZ @ A[l].T"),
    ("1 / m * dZ.sum", "dZ.sum"),
    (" * (Z[l - 1] > 0)", ""),
    ("Z[l - 1] > 0", "Z[l - 1] < 0"),
    ("dZ = W[l].T @ dZ", "dZ = 1 / m * W[l].T @ dZ"),
]


@pytest.mark.parametrize(("right", "wrong"), MISTAKES)
def test_check_finds_the_usual_mistakes(right: str, wrong: str) -> None:
    # ast.unparse gives the same text for any formatting of the file.
    source = ast.unparse(ast.parse(inspect.getsource(textbook.backward)))
    assert source.count(right) == 1, source
    space = dict(vars(textbook))
    exec(source.replace(right, wrong), space)
    assert _disagreement(space["backward"], [4, 5, 6, 3]) > 1e-3
