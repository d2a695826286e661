"""The processes that simulate: a dask cluster on this machine, or one that is running already."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phigen.errors import BuildError
from phigen.simulation.separate_process import own_process
from phigen.store.metadata import versions

if TYPE_CHECKING:
    from distributed import Client

PATIENCE = "10s"
"""How long a scheduler has to answer."""

_KEEP_FREED_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
}
"""Environment of a local worker: what one run frees is kept for the next.  dask has it given back to the system at
once, and over a quarter of a worker's time goes into getting it again (docs/numbers.md)."""


@contextmanager
def local_cluster(workers: int) -> Iterator[Client]:
    """Start processes on this machine, each with one thread: PhiML bears no more, and two gain nothing.

    Their logs are silent, for what dask tells there as workers end are tracebacks; a failure reaches the caller.
    """
    from distributed import Client, LocalCluster

    with _workers_deaf_to_interrupts(), _environment_of_workers(own_process() | _KEEP_FREED_MEMORY):
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
        )
    try:
        with Client(cluster) as client:
            yield client
    finally:
        cluster.close(timeout=5)


@contextmanager
def _environment_of_workers(settings: dict[str, str]) -> Iterator[None]:
    """Start workers with these settings, which some libraries read before Python runs, and keep them out of here."""
    import dask

    before = {name: os.environ.get(name) for name in (*settings, "PYTHONHASHSEED")}
    with dask.config.set({"distributed.nanny.pre-spawn-environ": settings}):
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


@contextmanager
def _workers_deaf_to_interrupts() -> Iterator[None]:
    """Let Ctrl-C reach this process alone, which then stops the workers: they inherit that it is blocked here.

    Multiprocessing's resource tracker unblocks it when it starts, so that must be before.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def borrowed_cluster(address: str) -> Iterator[Client]:
    """Connect to a running scheduler, and make sure that its workers would give the same bits."""
    from distributed import Client

    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        raise BuildError(
            f"{address}: no dask scheduler answers there ({type(error).__name__}); start one with "
            "`dask scheduler`, or leave out --scheduler"
        ) from error
    with client:
        _refuse_strange_workers(client, address)
        yield client


def _refuse_strange_workers(client: Client, address: str) -> None:
    if not client.scheduler_info()["workers"]:
        raise BuildError(f"{address}: the scheduler has no workers; start one with `dask worker {address}`")
    try:
        found: dict[str, Any] = client.run(versions)
    except ImportError as error:
        raise BuildError(f"{address}: the workers lack phigen, {error}; install it where they run") from error
    for worker, theirs in found.items():
        if theirs != versions():
            name = next(name for name, mine in versions().items() if theirs.get(name) != mine)
            raise BuildError(
                f"{worker}: has {name} {theirs.get(name)}, here it is {versions()[name]}; other versions give "
                "other bits: make them the same"
            )


def refuse_workers_without(client: Client, path: Path) -> None:
    """Make sure that every worker sees the store, before it is asked to write there."""
    seen: dict[str, bool] = client.run(os.path.isdir, str(path))
    for worker, there in seen.items():
        if not there:
            raise BuildError(f"{worker}: does not see {path}; use workers that share this file system")
