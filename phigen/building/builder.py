"""From a recipe to a finished store: in this process if the job is small, otherwise by dask."""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from phigen.building.calibration import calibrate
from phigen.building.cluster import borrowed_cluster, local_cluster
from phigen.building.cost import Costs
from phigen.building.rates import of_this_machine
from phigen.building.work import Work
from phigen.errors import StoreError
from phigen.planning.plans import plan
from phigen.progress import Progress, silent
from phigen.recipe.loading import load
from phigen.recipe.model import Recipe
from phigen.simulation import cache_folder, instruction_set
from phigen.store import construction, parts, writing


@dataclass(frozen=True)
class Built:
    """What a build did: how many runs the store has, and how many of them it wrote."""

    path: Path
    runs: int
    written: int


def default_path(recipe: Recipe) -> Path:
    """Return where a recipe is built if no place is named."""
    return Path("datasets") / f"{recipe.name}.zarr"


def processes_for(costs: Costs) -> int:
    """Return how many processes are worth starting here: one, unless as many as there are cores save time."""
    from dask.system import CPU_COUNT

    return costs.worth_starting(CPU_COUNT)


def build(
    recipe: Recipe | str | Path,
    path: str | Path | None = None,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress = silent,
) -> Built:
    """Simulate and store all runs of a recipe; on an unfinished store, those that it lacks.

    The bytes do not depend on how it is run.  In a script, call it under ``if __name__ == "__main__":``, because
    workers are new processes.

    Parameters
    ----------
    recipe : Recipe, str or Path
        As loaded, or the path or name to load it by.
    path : str or Path, optional
        Of the store; ``datasets/NAME.zarr`` if left out.
    workers : int, optional
        Processes on this machine; as many as are worth starting, up to the number of cores, if left out.
    scheduler : str, optional
        Address of a running dask.distributed scheduler, whose workers see the same files.
    progress : callable, optional
        Called with what is being done, `calibrating` or `simulating`, how many levels or runs of it are done, and how
        many there are; first now, then after each.

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
    ValueError
        If `workers` is less than 1.
    """
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    recipe = recipe if isinstance(recipe, Recipe) else load(recipe)
    path = (Path(path) if path is not None else default_path(recipe)).absolute()
    with ExitStack() as stack:
        client = stack.enter_context(borrowed_cluster(scheduler)) if scheduler is not None else None
        stack.enter_context(_claimed(path))
        instruction_set.warn_of_another()
        cache_folder.usable()
        planned = plan(recipe)
        known = construction.begun(path, planned)
        if planned.provisional:
            held = None if known is None else construction.calibration_in(known)
            planned = plan(recipe, held or calibrate(recipe, progress=progress))
        missing = construction.prepare(path, planned, known=known)
        work = Work(path, planned, missing, parts.claim(path.resolve()) if missing else "")
        costs = Costs(work, of_this_machine())
        count = min(processes_for(costs) if workers is None else workers, len(work.tasks))
        if workers is not None and count < workers and count:
            warnings.warn(
                f"workers: {workers} were asked for, there is work for {count}; no more are started", stacklevel=2
            )
        if client is None and costs.needs_cluster(count):
            client = stack.enter_context(local_cluster(count))
        total, done = len(planned.runs), len(planned.runs) - work.runs
        progress("simulating", done, total)
        for written in work.here() if client is None else work.on_cluster(client):
            done += written
            progress("simulating", done, total)
        with construction.understood(path):
            writing.seal(path)
    return Built(path, total, work.runs)


@contextmanager
def _claimed(path: Path) -> Iterator[None]:
    """Keep other builds on this machine from the store until this one ends, however it ends.

    The lock is in the system's folder for temporary files, so that nothing is left beside the data.
    """
    from filelock import FileLock, Timeout

    user = os.getuid() if hasattr(os, "getuid") else 0
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    lock = FileLock(Path(tempfile.gettempdir()) / f"phigen-{user}-{name}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise StoreError(f"{path}: is being built by another process; wait until it ends, or stop it") from None
    try:
        yield
    finally:
        lock.release()
