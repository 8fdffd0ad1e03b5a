"""The spec of a data source, without its location: the part that goes into a duel's plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graduel.data.task import TaskKind
from graduel.serialize import from_plain, to_plain


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """Options for reading data and inferring their schema; with equal content, equal data.

    Attributes
    ----------
    name : the data's name
    file : the name of the file or folder without its path, or the name of a known source
    sha256 : the SHA-256 of the content; empty for a known source
    target, categorical, numeric, drop, bins, task :
        see :func:`graduel.data.schema_inference.infer_table`
    separator, decimal, encoding, header, names, quote, size :
        see :func:`graduel.data.read.read_source`
    group : the column whose equal values stay on one side of every split; not used as a feature
    time : the column that orders rows in time
    missing : further cells that mean a missing value
    date_order : whether the day (dmy) or the month (mdy) comes first in dates that do not show it
    sample : size of the stratified sample that is read from a large table
    test, test_sha256 : the file of a table of test rows, and the SHA-256 of its content
    n_train : number of first rows that are training rows; the others are test rows
    log_target : whether contenders predict the logarithm of the target
    part : the table in a file of several tables: a sheet, a table of a database, or a query
    """

    name: str
    file: str
    sha256: str = ""
    target: str | None = None
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    bins: int | None = None
    task: TaskKind | None = None
    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    header: bool | int | None = None
    names: tuple[str, ...] = ()
    quote: str | None = None
    size: tuple[int, int] | None = None
    group: str | None = None
    time: str | None = None
    missing: tuple[str, ...] = ()
    date_order: str | None = None
    sample: int | None = None
    test: str | None = None
    test_sha256: str = ""
    n_train: int | None = None
    part: str | None = None
    log_target: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, without the fields that are not set."""
        plain = {k: v for k, v in to_plain(self).items() if v not in (None, [], "")}
        if not self.log_target:
            del plain["log_target"]
        return plain

    @classmethod
    def from_dict(cls, data: Any) -> SourceSpec:
        """Return the spec from the result of :meth:`as_dict`.

        Raises
        ------
        UserError
            If the data are not those of a spec.
        """
        return from_plain(cls, data, "description of a data source")
