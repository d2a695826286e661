"""Orbits: a scene, the group elements that it is taken through, and how strong each of its runs is."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from phigen.recipe.scene import Inflow, Region, Scene
from phigen.recipe.splits import Splits, members
from phigen.recipe.symmetry import Breaking, Symmetry
from phigen.recipe.values import exact, spelled_out
from phigen.symmetry.element import Box, GroupElement, Point
from phigen.symmetry.point_groups import ELEMENTS, ElementName

_DIGITS = 9
"""Positions that agree to this many decimals are the same: a rotation rounds them."""


@dataclass(frozen=True)
class Member:
    """One element of an orbit.

    Parameters
    ----------
    place : int
        Its place among the elements that the recipe lists, from 0.
    element : GroupElement
        Takes the orbit's scene to that of the run.
    split : str
        train, validation or test.
    """

    place: int
    element: GroupElement
    split: str = "train"


@dataclass(frozen=True)
class Orbit:
    """A scene and the elements that it is taken through; the same at every level.

    Parameters
    ----------
    number : int
        Its place in the dataset, from 0.
    scene : Scene
        The scene of the identity.
    breaking : Breaking
        How the elements' strengths and schedules differ.
    members : tuple of Member
        The elements, the identity first.
    """

    number: int
    scene: Scene
    breaking: Breaking
    members: tuple[Member, ...]

    def strength(self, member: Member, parameter: Decimal) -> Decimal:
        """Compute the buoyancy strength of one run; see `strength_of`."""
        return strength_of(self.scene, self.breaking, parameter, member.place)

    def factors(self, member: Member, parameter: Decimal, *, steps: int) -> tuple[float, ...]:
        """Compute the factor on the strength at each step.

        The scene's schedule at parameter 0, the element's own at 1, and a linear combination of them in between.
        """
        shared = self.scene.buoyancy.schedule.over(steps)
        if self.breaking.schedules is None or not parameter:
            return shared
        share = float(parameter)
        own = self.breaking.schedules[member.place].over(steps)
        return tuple((1 - share) * one + share * other for one, other in zip(shared, own, strict=True))


def orbits_of(scenes: Iterable[Scene], symmetry: Symmetry, box: Box) -> tuple[Orbit, ...]:
    """Return the orbit of each scene.

    An orbit has all elements of the recipe or, where the recipe asks for distinct ones, the first of those that give
    the same scene.
    """
    breaking = symmetry.differing
    every = tuple(Member(place, g) for place, g in enumerate(symmetry.orbit))
    if symmetry.elements != "distinct":
        return tuple(Orbit(number, scene, breaking, every) for number, scene in enumerate(scenes))
    return tuple(
        Orbit(number, scene, breaking, _distinct(scene, every, symmetry, box)) for number, scene in enumerate(scenes)
    )


def _distinct(scene: Scene, every: tuple[Member, ...], symmetry: Symmetry, box: Box) -> tuple[Member, ...]:
    first: dict[Any, Member] = {}
    for member in every:
        first.setdefault(_key(finished(scene, member.element, symmetry, box)), member)
    return tuple(first.values())


def split_up(orbits: tuple[Orbit, ...], splits: Splits) -> tuple[Orbit, ...]:
    """Return the same orbits with the split of each run.

    Raises
    ------
    ValueError
        If the splits do not fit the number of orbits or runs; see `phigen.recipe.splits.members`.
    """
    if splits.by == "orbit":
        names = members(splits, len(orbits))
        by_run = iter([names[orbit.number] for orbit in orbits for _ in orbit.members])
    else:
        by_run = iter(members(splits, sum(len(orbit.members) for orbit in orbits)).values())
    return tuple(
        Orbit(o.number, o.scene, o.breaking, tuple(Member(m.place, m.element, next(by_run)) for m in o.members))
        for o in orbits
    )


def strength_of(scene: Scene, breaking: Breaking, parameter: Decimal, place: int) -> Decimal:
    """Compute the buoyancy strength of one run: (strength + parameter * offset) * (1 + parameter * gain).

    Decimal arithmetic keeps equal strengths equal, so that their scenes are simulated once.

    Parameters
    ----------
    scene : Scene
        Start of the orbit.
    breaking : Breaking
        Offsets and gains, one per element.
    parameter : Decimal
        Multiplies them; 0 is exactly symmetric.
    place : int
        Place of the element among those that the recipe lists.
    """
    offset = spelled_out(breaking.offsets)[place] if breaking.offsets is not None else Decimal(0)
    gain = spelled_out(breaking.gains)[place] if breaking.gains is not None else Decimal(0)
    return (exact(scene.buoyancy.strength) + parameter * offset) * (1 + parameter * gain)


def finished(scene: Scene, g: GroupElement, symmetry: Symmetry, box: Box) -> Scene:
    """Return the scene of a finished run without its strength: moved, but for regions that stay, in stored cells."""
    placed = moved(scene, g, box)
    if not g.moves_within_box:
        return _in_stored_cells(placed, g, box)
    if symmetry.regions == "stay":
        return placed.model_copy(update={"regions": moved_regions(scene, g.identity, box)})
    return placed


def _in_stored_cells(scene: Scene, g: GroupElement, box: Box) -> Scene:
    """Return a scaled scene in cells of the grid that its fields are resampled to."""
    across, up = (stored / n for stored, n in zip(box.cells, g.simulated_cells(box.cells), strict=True))
    inflows = tuple(
        inflow.model_copy(
            update={"center": (inflow.center[0] * across, inflow.center[1] * up), "radius": inflow.radius * across}
        )
        for inflow in scene.inflows
    )
    extents = [(region, *extent(region, box)) for region in scene.regions]
    regions = tuple(
        region.model_copy(update={"x": (x[0] * across, x[1] * across), "y": (y[0] * up, y[1] * up)})
        for region, x, y in extents
    )
    return scene.model_copy(update={"inflows": inflows, "regions": regions})


def moved(scene: Scene, g: GroupElement, box: Box) -> Scene:
    """Return what an element makes of a scene, but for its strength: its inflows, regions and directions.

    What leaves a periodic box enters it on the other side, unless the box is scaled with the scene.
    """
    buoyancy = scene.buoyancy.model_copy(update={"direction": g.on_direction(scene.buoyancy.direction)})
    inflows, regions = moved_inflows(scene, g, box), moved_regions(scene, g, box)
    return scene.model_copy(update={"buoyancy": buoyancy, "inflows": inflows, "regions": regions})


def moved_inflows(scene: Scene, g: GroupElement, box: Box) -> tuple[Inflow, ...]:
    """Return what an element makes of a scene's inflows."""
    return tuple(
        inflow.model_copy(update={"center": _centred(g, inflow.center, box), "radius": inflow.radius * g.length})
        for inflow in scene.inflows
    )


def moved_regions(scene: Scene, g: GroupElement, box: Box) -> tuple[Region, ...]:
    """Return what an element makes of a scene's regions; on a periodic axis one may reach over the edge of the box."""
    return tuple(_moved_region(region, g, box) for region in scene.regions)


def _moved_region(region: Region, g: GroupElement, box: Box) -> Region:
    (left, right), (bottom, top) = extent(region, box)
    one, other = g.on_point((left, bottom), box), g.on_point((right, top), box)
    x, y = ((min(pair), max(pair)) for pair in zip(one, other, strict=True))
    direction = None if region.direction is None else g.on_direction(region.direction)
    return region.model_copy(update={"x": x, "y": y, "direction": direction})


def _centred(g: GroupElement, point: Point, box: Box) -> Point:
    place = g.on_point(point, box)
    if not g.moves_within_box:
        return place
    x, y = (p % n if periodic else p for p, n, periodic in zip(place, box.cells, box.periodic, strict=True))
    return x, y


def extent(region: Region, box: Box) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the edges of a region, left and right, and lower and upper."""
    width, height = box.cells
    return region.x or (0, width), region.y or (0, height)


def stabilizer(scene: Scene, symmetry: Symmetry, box: Box) -> tuple[ElementName, ...]:
    """Return the rotations and reflections of the group that leave a scene and its box as they are."""
    itself = _key(scene)
    return tuple(
        name
        for name in symmetry.of_group.step_subgroup
        if name == "identity" or _leaves(scene, ELEMENTS[name], box, itself)
    )


def _leaves(scene: Scene, g: GroupElement, box: Box, itself: tuple[Any, ...]) -> bool:
    return g.misfit(box, non_integer="error") is None and _key(moved(scene, g, box)) == itself


def unit(direction: Point) -> Point:
    """Return a direction with length 1; [0, 0], which a check refuses, stays as it is."""
    length = math.hypot(*direction) or 1.0
    return direction[0] / length, direction[1] / length


def _key(scene: Scene) -> tuple[Any, ...]:
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
