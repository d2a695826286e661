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
    """

    path: Path
    plan: Plan
    missing: Sequence[int]

    @property
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
        return Store.of(self.path, self.plan)

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
        flows: _Shared[xr.Dataset] = _Shared(self.tasks)
        for task in self.tasks:
            handed = flows.of(task, lambda number: simulated(self.store, self.made_from(number)))
            yield make_shards(self.store, made_by(self.plan, task), handed)
            flows.done(task)

    def on_cluster(self, client: Client) -> Iterator[int]:
        """Do the tasks on a cluster, and yield after each how many runs it has written.

        A few tasks are submitted for each worker at a time.  Their keys are this build's own, because dask takes tasks
        with the same key for one task.
        """
        from distributed import KilledWorker, as_completed

        refuse_workers_without(client, self.path)
        import_first(client)
        build, waiting = uuid4().hex, iter(self.tasks)
        flows: _Shared[Future] = _Shared(self.tasks)
        running: dict[Future, Task] = {}
        finished = as_completed(with_results=True)

        def handed_on(number: int) -> Future:
            key = f"{build}-simulation-{number}"
            return client.submit(simulated, self.store, self.made_from(number), key=key, pure=False)

        def submit(count: int) -> None:
            for task in islice(waiting, count):
                handed, made = flows.of(task, handed_on), made_by(self.plan, task)
                key = f"{build}-shard-{task.shards[0]}"
                future = client.submit(make_shards, self.store, made, handed, key=key, pure=False)
                running[future] = task
                finished.add(future)

        workers = list(client.ncores())
        prepared = self._prepared(client, workers, build)
        try:
            submit(TASKS_A_WORKER * len(workers))
            for future, written in finished:
                flows.done(running.pop(future))
                submit(1)
                yield written
        except KilledWorker as error:
            raise BuildError(
                f"{self.path}: the task {error.task} killed its worker three times, perhaps for lack of memory; what "
                "was built is kept: run the same build again with fewer --workers"
            ) from error
        finally:
            client.cancel([*prepared, *running, *flows.kept.values()], force=True)

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
    """The results of simulations that several tasks need, kept while one of them is still to be done."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._left = shared(tasks)
        self.kept: dict[int, Result] = {}

    def of(self, task: Task, make: Callable[[int], Result]) -> dict[int, Result]:
        """Return what is handed to a task, by the numbers of the simulations; what is not kept is made."""
        handed = [number for number in task.needs if number in self._left]
        for number in handed:
            if number not in self.kept:
                self.kept[number] = make(number)
        return {number: self.kept[number] for number in handed}

    def done(self, task: Task) -> None:
        """Note that a task is done, and drop what no other task needs."""
        for number in task.needs:
            if number in self._left:
                self._left[number] -= 1
                if not self._left[number]:
                    del self.kept[number]
