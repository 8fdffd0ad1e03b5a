"""Names of the arrays that hold features and labels, in files of several arrays."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from graduel.data.finding import FILES_LEFT_OUT, JOINED_PARTS, Finding
from graduel.data.read.column_names import join_names

Pair = tuple[str, str]
"""The names of features and labels."""

PAIRS: tuple[Pair, ...] = (
    ("x", "y"),
    ("data", "target"),
    ("images", "labels"),
    ("data", "labels"),
    ("data", "label"),
    ("features", "labels"),
    ("fea", "gnd"),
)
"""Names without a predefined split, in lower case."""
TRAIN: tuple[Pair, ...] = (("x_train", "y_train"), ("train_images", "train_labels"))
VALID: tuple[Pair, ...] = (
    ("x_val", "y_val"),
    ("x_valid", "y_valid"),
    ("val_images", "val_labels"),
)
TEST: tuple[Pair, ...] = (("x_test", "y_test"), ("test_images", "test_labels"))
"""Names of the parts of a predefined split: of Keras' archives, and of MedMNIST's."""


def find_pair(names: Iterable[str], pairs: Iterable[Pair]) -> Pair | None:
    """Return the first of the pairs whose names, in any case, are in a file; None without one.

    >>> find_pair(["y", "X", "about"], PAIRS)
    ('X', 'y')
    """
    lower = {name.lower(): name for name in names}
    return next(((lower[x], lower[y]) for x, y in pairs if {x, y} <= lower.keys()), None)


CLASS = re.compile(r"(train|test)[ _-]?(\d+)", re.I)
"""Names of arrays that hold the rows of one class, such as train0."""


@dataclass(frozen=True, slots=True)
class ArrayParts:
    """The arrays that hold the parts of a data set.

    Attributes
    ----------
    train, test : names of features and labels; no test part if rows are to be split
    findings : findings on the validation part, and on arrays that are not read
    """

    train: tuple[Pair, ...]
    test: tuple[Pair, ...] = ()
    findings: tuple[Finding, ...] = ()


def select_parts(names: Iterable[str]) -> ArrayParts | None:
    """Return the arrays of features and labels in a file; None if their names are others.

    Validation arrays, as MedMNIST has them, are added to the training part; without a test part
    they are the test part.

    >>> parts = select_parts(["x_train", "y_train", "x_val", "y_val", "x_test", "y_test"])
    >>> parts.train, parts.test
    ((('x_train', 'y_train'), ('x_val', 'y_val')), (('x_test', 'y_test'),))
    """
    names = list(names)
    train, valid, test = (find_pair(names, pairs) for pairs in (TRAIN, VALID, TEST))
    if train and (test or valid):
        findings = []
        if valid and test:
            message = (
                f"the rows of {valid[0]} are added to the training part, from which each fit takes "
                "its validation rows"
            )
            findings.append(JOINED_PARTS.report(message))
        elif valid:
            findings.append(JOINED_PARTS.report(f"{valid[0]} is the test part: there is no other"))
        trained = (train, valid) if valid and test else (train,)
        tested = test or valid
        assert tested is not None
        used = [name for pair in (*trained, tested) for name in pair]
        return ArrayParts(trained, (tested,), (*findings, *leave_out(names, used)))
    pair = find_pair(names, PAIRS)
    return None if pair is None else ArrayParts((pair,), (), leave_out(names, pair))


def leave_out(names: Iterable[str], used: Iterable[str]) -> tuple[Finding, ...]:
    """Return a finding on the arrays of a file that are not read, if there are any."""
    used = set(used)
    left_out = [name for name in names if name not in used]
    if not left_out:
        return ()
    return (FILES_LEFT_OUT.report(f"the arrays {join_names(left_out)} are not read"),)


def find_class_arrays(names: Iterable[str]) -> dict[str, dict[str, str]] | None:
    """Return the names of arrays that hold the rows of one class each, by part and class.

    None unless there are several classes, all with training and test rows.

    >>> find_class_arrays(["train0", "train1", "test0", "test1"])
    {'train': {'0': 'train0', '1': 'train1'}, 'test': {'0': 'test0', '1': 'test1'}}
    >>> find_class_arrays(["train0", "train1", "test0"])
    """
    parts: dict[str, dict[str, str]] = {"train": {}, "test": {}}
    for name in names:
        if match := CLASS.fullmatch(name):
            parts[match[1].lower()][match[2]] = name
    train, test = parts.values()
    return parts if len(train) > 1 and train.keys() == test.keys() else None
