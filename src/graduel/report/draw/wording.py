"""Pieces of sentences that several sections and pages share."""

from __future__ import annotations


def split_sentence(sentence: str, cost: str = "") -> dict[str, str]:
    """Split a verdict's sentence at its first colon, after which its numbers follow.

    `cost` is the sentence that weighs the verdict against the costs.
    """
    claim, colon, numbers = sentence.partition(": ")
    return {"claim": claim + colon.strip(), "numbers": numbers, "cost": cost}


def join_words(words: list[str]) -> str:
    """Return words as a sentence lists them.

    >>> join_words(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def start_sentence(text: str) -> str:
    """Return a text with its article in upper case; titles keep their own spelling.

    >>> start_sentence("the NumPy network wins."), start_sentence("net wins.")
    ('The NumPy network wins.', 'net wins.')
    """
    return "T" + text[1:] if text.startswith("the ") else text


def capitalize(text: str) -> str:
    """Return a text with its first letter in upper case; the other letters stay.

    >>> capitalize("area under the ROC curve")
    'Area under the ROC curve'
    """
    return text[:1].upper() + text[1:]
