"""The executor for the text of ``--on``: a running Dask cluster, or one on this machine."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from graduel.cores import allowed_cores
from graduel.duel.plan.packages import require
from graduel.duel.run.executor import Executor
from graduel.duel.run.local import LocalExecutor
from graduel.errors import UserError

LOCAL = re.compile(r"local:(\d+)")
ADDRESS = re.compile(r"(tcp|tls|ws|wss|ucx|inproc)://\S+")
CONNECT_WAIT = 15
"""Seconds to wait for the scheduler."""
TLS = {"ca": "--tls-ca", "cert": "--tls-cert", "key": "--tls-key"}
"""The files of a TLS connection, with their options."""


@contextmanager
def open_executor(
    on: Any,
    *,
    retries: int = 2,
    tls: Mapping[str, str] | None = None,
    dashboard: bool = False,
    show: Callable[[str], object] = lambda message: None,
) -> Iterator[Executor]:
    """Return the executor for the text of ``--on``; for None, cells run on this machine.

    Parameters
    ----------
    on : address of a scheduler such as ``tcp://host:8786``; or ``local:4``, a cluster of 4 workers
        on this machine, which listens on loopback only and stops at the end; or a
        ``distributed.Client``, which stays open; or an executor
    retries : how often a cell is started again because its worker was lost, and the worker
        processes of a fit because one died
    tls : files of a TLS connection by the names of :data:`TLS`
    dashboard : show the address of Dask's dashboard
    show : receives that address

    Raises
    ------
    UserError
        If `on` is neither, Dask is not installed, or the scheduler does not answer.
    """
    if tls and not (isinstance(on, str) and on.startswith("tls://")):
        raise UserError(
            f"{TLS[next(iter(tls))]}: expected --on with the address of a scheduler that uses "
            f"TLS, such as tls://host:8786; got {on or 'no --on'}"
        )
    if on is None:
        yield LocalExecutor(_check_retries(retries))
        return
    if not isinstance(on, str):
        with _given_executor(on, retries) as executor:
            yield executor
        return
    local = LOCAL.fullmatch(on)
    if (local is None and ADDRESS.fullmatch(on) is None) or on == "local:0":
        raise UserError(
            "--on: expected the address of a Dask scheduler such as tcp://host:8786, or local:4 "
            f"for 4 workers on this machine; got {on!r}"
        )
    _check_retries(retries)
    require("distributed", "Dask, which --on needs,", "graduel[cluster]")
    from distributed import Client, LocalCluster

    from graduel.duel.run.dask_executor import DaskExecutor

    with ExitStack() as stack:
        for name in ("distributed", "tornado"):  # their messages would be mixed with the progress
            logger = logging.getLogger(name)
            stack.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.CRITICAL)
        place, security = on, _security(on, tls or {})
        if local is not None:
            place = stack.enter_context(
                LocalCluster(
                    n_workers=int(local[1]),
                    threads_per_worker=1,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                    memory_limit=0,
                    preload=["graduel.duel.run.dask_worker"],  # see dask_setup there
                    silence_logs=logging.CRITICAL,
                )
            )
        try:
            client = stack.enter_context(
                Client(place, timeout=CONNECT_WAIT, security=security, set_as_default=False)
            )
        except (OSError, ValueError) as error:
            raise UserError(f"--on {on}: no scheduler answers there ({error})") from None
        if dashboard:
            show(f"Dask's dashboard: {client.dashboard_link}")
        executor = DaskExecutor(client, retries=retries, threads=local_threads(on))
        stack.callback(executor.close)
        yield executor


@contextmanager
def _given_executor(given: Any, retries: int) -> Iterator[Executor]:
    """Return an executor as it is, or one that uses a client of Dask."""
    if not type(given).__module__.startswith("distributed."):
        yield given
        return
    from graduel.duel.run.dask_executor import DaskExecutor

    executor = DaskExecutor(given, retries=retries)
    try:
        yield executor
    finally:
        executor.close()


def _check_retries(retries: int) -> int:
    """Return a number of retries; raise `UserError` if it is negative."""
    if not retries >= 0:
        raise UserError(f"--retries: expected a number of at least 0; got {retries}")
    return retries


def local_threads(on: Any) -> int | None:
    """Return the threads of each cell on a cluster on this machine, whose workers share its cores.

    >>> local_threads("tcp://host:8786") is None
    True
    """
    local = LOCAL.fullmatch(on) if isinstance(on, str) else None
    return max(allowed_cores() // int(local[1]), 1) if local and int(local[1]) else None


def _security(on: str, tls: Mapping[str, str]) -> Any:
    """Return Dask's settings of a TLS connection; None for other addresses.

    Files that are not given are those of Dask's own configuration.

    Raises
    ------
    UserError
        If a file is missing or cannot be read.
    """
    if not on.startswith("tls://"):
        return None
    from distributed import Security

    names = {"ca": "tls_ca_file", "cert": "tls_client_cert", "key": "tls_client_key"}
    given = {names[name]: path for name, path in tls.items()}
    security = Security(require_encryption=True, **given)
    for name, attribute in names.items():
        path = getattr(security, attribute)
        if path is None:
            raise UserError(
                f"--on {on}: expected the files --tls-ca, --tls-cert and --tls-key, here or in "
                f"Dask's configuration; got no {TLS[name]}"
            )
        try:
            open(path, "rb").close()
        except OSError as error:
            raise UserError(
                f"{TLS[name]}: expected a file in PEM format; got {path} ({error.strerror})"
            ) from None
    return security
