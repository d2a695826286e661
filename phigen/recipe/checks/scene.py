"""Checks of a recipe's scenes, one function for each claim; each yields what contradicts its claim."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from phigen.recipe.checks.problem import Problem, Problems
from phigen.recipe.expansion.coinciding import may_be_outside
from phigen.recipe.expansion.moving import discs_of, extent, inflows_of
from phigen.recipe.expansion.scenes import Scenes
from phigen.recipe.grid import Grid, Time
from phigen.recipe.scene import Inflow, Sample, Scene, Vary
from phigen.recipe.values import CELL, in_units, spelled_out


def schedule_fits_steps(scene: Scene, time: Time) -> Problems:
    """A schedule that lists its factors lists one per step."""
    try:
        scene.buoyancy.schedule.over(time.steps)
    except ValueError as error:
        yield Problem(("scene", "buoyancy", "schedule", "factors"), str(error))


def directions_are_not_zero(scene: Scene) -> Problems:
    """A direction has a length."""
    if not any(scene.buoyancy.direction):
        yield Problem(
            ("scene", "buoyancy", "direction"), "must not be zero, got [0, 0]; for no buoyancy set strength: 0"
        )
    for number, region in enumerate(scene.regions):
        if region.direction is not None and not any(region.direction):
            yield Problem(
                ("scene", "regions", number, "direction"),
                "must not be zero, got [0, 0]; for no buoyancy in this region set factor: 0",
            )


def regions_tile_the_box(grid: Grid, scene: Scene) -> Problems:
    """Every cell is in exactly one region, if there are any."""
    if not scene.regions:
        return
    width, height = grid.shape
    cover = np.zeros((height, width), int)
    for number, region in enumerate(scene.regions):
        edges = extent(region, grid.box)
        for axis, (first, last), cells in zip("xy", edges, grid.shape, strict=True):
            if not 0 <= first < last <= cells:
                yield Problem(
                    ("scene", "regions", number, axis),
                    f"must be two increasing edges from 0 to {cells}, got [{first:g}, {last:g}]; change them",
                )
                return
        (left, right), (bottom, top) = ((int(a), int(b)) for a, b in edges)
        cover[bottom:top, left:right] += 1
    for wrong, text in ((cover > 1, "overlap"), (cover < 1, "leave a gap")):
        if wrong.any():
            y, x = np.argwhere(wrong)[0]
            yield Problem(
                ("scene", "regions"),
                f"the regions {text}, got {int(wrong.sum())} such cells, the first with the lower left corner "
                f"({x}, {y}); make them tile the box",
            )


def one_inflow_varies(scene: Scene, vary: Vary) -> Problems:
    """An inflow varies only in scenes with one inflow."""
    for key in ("inflow_x", "inflow_y", "inflow_radius", "inflow_rate"):
        if getattr(vary, key) is not None and len(scene.inflows) > 1:
            yield Problem(
                ("vary", key), f"can vary only in scenes with one inflow, got {len(scene.inflows)}; remove it"
            )


def varied_numbers_are_positive(vary: Vary) -> Problems:
    """Radii and rates are above 0, strengths at least 0, in every scene."""
    for key, least in (("inflow_radius", "above 0"), ("inflow_rate", "above 0"), ("strength", "at least 0")):
        numbers = getattr(vary, key)
        lowest = min(spelled_out(numbers)) if numbers is not None else Decimal(1)
        if lowest < 0 or (lowest == 0 and key != "strength"):
            yield Problem(("vary", key), f"must be {least} in every scene, got {float(lowest):g}; increase it")


def vary_or_sample(vary: Vary, sample: Sample | None) -> Problems:
    """Scenes are listed or drawn, not both."""
    if sample is not None and any(getattr(vary, key) is not None for key in Vary.model_fields):
        yield Problem(("sample",), "vary and sample both define the scenes; remove one")


def inflows_in_box(grid: Grid, scene: Scene, sample: Sample | None, scenes: Scenes) -> Problems:
    """Every inflow of every scene is in the box and covers the centre of a cell.

    Parameters
    ----------
    grid, scene, sample
        Sections of the recipe.
    scenes : Scenes
        All scenes of the recipe.
    """
    discs = scenes.discs.reshape(-1, 4)
    elsewhere = may_be_outside(discs, grid.shape, (False, False))
    for number, (inflow, own) in enumerate(zip(scene.inflows, discs_of(scene.inflows), strict=True)):
        is_this = (discs == own).all(-1)
        elsewhere &= ~is_this
        if is_this.any():
            yield from (Problem(("scene", "inflows", number), text) for text in inflow_problems(inflow, grid.shape))
    suspects = (inflows_of(disc[None])[0] for disc in discs[elsewhere])
    first = next((text for inflow in suspects for text in inflow_problems(inflow, grid.shape)), None)
    if first is not None:
        yield Problem(("vary" if sample is None else "sample",), first)


def inflow_problems(inflow: Inflow, cells: tuple[int, int]) -> Iterator[str]:
    """Yield what is wrong with an inflow in a box of `cells`."""
    x, y = inflow.center
    width, height = cells
    if not (0 <= x <= width and 0 <= y <= height):
        yield f"the inflow at ({x:g}, {y:g}) is outside the box [0, {width}] x [0, {height}]; move it inside"
        return
    nearest = ((2 * min(math.floor(p), n - 1) + 1) * CELL // 2 for p, n in zip(inflow.center, cells, strict=True))
    gaps = (in_units(p) - centre for p, centre in zip(inflow.center, nearest, strict=True))
    if sum(gap**2 for gap in gaps) > in_units(inflow.radius) ** 2:
        yield (
            f"the inflow at ({x:g}, {y:g}) covers no cell centre, got radius {inflow.radius:g}; "
            "cell centres are at 0.5, 1.5, ...: increase the radius or move the inflow onto a cell centre"
        )
