"""What a recipe's group and its orbits must be; one function a claim, each giving its faults."""

from __future__ import annotations

import itertools
import math
from typing import Any

from phigen.breaking import Symmetry
from phigen.faults import Fault, Faults, Path, drawn_scenes
from phigen.grid import MOST_CELLS, Grid, Time
from phigen.numbers import spelled_out
from phigen.orbit import Transformation
from phigen.scaling import Scale
from phigen.scene import Sample, Scene, Vary
from phigen.scenes import fits_box, moved, strength_of
from phigen.symmetry import GROUPS, Element
from phigen.translation import Shift

MOST_FACTOR = 1000
"""Of a scaling, up or down: no table of scales in use is longer."""

_OF_GROUP = {
    "elements": "point",
    "shifts": "translation",
    "factors": "scaling",
    "reading": "scaling",
}
_NEEDED = {"translation": ("shifts",), "scaling": ("factors", "reading")}


def _kind(symmetry: Symmetry) -> str:
    return symmetry.group if symmetry.group in _NEEDED else "point"


def keys_of_group(symmetry: Symmetry) -> Faults:
    """A group has the keys that say which of its elements make an orbit, and no other's."""
    for key in _NEEDED.get(symmetry.group, ()):
        if getattr(symmetry, key) is None:
            yield Fault(("symmetry", "group"), f"the group {symmetry.group} needs {key}; add it")
    for key, kind in _OF_GROUP.items():
        if getattr(symmetry, key) is not None and kind != _kind(symmetry):
            yield Fault(("symmetry", key), f"belongs to {_belongs(kind)}, got {symmetry.group}; leave it out")
    useful = {"resampled": "translation", "floored": "scaling"}.get(symmetry.fractional, symmetry.group)
    if useful != symmetry.group:
        yield Fault(
            ("symmetry", "fractional"),
            f"{symmetry.fractional} belongs to the group {useful}, got {symmetry.group}; leave it out",
        )


def _belongs(kind: str) -> str:
    return "a point group" if kind == "point" else f"the group {kind}"


def elements_of_group(symmetry: Symmetry) -> Faults:
    """The orbit begins with the identity, and names elements of its group, each once."""
    path: Path = ("symmetry", {"point": "elements", "translation": "shifts", "scaling": "factors"}[_kind(symmetry)])
    names = [g.name for g in symmetry.orbit]
    for number, name in enumerate(names):
        group = _members(symmetry)
        if name not in group:
            yield Fault((*path, number), f"{name} is not in {symmetry.group}, which has {', '.join(group)}")
        if name in names[:number]:
            yield Fault((*path, number), f"{name} is listed twice; leave one out")
    if names[:1] != ["identity"]:
        yield Fault(
            path, f"{_FIRST[_kind(symmetry)]} must come first, for the others are compared with it, got {names[0]}"
        )


_FIRST = {"point": "identity", "translation": "the shift [0, 0]", "scaling": "the factor 1"}


def _members(symmetry: Symmetry) -> tuple[str, ...]:
    """Give the elements that the group has: any, if they are shifts or scalings."""
    if symmetry.group == "translation" or symmetry.group == "scaling":
        return tuple(g.name for g in symmetry.orbit)
    return GROUPS[symmetry.group]


def breaking_fits_orbit(symmetry: Symmetry) -> Faults:
    """What breaks a symmetry has one entry per element; levels are at least 0 and each is listed once."""
    breaking, orbit = symmetry.breaking, symmetry.orbit
    for key in ("offsets", "gains", "schedules"):
        listed = getattr(breaking, key)
        entries = None if listed is None else listed if key == "schedules" else spelled_out(listed)
        if entries is not None and len(entries) != len(orbit):
            yield Fault(
                ("symmetry", "breaking", key),
                f"one number per element is needed, got {len(entries)} for {len(orbit)} elements",
            )
    levels = spelled_out(breaking.levels if breaking.levels is not None else (0.0,))
    if min(levels) < 0 or len(set(levels)) < len(levels):
        spelled = ", ".join(f"{float(level):g}" for level in levels)
        yield Fault(("symmetry", "breaking", "levels"), f"levels must be 0 or more, each listed once, got {spelled}")


def schedules_fit_steps(symmetry: Symmetry, time: Time) -> Faults:
    """An element's schedule that lists its factors lists one per step."""
    for number, schedule in enumerate(symmetry.breaking.schedules or ()):
        try:
            schedule.over(time.steps)
        except ValueError as fault:
            yield Fault(("symmetry", "breaking", "schedules", number, "factors"), str(fault))


def targets_can_be_sought(symmetry: Symmetry, store: tuple[str, ...]) -> Faults:
    """Target errors rise from 0 or more, in place of levels, where something can differ and be measured."""
    if symmetry.target_error is None:
        return
    path: Path = ("symmetry", "target_error")
    targets = spelled_out(symmetry.target_error)
    if targets[0] < 0 or any(later <= earlier for earlier, later in itertools.pairwise(targets)):
        spelled = ", ".join(f"{float(target):g}" for target in targets)
        yield Fault(path, f"target errors must rise from 0 or more, got {spelled}; put them in order, each once")
    if len(symmetry.orbit) < 2:
        yield Fault(path, f"an orbit of one run has no error, got the group {symmetry.group}; name a larger group")
    if symmetry.breaking.levels is not None:
        yield Fault(("symmetry", "breaking", "levels"), "levels and target_error both make levels; leave one out")
    if "velocity" not in store:
        yield Fault(path, f"is of centred velocity, got a store of {', '.join(store)}; store velocity too")


def orbit_fits_box(grid: Grid, symmetry: Symmetry) -> Faults:
    """A turn or mirror takes the box and its boundaries onto themselves, a shift a scene to where cells are."""
    for g in symmetry.orbit:
        fault = _misfit(g, grid, symmetry)
        if fault is not None:
            yield fault
            return


def _misfit(g: Transformation, grid: Grid, symmetry: Symmetry) -> Fault | None:
    if isinstance(g, Element):
        return _misfit_of_turn(g, grid)
    if isinstance(g, Shift) and not g.is_whole and symmetry.fractional == "refused":
        return Fault(
            ("symmetry", "shifts"),
            f"{g.name} is no whole number of cells; shift by whole cells, or say fractional: resampled",
        )
    if isinstance(g, Scale):
        text = _misfit_of_scaling(g, grid, symmetry)
        return Fault(("symmetry", "factors"), text) if text is not None else None
    return None


def _misfit_of_scaling(g: Scale, grid: Grid, symmetry: Symmetry) -> str | None:
    width, height = grid.shape
    if not 1 / MOST_FACTOR <= g.factor <= MOST_FACTOR:
        return f"a factor must be from {1 / MOST_FACTOR:g} to {MOST_FACTOR}, got {g.factor:g}; choose another"
    if not g.fits(grid.shape) and symmetry.fractional == "refused":
        return (
            f"the factor {g.factor:g} gives no whole grid, got {width * g.factor:g} x {height * g.factor:g} cells; "
            "choose another, or say fractional: floored"
        )
    if min(g.cells(grid.shape)) < min(grid.shape):
        return f"a grid is resampled from as fine a one or finer, got {g.factor:g}; choose 1 or more, or use rescaled"
    if max(g.cells(grid.shape)) > MOST_CELLS:
        return f"the factor {g.factor:g} makes more than {MOST_CELLS} cells of {max(width, height)}; choose a smaller one"
    return None


def _misfit_of_turn(g: Element, grid: Grid) -> Fault | None:
    path: Path = ("symmetry", "group")
    (width, height), (x, y) = grid.shape, grid.boundaries
    if g.swaps_axes and width != height:
        return Fault(
            path, f"{g.name} needs a square box, got {width} x {height} cells; make the cells equal or use C2 or D2"
        )
    if not fits_box(g, grid):
        sides = f"{_said(x)} and {_said(y)}"
        what = (
            "one boundary on both axes" if g.swaps_axes and x[0] == x[1] and y[0] == y[1] else "boundaries like its own"
        )
        return Fault(path, f"{g.name} needs {what}, got {sides}; make them equal or use a smaller group")
    return None


def _said(sides: tuple[str, str]) -> str:
    return sides[0] if sides[0] == sides[1] else f"{sides[0]} to {sides[1]}"


def scenes_stay_in_box(grid: Grid, scene: Scene, vary: Vary, sample: Sample | None, symmetry: Symmetry) -> Faults:
    """No shift takes an inflow or a region out of a box with walls."""
    if symmetry.group != "translation":
        return
    for g in symmetry.orbit:
        for varied in drawn_scenes(scene, vary, sample, grid):
            placed = moved(varied, g, grid)
            for inflow in placed.inflows:
                for axis, p, n, wraps in zip("xy", inflow.center, grid.shape, grid.periodic, strict=True):
                    if not 0 <= p <= n and not wraps:
                        yield Fault(
                            ("symmetry", "shifts"),
                            f"{g.name} takes an inflow out of the box, got {axis} = {p:g} in [0, {n}]; shift it less",
                        )
                        return
        if scene.regions and symmetry.regions == "move" and any(_leaves(region, g, grid) for region in scene.regions):
            yield Fault(
                ("symmetry", "shifts"),
                f"{g.name} takes the regions out of the box; say regions: stay, and they break the symmetry",
            )
            return


def _leaves(region: Any, g: Transformation, grid: Grid) -> bool:
    """Whether a shift moves a region along an axis with walls, where it would leave a gap."""
    moves = isinstance(g, Shift) and g.along((not grid.periodic[0], not grid.periodic[1])) != Shift(0, 0)
    return moves or (isinstance(g, Shift) and not g.is_whole)


def elements_differ(grid: Grid, scene: Scene, vary: Vary, sample: Sample | None, symmetry: Symmetry) -> Faults:
    """No element puts every inflow where another element has it already, unless distinct ones are asked for."""
    if symmetry.elements == "distinct" or next(orbit_fits_box(grid, symmetry), None) is not None:
        return
    if _kind(symmetry) == "scaling":
        return
    for varied in drawn_scenes(scene, vary, sample, grid):
        placed: dict[frozenset[Any], str] = {}
        for g in symmetry.orbit:
            where = frozenset(
                (
                    *(
                        round(p, 9) % (n if wraps else math.inf)
                        for p, n, wraps in zip(i.center, grid.shape, grid.periodic, strict=True)
                    ),
                    i.radius,
                    i.rate,
                )
                for i in moved(varied, g, grid).inflows
            )
            if where in placed:
                x, y = varied.inflows[0].center
                key = "elements" if symmetry.elements else "shifts" if symmetry.shifts else "group"
                yield Fault(
                    ("symmetry", key),
                    f"{g.name} coincides with {placed[where]} for the inflow at ({x:g}, {y:g}); {_instead(symmetry)}",
                )
                return
            placed[where] = g.name


def _instead(symmetry: Symmetry) -> str:
    if symmetry.group == "translation":
        return "leave one of them out"
    return "move the inflow off its axes, list only elements that differ, or say elements: distinct"


def strengths_not_negative(grid: Grid, scene: Scene, vary: Vary, sample: Sample | None, symmetry: Symmetry) -> Faults:
    """No level takes an element's strength below zero."""
    if symmetry.target_error is not None or next(breaking_fits_orbit(symmetry), None) is not None:
        return
    for varied in drawn_scenes(scene, vary, sample, grid):
        for level in symmetry.levels:
            for number, g in enumerate(symmetry.orbit):
                strength = strength_of(varied, symmetry.breaking, level, number)
                if strength < 0:
                    yield Fault(
                        ("symmetry", "breaking"),
                        f"{g.name} has a negative strength at level {float(level):g}, got {float(strength):g}; "
                        "raise the scene's strength or lower the level",
                    )
                    return


def stored_fields_can_be_had(symmetry: Symmetry, store: tuple[str, ...]) -> Faults:
    """Pressure is not resampled: it is a multiplier of the grid that it was solved on."""
    if symmetry.group == "scaling" and symmetry.reading == "resampled" and "pressure" in store:
        yield Fault(("store", store.index("pressure")), "pressure is not resampled; leave it out, or use rescaled")
