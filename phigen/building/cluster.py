"""The processes that simulate: a dask cluster on this machine, or one that is running already."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING

from phigen.errors import BuildError
from phigen.simulation import instruction_set
from phigen.simulation.separate_process import own_process
from phigen.store.metadata import versions

if TYPE_CHECKING:
    from distributed import Client

PATIENCE = "10s"
"""How long a scheduler may take to answer."""

_KEEP_FREED_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
}
"""Environment of a local worker: memory that one run frees is kept for the next.  By dask's default it is returned to
the system at once, and a worker spends over a quarter of its time on getting it again (docs/numbers.md)."""


@contextmanager
def local_cluster(workers: int) -> Iterator[Client]:
    """Start processes on this machine, each with one thread: PhiML allows no more, and two gain nothing.

    Their logs are silent, because dask writes tracebacks there when workers end; a failure reaches the caller.
    """
    from distributed import Client, LocalCluster

    with _workers_without_interrupts(), _environment_of_workers(own_process() | _KEEP_FREED_MEMORY):
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            scheduler_kwargs={
                "dashboard_address": "127.0.0.1:0"
            },  # of its server: any port, so that two builds can run
            silence_logs=logging.CRITICAL,
        )
    try:
        with Client(cluster) as client:
            yield client
    finally:
        cluster.close(timeout=5)


@contextmanager
def _environment_of_workers(settings: dict[str, str]) -> Iterator[None]:
    """Start workers with settings that some libraries read before Python runs, and keep them out of this process."""
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
def _workers_without_interrupts() -> Iterator[None]:
    """Let Ctrl-C reach this process alone, which then stops the workers: they inherit that it is blocked here.

    Multiprocessing's resource tracker unblocks it when it starts, and is therefore started first.
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
    """Connect to a running scheduler, and check that its workers compute the same values."""
    from distributed import Client

    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        raise BuildError(
            f"{address}: no dask scheduler answers there ({type(error).__name__}); start one with "
            "`dask scheduler`, or omit --scheduler"
        ) from error
    with client:
        _refuse_other_workers(client, address)
        yield client


def _refuse_other_workers(client: Client, address: str) -> None:
    if not client.scheduler_info()["workers"]:
        raise BuildError(f"{address}: the scheduler has no workers; start one with `dask worker {address}`")
    try:
        found: dict[str, dict[str, str]] = client.run(_computed_with)
    except ImportError as error:
        raise BuildError(f"{address}: the workers lack phigen, {error}; install it where they run") from error
    ours = _computed_with()
    for worker, theirs in found.items():
        if theirs != ours:
            name = next(name for name in ours if theirs.get(name) != ours[name])
            raise BuildError(
                f"{worker}: has {name} {theirs.get(name)}, here it is {ours[name]}, which gives other values; make "
                "them the same"
            )


def _computed_with() -> dict[str, str]:
    """Return what the values of this process's simulations depend on."""
    return {**versions(), "instruction set": instruction_set.provenance()}


def import_first(client: Client) -> None:
    """Let every worker import xarray before it gets a task, also one that starts later.

    A worker unpickles what it is handed in one thread and runs a task in another.  If both import xarray first, whose
    modules import each other, one of them finds it half imported and fails.
    """
    from distributed import WorkerPlugin

    class ImportsXarray(WorkerPlugin):
        def setup(self, worker: object) -> None:
            import_module("xarray")

    client.register_plugin(ImportsXarray(), name="phigen imports xarray")


def refuse_workers_without(client: Client, path: Path) -> None:
    """Check that every worker sees the store, before it is asked to write there."""
    seen: dict[str, bool] = client.run(os.path.isdir, str(path))
    for worker, there in seen.items():
        if not there:
            raise BuildError(f"{worker}: does not see {path}; use workers that share this file system")
