"""Runs in memory, in the form a store would hold them, for measurements before or beside a build."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from phigen.planning.plans import Plan
from phigen.planning.runs import Run, Simulation
from phigen.simulation.program import simulate
from phigen.store.metadata import index_of
from phigen.symmetry.actions import act

if TYPE_CHECKING:
    import xarray as xr

MOST_BYTES = 500_000_000
"""Size of the simulated fields that are kept for other runs made of them."""

Simulated = Callable[[Simulation], "xr.Dataset"]


def simulator(planned: Plan, fields: Sequence[str]) -> Simulated:
    """Return a function that simulates the chosen fields and keeps results up to `MOST_BYTES`."""
    size = 4 * max(1, sum(planned.values_per_run.values()))

    @lru_cache(maxsize=max(8, MOST_BYTES // size))
    def simulated(simulation: Simulation) -> xr.Dataset:
        return simulate(simulation, fields=fields)[list(fields)]

    return simulated


def orbits_of(runs: Iterable[Run]) -> list[tuple[Run, ...]]:
    """Return the runs of one level, grouped by orbit."""
    orbits: dict[int, list[Run]] = {}
    for run in runs:
        orbits.setdefault(run.orbit, []).append(run)
    return [tuple(members) for members in orbits.values()]


def rehearse(planned: Plan, runs: Sequence[Run], simulated: Simulated) -> xr.Dataset:
    """Simulate some runs of a plan.

    Parameters
    ----------
    planned : Plan
        Not provisional.
    runs : sequence of Run
        Some of its runs.
    simulated : callable
        From `simulator`.

    Returns
    -------
    Dataset
        With dims (run, time, ...) and the coordinates and attributes of a store.

    Raises
    ------
    SimulationError
        If a run fails.
    """
    import xarray as xr

    fields = [act(simulated(run.simulation), run.after) for run in runs]
    together = xr.concat(fields, "run", coords="minimal", compat="override", join="override")
    index = index_of(planned.of(runs))
    return together.assign_coords(index.drop_dims("time").coords).assign_attrs(index.attrs)
