"""Opening of text files, plain, gzipped or zipped, and detection of their encoding."""

from __future__ import annotations

import codecs
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from graduel.data.read.column_names import join_names
from graduel.data.read.images.image_files import is_image_head
from graduel.data.read.reading_errors import describe_error
from graduel.errors import UserError

PIECE = 1 << 20
"""Bytes or characters read at a time."""
FALLBACKS = ("cp1252", "latin-1")
"""Encodings tried in turn for files that are not UTF-8; the last one decodes any bytes."""
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Encodings by byte-order mark, longer marks first."""
BINARY = {
    b"PK\x05\x06": "an empty zip file",
    b"\x1f\x8b": "compressed with gzip twice. Unpack it once",
    b"PK\x03\x04": "a zip file in a compressed file. Unpack it once",
    b"BZh": "a bzip2 file. Unpack it first",
    b"\xfd7zXZ": "an xz file. Unpack it first",
    b"\x28\xb5\x2f\xfd": "a zstd file. Unpack it first",
    b"7z\xbc\xaf": "a 7-Zip file. Unpack it first",
    b"Rar!": "a RAR file. Unpack it first",
    b"PAR1": "a compressed Parquet file. Unpack it first",
    b"ARROW1": "an Arrow file. Save the table as Parquet",
    b"SQLite format 3": "an SQLite database. Save the table as CSV",
    b"\xd0\xcf\x11\xe0": "an Office document. Save the table as CSV",
    b"%PDF": "a PDF document. Save the table as CSV",
    b"MATLAB 5.0 MAT-file": "a MATLAB file. Save the arrays as an NPZ file with numpy.savez",
    b"MATLAB 7.3 MAT-file": "a MATLAB file. Save the arrays as an NPZ file with numpy.savez",
    b"\x89HDF": "an HDF5 file. Save the table as Parquet or CSV",
    **dict.fromkeys(
        (b"RDX2\n", b"RDX3\n", b"RDA2\n", b"RDA3\n", b"X\n\0\0\0"),
        "a data file of R. Save the table as CSV with write.csv",
    ),
    b"$FL2@(#)": "an SPSS file. Save the table as CSV",
    b"<stata_dta>": "a Stata file. Save the table as CSV",
    b"Obj\x01": "an Avro file. Save the table as Parquet",
    b"\x93NUMPY": "a compressed NumPy array. Save the arrays as an NPZ file with numpy.savez",
    **dict.fromkeys(
        (
            *(bytes([0x80, protocol]) for protocol in range(2, 6)),
            *(b"(dp0\n", b"(dp1\n", b"(lp0\n", b"(lp1\n", b"ccopy_reg\n", b"cnumpy."),
        ),
        "a Python pickle, which is never loaded. Save arrays with numpy.savez, a table as Parquet",
    ),
    b"\x78\x9c": "data compressed with zlib, perhaps a pickle of joblib, which is never loaded. "
    "Save arrays with numpy.savez, a table as Parquet",
}
"""Binary formats by their first bytes, each with a remedy."""


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Open a file as bytes, decompressed if it is a gzip file or a zip file with one file."""
    try:
        with path.open("rb") as raw:
            head = raw.read(4)
            raw.seek(0)
            if head[:2] == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=raw) as unpacked:
                    yield unpacked  # type: ignore[misc]  # a GzipFile reads bytes
            elif head == b"PK\x03\x04":
                with _open_zip(raw, path) as part:
                    yield part
            else:
                yield raw
    except (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile) as error:
        raise UserError(
            f"{path}: expected a complete compressed file; it is damaged or cut short "
            f"({describe_error(error)}). Get the file again"
        ) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None


def _open_zip(raw: IO[bytes], path: Path) -> IO[bytes]:
    try:
        archive = zipfile.ZipFile(raw)
        files = [name for name in archive.namelist() if not name.endswith("/")]
        files = [name for name in files if not name.startswith("__MACOSX/")]
        if len(files) == 1:
            return archive.open(files[0])
    except (RuntimeError, NotImplementedError, ValueError) as error:
        # zipfile raises these for a password, an unknown compression method and a damaged name.
        raise UserError(
            f"{path}: cannot be unpacked ({describe_error(error)}). Unpack it first"
        ) from None
    if "[Content_Types].xml" in files:
        raise UserError(f"{path}: is an Office document. Save the table as CSV")
    if any(name.endswith("data.pkl") for name in files):
        raise UserError(
            f"{path}: is a file of torch.save, a Python pickle, which is never loaded. Save the "
            "arrays with numpy.savez"
        )
    raise UserError(
        f"{path}: expected a zip file with one file in it; got {len(files)} files "
        f"({join_names(files)}). Unpack it and give one of them"
    )


def detect_encoding(path: Path, encoding: str | None = None) -> str:
    """Return a file's encoding: as given, by its byte-order mark, UTF-8, or a fallback."""
    with open_bytes(path) as file:
        head = file.read(PIECE)
    _reject_known(path, head)
    if encoding is not None:
        try:
            name = codecs.lookup(encoding).name
        except LookupError:
            raise UserError(
                f"encoding must be one that Python knows, such as utf-8, cp1252 or utf-16; "
                f"got '{encoding}'"
            ) from None
        candidates = ["utf-8-sig" if name == "utf-8" else name]
    elif mark := next((mark for mark in MARKS if head.startswith(mark)), None):
        candidates = [MARKS[mark]]
    elif wide := _detect_utf16(head):
        candidates = [wide]
    else:
        candidates = ["utf-8-sig", *FALLBACKS]
    if candidates[0].startswith("utf-8") or candidates[0] in FALLBACKS:
        reject_binary(path, head)
    for name in candidates:
        if _can_decode(path, name):
            return name
    raise UserError(f"{path}: is not in the encoding {candidates[0]}. Omit --encoding to detect it")


def _detect_utf16(head: bytes) -> str | None:
    """Return the encoding if text looks like UTF-16 without a byte-order mark; None otherwise.

    >>> _detect_utf16("a,b".encode("utf-16-be")), _detect_utf16(b"a,b")
    ('utf-16-be', None)
    """
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if 4 * odd > len(head) and not even:
        return "utf-16-le"
    return "utf-16-be" if 4 * even > len(head) and not odd else None


def _reject_known(path: Path, head: bytes) -> None:
    """Raise if a file has one of the binary formats that are known by their first bytes."""
    for magic, remedy in BINARY.items():
        if head.startswith(magic):
            raise UserError(f"{path}: expected a table of text; got {remedy}")
    if is_image_head(head):
        raise UserError(
            f"{path}: expected a table of text; got an image. Give a folder with one folder of "
            "images per class"
        )


def reject_binary(path: Path, head: bytes) -> None:
    """Raise if a file has control characters."""
    control = sum(head.count(code) for code in range(32) if code not in b"\t\n\r\f\v\x1a\x1f")
    if b"\0" in head or control * 100 > len(head):
        raise UserError(
            f"{path}: expected a table of text; got binary data. If it is text in another "
            "encoding, such as utf-16, name the encoding with --encoding"
        )


def _can_decode(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with open_bytes(path) as file:
        try:
            while piece := file.read(PIECE):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeError:
            return False
    return True


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[IO[str]]:
    """Open a file as text; all line endings become newlines."""
    with open_bytes(path) as raw, io.TextIOWrapper(raw, encoding, newline=None) as text:
        yield text
