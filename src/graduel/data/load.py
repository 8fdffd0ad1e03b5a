"""Load the data that a spec describes, from a file, a folder, bytes, or by name."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np

from graduel.data.assembly import build_dataset
from graduel.data.builtin import DATASETS, load_dataset
from graduel.data.dataset import Dataset
from graduel.data.read.checksum import fingerprint
from graduel.data.spec import SourceSpec
from graduel.errors import UserError


@lru_cache(maxsize=1)
def load(spec: SourceSpec, place: Path | None = None, content: bytes | None = None) -> Dataset:
    """Read data and infer their schema; the last data set that was loaded is not read again.

    Parameters
    ----------
    spec : how the data are read
    place : the file or folder; None for data known by name
    content : a file's bytes (Parquet or NPZ) in place of a file

    Raises
    ------
    UserError
        If the data cannot be read, or have changed since they were described.
    """
    from graduel.data.read.openml import fetch
    from graduel.data.read.reader import OPENML, read_source

    if content is not None:
        return _load_content(spec, content)
    if place is None and spec.file in DATASETS:
        return load_dataset(spec.file)
    if place is not None:
        if not place.exists():
            raise UserError(f"{place}: expected the data of this duel; there is no such file")
        if spec.sha256 and fingerprint(place) != spec.sha256:
            raise _changed(spec)
    elif spec.sha256 and fetch(spec.file.removeprefix(OPENML)).sha256 != spec.sha256:
        raise _changed(spec)
    source = read_source(
        spec.file if place is None else place,
        separator=spec.separator,
        decimal=spec.decimal,
        encoding=spec.encoding,
        size=spec.size,
        sample=spec.sample,
        target=spec.target,
    )
    return build_dataset(
        spec, source.content, source.target, source.decimal, source.notes, source.origin
    )


def _load_content(spec: SourceSpec, content: bytes) -> Dataset:
    """Return the data set in the bytes of a Parquet or NPZ file."""
    import polars as pl

    if spec.file.endswith(".parquet"):
        return build_dataset(spec, pl.read_parquet(BytesIO(content)), None, ".", (), "")
    from graduel.data.read.labelled_arrays import dataset_from_arrays

    with np.load(BytesIO(content)) as archive:
        return build_dataset(spec, dataset_from_arrays(spec.name, archive["X"], archive["y"]))


def _changed(spec: SourceSpec) -> UserError:
    return UserError(
        f"{spec.file} has changed since this duel began. Restore the old file, or start again in "
        "another folder"
    )
