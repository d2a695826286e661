"""From a scene and what is done to it to a simulation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from phigen.planning.runs import Simulation
from phigen.recipe.expansion.moving import extent, moved, moved_regions, stabilizer, unit
from phigen.recipe.model import Recipe
from phigen.recipe.scene import Region, Scene
from phigen.recipe.schedule import Constant, Mixture, Schedule, cut, mixed, unified
from phigen.symmetry.element import GroupElement, Point


class Actions(NamedTuple):
    """What a run's group element does: to the scene and to its regions before the simulation, to the fields after."""

    before: GroupElement
    on_regions: GroupElement
    after: GroupElement


def actions_of(recipe: Recipe, g: GroupElement) -> Actions:
    """Return what an element does; in the lab's reference frame, all of it before the simulation."""
    symmetry = recipe.symmetry
    before, after = (g, g.identity) if symmetry.reference_frame == "lab" else g.parts(recipe.grid.box)
    return Actions(before, after.inverse if symmetry.regions == "stay" else before, after)


def setting_of(recipe: Recipe, before: GroupElement, on_regions: GroupElement) -> Simulation:
    """Return what simulations have in common if the same is done to their scenes: all but what varies among scenes.

    It is in units of its own cells and steps, has no inflows, and a strength of 0.
    """
    box, time, scene = recipe.grid.box, recipe.time, recipe.scene
    regions = moved_regions(scene, on_regions, box)
    direction = before.on_direction(scene.buoyancy.direction)
    cells = before.simulated_cells(box.cells)
    return Simulation(
        cells=cells,
        boundaries=recipe.grid.boundaries,
        dt_smoke=time.dt_smoke * before.time,
        dt_velocity=time.dt_velocity * before.time,
        inflows=(),
        areas=tuple((*x, *y) for x, y in (extent(region, box) for region in regions)),
        directions=tuple(_force(region, direction) for region in regions or (Region(),)),
        strength=0.0,
        schedule=Constant(),
        frames=time.kept,
        precision=recipe.precision,
        resampled=box.cells if cells != box.cells else None,
        unit=before.unit,
    )


def simulation_of(
    recipe: Recipe,
    scene: Scene,
    *,
    before: GroupElement,
    on_regions: GroupElement,
    strength: float,
    schedule: Schedule | Mixture,
) -> Simulation:
    """Return the simulation of an orbit's scene after `before` has acted on it, and `on_regions` on its regions.

    The strength is in the simulation's own cells and steps.
    """
    box, symmetry = recipe.grid.box, recipe.symmetry
    setting, placed = setting_of(recipe, before, on_regions), moved(scene, before, box)
    symmetric = setting.symmetric
    if symmetry.reference_frame == "orbit":
        regions = moved_regions(scene, on_regions, box)
        symmetric = stabilizer(placed.model_copy(update={"regions": regions}), symmetry, box)
    return replace(
        setting,
        inflows=placed.inflows,
        strength=strength,
        schedule=schedule if strength else Constant(),
        symmetric=symmetric,
    )


def _force(region: Region, direction: Point) -> Point:
    """Return the force in a region, at a strength of 1."""
    x, y = unit(region.direction or direction)
    return x * region.factor, y * region.factor


def schedules_of(recipe: Recipe) -> Callable[[Decimal, int], Schedule | Mixture]:
    """Return a function from a parameter and an element's place to the schedule of its runs.

    It is the scene's at parameter 0, the element's own at 1, and a linear combination of them in between.
    """
    steps = recipe.time.kept[-1] + 1
    listed = recipe.symmetry.differing.schedules
    shared, *own = unified([cut(s, steps) for s in (recipe.scene.buoyancy.schedule, *(listed or ()))], steps)

    def schedule(parameter: Decimal, place: int) -> Schedule | Mixture:
        return mixed(shared, own[place], float(parameter), steps=steps) if own else shared

    return schedule
