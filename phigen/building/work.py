"""The work of a build: its tasks in order, done here or by the workers of a dask cluster."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar
from uuid import uuid4

import numpy as np

from phigen.building.cluster import import_first, refuse_workers_without
from phigen.building.shards import Store, make_shards, prepare, simulated
from phigen.building.tasks import Task, made_by, shared, tasks_of
from phigen.errors import BuildError
from phigen.planning.plans import Plan
from phigen.planning.runs import Run

if TYPE_CHECKING:
    import xarray as xr
    from distributed import Client, Future

Result = TypeVar("Result")

TASKS_A_WORKER = 3
"""Tasks that are submitted for each worker at a time: one is done, the others wait.  A task that waits takes memory."""


MOST_BYTES = 1_000_000_000
"""Size of the results of simulations that are kept for other tasks."""


@dataclass(frozen=True)
class Work:
    """What a build has to do.

    Parameters
    ----------
    path : Path
        Of the store.
    plan : Plan
        What it is to hold.
    missing : sequence of int
        The shards that it lacks.
    claim : str
        Of the build, see `phigen.store.parts.claim`; empty where nothing is to be written.
    """

    path: Path
    plan: Plan
    missing: Sequence[int]
    claim: str = ""

    @cached_property
    def runs(self) -> int:
        """The number of runs that are to be made."""
        return sum(len(self.plan.shards[shard]) for shard in self.missing)

    @cached_property
    def tasks(self) -> list[Task]:
        """The tasks; those of single runs longest first, so that no worker is left alone with one at the end."""
        tasks, cells = tasks_of(self.plan, self.missing), self.plan.simulated_cells
        if self.plan.runs_per_shard > 1:
            return tasks
        return sorted(tasks, key=lambda task: -math.prod(cells[self.plan.simulations[task.shards[0]]]))

    @cached_property
    def store(self) -> Store:
        """What workers know of the store."""
        return Store.of(self.path, self.plan, self.claim)

    @cached_property
    def _first_made(self) -> dict[int, int]:
        """The first run that is made from each simulation, by its number."""
        numbers, runs = np.unique(self.plan.simulations, return_index=True)
        return dict(zip(numbers.tolist(), runs.tolist(), strict=True))

    def made_from(self, number: int) -> Run:
        """Return the first run that is made from the simulation with a number."""
        return self.plan.runs[self._first_made[number]]

    def here(self) -> Iterator[int]:
        """Do the tasks in this process, and yield after each how many runs it has written."""
        flows: _Shared[xr.Dataset] = _Shared(self.tasks, self._most_kept)
        for task in self.tasks:
            handed = flows.of(task, lambda number: simulated(self.store, self.made_from(number)))
            yield make_shards(self.store, made_by(self.plan, task), handed)
            flows.done(task)

    def on_cluster(self, client: Client) -> Iterator[int]:
        """Do the tasks on a cluster, and yield after each how many runs it has written.

        A few tasks are submitted for each thread of a worker at a time.  Their keys are this build's own, because dask
        takes tasks with the same key for one task.
        """
        from distributed import KilledWorker, as_completed

        refuse_workers_without(client, self.path)
        import_first(client)
        build, waiting = uuid4().hex, iter(self.tasks)
        flows: _Shared[Future] = _Shared(self.tasks, self._most_kept)
        running: dict[Future, Task] = {}
        finished = as_completed(with_results=True)

        def handed_on(number: int) -> Future:
            key = f"{build}-simulation-{number}"
            return client.submit(simulated, self.store, self.made_from(number), key=key, pure=False)

        def submit() -> None:
            wanted = TASKS_A_WORKER * sum(client.ncores().values())  # workers may come and go
            for task in islice(waiting, max(0, wanted - len(running))):
                handed, made = flows.of(task, handed_on), made_by(self.plan, task)
                key = f"{build}-shard-{task.shards[0]}"
                future = client.submit(make_shards, self.store, made, handed, key=key, pure=False)
                running[future] = task
                finished.add(future)

        prepared = self._prepared(client, list(client.ncores()), build)
        try:
            submit()
            for future, written in finished:
                flows.done(running.pop(future))
                submit()
                yield written
        except KilledWorker as error:
            raise BuildError(
                f"{self.path}: the task {error.task} killed its worker three times, perhaps for lack of memory; what "
                "was built is kept: run the same build again with fewer --workers"
            ) from error
        finally:
            client.cancel([*prepared, *running, *flows.kept.values()], force=True)

    @property
    def _most_kept(self) -> int:
        """How many results of simulations may be kept for other tasks."""
        return max(1, MOST_BYTES // (self.plan.bytes // len(self.plan.runs)))

    def _prepared(self, client: Client, workers: Sequence[str], build: str) -> list[Future]:
        """Have every worker compile the first simulation's program, while one makes what the others wait for."""
        if not self.tasks:
            return []
        first = self.made_from(self.tasks[0].needs[0])
        return [
            client.submit(prepare, self.store, first, key=f"{build}-program-{worker}", workers=[worker], pure=False)
            for worker in workers
        ]


class _Shared(Generic[Result]):
    """The results of simulations that several tasks need, kept while one of them is still to be done.

    If there are too many, those that were used longest ago are dropped, and made again when they are needed.
    """

    def __init__(self, tasks: Iterable[Task], most: int) -> None:
        self._left, self._most = shared(tasks), most
        self.kept: dict[int, Result] = {}

    def of(self, task: Task, make: Callable[[int], Result]) -> dict[int, Result]:
        """Return what is handed to a task, by the numbers of the simulations; what is not kept is made."""
        handed = [number for number in task.needs if number in self._left]
        found = {number: self.kept.pop(number) if number in self.kept else make(number) for number in handed}
        self.kept |= found  # at the end: the others were used longer ago
        for number in [*self.kept][: max(0, len(self.kept) - max(self._most, len(found)))]:
            del self.kept[number]
        return found

    def done(self, task: Task) -> None:
        """Note that a task is done, and drop what no other task needs."""
        for number in task.needs:
            if number in self._left:
                self._left[number] -= 1
                if not self._left[number]:
                    self.kept.pop(number, None)
