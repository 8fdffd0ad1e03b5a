"""Compare the versions on the workers of a cluster with those of this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graduel.duel.result.environment import PACKAGES
from graduel.duel.run.dask_worker import describe_versions
from graduel.duel.run.job import CellJob
from graduel.errors import UserError


def package_names(job: CellJob) -> list[str]:
    """Return the packages whose versions decide the numbers of a job."""
    return sorted({*PACKAGES, *job.protocol.versions} - {"kernels"})


def compare_versions(names: list[str], workers: Mapping[str, Any]) -> None:
    """Raise `UserError` if workers have other versions than this process, or lack graduel.

    Parameters
    ----------
    names : the packages
    workers : by the name of a worker, its versions or the error in their place
    """
    here = describe_versions(names)
    differences = []
    for worker, there in workers.items():
        if isinstance(there, ModuleNotFoundError):
            differences.append(f"no package {there.name} on worker {worker}")
        elif isinstance(there, Mapping):
            differences += [
                f"{name} {there[name] or 'missing'} (here {here[name] or 'missing'}) on worker "
                f"{worker}"
                for name in sorted(here)
                if there[name] != here[name]
            ]
    if differences:
        raise UserError(
            f"expected the versions of this machine on all workers; got {', '.join(differences)}. "
            "Install the same versions there"
        )
