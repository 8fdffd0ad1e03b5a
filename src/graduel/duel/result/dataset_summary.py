"""Summary of user data for a result; no row of them, unless it may be shown."""

from __future__ import annotations

from typing import Any

import numpy as np

from graduel.duel.plan.duel_checks import check_leaks
from graduel.duel.plan.splits import count_leaked_rows
from graduel.duel.store.finding_file import check_once
from graduel.duel.store.store import Store
from graduel.serialize import to_plain


def summarize_dataset(store: Store, *, show_rows: bool = False) -> dict[str, Any]:
    """Return the findings, the inferred schema and the columns that are not used, as plain data.

    The result holds names of columns and classes. The value of a column that is the same in every
    row is left out: it is part of a row.
    """
    source, findings = store.protocol.source, check_once(store)
    if source is None:
        return {"warnings": to_plain(findings)} if findings else {}
    dataset, rows = store.dataset(), store.read_split(0)
    n_leaked = count_leaked_rows(dataset, rows)
    summary: dict[str, Any] = {
        "file": source["file"],
        "rows": len(dataset.y),
        "classes": list(dataset.classes),
        "class_rows": np.bincount(dataset.y, minlength=len(dataset.classes)).tolist(),
        "in_both": n_leaked,
        "warnings": to_plain((*findings, *check_leaks(n_leaked, len(rows.test)))),
        "show_rows": show_rows,
    }
    if (table := dataset.inferred_table) is not None:
        summary |= {
            "target": table.target,
            "columns": [
                {"name": c.name, "kind": c.kind, "missing": int(table.frame[c.name].null_count())}
                for c in table.columns
            ],
            "set_aside": [
                {"name": c.name, "why": c.why, "reason": _public_reason(c.why, c.reason)}
                for c in table.set_aside
            ],
            "notes": list(table.notes),
        }
    return summary


def _public_reason(why: str, reason: str) -> str:
    return "the same in every row" if why == "constant" else reason
