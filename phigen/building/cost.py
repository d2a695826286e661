"""What a build will cost: seconds, memory, bytes and files, from how fast this machine is.

The build's own tasks are put one after another on the worker that is free first, as dask does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush

from phigen.building.rates import Rates
from phigen.building.tasks import Task, shared
from phigen.building.work import Work
from phigen.planning.plans import Plan
from phigen.recipe.values import spelled_out

COMMAND = 2.4
"""What a whole `phigen build` takes besides its tasks, in units of a process's imports: the plan, the template, the
small arrays, the table of errors."""

CLUSTER, WORKER = 2.4, 2.4
"""Until workers simulate, in the same units: seconds of waiting, and of each worker's processor.  They all start at
once."""

LOAD = 0.055
"""Loading a kept program and its code, in the same units."""

INTERPOLATED = 3.0
"""Comparing a run takes so many times as long where mapping it to the reference frame interpolates."""

LONGEST_HERE = 2.0
"""Longest simulation, in estimated seconds, that runs in the calling process: there Ctrl-C waits for its end, whereas a
worker is stopped."""

POINTS = 2.4
"""Points of its curve that a calibration measures for each target error (docs/numbers.md)."""


@dataclass(frozen=True)
class Item:
    """What one worker does without a break.

    Parameters
    ----------
    seconds : float
        On one core, without loading programs.
    grids : frozenset of (int, int)
        Cells of the simulations that it makes: it needs a program for each.
    makes : int or None
        The number of the simulation that it makes for others; None if it makes shards.
    needs : tuple of int
        The numbers of the simulations that others make for it.
    """

    seconds: float
    grids: frozenset[tuple[int, int]]
    makes: int | None
    needs: tuple[int, ...]


@dataclass(frozen=True)
class Seconds:
    """What a build takes.

    Parameters
    ----------
    here : float
        From the start of the command to its end.
    of_processors : float
        Of all cores together.
    """

    here: float
    of_processors: float


@dataclass(frozen=True)
class Costs:
    """What the work of a build costs.

    Parameters
    ----------
    work : Work
        What is to be done.
    rates : Rates
        How fast this machine is.
    """

    work: Work
    rates: Rates

    @property
    def longest(self) -> float:
        """The seconds of the longest simulation; 0 if nothing is simulated."""
        return max((self._simulation(number) for task in self.work.tasks for number in task.needs), default=0.0)

    def needs_cluster(self, workers: int) -> bool:
        """Return whether the work is done by workers, not in the process that builds."""
        return workers > 1 or self.longest > LONGEST_HERE

    def worth_starting(self, cores: int) -> int:
        """Return how many processes save time, with at most one for each core and task; one works without a cluster."""
        most = min(cores, len(self.work.tasks))
        return most if most > 1 and self.seconds(most).here < self.seconds(1).here else 1

    def seconds(self, workers: int, *, programs_kept: bool = True) -> Seconds:
        """Return what a whole `phigen build` takes.

        Parameters
        ----------
        workers : int
            Processes, each on a core of its own as fast as those of this machine; one works without a cluster, unless
            a simulation is long.
        programs_kept : bool
            Whether every program is kept from an earlier build.
        """
        load, start = self.rates.imports * LOAD, 0.0
        if not programs_kept:
            load, start = self.rates.trace, self.rates.phiflow
        span, busy = self._makespan(workers, load=load, start=start)
        alone = self.rates.imports * COMMAND + self._calibration(load + start)
        if not self.needs_cluster(workers):
            return Seconds(alone + span, alone + busy)
        waiting, on_processors = self.rates.imports * CLUSTER, self.rates.imports * WORKER * workers
        return Seconds(alone + waiting + span, alone + on_processors + busy)

    @cached_property
    def items(self) -> list[Item]:
        """What is done, in order; a simulation that is handed on comes before the task that needs it first."""
        return [*self._items()]

    def _items(self) -> Iterator[Item]:
        handed, made = shared(self.work.tasks), set[int]()
        for task in self.work.tasks:
            for number in task.needs:
                if number in handed and number not in made:
                    made.add(number)
                    yield Item(self._simulation(number), self._grids([number]), number, ())
            own = [number for number in task.needs if number not in handed]
            others = tuple(number for number in task.needs if number in handed)
            seconds = sum(map(self._simulation, own)) + self._handling(task)
            yield Item(seconds, self._grids(own), None, others)

    def _grids(self, numbers: list[int]) -> frozenset[tuple[int, int]]:
        return frozenset(self.work.plan.simulated_cells[number] for number in numbers)

    def _simulation(self, number: int) -> float:
        return self._on_grids[self.work.plan.simulated_cells[number]]

    @cached_property
    def _on_grids(self) -> dict[tuple[int, int], float]:
        recipe = self.work.plan.recipe
        return {
            cells: self.rates.simulation(
                cells, steps=recipe.time.kept[-1] + 1, precision=recipe.precision, boundaries=recipe.grid.boundaries
            )
            for cells in set(self.work.plan.simulated_cells)
        }

    def _handling(self, task: Task) -> float:
        """Return the seconds that a task's runs take besides their simulations."""
        plan, rates = self.work.plan, self.rates
        size = plan.bytes // len(plan.runs)
        runs = [run for shard in task.shards for run in plan.shards[shard]]
        compared = int((plan.references[runs] != runs).sum())
        return size * (len(runs) * rates.handle + compared * rates.compare * _comparing(plan))

    def _calibration(self, load: float) -> float:
        """Return the seconds of a calibration; 0 if there is none to be made."""
        plan = self.work.plan
        target, elements = plan.recipe.symmetry.target_error, len(plan.recipe.symmetry.orbit)
        if target is None or plan.calibration is not None:
            return 0.0
        runs = len(plan.runs) // len(plan.levels)
        simulations = runs * (elements - 1) / elements * POINTS * len(spelled_out(target))
        size = plan.bytes / len(plan.runs)
        each = max(self._on_grids.values()) + size * (self.rates.handle + self.rates.compare)
        return load + simulations * each

    def _makespan(self, workers: int, *, load: float, start: float) -> tuple[float, float]:
        """Return when the last worker is done, and for how long all of them are busy.

        Parameters
        ----------
        workers : int
            How many there are.
        load : float
            Seconds that a worker takes for each program that it has not used before.
        start : float
            Seconds that it takes for the first one besides.
        """
        if not self.items:
            return 0.0, 0.0
        first = self.work.plan.simulated_cells[self.work.tasks[0].needs[0]]  # which every worker prepares
        free = [(start + load, worker) for worker in range(workers)]
        loaded = [{first} for _ in range(workers)]
        ready: dict[int, float] = {}
        busy, end = workers * (start + load), 0.0
        for item in self.items:
            at, worker = heappop(free)
            new = item.grids - loaded[worker]
            loaded[worker] |= new
            seconds = item.seconds + load * len(new)
            done = max([at, *(ready[number] for number in item.needs)]) + seconds
            if item.makes is not None:
                ready[item.makes] = done
            busy, end = busy + seconds, max(end, done)
            heappush(free, (done, worker))
        return end, busy


def _comparing(plan: Plan) -> float:
    """Return how many times as long comparing a run takes as where nothing is interpolated."""
    return INTERPOLATED if any(g.loss == "interpolation" for g in plan.recipe.symmetry.orbit) else 1.0
