"""Reading of NPZ files, NumPy's archives of arrays; nothing is unpickled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.dataset import Dataset
from graduel.data.finding import FILES_LEFT_OUT, JOINED_PARTS, Finding
from graduel.data.prepare.pixel_format import PixelFormat, infer_format
from graduel.data.read.arrays.array_names import PAIRS, TEST, TRAIN, VALID, Pair, find_pair
from graduel.data.read.arrays.labeled_arrays import as_labels, dataset_from_arrays
from graduel.data.read.column_names import join_names
from graduel.data.read.reading_errors import reading_errors
from graduel.errors import UserError


@dataclass(frozen=True, slots=True)
class _Part:
    """Features and labels of one part of the data."""

    names: tuple[str, str]
    X: NDArray[Any]
    y: NDArray[Any]


def read_npz(path: Path) -> Dataset:
    """Read the arrays X and y, or a predefined split x_train, y_train, x_test and y_test.

    Validation arrays, as MedMNIST has them, are added to the training part.
    """
    remedy = "Save it again with numpy.savez, without object arrays"
    with reading_errors(path, "an NPZ file of plain arrays", remedy), path.open("rb") as file:
        archive = np.load(file, allow_pickle=False)
        train, test, findings = _select_parts(archive, path)
    parts = [*train, *test]
    if len(parts) == 1:
        X, y = parts[0].X, parts[0].y
        return dataset_from_arrays(path.stem, X, y, source=path.name, findings=findings)
    for part in parts:
        if part.X.ndim == 0 or len(part.X) == 0 or part.X.shape[1:] != parts[0].X.shape[1:]:
            raise UserError(
                f"{path}: expected training and test rows of the same shape; got "
                f"{parts[0].X.shape} and {part.X.shape}"
            )
    if parts[0].X.ndim > 2:
        _reject_other_scales(parts, path)
    labels = [as_labels(part.y, f"{path}: {part.names[1]}") for part in parts]
    for part, y in zip(parts, labels, strict=True):
        if len(part.X) != len(y):
            raise UserError(
                f"{path}: expected as many labels as rows; got {len(y)} in {part.names[1]} and "
                f"{len(part.X)} in {part.names[0]}"
            )
    return dataset_from_arrays(
        path.stem,
        np.concatenate([part.X for part in parts]),
        np.concatenate(labels),
        n_train=sum(len(part.X) for part in train),
        source=path.name,
        findings=findings,
    )


def _reject_other_scales(parts: list[_Part], path: Path) -> None:
    """Raise if the images of one part have pixels from 0 to 1, and those of another have not."""
    ranges = {part.names[0]: infer_format(part.X) for part in parts if part.X.any()}
    units = [name for name, pixels in ranges.items() if pixels == PixelFormat(high=1.0)]
    others = [name for name in ranges if name not in units]
    if units and others:
        raise UserError(
            f"{path}: expected pixels of one scale; got {ranges[units[0]]} in {units[0]} and "
            f"{ranges[others[0]]} in {others[0]}. Scale all parts in the same way"
        )


def _select_parts(archive: Any, path: Path) -> tuple[list[_Part], list[_Part], tuple[Finding, ...]]:
    """Return the training parts, the test part if there is one, and findings."""
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise UserError(
            f"{path}: expected an NPZ file with X and y; got a single array of shape "
            f"{archive.shape}. Save both with numpy.savez"
        )

    def load(pairs: tuple[Pair, ...]) -> list[_Part]:
        pair = find_pair(archive.files, pairs)
        return [] if pair is None else [_Part(pair, archive[pair[0]], archive[pair[1]])]

    train, valid, test = load(TRAIN), load(VALID), load(TEST)
    valid_is_test = bool(train and valid and not test)
    if valid_is_test:
        test, valid = valid, []
    if not train or not test:
        train, valid, test = load(PAIRS), [], []
    if not train:
        raise UserError(
            f"{path}: expected arrays X and y, or x_train, y_train, x_test and y_test; "
            f"got {join_names(archive.files)}"
        )
    findings = []
    if valid:
        findings.append(
            JOINED_PARTS.report(
                f"the rows of {valid[0].names[0]} are added to the training part, from which each "
                "fit takes its validation rows"
            )
        )
    elif valid_is_test:
        findings.append(
            JOINED_PARTS.report(f"{test[0].names[0]} is the test part: there is no other")
        )
    used = {name for part in (*train, *valid, *test) for name in part.names}
    if left_out := [name for name in archive.files if name not in used]:
        findings.append(FILES_LEFT_OUT.report(f"the arrays {join_names(left_out)} are not read"))
    return [*train, *valid], test, tuple(findings)
