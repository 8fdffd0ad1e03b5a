"""Gates for continuous integration: a condition on a verdict, and its JUnit XML."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, tostring

from graduel.duel.verdict.types import Comparison
from graduel.errors import UserError, unknown

OUTCOMES = {
    "better": "a better",
    "equal": "practically equal",
    "undecided": "undecided",
    "worse": "b better",
}
"""The words of a condition on the first model, and the verdicts that they accept."""
_CONTROL = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""Characters that XML cannot hold."""


def parse_condition(text: str) -> tuple[str, ...]:
    """Return the words of a condition such as ``better or equal``.

    Raises
    ------
    UserError
        If a word is unknown.

    Examples
    --------
    >>> parse_condition("better or equal")
    ('better', 'equal')
    """
    words = tuple(word for word in re.split(r"\s*,\s*|\s+or\s+|\s+", text.strip().lower()) if word)
    for word in words:
        if word not in OUTCOMES:
            raise unknown("--fail-unless", word, OUTCOMES)
    if not words:
        raise UserError(
            f"--fail-unless: expected a condition such as 'better or equal'; got '{text}'"
        )
    return words


def check_condition(comparison: Comparison, accepted: tuple[str, ...]) -> str:
    """Return why the verdict on the first model is not among `accepted`; empty if it is."""
    if comparison.verdict in {OUTCOMES[word] for word in accepted}:
        return ""
    got = next(word for word, verdict in OUTCOMES.items() if verdict == comparison.verdict)
    return (
        f"--fail-unless: expected {comparison.a} to be {' or '.join(accepted)} against "
        f"{comparison.b}; the verdict is {got}"
    )


def write_junit(comparison: Comparison, failure: str) -> bytes:
    """Return the verdict as JUnit XML: one test case, with a failure unless that is empty."""
    suites = Element("testsuites")
    counts = {"tests": "1", "failures": str(int(bool(failure))), "errors": "0"}
    suite = SubElement(suites, "testsuite", {"name": "graduel verdict", **counts})
    case = SubElement(
        suite,
        "testcase",
        {
            "classname": "graduel.verdict",
            "name": _clean(f"{comparison.a} against {comparison.b}: {comparison.metric}"),
            "time": "0",
        },
    )
    sentence = _clean(comparison.sentence)
    if failure:
        SubElement(case, "failure", {"message": _clean(failure)}).text = sentence
    SubElement(case, "system-out").text = sentence
    return bytes(tostring(suites, encoding="utf-8", xml_declaration=True))


def _clean(text: str) -> str:
    return _CONTROL.sub("?", text)
