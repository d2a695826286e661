"""What is known of the runs of a recipe without making one: their coordinates, and which share a simulation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phigen.planning.simulations import Actions, schedules_of, setting_of
from phigen.recipe.expansion.moving import extent, finished_discs, finished_regions, moved_discs
from phigen.recipe.expansion.orbits import Orbits, change_of
from phigen.recipe.expansion.scenes import OF_AN_INFLOW
from phigen.recipe.model import Recipe
from phigen.recipe.values import exact

Columns = dict[str, NDArray[Any]]
Rows = NDArray[np.int64]


def coordinates_of_elements(orbits: Orbits, place: Rows) -> Columns:
    """Return what the elements' own coordinates say of each run of a level, by name."""
    return {
        name: np.array([g.coordinates[name] for g in orbits.elements])[place] for name in orbits.elements[0].coordinates
    }


def inflow_columns(recipe: Recipe, number: Rows, place: Rows) -> Columns:
    """Return the inflows of each finished run of a level, (run, inflow), by name."""
    scenes, elements, box = recipe.orbits.scenes, recipe.orbits.elements, recipe.grid.box
    discs = np.empty((len(number), *scenes.discs.shape[1:]))
    for rows in _groups(place):
        g = elements[place[rows[0]]]
        discs[rows] = finished_discs(scenes.discs[number[rows]], g, box)
    return {name: discs[..., axis].copy() for axis, name in enumerate(OF_AN_INFLOW)}


def region_columns(recipe: Recipe, place: Rows) -> Columns:
    """Return the edges of each finished run's regions, (run, region), by name; none if the scene has no regions."""
    if not recipe.scene.regions:
        return {}
    box, elements = recipe.grid.box, recipe.orbits.elements
    used, inverse = np.unique(place, return_inverse=True)
    regions = [finished_regions(recipe.scene, elements[p], recipe.symmetry, box) for p in used]
    edges = np.array([[extent(region, box) for region in of_run] for of_run in regions])[inverse]
    sides = {"left": (0, 0), "right": (0, 1), "bottom": (1, 0), "top": (1, 1)}
    return {f"region_{side}": edges[..., axis, end].copy() for side, (axis, end) in sides.items()}


def strengths_of(
    orbits: Orbits, parameters: Sequence[Decimal], factors: Sequence[float], *, number: Rows, place: Rows
) -> NDArray[np.float64]:
    """Return the strength of each run, (level, run of the level).

    Parameters
    ----------
    orbits : Orbits
        Of the recipe.
    parameters : sequence of Decimal
        One for each level.
    factors : sequence of float
        On the strength, one for each of the recipe's elements.
    number, place : (run of a level,)
        Of the orbit, and of the element.
    """
    own, of_scene = np.unique(orbits.scenes.strengths, return_inverse=True)
    as_written = cache(lambda: list(map(exact, own.tolist())))
    table = np.empty((len(parameters), len(factors), len(own)))
    for row, parameter in zip(table, parameters, strict=True):
        for where, factor in enumerate(factors):
            more, gain = change_of(orbits.breaking, parameter, where)
            if factor == gain == 1 and not more:
                row[where] = own
            else:
                row[where] = [float((strength + more) * gain * exact(factor)) for strength in as_written()]
    strengths: NDArray[np.float64] = table[:, place, of_scene[number]]
    return strengths


def simulation_numbers(
    recipe: Recipe, actions: Sequence[Actions], parameters: Sequence[Decimal], *, number: Rows, place: Rows
) -> Rows:
    """Return the number of the simulation that each run is made from, in the order of the runs.

    Two runs have the same number exactly if their simulations are equal.

    Parameters
    ----------
    recipe : Recipe
        A valid one.
    actions : sequence of Actions
        One for each of its elements.
    parameters : sequence of Decimal
        One for each level.
    number, place : (run of a level,)
        Of the orbit, and of the element.
    """
    strengths = _simulated_strengths(recipe, actions, parameters, number=number, place=place)
    schedules = _schedule_numbers(recipe, parameters, len(actions))[:, place]
    placed = np.tile(_placed_numbers(recipe, actions, number, place), len(parameters))
    of_runs = _numbered(placed, strengths.ravel(), np.where(strengths == 0, -1, schedules).ravel())
    _, first, inverse = np.unique(of_runs, return_index=True, return_inverse=True)
    rank = np.empty_like(first)
    rank[np.argsort(first)] = np.arange(len(first))
    numbers: Rows = rank[inverse]
    return numbers


def _simulated_strengths(
    recipe: Recipe, actions: Sequence[Actions], parameters: Sequence[Decimal], *, number: Rows, place: Rows
) -> NDArray[np.float64]:
    """Return the strength of each run in its simulation's own cells and steps, (level, run of the level)."""
    lengths, times = ([getattr(before, what) for before, _, _ in actions] for what in ("length", "time"))
    own: NDArray[np.float64] = np.array(times)[place]
    return strengths_of(recipe.orbits, parameters, lengths, number=number, place=place) / own


def _placed_numbers(recipe: Recipe, actions: Sequence[Actions], number: Rows, place: Rows) -> Rows:
    """Return numbers that are equal where simulations differ at most in strength and schedule, (run of a level,)."""
    scenes, box = recipe.orbits.scenes, recipe.grid.box
    on_scenes, settings = dict[Any, int](), dict[Any, int]()
    pairs = {pair: setting_of(recipe, *pair) for pair in dict.fromkeys((its.before, its.on_regions) for its in actions)}
    of_place = np.array(
        [
            (
                on_scenes.setdefault(its.before, len(on_scenes)),
                settings.setdefault(pairs[its.before, its.on_regions], len(settings)),
            )
            for its in actions
        ]
    )
    discs = np.empty((len(number), *scenes.discs.shape[1:]))
    for rows in _groups(of_place[place, 0]):
        before = actions[place[rows[0]]].before
        discs[rows] = moved_discs(scenes.discs[number[rows]], before, box)
    return _numbered(of_place[place, 1], *discs.reshape(len(number), -1).T)


def _schedule_numbers(recipe: Recipe, parameters: Sequence[Decimal], elements: int) -> Rows:
    """Return a number for each distinct schedule, (level, element)."""
    schedule, known = schedules_of(recipe), dict[Any, int]()
    if recipe.symmetry.differing.schedules is None:
        return np.zeros((len(parameters), elements), np.int64)
    return np.array(
        [[known.setdefault(schedule(p, place), len(known)) for place in range(elements)] for p in parameters]
    )


def _groups(keys: Rows) -> Iterator[Rows]:
    """Yield the rows that have the same key, for each key."""
    order = np.argsort(keys, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(keys[order])) + 1)


def _numbered(*columns: NDArray[Any]) -> Rows:
    """Return a number for each distinct row of some columns."""
    numbers = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        values, inverse = np.unique(column, return_inverse=True)
        if len(values) > 1:
            numbers = np.unique(numbers * len(values) + inverse, return_inverse=True)[1]
    return numbers
