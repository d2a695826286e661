"""From a plan to a finished store: dask tasks on this machine or a cluster, or none at all for a small job."""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from phigen.building.calibration import calibrate
from phigen.building.cluster import borrowed_cluster, local_cluster, refuse_workers_without
from phigen.errors import BuildError, SimulationError, StoreError
from phigen.planning.plans import Plan, plan
from phigen.planning.runs import Run, Simulation, seconds_of
from phigen.recipe.loading import load
from phigen.recipe.model import Recipe
from phigen.simulation import instruction_set
from phigen.simulation.instruction_set import InstructionSetWarning
from phigen.simulation.program import FIELDS, simulate
from phigen.store import reading as store
from phigen.store import writing
from phigen.symmetry.actions import act

if TYPE_CHECKING:
    from distributed import Client

CLUSTER_START = 4.0
"""Seconds until a local cluster's workers simulate (docs/numbers.md): what it must save to be worth starting."""

LONGEST_HERE = 2.0
"""Longest simulation, in seconds by estimate, that runs in the calling process: Ctrl-C has to wait for its end,
whereas a worker is stopped."""

Progress = Callable[[str, int, int], None]
Task = tuple[Simulation, tuple[Run, ...]]


@dataclass(frozen=True)
class Built:
    """What a build did: how many runs the store has, and how many of them it wrote."""

    path: Path
    runs: int
    written: int


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
        Called with what is being done, `calibrating` or `simulating`, how many levels or runs of it are done, and how
        many there are; now and after each.

    Returns
    -------
    Built
        With ``written == 0`` if every run was there already.

    Raises
    ------
    RecipeError, StoreError
        If the recipe or the place is unsuitable, and nothing is written then; or if a run cannot be written.
    SimulationError
        If a run fails; it is named, and the runs before it are kept.
    BuildError
        If the scheduler or the workers fail; what was built is kept.
    """
    recipe = recipe if isinstance(recipe, Recipe) else load(recipe)
    path = (Path(path) if path is not None else default_path(recipe)).absolute()
    tell = progress or (lambda what, done, total: None)
    with ExitStack() as stack:
        client = stack.enter_context(borrowed_cluster(scheduler)) if scheduler is not None else None
        stack.enter_context(_claimed(path))
        instruction_set.warn_of_another()
        planned = _calibrated(plan(recipe), path, tell)
        missing = store.prepare(path, planned)
        tasks = _tasks(planned, missing)
        if client is not None and tasks:
            refuse_workers_without(client, path)
        elif tasks:
            count = min(processes_for(planned, len(missing)) if workers is None else workers, len(tasks))
            if count > 1 or seconds_of(tasks[0][0]) > LONGEST_HERE:
                client = stack.enter_context(local_cluster(count))
        done = len(planned.runs) - len(missing)
        for written in _written(path, tasks, client):
            done += written
            tell("simulating", done, len(planned.runs))
        if not store.status(path).finished:
            store.finish(path, planned)
    return Built(path, len(planned.runs), len(missing))


def _calibrated(planned: Plan, path: Path, tell: Progress) -> Plan:
    """Find what the target errors need, unless there are none or the store knows; refuse a bad place before."""
    if not planned.provisional:
        return planned
    known = store.calibration(path, planned)
    return plan(planned.recipe, known or calibrate(planned.recipe, progress=partial(tell, "calibrating")))


@contextmanager
def _claimed(path: Path) -> Iterator[None]:
    """Keep other builds on this machine from the store, until this one ends in whatever way.

    The lock lies in the system's folder for temporary files, so that nothing is left beside the data.
    """
    from filelock import FileLock, Timeout

    user = os.getuid() if hasattr(os, "getuid") else 0
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    lock = FileLock(Path(tempfile.gettempdir()) / f"phigen-{user}-{name}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise StoreError(f"{path}: is being built by another process; wait for it or stop it") from None
    try:
        yield
    finally:
        lock.release()


def _tasks(planned: Plan, missing: list[Run]) -> list[Task]:
    """Give each distinct simulation that is still needed, with the runs that it makes; the longest first.

    Then no worker is left alone with a long one at the end.
    """
    wanted = {run.index for run in missing}
    needed = ((s, tuple(run for run in runs if run.index in wanted)) for s, runs in planned.distinct.items())
    return sorted(((s, runs) for s, runs in needed if runs), key=lambda task: -seconds_of(task[0]))


def _written(path: Path, tasks: list[Task], client: Client | None) -> Iterator[int]:
    """Do the tasks, here or on a cluster, and give how many runs each has written; at first, none."""
    yield 0
    if client is not None:
        yield from _gathered(client, path, tasks)
    else:
        for simulation, runs in tasks:
            yield simulate_and_store(str(path), simulation, runs)


def simulate_and_store(path: str, simulation: Simulation, runs: tuple[Run, ...]) -> int:
    """Simulate once and write all the runs that it makes; what a worker does.

    Raises
    ------
    SimulationError, StoreError
        Naming the run.
    """
    try:
        wanted = writing.variables(Path(path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InstructionSetWarning)  # `build` has warned
            fields = simulate(simulation, fields=[name for name in FIELDS if name in wanted])
        for run in runs:
            store.write(Path(path), run, act(fields, run.turn))
    except SimulationError as error:
        raise SimulationError(f"{runs[0]}: {error}") from error
    except OSError as error:
        raise StoreError(
            f"{path}: {runs[0]} cannot be written, {error.strerror}; what was built is kept: make room and run the "
            "same build again"
        ) from error
    return len(runs)


def _gathered(client: Client, path: Path, tasks: list[Task]) -> Iterator[int]:
    """Do the tasks on a cluster; their keys are this build's own, for dask takes tasks of one key for one task."""
    from distributed import KilledWorker, as_completed

    simulations, runs = zip(*tasks, strict=True)
    keys = [f"{uuid4().hex}-{made[0].index}" for made in runs]
    futures = client.map(simulate_and_store, [str(path)] * len(tasks), simulations, runs, key=keys, pure=False)
    try:
        for future, written in as_completed(futures, with_results=True):
            future.release()
            yield written
    except KilledWorker as error:
        raise BuildError(
            f"{path}: the task {error.task} killed its worker three times, out of memory perhaps; what was built is "
            "kept: run the same build again with fewer --workers"
        ) from error
    finally:
        client.cancel(futures, force=True)
