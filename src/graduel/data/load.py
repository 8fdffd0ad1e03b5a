"""Load the data that a spec describes, from a file, a folder, bytes, or by name."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from graduel.data.assembly import build_dataset
from graduel.data.builtin import DATASETS, load_dataset
from graduel.data.dataset import Dataset
from graduel.data.spec import SourceSpec
from graduel.errors import UserError

BLOCK = 1 << 20
"""Bytes that are hashed at a time."""


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


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file's content, or of a folder's files with their names.

    Raises
    ------
    UserError
        If a file cannot be read.
    """
    digest = sha256()
    try:
        if path.is_dir():
            for file in sorted(p for p in path.rglob("*") if p.is_file()):
                digest.update(
                    f"{file.relative_to(path).as_posix()}\0{file.stat().st_size}\0".encode()
                )
                _hash(file, digest)
        else:
            _hash(path, digest)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    return digest.hexdigest()


def _hash(path: Path, digest: Any) -> None:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
