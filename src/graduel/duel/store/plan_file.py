"""The plan file of a duel, which identifies its folder, and the command that wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graduel.errors import UserError
from graduel.serialize import from_plain, read_json, write_json

PLAN, INVOCATION = "duel.json", "invocation.json"


@dataclass(frozen=True, slots=True)
class Invocation:
    """What a result has from the command that planned it, in addition to the plan."""

    command: str
    show_rows: bool = False


def write_invocation(path: Path, invocation: Invocation) -> None:
    """Write the command of a plan to its folder."""
    write_json(path / INVOCATION, invocation)


def read_invocation(path: Path, command: str) -> Invocation:
    """Return the command that planned the duel in a folder; by default `command`."""
    try:
        return from_plain(Invocation, read_json(path / INVOCATION), str(path / INVOCATION))
    except UserError:  # it was not written, or is damaged
        return Invocation(command)


def claim_plan(path: Path, plan: dict[str, Any]) -> None:
    """Write the plan to a new folder, or compare it with the plan of an existing one.

    Raises
    ------
    UserError
        If the folder holds another duel.
    """
    if not (path / PLAN).exists():
        write_json(path / PLAN, plan)
        return
    earlier = read_json(path / PLAN)
    if _has_changed_data(earlier, plan):
        raise UserError(
            f"{plan['source']['file']} has changed since the duel in {path} started. Choose "
            "another --out"
        )
    if earlier != plan:
        what = "experiment" if plan["varies"] else "duel"
        raise UserError(
            f"{path} holds a different {what} ({_difference(earlier, plan)}). Choose another --out"
        )


def read_threads(path: Path, *, file: str = PLAN) -> int | None:
    """Return the number of threads of a run that was begun in a folder; None if there is none."""
    try:
        plan = read_json(path / file)
    except (OSError, UserError):
        return None
    plan = plan if isinstance(plan, dict) else {}
    threads = plan.get("threads", (plan.get("options") or {}).get("threads"))
    return threads if isinstance(threads, int) and threads > 0 else None


def _has_changed_data(earlier: Any, plan: dict[str, Any]) -> bool:
    """Return whether the plans name the same data file with different contents."""
    if not isinstance(earlier, dict) or not isinstance(earlier.get("source"), dict):
        return False
    old, new = earlier["source"], plan.get("source") or {}
    return old.get("file") == new.get("file") and old.get("sha256") != new.get("sha256")


def _difference(earlier: Any, plan: dict[str, Any]) -> str:
    """Describe the first difference of two plans in a few words."""
    if not isinstance(earlier, dict):
        return "its duel.json is not a plan"
    for key, value in plan.items():
        there = earlier.get(key)
        if there != value:
            if isinstance(value, dict) and isinstance(there, dict):
                return f"{key}: {_difference(there, value)}"
            if isinstance(value, dict):
                return f"it has no '{key}'"
            return f"{key} {there!r} there, {value!r} here"
    return "it also has " + ", ".join(sorted(set(earlier) - set(plan)))
