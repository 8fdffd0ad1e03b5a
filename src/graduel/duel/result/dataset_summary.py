"""What a result says of data of the user's own; no row of them, unless it may be shown."""

from __future__ import annotations

from typing import Any

import numpy as np

from graduel.data import Dataset
from graduel.duel.plan.defaults import duel_warnings
from graduel.duel.plan.protocol import Protocol
from graduel.duel.plan.splits import Split, count_leaked_rows


def summarize_dataset(
    protocol: Protocol, dataset: Dataset, rows: Split, *, show_rows: bool = False
) -> dict[str, Any]:
    """Return what was understood, set aside and warned of, as plain data.

    Names of columns and classes are told. The value of a column that is the same in every row is
    not: it is part of a row.
    """
    if protocol.source is None:
        return {}
    warned = list(
        duel_warnings(
            dataset, protocol.split, protocol.metric, protocol.rope, len(protocol.contenders)
        )
    )
    both = count_leaked_rows(dataset, rows)
    if both:
        warned.append(
            f"{both:,} of {len(rows.test):,} test rows have the features of a training row: what "
            "is remembered counts there as what is understood"
        )
    counts = np.bincount(dataset.y, minlength=len(dataset.classes))
    found: dict[str, Any] = {
        "file": protocol.source["file"],
        "rows": len(dataset.y),
        "classes": list(dataset.classes),
        "class_rows": counts.tolist(),
        "in_both": both,
        "warnings": warned,
        "show_rows": show_rows,
    }
    if (table := dataset.understood) is not None:
        found |= {
            "target": table.target,
            "columns": [
                {"name": c.name, "kind": c.kind, "missing": int(table.frame[c.name].null_count())}
                for c in table.columns
            ],
            "set_aside": [
                {"name": one.name, "why": one.why, "reason": _plain(one.why, one.reason)}
                for one in table.set_aside
            ],
            "notes": list(table.notes),
        }
    return found


def _plain(why: str, reason: str) -> str:
    return "the same in every row" if why == "constant" else reason
