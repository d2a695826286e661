"""How a build is cut into tasks: which shards one worker makes, and which simulations are handed from task to task.

A task makes whole shards.  Where a shard holds several runs, each is a task; where it holds one, the runs that are made
from one simulation are a task together.  A simulation that several tasks need, for a run or for the first run of its
orbit, which errors are taken from, is made once and handed on, as long as there are not too many of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from phigen.planning.plans import Plan
from phigen.planning.runs import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Task:
    """Shards that are made together.

    Parameters
    ----------
    shards : tuple of int
        Their places in the dataset.
    needs : tuple of int
        The numbers of the simulations that their runs, and the first runs of their orbits, are made from.
    """

    shards: tuple[int, ...]
    needs: tuple[int, ...]


@dataclass(frozen=True)
class Made:
    """A run that a worker makes.

    Parameters
    ----------
    run : Run
        What it is.
    simulation : int
        The number of its simulation.
    reference : (int, Run) or None
        The number of the simulation that the first run of its orbit is made from, and that run; None for the first run
        itself.
    """

    run: Run
    simulation: int
    reference: tuple[int, Run] | None

    @property
    def needs(self) -> tuple[int, ...]:
        """The numbers of the simulations that it and its errors are made from."""
        return (self.simulation,) if self.reference is None else (self.simulation, self.reference[0])


def tasks_of(plan: Plan, shards: Iterable[int]) -> list[Task]:
    """Cut the work on some shards of a plan into tasks."""
    together: list[tuple[int, ...]]
    if plan.runs_per_shard > 1:
        together = [(shard,) for shard in shards]
    else:
        by_simulation: dict[int, list[int]] = {}
        for shard in shards:
            by_simulation.setdefault(int(plan.simulations[shard]), []).append(shard)
        together = [tuple(group) for group in by_simulation.values()]
    return [Task(group, _needs(plan, group)) for group in together]


def shared(tasks: Iterable[Task]) -> dict[int, int]:
    """Return the simulations that several tasks need, and how many tasks need each."""
    counts = Counter(number for task in tasks for number in task.needs)
    return {number: count for number, count in counts.items() if count > 1}


def made_by(plan: Plan, task: Task) -> dict[int, tuple[Made, ...]]:
    """Return what a worker has to make, by shard."""
    return {shard: tuple(_made(plan, run) for run in plan.shards[shard]) for shard in task.shards}


def _made(plan: Plan, number: int) -> Made:
    first = int(plan.references[number])
    reference = None if first == number else (int(plan.simulations[first]), plan.runs[first])
    return Made(plan.runs[number], int(plan.simulations[number]), reference)


def _needs(plan: Plan, shards: tuple[int, ...]) -> tuple[int, ...]:
    runs: NDArray[np.int_] = np.concatenate([np.asarray(plan.shards[shard]) for shard in shards])
    both = np.concatenate([plan.simulations[runs], plan.simulations[plan.references[runs]]])
    return tuple(np.unique(both).tolist())
