"""Pieces of sentences that several sections and pages share."""

from __future__ import annotations


def split_sentence(sentence: str, cost: str = "") -> dict[str, str]:
    """Split a verdict's sentence at its first colon, after which its numbers follow.

    `cost` is the sentence that weighs the verdict against the costs.
    """
    claim, colon, numbers = sentence.partition(": ")
    return {"claim": claim + colon.strip(), "numbers": numbers, "cost": cost}


def capitalize(text: str) -> str:
    """Return a text with its first letter in upper case; the other letters stay.

    >>> capitalize("area under the ROC curve")
    'Area under the ROC curve'
    """
    return text[:1].upper() + text[1:]
