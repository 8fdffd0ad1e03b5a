"""Findings of the checks in a duel's folder: computed once, when the duel begins."""

from __future__ import annotations

from collections.abc import Sequence

from graduel.data.finding import Finding
from graduel.duel.plan.duel_checks import check_duel
from graduel.duel.plan.user_estimators import UserContender
from graduel.duel.store.store import Store
from graduel.errors import UserError
from graduel.serialize import from_plain, read_json, write_json

FINDINGS = "findings.json"


def check_once(store: Store, user_contenders: Sequence[UserContender] = ()) -> tuple[Finding, ...]:
    """Return the findings about a duel: those in its folder, or else compute and save them."""
    path = store.path / FINDINGS
    try:
        return from_plain(tuple[Finding, ...], read_json(path), str(path))
    except UserError:  # not written yet, or damaged
        findings = check_duel(store.dataset(), store.protocol, user_contenders)
    write_json(path, findings)
    return findings
