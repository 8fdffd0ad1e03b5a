"""A run whose notices name parameters of Python instead of options of the command line."""

from __future__ import annotations

from dataclasses import replace

from graduel.duel.result.outcome import Run
from graduel.errors import to_parameters


def name_parameters(run: Run) -> Run:
    """Return a run with its data set's notices in the words of Python.

    The folder keeps the words of the command line; a reader of either kind gets its own.
    """
    data = run.result.dataset
    data = replace(
        data,
        warnings=data.warnings
        and tuple(replace(one, message=to_parameters(one.message)) for one in data.warnings),
        notes=data.notes and tuple(map(to_parameters, data.notes)),
        set_aside=data.set_aside
        and tuple(replace(one, reason=to_parameters(one.reason)) for one in data.set_aside),
    )
    return replace(run, result=replace(run.result, dataset=data))
