"""OpenML's data sets, by number or name: fetched once, kept with a checksum, used offline after.

Source: OpenML's REST interface, https://www.openml.org/apis (Vanschoren et al., 2013).
"""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from graduel.data.read.parquet import read_parquet
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

SERVER = "https://www.openml.org"
SECONDS = 60
PIECE = 1 << 20


def cache_folder() -> Path:
    """Return where fetched data are kept: GRADUEL_CACHE, or the system's place for caches."""
    if given := os.environ.get("GRADUEL_CACHE"):
        return Path(given)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "graduel"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A data set that lies in the cache, as it was when it was fetched.

    Attributes
    ----------
    number, name : OpenML's
    path : the Parquet file
    url : where it came from
    sha256 : of the file
    about : OpenML's description (default target, licence)
    """

    number: str
    name: str
    path: Path
    url: str
    sha256: str
    about: dict[str, Any]


def fetch(wanted: str) -> Fetched:
    """Fetch a data set, or find it in the cache, where its checksum must be what it was.

    Parameters
    ----------
    wanted : its number, or its name (of that name the active version with the lowest number)

    Raises
    ------
    UserError
        If there is no such data set, the server cannot be reached, or the copy was changed.
    """
    if not re.fullmatch(r"[\w.()+-]+", wanted):
        raise UserError(f"openml: expected a number or a name, as in openml:554; got '{wanted}'")
    folder = cache_folder() / "openml"
    number = wanted if wanted.isdigit() else _number(wanted, folder)
    about = _json(folder / f"{number}.json", f"data/{number}", "data_set_description")
    path = folder / f"{number}.parquet"
    digest = _fetch_data(about, path)
    return _as_fetched(number, about, path, digest)


def list_fetched() -> list[Fetched]:
    """Return what lies in the cache, by number; nothing is asked of the server."""
    found = []
    for path in sorted(
        (cache_folder() / "openml").glob("*.parquet"), key=lambda p: p.stem.zfill(9)
    ):
        try:
            kept = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            digest = path.with_suffix(".sha256").read_text(encoding="ascii")
            found.append(_as_fetched(path.stem, kept["data_set_description"], path, digest))
        except (OSError, ValueError, LookupError, TypeError):
            continue  # half fetched: the next fetch mends it
    return found


def _as_fetched(number: str, about: dict[str, Any], path: Path, digest: str) -> Fetched:
    return Fetched(number, str(about["name"]), path, str(about.get("parquet_url")), digest, about)


def read_openml(wanted: str) -> tuple[pl.DataFrame, Fetched, list[str]]:
    """Read a data set, from the cache if it was fetched before.

    Returns
    -------
    The table without its row numbers, what was fetched, notes.

    Raises
    ------
    UserError
        As :func:`fetch`.
    """
    found = fetch(wanted)
    frame, notes = read_parquet(found.path)
    about = found.about
    named = [*_as_list(about.get("row_id_attribute")), *_as_list(about.get("ignore_attribute"))]
    extra = [name for name in named if name in frame.columns]
    if extra:
        notes.append(f"left out, as OpenML says: {', '.join(extra)}")
    return frame.drop(extra), found, notes


def _as_list(names: str | list[str] | None) -> list[str]:
    return names.split(",") if isinstance(names, str) else list(names or ())


def _number(name: str, folder: Path) -> str:
    path = f"data/list/data_name/{quote(name)}/status/active"
    found = _json(folder / f"name-{name}.json", path, "data", "dataset")
    return str(min(found, key=lambda one: int(one["version"]))["did"])


def _json(kept: Path, path: str, *keys: str) -> Any:
    """Return what stands under these keys in an answer, which is kept."""
    if not kept.exists():
        _download(f"{SERVER}/api/v1/json/{path}", kept)
    try:
        answer = json.loads(kept.read_text(encoding="utf-8"))
        for key in keys:
            answer = answer[key]
    except (ValueError, LookupError, TypeError):
        kept.unlink()
        raise UserError("openml: the server's answer was not understood. Try again later") from None
    return answer


def _fetch_data(about: dict[str, Any], path: Path) -> str:
    """Fetch the table if it is not there, and return its checksum."""
    kept = path.with_suffix(".sha256")
    if not path.exists() or not kept.exists():
        url = about.get("parquet_url")
        if not url:
            raise UserError(
                f"openml: data set {about.get('id')} has no Parquet file there. Download it from "
                f"{SERVER}/d/{about.get('id')} as CSV and give that file"
            )
        _download(url, path)
        kept.write_text(_digest(path), encoding="ascii")
    digest = _digest(path)
    if kept.read_text(encoding="ascii") != digest:
        raise UserError(
            f"{path}: was changed since it was fetched. Delete it and {kept.name} to fetch it anew"
        )
    return digest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _download(url: str, path: Path) -> None:
    """Fetch a file beside its place, then put it there, whole or not at all."""
    if not url.startswith(("https://", "http://")):
        raise UserError(f"openml: expected an address on the web; got '{url}'")
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with urlopen(Request(url), timeout=SECONDS) as answer, aside.open("wb") as file:
            while piece := answer.read(PIECE):
                file.write(piece)
        aside.replace(path)
    except HTTPError as error:
        told = "there is no such data set" if error.code in (404, 412) else f"error {error.code}"
        raise UserError(f"openml: {told} ({url})") from None
    except OSError as error:
        raise UserError(
            f"openml: cannot be reached ({getattr(error, 'reason', error)}). A data set that was "
            f"fetched once works offline; others need the network ({url})"
        ) from None
    finally:
        aside.unlink(missing_ok=True)
