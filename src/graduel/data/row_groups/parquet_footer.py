"""Numbers of rows of a Parquet file's row groups, from its footer.

Polars reads the rows of a range and decodes only the row groups that it touches, but does not
report where row groups begin. The footer is Thrift's compact protocol, of which this module reads
field 4 (row groups) of ``FileMetaData``, and field 3 (number of rows) of each ``RowGroup``.

Source: the Apache Parquet format, ``parquet.thrift``; the Thrift compact protocol specification.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from graduel.data.read.parquet import MAGIC
from graduel.data.read.reading_errors import describe_error
from graduel.errors import UserError

ROW_GROUPS, GROUP_ROWS = 4, 3
"""Numbers of the fields in ``FileMetaData`` and ``RowGroup``."""
MOST_BYTES = 1 << 30
"""Maximum length of a footer."""
STOP, TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = 0, 1, 2, 3, 7, 8, 9, 10, 11, 12
INTEGERS = (4, 5, 6)


def read_row_counts(path: Path) -> tuple[int, ...]:
    """Return the number of rows of each row group.

    Raises
    ------
    UserError
        If the file cannot be read or is not a complete Parquet file.
    """
    try:
        with path.open("rb") as file:
            end = file.seek(0, 2)
            file.seek(max(0, end - 8))
            tail = file.read(8)
            length = int.from_bytes(tail[:4], "little")
            if end < 12 or tail[4:] != MAGIC or not 0 < length <= min(end - 12, MOST_BYTES):
                raise ValueError("its end is not that of a Parquet file")
            file.seek(end - 8 - length)
            counts = _Reader(file.read(length)).row_counts()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (ValueError, IndexError, RecursionError) as error:
        raise UserError(
            f"{path}: expected a complete Parquet file; it cannot be read "
            f"({describe_error(error)}). Get the file again"
        ) from None
    return counts


class _Reader:
    """A reader of Thrift's compact protocol that skips what it does not need."""

    FIXED: ClassVar[dict[int, int]] = {TRUE: 0, FALSE: 0, BYTE: 1, DOUBLE: 8}
    """Bytes of types of fixed size."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def row_counts(self) -> tuple[int, ...]:
        """Return the numbers of rows from ``FileMetaData``."""
        counts: list[int] = []
        number = 0
        while (header := self._byte()) != STOP:
            number, kind = self._field(header, number)
            if number == ROW_GROUPS and kind == LIST:
                size, _ = self._list_header()
                counts = [self._group_rows() for _ in range(size)]
            else:
                self._skip(kind)
        if any(count < 0 for count in counts):
            raise ValueError("a row group has a negative number of rows")
        return tuple(counts)

    def _group_rows(self) -> int:
        rows, number = -1, 0
        while (header := self._byte()) != STOP:
            number, kind = self._field(header, number)
            if number == GROUP_ROWS and kind in INTEGERS:
                rows = self._zigzag()
            else:
                self._skip(kind)
        return rows

    def _byte(self) -> int:
        value = self._data[self._at]
        self._at += 1
        return value

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("a number of its footer is too long")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _field(self, header: int, last: int) -> tuple[int, int]:
        """Return the number and type of the field after field `last`."""
        step, kind = header >> 4, header & 0x0F
        return (last + step if step else self._zigzag()), kind

    def _list_header(self) -> tuple[int, int]:
        """Return the size of a list and the type of its elements."""
        header = self._byte()
        size, kind = header >> 4, header & 0x0F
        size = self._varint() if size == 15 else size
        if size > len(self._data):
            raise ValueError("a list of its footer is too long")
        return size, kind

    def _skip(self, kind: int) -> None:
        """Skip a value of this type."""
        if kind in self.FIXED:
            self._at += self.FIXED[kind]
        elif kind in INTEGERS:
            self._varint()
        elif kind == BINARY:
            size = self._varint()
            self._at += size
        elif kind in (LIST, SET):
            size, inner = self._list_header()
            self._skip_elements([inner] * size)
        elif kind == MAP:
            if size := self._varint():
                kinds = self._byte()
                self._skip_elements([kinds >> 4, kinds & 0x0F] * min(size, len(self._data)))
        elif kind == STRUCT:
            number = 0
            while (header := self._byte()) != STOP:
                number, inner = self._field(header, number)
                self._skip(inner)
        else:
            raise ValueError(f"its footer has a field of the unknown type {kind}")

    def _skip_elements(self, kinds: list[int]) -> None:
        for kind in kinds:
            # A boolean field is within its header; within a list it takes a byte.
            self._skip(BYTE if kind in (TRUE, FALSE) else kind)
