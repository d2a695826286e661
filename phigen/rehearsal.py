"""Runs in memory, as a store would hold them: for what is measured before or beside a build."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from phigen.layout import index_of
from phigen.orbit import act
from phigen.planning import Plan
from phigen.runs import Simulation
from phigen.simulation import simulate

if TYPE_CHECKING:
    import xarray as xr

MOST_BYTES = 500_000_000
"""Simulated fields that are kept at a time, for other runs that are made of them."""

Simulated = Callable[[Simulation], "xr.Dataset"]


def simulator(planned: Plan, fields: Sequence[str]) -> Simulated:
    """Give a function that simulates the chosen fields, and keeps as many results as memory allows."""
    size = 4 * max(1, sum(planned.values_per_run.values()))

    @lru_cache(maxsize=max(8, MOST_BYTES // size))
    def simulated(simulation: Simulation) -> xr.Dataset:
        return simulate(simulation, fields=fields)[list(fields)]

    return simulated


def rehearse(planned: Plan, orbit: int, simulated: Simulated) -> xr.Dataset:
    """Give one orbit of a plan, with dims (run, time, ...) and the coordinates and attributes of a store.

    Parameters
    ----------
    planned : Plan
        Not provisional.
    orbit : int
        Which of its orbits; of every level that the plan has.
    simulated : callable
        From `simulator`.

    Raises
    ------
    SimulationError
        If a run fails; it is named.
    """
    import xarray as xr

    runs = tuple(run for run in planned.runs if run.orbit == orbit)
    fields = [act(simulated(run.simulation), run.turn) for run in runs]
    together = xr.concat(fields, "run", coords="minimal", compat="override", join="override")
    index = index_of(replace(planned, runs=runs))
    return together.assign_coords(index.drop_dims("time").coords).assign_attrs(index.attrs)
