"""Parts of a data set in arrays, such as training and test part, as one data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.finding import Finding
from graduel.data.prepare.pixel_format import PixelFormat, infer_format
from graduel.data.read.arrays.labeled_arrays import as_labels, dataset_from_arrays
from graduel.errors import UserError

if TYPE_CHECKING:
    from graduel.data.dataset import Dataset


@dataclass(frozen=True, slots=True)
class ArrayPart:
    """Features and labels of one part of the data, and their names."""

    names: tuple[str, str]
    X: NDArray[Any]
    y: NDArray[Any]


def join_parts(
    path: Path, parts: Sequence[ArrayPart], n_train: int, findings: tuple[Finding, ...]
) -> Dataset:
    """Return the data set of a file's parts; a single part has no predefined split.

    Parameters
    ----------
    n_train : number of training parts, which come first

    Raises
    ------
    UserError
        If the parts do not fit together, or rows and labels have different numbers.
    """
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
        n_train=sum(len(part.X) for part in parts[:n_train]),
        source=path.name,
        findings=findings,
    )


def _reject_other_scales(parts: Sequence[ArrayPart], path: Path) -> None:
    """Raise if the images of one part have pixels from 0 to 1, and those of another have not."""
    ranges = {part.names[0]: infer_format(part.X) for part in parts if part.X.any()}
    units = [name for name, pixels in ranges.items() if pixels == PixelFormat(high=1.0)]
    others = [name for name in ranges if name not in units]
    if units and others:
        raise UserError(
            f"{path}: expected pixels of one scale; got {ranges[units[0]]} in {units[0]} and "
            f"{ranges[others[0]]} in {others[0]}. Scale all parts in the same way"
        )
