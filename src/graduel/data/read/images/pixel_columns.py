"""Images in tables with a column for each pixel, as Kaggle's CSV files of MNIST have them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.finding import PIXEL_COLUMNS, Finding
from graduel.data.prepare.pixel_format import PixelFormat, infer_format
from graduel.data.read.arrays.labeled_arrays import dataset_from_arrays
from graduel.data.read.column_names import quote_name

if TYPE_CHECKING:
    import polars as pl

    from graduel.data.dataset import Dataset

NUMBERED = re.compile(r"(?:pixel|pix|px)[ _.-]?(\d+)", re.IGNORECASE)
"""Names such as pixel0."""
PLACED = re.compile(r"(?:pixel|pix|px)?[ _.-]?(\d+)[x_](\d+)", re.IGNORECASE)
"""Names such as 1x1 or pixel_0_0: row and column."""
UNNAMED = re.compile(r"column_\d+")
"""Names of the columns of a table without a header."""
MIN_SIDE, MIN_UNNAMED_SIDE = 4, 16
"""Minimum height and width: with names of pixels, and in a table without a header."""
MAX_UNNAMED_CLASSES = 1000


@dataclass(frozen=True, slots=True)
class PixelColumns:
    """The columns of a table that are the pixels of an image, row by row, and the other column.

    Attributes
    ----------
    names : the columns of pixels, in the order of the pixels
    shape : height and width; with channels if there are three
    target : the only other column; None without one
    """

    names: tuple[str, ...]
    shape: tuple[int, ...]
    target: str | None

    def images(self, frame: pl.DataFrame) -> NDArray[Any]:
        """Return the images, shape (n, height, width) or (n, height, width, 3)."""
        return frame.select(self.names).to_numpy().reshape(-1, *self.shape)

    def finding(self) -> Finding:
        """Return the finding that the table is read as images."""
        height, width, *channels = self.shape
        colors = " in three colors" if channels else ""
        labels = "" if self.target is None else f", with labels in {quote_name(self.target)}"
        return PIXEL_COLUMNS.report(
            f"the columns {quote_name(self.names[0])} to {quote_name(self.names[-1])} are read as "
            f"images of {height} × {width} pixels{colors}{labels}. Read them as numbers with "
            f"--numeric {self.names[0]}"
        )


def find_pixel_columns(frame: pl.DataFrame) -> PixelColumns | None:
    """Return the pixels of a table that holds only images and a label; None for others.

    The columns are named like pixels, numbered from 0 or 1 or by row and column, or have no names;
    their number is that of a square image, or three times that; their values are whole numbers
    from 0 to 255.

    >>> import polars as pl
    >>> rows = [[1, *range(0, 160, 10)], [0, *range(16)]]
    >>> named = pl.DataFrame(rows, ["label", *(f"pixel{i}" for i in range(16))], orient="row")
    >>> columns = find_pixel_columns(named)
    >>> columns.shape, columns.target
    ((4, 4), 'label')
    >>> find_pixel_columns(named.rename({"pixel15": "pixel16"}))
    """
    names, others = _match_names(frame.columns)
    if not names:
        names, others = _match_unnamed(frame)
    if len(others) > 1 or not (shape := _image_shape(len(names))):
        return None
    if not _holds_pixels(frame, names):
        return None
    return PixelColumns(tuple(names), shape, others[0] if others else None)


def read_pixel_columns(frame: pl.DataFrame, target: str | None, name: str) -> Dataset | None:
    """Return the images in a table and their labels as a data set; None for other tables.

    Parameters
    ----------
    target : the column of labels; None for the only column that is not a pixel
    name : the data set's name
    """
    columns = find_pixel_columns(frame)
    if columns is None or columns.target is None or target not in (None, columns.target):
        return None
    labels = frame[columns.target]
    if labels.null_count() or labels.n_unique() < 2:
        return None
    if labels.dtype.is_float() and not bool((labels == labels.round()).all()):
        return None
    values = (
        labels.to_numpy() if labels.dtype.is_numeric() else np.array(labels.cast(str).to_list())
    )
    return dataset_from_arrays(
        name,
        columns.images(frame),
        values,
        findings=(columns.finding(),),
    )


def _match_names(names: list[str]) -> tuple[list[str], list[str]]:
    """Return the columns that are named like pixels, in order, and the other columns."""
    for pattern in (NUMBERED, PLACED):
        matches = {name: match for name in names if (match := pattern.fullmatch(name))}
        if len(matches) < MIN_SIDE**2:
            continue
        places = [tuple(map(int, match.groups())) for match in matches.values()]
        order = sorted(range(len(places)), key=places.__getitem__)
        pixels = [list(matches)[i] for i in order]
        if _is_complete([places[i] for i in order]):
            return pixels, [name for name in names if name not in matches]
    return [], []


def _is_complete(places: list[tuple[int, ...]]) -> bool:
    """Return whether sorted numbers, or rows and columns, are all of an image, from 0 or 1."""
    first = places[0][0]
    if first > 1:
        return False
    if len(places[0]) == 1:
        return places == [(first + i,) for i in range(len(places))]
    side = isqrt(len(places))
    return places == [(first + r, first + c) for r in range(side) for c in range(side)]


def _match_unnamed(frame: pl.DataFrame) -> tuple[list[str], list[str]]:
    """Return the columns of a table without a header, except for the first or last, a label.

    The label is the one of the two that holds classes numbered from 0 or 1; in doubt, the first.
    """
    names = frame.columns
    side = isqrt(len(names) - 1)
    if side < MIN_UNNAMED_SIDE or not all(map(UNNAMED.fullmatch, names)):
        return [], []
    ends = (names[0], names[-1])
    label = next((name for name in ends if _are_numbered(frame[name])), names[0])
    labels = frame[label]
    is_label = labels.dtype.is_integer() and labels.n_unique() <= MAX_UNNAMED_CLASSES
    return ([name for name in names if name != label], [label]) if is_label else ([], [])


def _are_numbered(labels: pl.Series) -> bool:
    """Return whether a column holds all whole numbers from 0 or 1 to its maximum."""
    if not labels.dtype.is_integer() or labels.null_count():
        return False
    low, high, n = labels.min(), labels.max(), labels.n_unique()
    return n > 1 and low in (0, 1) and n == int(high) - int(low) + 1  # type: ignore[arg-type]


def _image_shape(n_pixels: int) -> tuple[int, ...]:
    """Return the shape of a square image, in gray or in three colors; () for another number."""
    for n, channels in ((n_pixels, ()), (n_pixels // 3, (3,))):
        side = isqrt(n)
        if side >= MIN_SIDE and n_pixels == side * side * (3 if channels else 1):
            return (side, side, *channels)
    return ()


def _holds_pixels(frame: pl.DataFrame, names: list[str]) -> bool:
    """Return whether all values are whole numbers on the scale 0 to 255."""
    import polars as pl

    pixels = frame.select(names)
    if not len(pixels) or not all(kind.is_numeric() for kind in pixels.dtypes):
        return False
    if sum(pixels.null_count().row(0)):
        return False
    floats = pixels.select(pl.col(pl.Float32, pl.Float64))
    if floats.width and any(floats.select((pl.all() != pl.all().round()).any()).row(0)):
        return False
    low, high = min(pixels.min().row(0)), max(pixels.max().row(0))
    return infer_format(np.array([low, high])) == PixelFormat()
