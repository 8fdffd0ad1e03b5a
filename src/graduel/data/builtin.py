"""The built-in data sets, by name."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import as_file, files

import numpy as np

from graduel.data.dataset import Dataset
from graduel.data.prepare.pixel_format import PixelFormat
from graduel.data.read.images.idx import read_idx
from graduel.errors import unknown


def load_mnist() -> Dataset:
    """Load MNIST from the package: 60,000 + 10,000 handwritten digits of 28 × 28 pixels.

    Source: LeCun, Cortes and Burges, *The MNIST database of handwritten digits*, 1998.
    License: CC-BY-SA-3.0.
    """
    with as_file(files("graduel.data") / "mnist") as folder:
        parts = [
            read_idx(folder / f"{part}-{kind}-ubyte.gz")
            for part in ("train", "t10k")
            for kind in ("images-idx3", "labels-idx1")
        ]
    return Dataset(
        name="mnist",
        X=np.concatenate(parts[0::2]),
        y=np.concatenate(parts[1::2]),
        classes=tuple("0123456789"),
        n_train=len(parts[0]),
        source="LeCun, Cortes and Burges, 1998; CC-BY-SA-3.0",
        pixels=PixelFormat(),
    )


DATASETS: dict[str, Callable[[], Dataset]] = {"mnist": load_mnist}


def load_dataset(name: str) -> Dataset:
    """Load a built-in data set by name; nothing is downloaded.

    Raises
    ------
    UserError
        If there is no data set of that name; the message suggests the closest.

    Examples
    --------
    >>> mnist = load_dataset("mnist")
    >>> mnist.X.shape, mnist.X.dtype.name, mnist.y.shape, mnist.n_train
    ((70000, 28, 28), 'uint8', (70000,), 60000)
    """
    if name not in DATASETS:
        raise unknown("data set", name, DATASETS)
    return DATASETS[name]()
