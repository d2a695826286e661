"""The scenes that a recipe spells out, what a group element makes of one, and how strong each run of an orbit is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from itertools import product
from typing import Any

from phigen.recipe.distribution import stream_of
from phigen.recipe.grid import Grid
from phigen.recipe.scene import Inflow, Region, Sample, Scene, Vary
from phigen.recipe.symmetry import Breaking, Symmetry
from phigen.recipe.values import exact, spelled_out
from phigen.symmetry.actions import Transformation, identity
from phigen.symmetry.point_groups import ELEMENTS, GROUPS, Element, ElementName, Point
from phigen.symmetry.scaling import Scale

MOST_DRAWS = 1000
"""A scene that keeps its distance from no wall after so many draws is taken for impossible."""

_DIGITS = 9
"""Places in the same cell to so many decimals are the same place: turning them rounds."""


@lru_cache(maxsize=8)
def scenes_of(scene: Scene, vary: Vary, sample: Sample | None, grid: Grid) -> tuple[Scene, ...]:
    """Give every scene that an orbit starts from.

    Those that are drawn, or else every combination of what varies, the last key fastest.

    Raises
    ------
    ValueError
        If no scene can be drawn that keeps its distance from the walls.
    """
    if sample is not None:
        return tuple(_drawn(scene, sample, number, grid) for number in range(sample.count))
    varying = {key: spelled_out(numbers) for key in Vary.model_fields if (numbers := getattr(vary, key)) is not None}
    combinations = product(*varying.values())
    return tuple(_with(scene, dict(zip(varying, map(float, values), strict=True))) for values in combinations)


def _with(scene: Scene, changes: dict[str, float]) -> Scene:
    inflows = tuple(_changed(inflow, changes) for inflow in scene.inflows)
    return scene.model_copy(update={"inflows": inflows, "buoyancy": _strengthened(scene, changes)})


def _changed(inflow: Inflow, changes: dict[str, float]) -> Inflow:
    x, y = inflow.center
    return inflow.model_copy(
        update={
            "center": (changes.get("inflow_x", x), changes.get("inflow_y", y)),
            "radius": changes.get("inflow_radius", inflow.radius),
            "rate": changes.get("inflow_rate", inflow.rate),
        }
    )


def _strengthened(scene: Scene, changes: dict[str, float]) -> Any:
    return scene.buoyancy.model_copy(update={"strength": changes["strength"]} if "strength" in changes else {})


def _drawn(scene: Scene, sample: Sample, number: int, grid: Grid) -> Scene:
    """Draw one scene from a stream of its own, again and again until it is sound and far enough from the walls."""
    stream = stream_of(sample.seed, number)
    about_inflows = ("inflow_x", "inflow_y", "inflow_radius", "inflow_rate")
    for _ in range(MOST_DRAWS):
        inflows = tuple(_changed(inflow, _draws(sample, about_inflows, stream)) for inflow in scene.inflows)
        changes = _draws(sample, ("strength",), stream)
        sound = all(inflow.radius > 0 and inflow.rate > 0 for inflow in inflows) and changes.get("strength", 0.0) >= 0
        if sound and all(_clearance(inflow, grid) >= sample.wall_distance for inflow in inflows):
            return scene.model_copy(update={"inflows": inflows, "buoyancy": _strengthened(scene, changes)})
    raise ValueError(
        f"no scene is drawn that is sound and {sample.wall_distance:g} cells from every wall, in {MOST_DRAWS} draws; "
        "narrow the distributions or lower wall_distance"
    )


def _draws(sample: Sample, keys: tuple[str, ...], stream: Any) -> dict[str, float]:
    chosen = {key: getattr(sample, key) for key in keys}
    return {key: distribution.draw(stream) for key, distribution in chosen.items() if distribution is not None}


def _clearance(inflow: Inflow, grid: Grid) -> float:
    """Give the distance from an inflow's rim to the nearest wall; a periodic axis has none."""
    gaps = (min(p, n - p) for p, n, wraps in zip(inflow.center, grid.shape, grid.periodic, strict=True) if not wraps)
    return min(gaps, default=math.inf) - inflow.radius


def orbit_of(scene: Scene, symmetry: Symmetry, grid: Grid) -> Iterator[tuple[int, Transformation]]:
    """Give the elements that a scene is taken through, each with its place among those of the recipe.

    All of them, or where the recipe asks for distinct ones, the first of those that give one scene.
    """
    if symmetry.elements != "distinct":
        yield from enumerate(symmetry.orbit)
        return
    seen = set()
    for number, g in enumerate(symmetry.orbit):
        key = _key(finished(scene, g, symmetry, grid))
        if key not in seen:
            yield number, g
        seen.add(key)


def orbit_size(scene: Scene, symmetry: Symmetry, grid: Grid) -> int:
    """Give how many elements a scene is taken through."""
    return symmetry.size if symmetry.elements != "distinct" else len(list(orbit_of(scene, symmetry, grid)))


def finished(scene: Scene, g: Transformation, symmetry: Symmetry, grid: Grid) -> Scene:
    """Give the scene of a finished run but for its strength: moved, except for regions that stay, in stored cells."""
    placed = moved(scene, g, grid)
    if isinstance(g, Scale):
        return _in_stored_cells(placed, g, grid)
    if symmetry.regions == "stay":
        return placed.model_copy(update={"regions": moved(scene, identity(g), grid).regions})
    return placed


def _in_stored_cells(scene: Scene, g: Scale, grid: Grid) -> Scene:
    """Give a scaled scene in cells of the grid that its fields are resampled to."""
    across, up = (stored / simulated for stored, simulated in zip(grid.shape, g.cells(grid.shape), strict=True))
    inflows = tuple(
        inflow.model_copy(
            update={"center": (inflow.center[0] * across, inflow.center[1] * up), "radius": inflow.radius * across}
        )
        for inflow in scene.inflows
    )
    extents = [(region, extent(region, grid)) for region in scene.regions]
    regions = tuple(
        region.model_copy(update={"x": (x[0] * across, x[1] * across), "y": (y[0] * up, y[1] * up)})
        for region, (x, y) in extents
    )
    return scene.model_copy(update={"inflows": inflows, "regions": regions})


def moved(scene: Scene, g: Transformation, grid: Grid) -> Scene:
    """Give what an element makes of a scene but for its strength: inflows, regions and directions, moved and turned.

    What comes over the edge of a periodic box comes in at the other side; a scaling takes the box along.
    """
    buoyancy = scene.buoyancy.model_copy(update={"direction": _turned(g, scene.buoyancy.direction)})
    inflows = tuple(
        inflow.model_copy(update={"center": _centred(g, inflow.center, grid), "radius": inflow.radius * _length(g)})
        for inflow in scene.inflows
    )
    regions = tuple(moved_region(region, g, grid) for region in scene.regions)
    return scene.model_copy(update={"buoyancy": buoyancy, "inflows": inflows, "regions": regions})


def moved_region(region: Region, g: Transformation, grid: Grid) -> Region:
    """Give what an element makes of a region; on a periodic axis it may go on at the other side."""
    (left, right), (bottom, top) = extent(region, grid)
    one, other = _placed(g, (left, bottom), grid), _placed(g, (right, top), grid)
    x, y = ((min(pair), max(pair)) for pair in zip(one, other, strict=True))
    direction = None if region.direction is None else _turned(g, region.direction)
    return region.model_copy(update={"x": x, "y": y, "direction": direction})


def extent(region: Region, grid: Grid) -> tuple[tuple[float, float], tuple[float, float]]:
    """Give from where to where a region reaches along x and y."""
    width, height = grid.shape
    return region.x or (0, width), region.y or (0, height)


def stabilizer(scene: Scene, symmetry: Symmetry, grid: Grid) -> tuple[ElementName, ...]:
    """Give the elements of the recipe's point group that leave a scene and its box as they are."""
    if symmetry.group == "translation" or symmetry.group == "scaling":
        return ("identity",)
    itself = _key(scene)
    return tuple(
        name
        for name in GROUPS[symmetry.group]
        if fits_box(ELEMENTS[name], grid) and _key(moved(scene, ELEMENTS[name], grid)) == itself
    )


def fits_box(g: Element, grid: Grid) -> bool:
    """Whether an element takes the box and its boundaries onto themselves."""
    return (not g.swaps_axes or grid.shape[0] == grid.shape[1]) and g.on_sides(grid.boundaries) == grid.boundaries


def strength_of(scene: Scene, breaking: Breaking, parameter: Decimal, element: int) -> Decimal:
    """Give the buoyancy strength of one run: (strength + parameter * offset) * (1 + parameter * gain).

    Decimal arithmetic keeps equal strengths equal, so that their scenes are simulated once.

    Parameters
    ----------
    scene : Scene
        Start of the orbit.
    breaking : Breaking
        Offsets and gains, one per element.
    parameter : Decimal
        How far the orbit is broken; 0 is exactly symmetric.
    element : int
        Position in the orbit.
    """
    offset = spelled_out(breaking.offsets)[element] if breaking.offsets is not None else Decimal(0)
    gain = spelled_out(breaking.gains)[element] if breaking.gains is not None else Decimal(0)
    return (exact(scene.buoyancy.strength) + parameter * offset) * (1 + parameter * gain)


def factors_of(scene: Scene, breaking: Breaking, parameter: Decimal, element: int, steps: int) -> tuple[float, ...]:
    """Give the factor on the strength at each step: the scene's schedule, and with the parameter its element's own."""
    own = scene.buoyancy.schedule.over(steps)
    if breaking.schedules is None or not parameter:
        return own
    share = float(parameter)
    theirs = breaking.schedules[element].over(steps)
    return tuple((1 - share) * one + share * other for one, other in zip(own, theirs, strict=True))


def _placed(g: Transformation, point: Point, grid: Grid) -> Point:
    return g.on_point(point, grid.shape) if isinstance(g, Element) else g.on_point(point)


def _centred(g: Transformation, point: Point, grid: Grid) -> Point:
    place = _placed(g, point, grid)
    if isinstance(g, Scale):
        return place
    x, y = (p % n if wraps else p for p, n, wraps in zip(place, grid.shape, grid.periodic, strict=True))
    return x, y


def _turned(g: Transformation, direction: Point) -> Point:
    return g.on_vector(direction) if isinstance(g, Element) else direction


def _length(g: Transformation) -> float:
    return g.length if isinstance(g, Scale) else 1.0


def unit(direction: Point) -> Point:
    """Give a direction of length 1; one without a length, which a check refuses, as it is."""
    length = math.hypot(*direction) or 1.0
    return direction[0] / length, direction[1] / length


def _key(scene: Scene) -> tuple[Any, ...]:
    """Give what two scenes have in common if they are the same, whatever the order of their parts."""
    inflows = sorted((*map(_rounded, inflow.center), _rounded(inflow.radius), inflow.rate) for inflow in scene.inflows)
    regions = sorted(
        (
            region.x or (),
            region.y or (),
            region.factor,
            tuple(map(_rounded, unit(region.direction or scene.buoyancy.direction))),
        )
        for region in scene.regions
    )
    direction = () if regions else tuple(map(_rounded, unit(scene.buoyancy.direction)))
    return tuple(inflows), tuple(regions), direction


def _rounded(number: float) -> float:
    return round(number, _DIGITS) + 0.0
