"""Reading of folders of images, one folder per class."""

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
from graduel.data.read.labeled_arrays import dataset_from_arrays, natural_order
from graduel.errors import UserError

if TYPE_CHECKING:
    from PIL import Image

ENDINGS = {".png", ".jpg", ".jpeg"}
MOST_PIXELS = 25_000_000
"""Maximum number of pixels of an image: a tiny file can decode to more than fits into memory."""
MOST_BYTES = 8 << 30
"""Maximum size of all images together, in memory."""
GRAY = {"1", "L", "LA", "I", "I;16", "F"}
"""Pillow's modes without color."""


def find_image_folders(folder: Path) -> dict[str, list[Path]]:
    """Return the subfolders with images: sorted files by sorted folder name."""
    folders = {}
    for one in sorted(folder.iterdir()):
        if one.is_dir() and not one.name.startswith("."):
            files = [f for f in sorted(one.iterdir()) if f.suffix.lower() in ENDINGS]
            files = [f for f in files if not f.name.startswith(".") and f.is_file()]
            if files:
                folders[one.name] = files
    return folders


def read_images(folder: Path, size: tuple[int, int] | None = None) -> tuple[Dataset, list[str]]:
    """Read images as uint8: grayscale if all are grayscale, otherwise RGB.

    Folders ``train`` and ``test``, each with a folder per class, are a predefined split.

    Parameters
    ----------
    size : height and width to which images are resized; None if all have the same size

    Returns
    -------
    The data set, and notes.
    """
    parts = [find_image_folders(folder)]
    if not parts[0] and all((folder / part).is_dir() for part in ("train", "test")):
        parts = [find_image_folders(folder / part) for part in ("train", "test")]
        if not parts[0] or not parts[1]:
            raise UserError(f"{folder}: expected a folder per class in both train and test")
    classes = sorted({name for part in parts for name in part}, key=natural_order)
    if len(classes) < 2:
        raise UserError(
            f"{folder}: expected a folder of PNG or JPEG images for each of two classes or more; "
            f"got {join_names(classes) or 'no such folder'}"
        )
    files = [(path, name) for part in parts for name in classes for path in part.get(name, ())]
    has_color, size = _inspect([path for path, _ in files], size)
    X = np.empty((len(files), *size, 3) if has_color else (len(files), *size), np.uint8)
    for row, (path, _) in zip(X, files, strict=True):
        row[...] = _read_pixels(path, size, has_color)
    n_train = sum(map(len, parts[0].values())) if len(parts) == 2 else None
    labels = np.array([name for _, name in files])
    mode = "RGB" if has_color else "grayscale"
    notes = [f"{len(files):,} images of {size[0]} × {size[1]} pixels, {mode}"]
    dataset = dataset_from_arrays(
        folder.resolve().name, X, labels, n_train=n_train, source=folder.name
    )
    return dataset, notes


def read_flat(files: list[Path], image: tuple[int, int, int]) -> NDArray[Any]:
    """Read images without classes and resize them to the shape (height, width, channels).

    Returns
    -------
    A uint8 array of shape (n, height, width), or (n, height, width, 3) for RGB.
    """
    height, width, channels = image
    _inspect(files, (height, width))
    return np.stack([_read_pixels(path, (height, width), channels == 3) for path in files])


def _inspect(files: list[Path], size: tuple[int, int] | None) -> tuple[bool, tuple[int, int]]:
    """Return whether any image has color, and the size, from the images' headers."""
    has_color, is_fixed, first = False, size is not None, files[0]
    for path in files:
        with _open_image(path) as image:
            here = (image.height, image.width)
            has_color |= image.mode not in GRAY
        if here[0] * here[1] > MOST_PIXELS:
            raise UserError(
                f"{path}: expected at most {MOST_PIXELS:,} pixels; got {here[1]:,} × {here[0]:,}. "
                "Resize it first"
            )
        size = size or here
        if not is_fixed and here != size:
            raise UserError(
                f"{path}: expected {size[0]} × {size[1]} pixels (height × width), as {first.name} "
                f"has; got {here[0]} × {here[1]}. Resize all with --size HEIGHTxWIDTH"
            )
    assert size is not None
    if len(files) * size[0] * size[1] * (3 if has_color else 1) > MOST_BYTES:
        raise UserError(
            f"{len(files):,} images of {size[0]} × {size[1]} pixels need more than "
            f"{MOST_BYTES >> 30} GB of memory. Make them smaller with --size HEIGHTxWIDTH"
        )
    return has_color, size


@contextmanager
def _open_image(path: Path) -> Iterator[Image.Image]:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            # Pillow warns about large images, whose size _inspect limits.
            warnings.simplefilter("ignore")
            with Image.open(path, formats=("PNG", "JPEG")) as image:
                yield image
    except UserError:
        raise
    except Exception as error:  # Pillow raises many types for damaged files
        raise UserError(
            f"{path}: expected a complete PNG or JPEG image; it cannot be read "
            f"({type(error).__name__}). Repair it or remove it"
        ) from None


def _read_pixels(path: Path, size: tuple[int, int], has_color: bool) -> NDArray[Any]:
    from PIL import Image

    with _open_image(path) as image:
        if image.mode.startswith("I"):
            # Pillow would truncate 16-bit pixels instead of scaling them.
            gray = np.asarray(image).astype(np.int64).clip(0, 65535) // 257
            image = Image.fromarray(gray.astype(np.uint8))
        plain = image.convert("RGB" if has_color else "L")
        if (plain.height, plain.width) != size:
            plain = plain.resize((size[1], size[0]), Image.Resampling.BILINEAR)
        return np.asarray(plain)
