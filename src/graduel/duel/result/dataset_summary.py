"""The findings about a duel, and the summary of its data set for the result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graduel.data import Dataset
from graduel.data.finding import LEAKED_ROWS, Finding
from graduel.duel.plan.duel_checks import check_duel, check_leaks
from graduel.duel.plan.splits import count_leaked_rows
from graduel.duel.plan.user_estimators import UserContender
from graduel.duel.store.store import Store
from graduel.errors import UserError
from graduel.serialize import from_plain, read_json, to_plain, write_json

FINDINGS = "findings.json"


def check_once(store: Store, user_contenders: Sequence[UserContender] = ()) -> tuple[Finding, ...]:
    """Return the findings about a duel, computed on the first call and then read from its folder.

    `user_contenders` are estimators of the user's, which are checked too.
    """
    path = store.path / FINDINGS
    try:
        return from_plain(tuple[Finding, ...], read_json(path), str(path))
    except UserError:  # not written yet, or corrupt
        findings = check_duel(store.dataset(), store.protocol, user_contenders)
    write_json(path, findings)
    return findings


def _summarize_target(dataset: Dataset) -> dict[str, Any]:
    """Return names and rows of the classes; nothing of a numeric target."""
    if not dataset.classes:
        return {}
    counts = np.bincount(dataset.y, minlength=len(dataset.classes)).tolist()
    return {"classes": list(dataset.classes), "class_rows": counts}


def summarize_dataset(store: Store, *, show_rows: bool = False) -> dict[str, Any]:
    """Return the findings, the inferred schema and the unused columns as plain data.

    The summary holds names of columns and classes but no value of a row; the value of a constant
    column is left out, since it is the value of every row.
    """
    source, findings = store.protocol.source, check_once(store)
    if source is None:
        return {"warnings": to_plain(findings)} if findings else {}
    dataset, rows = store.dataset(), store.read_split(0)
    n_leaked = count_leaked_rows(dataset, rows)
    others = [one for one in findings if one.code != LEAKED_ROWS.code]
    summary: dict[str, Any] = {
        "file": source["file"],
        "rows": len(dataset.y),
        **_summarize_target(dataset),
        "in_both": n_leaked,
        "warnings": to_plain((*others, *check_leaks(n_leaked, len(rows.test)))),
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
                {"name": c.name, "why": c.why, "reason": c.public_reason} for c in table.set_aside
            ],
            "notes": list(table.notes),
        }
    return summary
