"""A folder with the four IDX files of MNIST and its kin."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from graduel.data.dataset import Dataset
from graduel.data.read.images.idx import read_idx
from graduel.data.read.labelled_arrays import dataset_from_arrays
from graduel.errors import UserError

NAME = re.compile(r"(?:.*-)?(train|t10k|test)-(images|labels)[-.]idx\d-ubyte(?:\.gz)?")


def find_idx_files(folder: Path) -> dict[tuple[str, str], Path]:
    """Find IDX files by part (train, test) and kind (images, labels)."""
    found: dict[tuple[str, str], Path] = {}
    for path in sorted(folder.iterdir()):
        if match := NAME.fullmatch(path.name):
            part = "train" if match[1] == "train" else "test"
            found.setdefault((part, match[2]), path)
    return found


def read_idx_folder(folder: Path, files: dict[tuple[str, str], Path]) -> Dataset:
    """Read the four files as one data set with its given split.

    Raises
    ------
    UserError
        If one of the four is not there or is damaged.
    """
    wanted = [(part, kind) for part in ("train", "test") for kind in ("images", "labels")]
    lacking = [f"{part} {kind}" for part, kind in wanted if (part, kind) not in files]
    if lacking:
        raise UserError(f"{folder}: expected four IDX files; {', '.join(lacking)} are not there")
    images, labels, test_images, test_labels = (read_idx(files[key]) for key in wanted)
    if images.shape[1:] != test_images.shape[1:] or not len(images) or not len(test_images):
        raise UserError(
            f"{folder}: expected training and test images of one size; got {images.shape} and "
            f"{test_images.shape}"
        )
    if len(images) != len(labels):
        raise UserError(
            f"{folder}: expected as many labels as images; got {len(labels)} and {len(images)}"
        )
    return dataset_from_arrays(
        folder.resolve().name,
        np.concatenate([images, test_images]),
        np.concatenate([labels.ravel(), test_labels.ravel()]),
        n_train=len(images),
        source=folder.name,
    )
