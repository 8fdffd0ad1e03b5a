"""Data sets of OpenML by number or name: downloaded once and cached with a checksum.

Source: OpenML's REST interface, https://www.openml.org/apis (Vanschoren et al., 2013).
"""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from graduel.atomic_io import atomic_path
from graduel.data.read.checksum import file_sha256
from graduel.data.read.parquet import read_parquet
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

SERVER = "https://www.openml.org"
SECONDS = 60
"""Timeout of a request."""
PIECE = 1 << 20
"""Bytes downloaded at a time."""


def cache_folder() -> Path:
    """Return the cache folder: GRADUEL_CACHE, or graduel in the system's cache folder."""
    if folder := os.environ.get("GRADUEL_CACHE"):
        return Path(folder)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "graduel"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A data set in the cache.

    Attributes
    ----------
    number, name : OpenML's number and name of the data set
    path : the Parquet file
    url : the URL of the download
    sha256 : the SHA-256 of the file
    about : OpenML's metadata (default target, license)
    """

    number: str
    name: str
    path: Path
    url: str
    sha256: str
    about: dict[str, Any]


def fetch(key: str) -> Fetched:
    """Return a data set from the cache, or download it.

    Parameters
    ----------
    key : the number, or the name (of its active versions the one with the lowest number)

    Raises
    ------
    UserError
        If the data set does not exist, the server cannot be reached, or the cached file changed.
    """
    if not re.fullmatch(r"[\w.()+-]+", key):
        raise UserError(f"openml: expected a number or a name, as in openml:554; got '{key}'")
    folder = cache_folder() / "openml"
    number = key if key.isdigit() else _find_number(key, folder)
    about = _fetch_json(folder / f"{number}.json", f"data/{number}", "data_set_description")
    path = folder / f"{number}.parquet"
    digest = _fetch_data(about, path)
    return _as_fetched(number, about, path, digest)


def list_fetched() -> list[Fetched]:
    """Return the data sets in the cache by number; nothing is downloaded."""
    datasets = []
    for path in sorted(
        (cache_folder() / "openml").glob("*.parquet"), key=lambda p: p.stem.zfill(9)
    ):
        try:
            answer = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            digest = path.with_suffix(".sha256").read_text(encoding="ascii")
            datasets.append(_as_fetched(path.stem, answer["data_set_description"], path, digest))
        except (OSError, ValueError, LookupError, TypeError):
            continue  # an incomplete download, which the next fetch completes
    return datasets


def _as_fetched(number: str, about: dict[str, Any], path: Path, digest: str) -> Fetched:
    return Fetched(number, str(about["name"]), path, str(about.get("parquet_url")), digest, about)


def read_openml(key: str) -> tuple[pl.DataFrame, Fetched, list[str]]:
    """Read a data set, from the cache if it was downloaded before.

    Returns
    -------
    The table without its row numbers, its cache entry, and notes.
    """
    fetched = fetch(key)
    frame, notes = read_parquet(fetched.path)
    about = fetched.about
    named = [*_as_list(about.get("row_id_attribute")), *_as_list(about.get("ignore_attribute"))]
    extra = [name for name in named if name in frame.columns]
    if extra:
        notes.append(f"dropped, as OpenML's metadata say: {', '.join(extra)}")
    return frame.drop(extra), fetched, notes


def _as_list(names: str | list[str] | None) -> list[str]:
    return names.split(",") if isinstance(names, str) else list(names or ())


def _find_number(name: str, folder: Path) -> str:
    path = f"data/list/data_name/{quote(name)}/status/active"
    versions = _fetch_json(folder / f"name-{name}.json", path, "data", "dataset")
    return str(min(versions, key=lambda one: int(one["version"]))["did"])


def _fetch_json(cached: Path, path: str, *keys: str) -> Any:
    """Return the value under these keys of a JSON response, from the cache or the server."""
    if not cached.exists():
        _download(f"{SERVER}/api/v1/json/{path}", cached)
    try:
        answer = json.loads(cached.read_text(encoding="utf-8"))
        for key in keys:
            answer = answer[key]
    except (ValueError, LookupError, TypeError):
        cached.unlink()
        raise UserError(
            "openml: expected JSON from the server; got something else. Try again later"
        ) from None
    return answer


def _fetch_data(about: dict[str, Any], path: Path) -> str:
    """Download the table unless it is in the cache, and return its checksum."""
    checksum = path.with_suffix(".sha256")
    if not path.exists() or not checksum.exists():
        url = about.get("parquet_url")
        if not url:
            raise UserError(
                f"openml: data set {about.get('id')} has no Parquet file. Download it from "
                f"{SERVER}/d/{about.get('id')} as CSV and give that file"
            )
        _download(url, path)
        checksum.write_text(file_sha256(path), encoding="ascii")
    digest = file_sha256(path)
    if checksum.read_text(encoding="ascii") != digest:
        raise UserError(
            f"{path}: has changed since it was downloaded. Delete it and {checksum.name} to "
            "download it again"
        )
    return digest


def _download(url: str, path: Path) -> None:
    """Download a file and write it atomically."""
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    if not url.startswith(("https://", "http://")):
        raise UserError(f"openml: expected a URL; got '{url}'")
    try:
        with (
            urlopen(Request(url), timeout=SECONDS) as answer,
            atomic_path(path) as temporary,
            temporary.open("wb") as file,
        ):
            while piece := answer.read(PIECE):
                file.write(piece)
    except HTTPError as error:
        reason = "there is no such data set" if error.code in (404, 412) else f"error {error.code}"
        raise UserError(f"openml: {reason} ({url})") from None
    except OSError as error:
        raise UserError(
            f"openml: cannot be reached ({getattr(error, 'reason', error)}). Only data sets that "
            f"were fetched before work offline ({url})"
        ) from None
