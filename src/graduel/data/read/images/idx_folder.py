"""Read a folder with the four IDX files of MNIST and data sets in its format."""

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
    """Return IDX files by part (train, test) and kind (images, labels)."""
    files: dict[tuple[str, str], Path] = {}
    for path in sorted(folder.iterdir()):
        if match := NAME.fullmatch(path.name):
            part = "train" if match[1] == "train" else "test"
            files.setdefault((part, match[2]), path)
    return files


def read_idx_folder(folder: Path, files: dict[tuple[str, str], Path]) -> Dataset:
    """Read the four files as one data set with a predefined split."""
    keys = [(part, kind) for part in ("train", "test") for kind in ("images", "labels")]
    missing = [f"{part} {kind}" for part, kind in keys if (part, kind) not in files]
    if missing:
        raise UserError(f"{folder}: expected four IDX files; {', '.join(missing)} are missing")
    images, labels, test_images, test_labels = (read_idx(files[key]) for key in keys)
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
