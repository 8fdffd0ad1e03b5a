"""Phrases that CONTRIBUTING.md replaces are absent from code, pages, templates and docs."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("src", "tests", "benchmarks", "docs")
FILES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "conftest.py")),
    *sorted(
        path
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".md", ".j2", ".js", ".html", ".css"}
        and path != Path(__file__)
        and "node_modules" not in path.parts
    ),
]

PHRASES = {
    r"rows? to (learn from|choose on|be judged on|judge)|learned from, chosen on": "training rows",
    r"(what|how) (each|a) column is is|found out and said": "column types are inferred",
    r"what is taken for what|taken for what": "confusion matrix",
    r"(are|is) to be believed": "calibration",
    r"what holds when|when rows are disturbed|disturbed rows": "robustness, perturbed rows",
    r"what each model looks at": "feature importance",
    r"learned vectors?": "embedding",
    r"\bwaves?\b(?! (form|length))": "periodic embedding",
    r"\b(is|are|was|were) (learned|learnt) from\b": "training",
    r"places? on (a |the )?circles?": "cyclic encoding",
    r"activations? that bends?": "parametric activation",
    r"\bbends (in|of)\b": "kinks",
    r"falls over (a|the) training|decay that falls": "schedule, decay",
    r"warped anew": "augmented",
    r"how well one is known to do": "confidence interval",
    r"push that hurts": "adversarial example",
    r"switched off(?= (unit|neuron)s?)": "ablated",
    r"ended without a word": "worker process died",
    r"\b(dearer|dearest)\b|\bdear to\b": "slow; costs more",
    r"\bcheap(er|ly)? to (train|fit|predict)\b": "fast; costs less",
    r"\band its kin\b": "name the formats",
    r"\bso many\b": "a number",
    r"\bthat (is|are) (?-i:none)\b(?! of)": "not a …",
    r"\bby heart\b": "memorize",
    r"\bis ever handed\b|\bnever handed\b": "never sees",
    r"\bcomes? about\b": "is computed",
    r"\bof one's own\b": "your own",
    r"\bgives? (it|the target|them) away\b": "predicts the target",
    r"\btells? apart\b": "distinguishes",
    r"\bwithout a word\b": "without a message",
    r"\bas (it|they) (came|comes|come)\b": "unchanged",
    r"\bnobody (chooses|names|named|has named)\b": "by default",
    r"\bsays? so\b": "reports it",
    r"\bgoes? on where\b": "resumes",
    r"\bis what (it|they)\b": "name it with a noun",
}
"""Regular expressions of what is not written, with what is written instead."""

OPENINGS = re.compile(r"(Tell|Say|Refuse|Settle|Ask|Hand|Make of|Read in|Find out)\b")
"""Verbs that no docstring opens with; Return, Raise, Validate, Print are standard."""


@cache
def prose(path: Path) -> str:
    """Return what a person reads in a file: of Python the strings and comments, else all of it."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return text
    kinds = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", -1)}
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return "\n".join(token.string for token in tokens if token.type in kinds)


@pytest.mark.parametrize("phrase", PHRASES)
def test_a_replaced_phrase_is_absent(phrase):
    pattern = re.compile(phrase.replace(" ", r"[\s#]+"), re.IGNORECASE)
    uses = [
        f"{path.relative_to(ROOT)}: {match[0]!r}; write: {PHRASES[phrase]}"
        for path in FILES
        for match in pattern.finditer(prose(path))
    ]
    assert not uses, "\n".join(uses)


def test_docstrings_open_with_standard_verbs():
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    openings = [
        f"{path.relative_to(ROOT)}: {docstring.splitlines()[0]}"
        for path in FILES
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, kinds)
        and (docstring := ast.get_docstring(node))
        and OPENINGS.match(docstring)
    ]
    assert not openings, "\n".join(openings)
