"""Folders of images, a folder a class."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.dataset import Dataset
from graduel.data.read.column_names import join_names
from graduel.data.read.labelled_arrays import dataset_from_arrays, natural_order
from graduel.errors import UserError

if TYPE_CHECKING:
    from PIL import Image

ENDINGS = {".png", ".jpg", ".jpeg"}
MOST_PIXELS = 25_000_000
"""Of one image: a file of a few bytes can ask for far more memory than there is."""
MOST_BYTES = 8 << 30
"""Of all images together."""
GREY = {"1", "L", "LA", "I", "I;16", "F"}
"""Pillow's modes without colour."""


def find_image_folders(folder: Path) -> dict[str, list[Path]]:
    """Find the folders of a folder that hold images: their names and files, in order."""
    found = {}
    for one in sorted(folder.iterdir()):
        if one.is_dir() and not one.name.startswith("."):
            files = [f for f in sorted(one.iterdir()) if f.suffix.lower() in ENDINGS]
            files = [f for f in files if not f.name.startswith(".") and f.is_file()]
            if files:
                found[one.name] = files
    return found


def read_images(folder: Path, size: tuple[int, int] | None = None) -> tuple[Dataset, list[str]]:
    """Read every image: uint8, grey if all are, else red, green, blue.

    A folder of the folders ``train`` and ``test``, each with a folder a class, is a given split.

    Parameters
    ----------
    size : height and width that all are brought to; without it they must be of one size

    Raises
    ------
    UserError
        If there are fewer than two classes, sizes differ, or a file is damaged or too large.
    """
    parts = [find_image_folders(folder)]
    if not parts[0] and all((folder / part).is_dir() for part in ("train", "test")):
        parts = [find_image_folders(folder / part) for part in ("train", "test")]
        if not parts[0] or not parts[1]:
            raise UserError(f"{folder}: expected a folder a class in both train and test")
    classes = sorted({name for part in parts for name in part}, key=natural_order)
    if len(classes) < 2:
        raise UserError(
            f"{folder}: expected a folder of PNG or JPEG images for each of two classes or more; "
            f"got {join_names(classes) or 'none'}"
        )
    files = [(path, name) for part in parts for name in classes for path in part.get(name, ())]
    colour, size = _survey([path for path, _ in files], size)
    X = np.empty((len(files), *size, 3) if colour else (len(files), *size), np.uint8)
    for row, (path, _) in zip(X, files, strict=True):
        row[...] = _pixels(path, size, colour)
    n_train = sum(map(len, parts[0].values())) if len(parts) == 2 else None
    labels = np.array([name for _, name in files])
    notes = [f"{len(files):,} images of {size[0]} × {size[1]} pixels, {_kind(colour)}"]
    made = dataset_from_arrays(
        folder.resolve().name, X, labels, n_train=n_train, source=folder.name
    )
    return made, notes


def read_flat(files: list[Path], image: tuple[int, int, int]) -> NDArray[Any]:
    """Read images without classes and bring them to (height, width, channels).

    Returns
    -------
    uint8 of shape (n, height, width), or (n, height, width, 3) for colour.

    Raises
    ------
    UserError
        If a file is damaged or too large.
    """
    height, width, channels = image
    _survey(files, (height, width))
    return np.stack([_pixels(path, (height, width), channels == 3) for path in files])


def _kind(colour: bool) -> str:
    return "colour" if colour else "grey"


def _survey(files: list[Path], size: tuple[int, int] | None) -> tuple[bool, tuple[int, int]]:
    """Read the headers alone: whether there is colour, and the size."""
    colour, given, first = False, size is not None, files[0]
    for path in files:
        with _image(path) as image:
            here = (image.height, image.width)
            colour |= image.mode not in GREY
        if here[0] * here[1] > MOST_PIXELS:
            raise UserError(
                f"{path}: expected at most {MOST_PIXELS:,} pixels; got {here[1]:,} × {here[0]:,}. "
                "Make it smaller first"
            )
        size = size or here
        if not given and here != size:
            raise UserError(
                f"{path}: expected {size[0]} × {size[1]} pixels (height × width), as {first.name} "
                f"has; got {here[0]} × {here[1]}. Bring all to one size with --size HEIGHTxWIDTH"
            )
    assert size is not None
    if len(files) * size[0] * size[1] * (3 if colour else 1) > MOST_BYTES:
        raise UserError(
            f"{len(files):,} images of {size[0]} × {size[1]} pixels need more than "
            f"{MOST_BYTES >> 30} GB of memory. Make them smaller with --size HEIGHTxWIDTH"
        )
    return colour, size


@contextmanager
def _image(path: Path) -> Iterator[Image.Image]:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            # Pillow warns of large images; they are refused here by their size.
            warnings.simplefilter("ignore")
            with Image.open(path, formats=("PNG", "JPEG")) as image:
                yield image
    except UserError:
        raise
    except Exception as error:  # Pillow has many for damaged files
        raise UserError(
            f"{path}: expected a whole PNG or JPEG image; it cannot be read "
            f"({type(error).__name__}). Mend it or take it out"
        ) from None


def _pixels(path: Path, size: tuple[int, int], colour: bool) -> NDArray[Any]:
    from PIL import Image

    with _image(path) as image:
        if image.mode.startswith("I"):
            # Sixteen bits a pixel, which Pillow would cut off and not scale.
            grey = np.asarray(image).astype(np.int64).clip(0, 65535) // 257
            image = Image.fromarray(grey.astype(np.uint8))
        plain = image.convert("RGB" if colour else "L")
        if (plain.height, plain.width) != size:
            plain = plain.resize((size[1], size[0]), Image.Resampling.BILINEAR)
        return np.asarray(plain)
