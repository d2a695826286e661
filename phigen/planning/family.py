"""The runs of a recipe, as columns; a run is made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from phigen.planning.columns import (
    Columns,
    Rows,
    coordinates_of_elements,
    inflow_columns,
    region_columns,
    simulation_numbers,
    strengths_of,
)
from phigen.planning.runs import Run, Simulation
from phigen.planning.simulations import Actions, actions_of, schedules_of, simulation_of
from phigen.recipe.expansion.lazy import LazySequence
from phigen.recipe.expansion.moving import discs_of, finished_discs, finished_regions, inflows_of
from phigen.recipe.expansion.orbits import Orbits, strength_of
from phigen.recipe.model import Recipe
from phigen.recipe.schedule import Mixture, Schedule
from phigen.recipe.values import exact


@dataclass(frozen=True, eq=False)
class Family:
    """The runs of a recipe: one dataset for each level, all with the same orbits in the same order.

    Parameters
    ----------
    recipe : Recipe
        A valid one.
    levels : tuple of Decimal
        Their names.
    parameters : tuple of Decimal
        For each level, the factor on the recipe's offsets, gains and schedules.
    order : (run of a level,)
        Of the runs of a level, as places in the columns of the recipe's orbits.
    """

    recipe: Recipe
    levels: tuple[Decimal, ...]
    parameters: tuple[Decimal, ...]
    order: Rows

    def __len__(self) -> int:
        return len(self.levels) * len(self.order)

    @cached_property
    def orbits(self) -> Orbits:
        """The recipe's."""
        return self.recipe.orbits

    @cached_property
    def actions(self) -> tuple[Actions, ...]:
        """What each of the recipe's elements does."""
        return tuple(actions_of(self.recipe, g) for g in self.orbits.elements)

    @cached_property
    def columns(self) -> Columns:
        """Columns by name, with the runs along the first axis.

        level, breaking, orbit, element, strength, split, and what the elements' coordinates add; inflow_x, inflow_y,
        inflow_radius and inflow_rate (run, inflow); region_left, region_right, region_bottom and region_top (run,
        region) if there are regions; simulations, the number of the simulation that a run is made from, counted in the
        order of the runs; and reference, the place of the first run of the same orbit and level.
        """
        orbits, levels = self.orbits, len(self.levels)
        number, place = orbits.number[self.order], orbits.place[self.order]
        strengths = strengths_of(
            orbits, self.parameters, [g.stored_speed for g in orbits.elements], number=number, place=place
        )
        names = np.array([g.name for g in orbits.elements], object)
        same = coordinates_of_elements(orbits, place) | region_columns(self.recipe, place)
        same |= inflow_columns(self.recipe, number, place)
        return {
            "level": np.repeat(np.array(self.levels, np.float64), len(number)),
            "breaking": np.repeat(np.array(self.parameters, np.float64), len(number)),
            "orbit": np.tile(number, levels),
            "element": np.tile(names[place], levels),
            "strength": strengths.ravel(),
            "split": np.tile(orbits.split[self.order], levels),
            **{name: np.tile(values, (levels, *(1,) * (values.ndim - 1))) for name, values in same.items()},
            "simulations": simulation_numbers(self.recipe, self.actions, self.parameters, number=number, place=place),
            "reference": self._references(number),
        }

    def _references(self, number: Rows) -> Rows:
        places = np.empty_like(self.order)
        places[self.order] = np.arange(len(self.order))
        first = places[self.orbits.starts[number]]
        return (first + len(first) * np.arange(len(self.levels))[:, None]).ravel()

    def run(self, number: int) -> Run:
        """Make one run, by its place among all."""
        recipe, orbits = self.recipe, self.orbits
        level, of_level = divmod(number, len(self.order))
        row = self.order[of_level]
        orbit, place, parameter = int(orbits.number[row]), int(orbits.place[row]), self.parameters[level]
        scene, g, actions = orbits.scenes[orbit], orbits.elements[place], self.actions[place]
        strength = strength_of(exact(scene.buoyancy.strength), orbits.breaking, parameter, place)
        discs = discs_of(scene.inflows)
        return Run(
            index=number,
            level=float(self.levels[level]),
            breaking=float(parameter),
            orbit=orbit,
            element=g,
            strength=float(strength * exact(g.stored_speed)),
            split=orbits.split[row],
            inflows=inflows_of(finished_discs(discs, g, recipe.grid.box)),
            regions=finished_regions(scene, g, recipe.symmetry, recipe.grid.box),
            simulation=self._simulation(
                orbit,
                actions.before,
                actions.on_regions,
                float(strength * exact(actions.before.length)) / actions.before.time,
                self._schedule(parameter, place),
            ),
            after=actions.after,
        )

    @cached_property
    def _schedule(self) -> Callable[[Decimal, int], Schedule | Mixture]:
        return schedules_of(self.recipe)

    @cached_property
    def _simulation(self) -> Callable[..., Simulation]:
        """Makes a simulation, or hands on one of the last: the runs of an orbit share theirs."""

        @lru_cache(maxsize=64)
        def made(orbit: int, before: Any, on_regions: Any, strength: float, schedule: Any) -> Simulation:
            return simulation_of(
                self.recipe,
                self.orbits.scenes[orbit],
                before=before,
                on_regions=on_regions,
                strength=strength,
                schedule=schedule,
            )

        return made


@dataclass(frozen=True, eq=False)
class Runs(LazySequence[Run]):
    """Some runs of a family, or all.

    Parameters
    ----------
    family : Family
        All runs of a recipe.
    numbers : (run,)
        The places of these among them.
    """

    family: Family
    numbers: Rows

    def __len__(self) -> int:
        return len(self.numbers)

    def item(self, number: int) -> Run:
        """Make one run."""
        return self.family.run(int(self.numbers[number]))

    @property
    def columns(self) -> Columns:
        """The columns of these runs; see `Family.columns`."""
        whole = self.family.columns
        if len(self) == len(self.family):
            return whole
        return {name: values[self.numbers] for name, values in whole.items()}
