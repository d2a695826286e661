"""From a plan to a finished store: dask tasks on this machine or a cluster, or none at all for a small job."""

from __future__ import annotations

import hashlib
import logging
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phigen import store
from phigen.errors import BuildError, SimulationError, StoreError
from phigen.layout import versions
from phigen.planning import Plan, Run, Simulation, plan
from phigen.reading import load
from phigen.recipe import Recipe
from phigen.simulation import simulate
from phigen.symmetry import turn

if TYPE_CHECKING:
    from distributed import Client

CLUSTER_START = 8.0
"""Seconds until a local cluster's workers simulate (docs/numbers.md): what it must save to be worth starting."""

_KEEP_FREED_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
}
"""Environment of a local worker: what one run frees is kept for the next.  dask has it given back to the system at
once, and a third of a worker's time goes into getting it again (docs/numbers.md)."""

PATIENCE = "10s"
"""How long a scheduler has to answer."""

Progress = Callable[[int, int], None]
Task = tuple[Simulation, tuple[Run, ...]]


@dataclass(frozen=True)
class Built:
    """What a build did: how many runs it wrote to which store, and with how many processes."""

    path: Path
    runs: int
    written: int
    workers: int


def default_path(recipe: Recipe) -> Path:
    """Give where a recipe is built unless told otherwise."""
    return Path("datasets") / f"{recipe.name}.zarr"


def processes_for(planned: Plan, missing: int | None = None) -> int:
    """Give how many processes pay off on this machine: one, unless what others save outweighs a cluster's start.

    Parameters
    ----------
    planned : Plan
        What is to be built.
    missing : int, optional
        How many of its runs are; all if left out.
    """
    from dask.system import CPU_COUNT

    missing = len(planned.runs) if missing is None else missing
    saved = planned.seconds * missing / len(planned.runs) * (1 - 1 / CPU_COUNT)
    return min(CPU_COUNT, len(planned.distinct), missing) if saved > CLUSTER_START else 1


def build(
    recipe: Recipe | str | Path,
    path: str | Path | None = None,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Built:
    """Simulate and store all runs of a recipe; on a store that is unfinished, those that it lacks.

    The bytes do not depend on how it is run.  In a script, call it under ``if __name__ == "__main__":``, for
    workers are new processes.

    Parameters
    ----------
    recipe : Recipe, str or Path
        As loaded, or the path or name to load it by.
    path : str or Path, optional
        Of the store; ``datasets/NAME.zarr`` if left out.
    workers : int, optional
        Processes on this machine; as many as pay off, up to the number of cores, if left out.
    scheduler : str, optional
        Address of a running dask.distributed scheduler, whose workers see the same files.
    progress : callable, optional
        Called with the number of runs that are stored and the number of all runs, now and after each.

    Returns
    -------
    Built
        With ``written == 0`` if the store was finished already.

    Raises
    ------
    RecipeError, StoreError
        If the recipe or the place is unsuitable; nothing is written then.
    SimulationError
        If a run fails; it is named, and the runs before it are kept.
    BuildError
        If the scheduler or the workers fail; what was built is kept.
    """
    planned = plan(recipe if isinstance(recipe, Recipe) else load(recipe))
    path = Path(path) if path is not None else default_path(planned.recipe)
    tell = progress or (lambda done, total: None)
    if scheduler is None:
        with _claimed(path):
            missing = store.prepare(path, planned)
            count = processes_for(planned, len(missing)) if workers is None else workers
            return _build(path, planned, missing, count, tell, None)
    with _connected(scheduler) as client, _claimed(path):
        missing = store.prepare(path, planned)
        return _build(path, planned, missing, len(client.scheduler_info()["workers"]), tell, client)


@contextmanager
def _claimed(path: Path) -> Iterator[None]:
    """Keep other builds on this machine from the store, until this one ends in whatever way.

    The lock lies in the system's folder for temporary files, so that nothing is left beside the data.
    """
    from filelock import FileLock, Timeout

    user = os.getuid() if hasattr(os, "getuid") else 0
    name = hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:16]
    lock = FileLock(Path(tempfile.gettempdir()) / f"phigen-{user}-{name}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise StoreError(f"{path}: is being built by another process; wait for it or stop it") from None
    try:
        yield
    finally:
        lock.release()


def _build(path: Path, planned: Plan, missing: list[Run], workers: int, tell: Progress, client: Client | None) -> Built:
    total = len(planned.runs)
    done = total - len(missing)
    tell(done, total)
    tasks = _tasks(planned, missing)
    workers = max(1, min(workers, len(tasks)))
    for written in _distributed(path, tasks, workers, client) if client or workers > 1 else _here(path, tasks):
        done += written
        tell(done, total)
    if not store.status(path).finished:
        store.finish(path, planned)
    return Built(path, total, len(missing), workers)


def _tasks(planned: Plan, missing: list[Run]) -> list[Task]:
    """Give each distinct simulation that is still needed, with the runs that it makes."""
    wanted = {run.index for run in missing}
    needed = ((s, tuple(run for run in runs if run.index in wanted)) for s, runs in planned.distinct.items())
    return [(simulation, runs) for simulation, runs in needed if runs]


def _here(path: Path, tasks: list[Task]) -> Iterator[int]:
    for simulation, runs in tasks:
        yield simulate_and_store(str(path), simulation, runs)


def simulate_and_store(path: str, simulation: Simulation, runs: tuple[Run, ...]) -> int:
    """Simulate once and write all the runs that it makes; what a worker does.

    Raises
    ------
    SimulationError
        Naming the run.
    """
    try:
        fields = simulate(simulation)
    except SimulationError as error:
        raise SimulationError(f"{runs[0]}: {error}") from error
    for run in runs:
        store.write(Path(path), run, turn(fields, run.turn))
    return len(runs)


def _distributed(path: Path, tasks: list[Task], workers: int, client: Client | None) -> Iterator[int]:
    from distributed import KilledWorker

    with local_cluster(workers) if client is None else _borrowed(client) as active:
        try:
            yield from _gathered(active, str(path.absolute()), tasks)
        except KilledWorker as error:
            raise BuildError(
                f"{path}: the task {error.task} killed its worker three times, out of memory perhaps; what was built "
                "is kept: run the same build again with fewer --workers"
            ) from error


def _gathered(client: Client, path: str, tasks: list[Task]) -> Iterator[int]:
    from distributed import as_completed

    simulations, runs = zip(*tasks, strict=True)
    keys = [f"{simulation.digest[:16]}-{made[0].index}" for simulation, made in tasks]
    futures = client.map(simulate_and_store, [path] * len(tasks), simulations, runs, key=keys, pure=False)
    try:
        for future, written in as_completed(futures, with_results=True):
            future.release()
            yield written
    finally:
        client.cancel(futures, force=True)


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

    before = dict(os.environ)
    with dask.config.set({"distributed.nanny.pre-spawn-environ": settings}):
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


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
def _borrowed(client: Client) -> Iterator[Client]:
    yield client


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    """Connect to a running scheduler, and make sure that its workers would give the same bits."""
    from distributed import Client

    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, TimeoutError, ValueError) as error:
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
    except Exception as error:
        raise BuildError(f"{address}: the workers lack phigen, {error}; install it where they run") from error
    for worker, theirs in found.items():
        if theirs != versions():
            name = next(name for name, mine in versions().items() if theirs.get(name) != mine)
            raise BuildError(
                f"{worker}: has {name} {theirs.get(name)}, here it is {versions()[name]}; other versions give "
                "other bits: make them the same"
            )


def own_process() -> dict[str, str]:
    """Give the environment of a process that is phigen's own, a worker or the command line, where the user has none.

    jax keeps what it has compiled in the user's cache folder, and XLA's pool has one thread: more of them take
    more time of the processor and give nothing.
    """
    from platformdirs import user_cache_dir

    settings = {
        "JAX_COMPILATION_CACHE_DIR": user_cache_dir("phigen"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "PJRT_NPROC": "1",
    }
    return {name: os.environ.get(name, value) for name, value in settings.items()}
