"""Checks of data and plans, by code, and their findings; see ``docs/checks.md``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["info", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check that a user should know before anything is fitted.

    Attributes
    ----------
    code : the check's code, such as ``GRD001``; the same in every version
    title : the check's title
    severity : ``warning`` if a result may mislead, ``info`` if the finding explains a choice
    message : one line with the particulars and a remedy
    column : the column concerned; None if there is no single one
    """

    code: str
    title: str
    severity: Severity
    message: str
    column: str | None = None

    def __str__(self) -> str:
        return f"{self.severity} {self.code}: {self.message}"


@dataclass(frozen=True, slots=True)
class Check:
    """A check of the data or the plan: its code, title and severity."""

    code: str
    title: str
    severity: Severity = "warning"

    def report(self, message: str, column: str | None = None) -> Finding:
        """Return a finding of this check.

        >>> str(FEW_ROWS.report("classes with fewer than 10 rows: d (2)"))
        'warning GRD005: classes with fewer than 10 rows: d (2)'
        """
        return Finding(self.code, self.title, self.severity, message, column)


PREDICTS_TARGET = Check("GRD001", "A column alone predicts the target")
NAMED_LIKE_TARGET = Check("GRD002", "A column is named like the target")
REPEATED_ROWS = Check("GRD003", "Duplicate rows")
IDENTIFIER = Check("GRD004", "A column looks like an identifier")
FEW_ROWS = Check("GRD005", "Classes with few rows")
RARE_CLASS = Check("GRD006", "A rare class")
ORDERED_BY_DATE = Check("GRD007", "Rows sorted by date")
FEWER_ROWS_THAN_FOLDS = Check("GRD008", "Classes with fewer rows than folds")
METRIC_CHOICE = Check("GRD009", "Choice of the metric", "info")
LOW_POWER = Check("GRD010", "Too few test rows for the ROPE")
LEAKED_ROWS = Check("GRD011", "Test rows duplicate training rows")
NO_PROBABILITIES = Check("GRD012", "A contender without probabilities")
NO_SEARCH_SPACE = Check("GRD013", "A contender without a search space", "info")
PIXEL_SCALE = Check("GRD014", "Scale of the pixels", "info")
UNKNOWN_PIXEL_SCALE = Check("GRD015", "Pixels of unknown scale")
IMAGES_CHANGED = Check("GRD016", "Images changed while they are read", "info")
FILES_LEFT_OUT = Check("GRD017", "Files that are not read")
JOINED_PARTS = Check("GRD018", "Parts of a predefined split", "info")
PIXEL_COLUMNS = Check("GRD019", "Columns read as pixels", "info")
ROW_NUMBER = Check("GRD020", "A column numbers the rows", "info")
READER_GUESS = Check("GRD021", "The format of the file is a guess", "info")
NOTATION = Check("GRD022", "Cells in another notation", "info")
TWO_READINGS = Check("GRD023", "Cells with two readings")
MERGED_SPELLINGS = Check("GRD024", "Categories that differ by case only")
DATA_READ = Check("GRD025", "How the data are read", "info")
COLUMNS_DROPPED = Check("GRD026", "Columns that are dropped", "info")
ONE_PROCESS = Check("GRD027", "A contender fitted in one process", "info")
SKEWED_TARGET = Check("GRD028", "A skewed target", "info")

CHECKS = (
    *(PREDICTS_TARGET, NAMED_LIKE_TARGET, REPEATED_ROWS, IDENTIFIER, FEW_ROWS, RARE_CLASS),
    *(ORDERED_BY_DATE, FEWER_ROWS_THAN_FOLDS, METRIC_CHOICE, LOW_POWER, LEAKED_ROWS),
    *(NO_PROBABILITIES, NO_SEARCH_SPACE),
    *(PIXEL_SCALE, UNKNOWN_PIXEL_SCALE, IMAGES_CHANGED, FILES_LEFT_OUT, JOINED_PARTS),
    *(PIXEL_COLUMNS, ROW_NUMBER, READER_GUESS),
    *(NOTATION, TWO_READINGS, MERGED_SPELLINGS, DATA_READ, COLUMNS_DROPPED),
    *(ONE_PROCESS, SKEWED_TARGET),
)
"""Every check, in order of codes. Codes are never reused."""
