"""What a recipe's scenes must be; one function a claim, each giving its faults."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from phigen.recipe.checks.fault import Fault, Faults, Path, drawn_scenes
from phigen.recipe.grid import Grid, Time
from phigen.recipe.scene import Inflow, Sample, Scene, Vary
from phigen.recipe.scenes import extent, scenes_of
from phigen.recipe.values import spelled_out


def schedule_fits_steps(scene: Scene, time: Time) -> Faults:
    """A schedule that lists its factors lists one per step."""
    try:
        scene.buoyancy.schedule.over(time.steps)
    except ValueError as fault:
        yield Fault(("scene", "buoyancy", "schedule", "factors"), str(fault))


def buoyancy_points_somewhere(scene: Scene) -> Faults:
    """A direction has a length."""
    if not any(scene.buoyancy.direction):
        yield Fault(("scene", "buoyancy", "direction"), "points nowhere, got [0, 0]; use strength: 0 for no buoyancy")
    for number, region in enumerate(scene.regions):
        if region.direction is not None and not any(region.direction):
            yield Fault(("scene", "regions", number, "direction"), "points nowhere, got [0, 0]; use factor: 0 instead")


def regions_tile_the_box(grid: Grid, scene: Scene) -> Faults:
    """Every cell lies in one region, if there are any."""
    if not scene.regions:
        return
    width, height = grid.shape
    cover = np.zeros((height, width), int)
    for number, region in enumerate(scene.regions):
        for axis, (first, last), cells in zip("xy", extent(region, grid), grid.shape, strict=True):
            if not 0 <= first < last <= cells:
                yield Fault(
                    ("scene", "regions", number, axis),
                    f"must be [from, to] within 0 to {cells}, rising, got [{first:g}, {last:g}]",
                )
                return
        (left, right), (bottom, top) = ((int(a), int(b)) for a, b in extent(region, grid))
        cover[bottom:top, left:right] += 1
    for wrong, text in ((cover > 1, "overlap"), (cover < 1, "leave a gap")):
        if wrong.any():
            y, x = np.argwhere(wrong)[0]
            yield Fault(
                ("scene", "regions"),
                f"the regions {text} at the cell with the corner ({x}, {y}), the first of {int(wrong.sum())}; "
                "they must tile the box",
            )


def one_inflow_varies(scene: Scene, vary: Vary) -> Faults:
    """Varying an inflow says which one only if there is one."""
    for key in ("inflow_x", "inflow_y", "inflow_radius", "inflow_rate"):
        if getattr(vary, key) is not None and len(scene.inflows) > 1:
            yield Fault(("vary", key), f"varies the inflow of scenes with one, got {len(scene.inflows)}; leave it out")


def varied_numbers_fit(vary: Vary) -> Faults:
    """Radii and rates are positive, strengths at least zero, in every scene."""
    for key, least in (("inflow_radius", "above 0"), ("inflow_rate", "above 0"), ("strength", "at least 0")):
        numbers = getattr(vary, key)
        lowest = min(spelled_out(numbers)) if numbers is not None else Decimal(1)
        if lowest < 0 or (lowest == 0 and key != "strength"):
            yield Fault(("vary", key), f"must be {least} in every scene, got {float(lowest):g}")


def vary_or_sample(vary: Vary, sample: Sample | None) -> Faults:
    """Scenes are spelled out or drawn."""
    if sample is not None and any(getattr(vary, key) is not None for key in Vary.model_fields):
        yield Fault(("sample",), "vary and sample both make scenes; leave one out")


def scenes_can_be_drawn(grid: Grid, scene: Scene, vary: Vary, sample: Sample | None) -> Faults:
    """Distributions give sound scenes as far from the walls as they shall be."""
    try:
        scenes_of(scene, vary, sample, grid)
    except ValueError as fault:
        yield Fault(("sample",), str(fault))


def inflows_in_box(grid: Grid, scene: Scene, vary: Vary, sample: Sample | None) -> Faults:
    """Every inflow of every scene lies in the box and covers the centre of a cell."""
    scenes = drawn_scenes(scene, vary, sample, grid)
    made = {inflow for one in scenes for inflow in one.inflows}
    for number, inflow in enumerate(scene.inflows):
        if inflow in made:
            yield from (Fault(("scene", "inflows", number), text) for text in inflow_faults(inflow, grid.shape))
    path: Path = ("vary",) if sample is None else ("sample",)
    elsewhere = (inflow for one in scenes for inflow in one.inflows if inflow not in scene.inflows)
    first = next((text for inflow in elsewhere for text in inflow_faults(inflow, grid.shape)), None)
    if first is not None:
        yield Fault(path, first)


def inflow_faults(inflow: Inflow, cells: tuple[int, int]) -> Iterator[str]:
    """Say what is wrong with an inflow in a box of so many cells."""
    x, y = inflow.center
    width, height = cells
    if not (0 <= x <= width and 0 <= y <= height):
        yield f"the inflow at ({x:g}, {y:g}) is outside the box [0, {width}] x [0, {height}]; move it inside"
        return
    gaps = (abs(p - (min(math.floor(p), n - 1) + 0.5)) for p, n in zip(inflow.center, cells, strict=True))
    if math.hypot(*gaps) > inflow.radius:
        yield (
            f"the inflow at ({x:g}, {y:g}) touches no cell centre, got radius {inflow.radius:g}; "
            "cell centres are at 0.5, 1.5, ...: make it larger or move it onto one"
        )
