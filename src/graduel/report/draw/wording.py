"""Sentence helpers shared by sections and pages."""

from __future__ import annotations


def split_sentence(sentence: str, cost: str = "") -> dict[str, str]:
    """Split a verdict's sentence at its first colon into the claim and its numbers.

    `cost` is the sentence that compares the costs.
    """
    claim, colon, numbers = sentence.partition(": ")
    return {"claim": claim + colon.strip(), "numbers": numbers, "cost": cost}


def capitalize(text: str) -> str:
    """Return a text with its first letter in upper case and the others unchanged.

    >>> capitalize("area under the ROC curve")
    'Area under the ROC curve'
    """
    return text[:1].upper() + text[1:]
