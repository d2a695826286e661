"""Checks of a recipe's group and its orbits, one function for each claim; each yields what contradicts its claim."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from phigen.recipe.checks.problem import Place, Problem, Problems, nearest
from phigen.recipe.checks.scene import inflow_problems
from phigen.recipe.expansion.coinciding import may_be_outside, may_coincide
from phigen.recipe.expansion.moving import moved_discs, moved_inflows
from phigen.recipe.expansion.scenes import Scenes
from phigen.recipe.grid import Grid
from phigen.recipe.scene import Scene
from phigen.recipe.symmetry import Symmetry
from phigen.symmetry.element import Box, GroupElement
from phigen.symmetry.groups import GROUPS

_DEFAULTS = Symmetry()


def keys_of_group(symmetry: Symmetry) -> Problems:
    """A group has the keys that choose its elements, and no other group's."""
    group = symmetry.of_group
    for key in group.needed:
        if getattr(symmetry, key) is None:
            yield Problem(("symmetry", "group"), f"the group {group.name} needs {key}; add it")
    for key in dict.fromkeys(key for other in GROUPS.values() for key in other.keys):
        if key not in group.keys and getattr(symmetry, key) != getattr(_DEFAULTS, key):
            owners = [name for name, other in GROUPS.items() if key in other.keys]
            yield Problem(("symmetry", key), f"belongs to {_groups(owners)}, got {group.name}; remove it")
    owners = [name for name, other in GROUPS.items() if symmetry.non_integer in other.non_integer]
    if group.name not in owners:
        yield Problem(
            ("symmetry", "non_integer"),
            f"{symmetry.non_integer} belongs to {_groups(owners)}, got {group.name}; remove it",
        )


def keys_have_an_effect(symmetry: Symmetry) -> Problems:
    """A key that another one makes useless is left out."""
    if symmetry.scaling_method == "resampled" and symmetry.time_exponent != _DEFAULTS.time_exponent:
        yield Problem(("symmetry", "time_exponent"), "belongs to scaling_method: rescaled, got resampled; remove it")
    if symmetry.scaling_method == "rescaled" and symmetry.non_integer == "truncate":
        yield Problem(
            ("symmetry", "non_integer"), "truncate belongs to scaling_method: resampled, got rescaled; remove it"
        )
    if symmetry.tolerance != _DEFAULTS.tolerance and symmetry.target_error is None:
        yield Problem(("symmetry", "tolerance"), "belongs to target_error, which is not set; remove it")


def _groups(names: Sequence[str]) -> str:
    return f"the group {names[0]}" if len(names) == 1 else f"the groups {', '.join(names)}"


def elements_in_group(symmetry: Symmetry) -> Problems:
    """The listed elements are elements of the group."""
    members = symmetry.of_group.members
    if members is None or not isinstance(symmetry.elements, tuple):
        return
    for number, name in enumerate(symmetry.elements):
        if name not in members:
            yield Problem(
                ("symmetry", "elements", number),
                f"{name} is not in {symmetry.group}{nearest(name, members)}; known are {', '.join(members)}",
            )


def identity_comes_first(symmetry: Symmetry) -> Problems:
    """The orbit begins with the identity, and each element is listed once."""
    group = symmetry.of_group
    path: Place = ("symmetry", group.listed_by)
    names = [g.name for g in symmetry.orbit]
    for name, times in Counter(names).items():
        if times > 1:
            again = names.index(name, names.index(name) + 1)
            place = (*path, again) if isinstance(symmetry.listed, tuple) else path
            yield Problem(place, f"{name} is listed {'twice' if times == 2 else f'{times} times'}; list it once")
    if names[:1] != ["identity"]:
        yield Problem(
            path, f"{group.first} must come first because the other runs are compared with it, got {names[0]}; move it"
        )


def orbit_fits_box(grid: Grid, symmetry: Symmetry) -> Problems:
    """Every element maps the box and its boundary conditions onto themselves, and cells to cells."""
    box = grid.box
    misfits = (g.misfit(box, non_integer=symmetry.non_integer) for g in symmetry.orbit)
    text = next(filter(None, misfits), None)
    if text is not None:
        yield Problem(("symmetry", symmetry.listed_at), text)


def regions_can_stay(scene: Scene, symmetry: Symmetry) -> Problems:
    """Regions that stay exist, and there are elements that would move them."""
    if symmetry.regions == "move":
        return
    if not scene.regions:
        yield Problem(("symmetry", "regions"), "no regions can stay because the scene has none; remove it")
    elif symmetry.size < 2 or not symmetry.of_group.moves_within_box:
        yield Problem(
            ("symmetry", "regions"), f"the group {symmetry.group} moves no regions that could stay; remove it"
        )


def scenes_stay_in_box(grid: Grid, scene: Scene, symmetry: Symmetry, scenes: Scenes) -> Problems:
    """No element moves an inflow or a region out of the box, or an inflow off all cell centres."""
    box, stay, lab = grid.box, symmetry.regions == "stay", symmetry.reference_frame == "lab"
    for g in symmetry.orbit:
        texts = (_lost(scenes[suspect], g, box) for suspect in _suspects(scenes, g, box))
        torn = g.misfit_of_regions(box, stay=stay, lab=lab) if scene.regions else None
        text = next(filter(None, texts), torn)
        if text is not None:
            yield Problem(("symmetry", symmetry.listed_at), text)
            return


def _suspects(scenes: Scenes, g: GroupElement, box: Box) -> list[int]:
    """Return which scenes an element may move out of the box, or off all cells to compare."""
    if g.shares_nothing(box):
        return list(range(len(scenes)))
    outside = may_be_outside(moved_discs(scenes.discs, g, box), g.simulated_cells(box.cells), box.periodic)
    suspects: list[int] = np.flatnonzero(outside.any(-1)).tolist()
    return suspects


def _lost(scene: Scene, g: GroupElement, box: Box) -> str | None:
    """Say what a valid scene loses when an element moves it: an inflow, or every cell to compare it on."""
    cells = g.simulated_cells(box.cells)
    for before, inflow in zip(scene.inflows, moved_inflows(scene, g, box), strict=True):
        if next(inflow_problems(before, box.cells), None) is not None:
            continue
        for axis, p, n, periodic in zip("xy", inflow.center, cells, box.periodic, strict=True):
            if not 0 <= p <= n and not periodic:
                return (
                    f"{g.name} moves an inflow out of the box, got {axis} = {p:g} in [0, {n}]; "
                    "move the inflow inwards or choose another element"
                )
        if next(inflow_problems(inflow, cells), None) is not None:
            x, y = before.center
            return f"{g.name} moves the inflow at ({x:g}, {y:g}) off every cell centre; increase its radius"
    if g.shares_nothing(box):
        return f"{g.name} is as long as the box, so that no cell is left to compare; choose a shorter shift"
    return None


def elements_differ(grid: Grid, symmetry: Symmetry, scenes: Scenes) -> Problems:
    """No two elements move all inflows to the same places, unless distinct elements are asked for."""
    orbit, box = symmetry.orbit, grid.box
    skipped = symmetry.elements == "distinct" or not symmetry.of_group.moves_within_box
    if skipped or len(set(orbit)) < len(orbit):
        return
    for suspect in np.flatnonzero(may_coincide(scenes.discs, orbit, box)).tolist():
        scene = scenes[suspect]
        placed: dict[frozenset[Any], str] = {}
        for g in orbit:
            name = placed.setdefault(_inflows_of(scene, g, box), g.name)
            if name != g.name:
                x, y = scene.inflows[0].center
                yield Problem(
                    ("symmetry", symmetry.listed_at),
                    f"{g.name} moves the inflow at ({x:g}, {y:g}) to the same place as {name}; {_remedy(symmetry)}",
                )
                return


def _inflows_of(scene: Scene, g: GroupElement, box: Box) -> frozenset[Any]:
    """Return the moved inflows of a scene, to compare them."""
    return frozenset(
        (
            *(
                round(p, 9) % (n if periodic else math.inf)
                for p, n, periodic in zip(inflow.center, box.cells, box.periodic, strict=True)
            ),
            inflow.radius,
            inflow.rate,
        )
        for inflow in moved_inflows(scene, g, box)
    )


def _remedy(symmetry: Symmetry) -> str:
    if symmetry.of_group.listed_by == "elements":
        return "move the inflow off the symmetry axes, list only elements that differ, or set elements: distinct"
    return "remove one of them"
