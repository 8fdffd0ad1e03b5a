"""Data of the user's own as plain data: where they come from, how they are read and understood."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graduel.data.assembly import build_dataset
from graduel.data.dataset import Dataset
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

BLOCK = 1 << 20
"""Bytes that are hashed at a time."""
LARGE = 1 << 30
"""Bytes of a table in memory from which a part of its rows is all that is held of it."""
LEAST, SPARE = 100_000, 2.1
"""Rows of such a part: these at least, and so many times those that are learned from."""
DUELLING = 8
"""How many times a duel holds a table, about: whole, divided, and as matrices, in two processes."""


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """How data are read and understood; equal descriptions of equal content give equal data.

    Attributes
    ----------
    name : what the data are called
    file : the file's or folder's name without its path, or the name of a known source
    sha256 : of the content; empty for a known source
    target, categorical, numeric, drop, bins : see :func:`graduel.data.schema_inference.infer_table`
    separator, decimal, encoding, size : see :func:`graduel.data.read.read_source`
    group : the column whose equal values stay on one side of every split; no feature
    time : the column that says which rows are later
    sample : how many rows are held of a table that is large, each class by its share
    """

    name: str
    file: str
    sha256: str = ""
    target: str | None = None
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    bins: int | None = None
    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    size: tuple[int, int] | None = None
    group: str | None = None
    time: str | None = None
    sample: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; what is not given is left out."""
        found = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
        return {k: v for k, v in found.items() if v not in (None, [], "")}

    @classmethod
    def from_dict(cls, data: Any) -> SourceSpec:
        """Make a description of what :meth:`as_dict` returned.

        Raises
        ------
        UserError
            If the data are no description.
        """
        try:
            plain: dict[str, Any] = {
                k: tuple(v) if isinstance(v, list) else v for k, v in data.items()
            }
            return cls(**plain)
        except (TypeError, AttributeError) as error:
            raise UserError(f"expected the description of a data source; {error}") from None


@dataclass(frozen=True, slots=True)
class DataSource:
    """Data of the user's own: how they are read, and where they are.

    Attributes
    ----------
    description : all that decides the data, but for where they are
    place : the file or folder; None for a known source
    content : of data that a program holds, a file's bytes (Parquet or NPZ), instead of a place
    """

    description: SourceSpec
    place: Path | None = None
    content: bytes | None = None

    def load(self) -> Dataset:
        """Read and understand the data.

        Raises
        ------
        UserError
            If they cannot be read, or have changed since they were described.
        """
        return _load(self.description, self.place, self.content)


def open_source(text: str | Path, **options: Any) -> DataSource:
    """Describe a source: its fingerprint, and the options by which it is read and understood.

    Parameters
    ----------
    text : as :func:`graduel.data.read.read_source` takes it
    options : fields of :class:`SourceSpec`

    Raises
    ------
    UserError
        If there is no such source.

    Examples
    --------
    >>> open_source("iris", drop=("petal width (cm)",)).load().X.shape
    (150, 3)
    """
    from graduel.data.read.openml import fetch
    from graduel.data.read.reader import OPENML, detect_format
    from graduel.data.read.toy_datasets import TOYS

    path = Path(text)
    name = str(text)
    known = name.startswith(OPENML) or (name in TOYS and not path.exists())
    if name.startswith(OPENML):
        one = fetch(name.removeprefix(OPENML))
        described = SourceSpec(one.name, f"{OPENML}{one.number}", one.sha256)
    elif known:
        described = SourceSpec(name, name)
    else:
        kind = detect_format(path)
        plain = path.resolve().name
        stem = plain if kind == "folder" else plain.partition(".")[0] or plain
        described = SourceSpec(stem, plain, fingerprint(path))
    return DataSource(replace(described, **options), None if known else path.resolve())


def sample_if_large(data: DataSource, rows: int | None) -> DataSource:
    """Return data that go into memory: of a large table a sample, where so many rows are enough.

    That depends on the table alone, not on the machine, so that the same command is the same duel.
    The sample holds more rows than are learned from: others are chosen on and judged on.

    Parameters
    ----------
    rows : how many are learned from; None for all

    Raises
    ------
    UserError
        If all are wanted, and they would not go into memory as often as a duel holds them.
    """
    from graduel.data.read.memory_check import check_memory, table_bytes
    from graduel.data.read.reader import detect_format

    if data.place is None or data.description.sample is not None:
        return data
    size = table_bytes(data.place, detect_format(data.place))
    if rows is None:
        check_memory(data.place, size, DUELLING)
    elif size > LARGE:
        sample = max(LEAST, math.ceil(SPARE * rows))
        return replace(data, description=replace(data.description, sample=sample))
    return data


def source_from_arrays(X: Any, y: Any = None, **options: Any) -> DataSource:
    """Describe data that a program holds: features and labels, or a table with its target.

    Raises
    ------
    UserError
        If they do not fit each other, or are no table and no arrays.
    """
    from graduel.data.read.dataframe import from_arrays, from_frame

    content: pl.DataFrame | Dataset
    if y is None:
        content = from_frame(X)[0]
    else:
        content, target, _ = from_arrays(X, y)
        if not isinstance(content, Dataset):
            options["target"] = target
    buffer = BytesIO()
    if isinstance(content, Dataset):
        labels = np.array(content.classes)[content.y]
        np.savez(buffer, X=content.X, y=labels)
    else:
        content.write_parquet(buffer)
    made = buffer.getvalue()
    ending = "npz" if isinstance(content, Dataset) else "parquet"
    described = SourceSpec("data", f"data.{ending}", sha256(made).hexdigest())
    return DataSource(replace(described, **options), content=made)


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file's content, or of a folder's files with their names.

    Raises
    ------
    UserError
        If something cannot be read.
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


@lru_cache(maxsize=1)
def _load(described: SourceSpec, place: Path | None, content: bytes | None) -> Dataset:
    from graduel.data.read.openml import fetch
    from graduel.data.read.reader import OPENML, read_source

    if content is not None:
        return _load_content(described, content)
    if place is not None:
        if not place.exists():
            raise UserError(f"{place}: expected the data of this duel; they are not there")
        if described.sha256 and fingerprint(place) != described.sha256:
            raise _changed(described)
    elif described.sha256 and fetch(described.file.removeprefix(OPENML)).sha256 != described.sha256:
        raise _changed(described)
    source = read_source(
        described.file if place is None else place,
        separator=described.separator,
        decimal=described.decimal,
        encoding=described.encoding,
        size=described.size,
        sample=described.sample,
        target=described.target,
    )
    return build_dataset(
        described, source.content, source.target, source.decimal, source.notes, source.origin
    )


def _changed(described: SourceSpec) -> UserError:
    return UserError(
        f"{described.file} has changed since this duel began. Put the old file back, or begin anew "
        "in another folder"
    )


def _load_content(described: SourceSpec, content: bytes) -> Dataset:
    """Read data that a program holds from the bytes that its duel keeps."""
    import polars as pl

    if described.file.endswith(".parquet"):
        return build_dataset(described, pl.read_parquet(BytesIO(content)), None, ".", (), "")
    from graduel.data.read.labelled_arrays import dataset_from_arrays

    with np.load(BytesIO(content)) as archive:
        return build_dataset(
            described, dataset_from_arrays(described.name, archive["X"], archive["y"])
        )
