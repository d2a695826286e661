"""What a group element makes of a scene: of its inflows, one or as columns, its regions and its directions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phigen.recipe.scene import Inflow, Region, Scene
from phigen.recipe.symmetry import Symmetry
from phigen.symmetry.element import Box, GroupElement, Point
from phigen.symmetry.point_groups import ELEMENTS, ElementName

Discs = NDArray[np.float64]
"""Inflows as an array (..., 4): x, y, radius and rate."""

_DIGITS = 9
"""Positions that agree to this many decimals are the same: a rotation rounds them."""


def discs_of(inflows: Sequence[Inflow]) -> Discs:
    """Return inflows as an array (inflow, 4)."""
    return np.array([(*inflow.center, inflow.radius, inflow.rate) for inflow in inflows], np.float64).reshape(-1, 4)


def inflows_of(discs: Discs) -> tuple[Inflow, ...]:
    """Return the inflows of an array (inflow, 4)."""
    return tuple(
        Inflow.model_construct(center=(x, y), radius=radius, rate=rate) for x, y, radius, rate in discs.tolist()
    )


def moved_discs(discs: Discs, g: GroupElement, box: Box) -> Discs:
    """Return what an element makes of inflows, in simulated cells.

    What leaves a periodic box enters it on the other side, unless the box is scaled with the scene.
    """
    placed = discs.copy()
    placed[..., 2] *= g.length
    places = g.on_point((discs[..., 0], discs[..., 1]), box)
    for axis, (p, n, wraps) in enumerate(zip(places, box.cells, box.periodic, strict=True)):
        placed[..., axis] = p % n if wraps and g.moves_within_box else p
    return placed


def finished_discs(discs: Discs, g: GroupElement, box: Box) -> Discs:
    """Return the inflows of finished runs: moved, in stored cells."""
    placed = moved_discs(discs, g, box)
    if g.moves_within_box:
        return placed
    across, up = _stored_per_simulated(g, box)
    in_stored_cells: Discs = placed * np.array([across, up, across, 1.0])
    return in_stored_cells


def finished_regions(scene: Scene, g: GroupElement, symmetry: Symmetry, box: Box) -> tuple[Region, ...]:
    """Return the regions of a finished run: moved, but for regions that stay, in stored cells."""
    if g.moves_within_box and symmetry.regions == "stay":
        return moved_regions(scene, g.identity, box)
    regions = moved_regions(scene, g, box)
    if g.moves_within_box:
        return regions
    across, up = _stored_per_simulated(g, box)
    extents = [(region, *extent(region, box)) for region in regions]
    return tuple(
        region.model_copy(update={"x": (x[0] * across, x[1] * across), "y": (y[0] * up, y[1] * up)})
        for region, x, y in extents
    )


def _stored_per_simulated(g: GroupElement, box: Box) -> Point:
    """Return the size of a simulated cell in stored cells."""
    across, up = (stored / n for stored, n in zip(box.cells, g.simulated_cells(box.cells), strict=True))
    return across, up


def finished(scene: Scene, g: GroupElement, symmetry: Symmetry, box: Box) -> Scene:
    """Return the scene of a finished run without its strength: moved, but for regions that stay, in stored cells."""
    inflows = inflows_of(finished_discs(discs_of(scene.inflows), g, box))
    regions = finished_regions(scene, g, symmetry, box)
    return scene.model_copy(update={"buoyancy": _turned(scene, g), "inflows": inflows, "regions": regions})


def moved(scene: Scene, g: GroupElement, box: Box) -> Scene:
    """Return what an element makes of a scene, but for its strength: its inflows, regions and directions."""
    inflows, regions = moved_inflows(scene, g, box), moved_regions(scene, g, box)
    return scene.model_copy(update={"buoyancy": _turned(scene, g), "inflows": inflows, "regions": regions})


def _turned(scene: Scene, g: GroupElement) -> Any:
    return scene.buoyancy.model_copy(update={"direction": g.on_direction(scene.buoyancy.direction)})


def moved_inflows(scene: Scene, g: GroupElement, box: Box) -> tuple[Inflow, ...]:
    """Return what an element makes of a scene's inflows, in simulated cells."""
    return inflows_of(moved_discs(discs_of(scene.inflows), g, box))


def moved_regions(scene: Scene, g: GroupElement, box: Box) -> tuple[Region, ...]:
    """Return what an element makes of a scene's regions; on a periodic axis one may reach over the edge of the box."""
    return tuple(_moved_region(region, g, box) for region in scene.regions)


def _moved_region(region: Region, g: GroupElement, box: Box) -> Region:
    (left, right), (bottom, top) = extent(region, box)
    one, other = g.on_point((left, bottom), box), g.on_point((right, top), box)
    x, y = ((min(pair), max(pair)) for pair in zip(one, other, strict=True))
    direction = None if region.direction is None else g.on_direction(region.direction)
    return region.model_copy(update={"x": x, "y": y, "direction": direction})


def extent(region: Region, box: Box) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the edges of a region, left and right, and lower and upper."""
    width, height = box.cells
    return region.x or (0, width), region.y or (0, height)


def stabilizer(scene: Scene, symmetry: Symmetry, box: Box) -> tuple[ElementName, ...]:
    """Return the rotations and reflections of the group that leave a scene and its box as they are."""
    itself = key_of(scene)
    return tuple(
        name
        for name in symmetry.of_group.step_subgroup
        if name == "identity" or _leaves(scene, ELEMENTS[name], box, itself)
    )


def _leaves(scene: Scene, g: GroupElement, box: Box, itself: tuple[Any, ...]) -> bool:
    return g.misfit(box, non_integer="error") is None and key_of(moved(scene, g, box)) == itself


def unit(direction: Point) -> Point:
    """Return a direction with length 1; [0, 0], which a check refuses, stays as it is."""
    length = math.hypot(*direction) or 1.0
    return direction[0] / length, direction[1] / length


def key_of(scene: Scene) -> tuple[Any, ...]:
    """Return a value that is equal for two equal scenes, whatever the order of their parts."""
    inflows = sorted((*map(_rounded, inflow.center), _rounded(inflow.radius), inflow.rate) for inflow in scene.inflows)
    buoyancy = scene.buoyancy.direction
    regions = sorted(
        (region.x or (), region.y or (), region.factor, tuple(map(_rounded, unit(region.direction or buoyancy))))
        for region in scene.regions
    )
    direction = () if regions else tuple(map(_rounded, unit(buoyancy)))
    return tuple(inflows), tuple(regions), direction


def _rounded(number: float) -> float:
    return round(number, _DIGITS) + 0.0
