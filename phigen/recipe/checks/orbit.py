"""What a recipe's group and its orbits must be; one function a claim, each giving its faults."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from typing import Any

from phigen.recipe.checks.fault import Fault, Faults, Path, drawn_scenes
from phigen.recipe.checks.scene import inflow_faults
from phigen.recipe.grid import MOST_CELLS, Grid
from phigen.recipe.scene import Sample, Scene, Vary
from phigen.recipe.scenes import fits_box, moved
from phigen.recipe.symmetry import Symmetry
from phigen.symmetry.actions import Transformation
from phigen.symmetry.point_groups import GROUPS, Element
from phigen.symmetry.scaling import Scale
from phigen.symmetry.translation import Shift

MOST_FACTOR = 1000
"""Of a scaling, up or down: no table of scales in use is longer."""

_OF_GROUP = {
    "elements": "point",
    "shifts": "translation",
    "factors": "scaling",
    "reading": "scaling",
}
_DEFAULTS = Symmetry()
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
    if symmetry.time_exponent != _DEFAULTS.time_exponent and symmetry.reading != "rescaled":
        yield Fault(("symmetry", "time_exponent"), "belongs to the reading rescaled; leave it out")
    if symmetry.tolerance != _DEFAULTS.tolerance and symmetry.target_error is None:
        yield Fault(("symmetry", "tolerance"), "is of target errors, got none; leave it out")
    if symmetry.fractional == "floored" and symmetry.reading == "rescaled":
        yield Fault(("symmetry", "fractional"), "floored belongs to the reading resampled, got rescaled; leave it out")
    useful = {"resampled": "translation", "floored": "scaling"}.get(symmetry.fractional, symmetry.group)
    if useful != symmetry.group:
        yield Fault(
            ("symmetry", "fractional"),
            f"{symmetry.fractional} belongs to the group {useful}, got {symmetry.group}; leave it out",
        )


def regions_can_stay(scene: Scene, symmetry: Symmetry) -> Faults:
    """Regions that stay are there, and there are elements that would move them."""
    if symmetry.regions == "move":
        return
    if not scene.regions:
        yield Fault(("symmetry", "regions"), "no regions can stay, the scene has none; leave it out")
    elif len(symmetry.orbit) < 2 or symmetry.group == "scaling":
        yield Fault(
            ("symmetry", "regions"), f"the group {symmetry.group} moves no regions that could stay; leave it out"
        )


def _belongs(kind: str) -> str:
    return "a point group" if kind == "point" else f"the group {kind}"


def elements_of_group(symmetry: Symmetry) -> Faults:
    """The orbit begins with the identity, and names elements of its group, each once."""
    key = {"point": "elements", "translation": "shifts", "scaling": "factors"}[_kind(symmetry)]
    path: Path = ("symmetry", key)
    names = [g.name for g in symmetry.orbit]
    group = _members(symmetry)
    for number, name in enumerate(names):
        if name not in group:
            yield Fault((*path, number), f"{name} is not in {symmetry.group}, which has {', '.join(group)}")
    for name, times in Counter(names).items():
        if times > 1:
            again = names.index(name, names.index(name) + 1)
            place = (*path, again) if isinstance(getattr(symmetry, key), tuple) else path
            yield Fault(place, f"{name} is listed {'twice' if times == 2 else f'{times} times'}; list it once")
    if names[:1] != ["identity"]:
        yield Fault(
            path, f"{_FIRST[_kind(symmetry)]} must come first, for the others are compared with it, got {names[0]}"
        )


_FIRST = {"point": "identity", "translation": "the shift [0, 0]", "scaling": "the factor 1"}


def _members(symmetry: Symmetry) -> Collection[str]:
    """Give the elements that the group has: any, if they are shifts or scalings."""
    if symmetry.group == "translation" or symmetry.group == "scaling":
        return {g.name for g in symmetry.orbit}
    return GROUPS[symmetry.group]


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
        return (
            f"the factor {g.factor:g} makes more than {MOST_CELLS} cells of {max(width, height)}; choose a smaller one"
        )
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
            "one boundary on both axes"
            if g.swaps_axes and x[0] == x[1] and y[0] == y[1]
            else "like boundaries where it leads"
        )
        return Fault(path, f"{g.name} needs {what}, got {sides}; make them equal or use a smaller group")
    return None


def _said(sides: tuple[str, str]) -> str:
    return sides[0] if sides[0] == sides[1] else f"{sides[0]} to {sides[1]}"


def scenes_stay_in_box(grid: Grid, scene: Scene, vary: Vary, sample: Sample | None, symmetry: Symmetry) -> Faults:
    """No shift takes an inflow or a region out of a box with walls, and no inflow falls between cell centres."""
    kind = _kind(symmetry)
    if kind == "point" or (kind == "scaling" and next(orbit_fits_box(grid, symmetry), None) is not None):
        return
    for g in symmetry.orbit:
        lost = (_lost(varied, g, grid) for varied in drawn_scenes(scene, vary, sample, grid))
        text = next(filter(None, lost), _torn(g, grid, symmetry) if scene.regions else None)
        if text is not None:
            yield Fault(("symmetry", "shifts" if kind == "translation" else "factors"), text)
            return


def _lost(scene: Scene, g: Transformation, grid: Grid) -> str | None:
    """Say what a sound scene has not left once it is shifted or scaled: an inflow, or a cell to compare it on."""
    cells = g.cells(grid.shape) if isinstance(g, Scale) else grid.shape
    for before, inflow in zip(scene.inflows, moved(scene, g, grid).inflows, strict=True):
        if next(inflow_faults(before, grid.shape), None) is not None:
            continue
        for axis, p, n, wraps in zip("xy", inflow.center, cells, grid.periodic, strict=True):
            if not 0 <= p <= n and not wraps:
                less = "shift it less" if isinstance(g, Shift) else "move it inwards"
                return f"{g.name} takes an inflow out of the box, got {axis} = {p:g} in [0, {n}]; {less}"
        if next(inflow_faults(inflow, cells), None) is not None:
            x, y = before.center
            return f"{g.name} takes the inflow at ({x:g}, {y:g}) off every cell centre; make it larger"
    if isinstance(g, Shift) and _shares_nothing(g, grid):
        return f"{g.name} is as long as the box, and leaves no cell to compare with the first run's; shift it less"
    return None


def _shares_nothing(g: Shift, grid: Grid) -> bool:
    lengths = zip((g.x, g.y), grid.shape, grid.periodic, strict=True)
    return any(math.ceil(abs(length)) >= n and not wraps for length, n, wraps in lengths)


def _torn(g: Transformation, grid: Grid, symmetry: Symmetry) -> str | None:
    """Say why regions cannot go with a shift, or stay: walls would leave a gap, and regions end at cell edges."""
    if not isinstance(g, Shift):
        return None
    moves, (x, y) = symmetry.regions == "move", grid.periodic
    if moves and g.along((not x, not y)) != Shift(0, 0):
        return f"{g.name} takes the regions out of the box; say regions: stay, and they break the symmetry"
    if not g.is_whole if moves else symmetry.frame == "orbit" and not g.along((x, y)).is_whole:
        instead = "say regions: stay and frame: lab" if moves else "say frame: lab"
        return f"{g.name} takes the regions off the cell edges; shift by whole cells, or {instead}"
    return None


def elements_differ(grid: Grid, scene: Scene, vary: Vary, sample: Sample | None, symmetry: Symmetry) -> Faults:
    """No element puts every inflow where another element has it already, unless distinct ones are asked for."""
    if (
        symmetry.elements == "distinct"
        or _kind(symmetry) == "scaling"
        or len(set(symmetry.orbit)) < len(symmetry.orbit)
    ):
        return
    if next(orbit_fits_box(grid, symmetry), None) is not None:
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
