"""Overview of user data: warnings, columns and classes, without any row."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graduel.data.finding import COLUMNS_DROPPED, DATA_READ
from graduel.duel.result.outcome import Run
from graduel.number_format import format_percent
from graduel.report.draw.picture import TextTable

if TYPE_CHECKING:
    from graduel.duel.result.duel_result import ColumnSummary

MOST_COLUMNS = 200
"""Most columns listed; of more, the first."""


@dataclass(frozen=True, slots=True)
class DataOverview:
    """The section of a page about user data."""

    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    tables: tuple[TextTable, ...]
    """Columns, dropped columns and classes."""


def build_overview(run: Run) -> DataOverview | None:
    """Return the overview of user data; None for built-in data sets."""
    data = run.result.dataset
    if data.rows is None:
        return None
    tables = []
    if data.columns is not None:
        tables.append(_build_column_table(data.columns))
    if data.set_aside:
        dropped = tuple((one.name, one.reason) for one in data.set_aside)
        tables.append(TextTable("Dropped columns", ("Column", "Reason"), dropped))
    if data.classes is not None and data.class_rows is not None:
        rows = sum(data.class_rows)
        classes = tuple(
            (name, f"{n:,}", format_percent(n / rows, 1))
            for name, n in zip(data.classes, data.class_rows, strict=True)
        )
        tables.append(TextTable("Classes", ("Class", "Rows", "Share"), classes))
    findings = data.warnings or ()
    # The table of dropped columns shows those.
    shown = [one for one in findings if one.code not in (DATA_READ.code, COLUMNS_DROPPED.code)]
    notes = tuple(one.message for one in findings if one.code == DATA_READ.code)
    warnings = tuple(f"{one.title}: {one.message}" for one in shown)
    return DataOverview(warnings, notes or data.notes or (), tuple(tables))


def _build_column_table(columns: tuple[ColumnSummary, ...]) -> TextTable:
    counts = Counter(column.kind for column in columns)
    kinds = ", ".join(f"{n:,} {kind}" for kind, n in counts.items())
    more = f"; the first {MOST_COLUMNS} are listed" if len(columns) > MOST_COLUMNS else ""
    return TextTable(
        f"Columns: {kinds}{more}",
        ("Column", "Type", "Missing values"),
        tuple((one.name, one.kind, f"{one.missing:,}") for one in columns[:MOST_COLUMNS]),
    )
