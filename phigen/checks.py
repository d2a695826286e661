"""What a recipe's sections must be to each other; one function a claim, each giving its faults.

A check names the sections it reads, so that it runs as soon as those are sound, whatever ails the others: a
recipe reports all its faults at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from inspect import signature
from itertools import combinations
from typing import Any, NamedTuple

from phigen.recipe import Grid, Inflow, Range, Scene, Splits, Symmetry, Time, Vary, spelled_out
from phigen.scenes import scenes_of, strength_of
from phigen.symmetry import ELEMENTS, GROUPS

Path = tuple[str | int, ...]

MOST_RUNS = 100_000
"""More runs than this in one recipe are taken for a slip."""


class Fault(NamedTuple):
    """Where in the recipe a fault lies, and what it is."""

    path: Path
    text: str


Faults = Iterator[Fault]


def frames_within_steps(time: Time) -> Faults:
    """Kept frames are frames that a step leaves."""
    final = time.steps - 1
    for key in ("first", "last"):
        frame = getattr(time.frames, key)
        if frame is not None and frame > final:
            yield Fault(
                ("time", "frames", key),
                f"{time.steps} steps leave the frames 0 to {final}, got {frame}; keep earlier ones or take more steps",
            )
    if not time.kept and time.frames.first <= final:
        yield Fault(("time", "frames"), f"no frame is kept between {time.frames.first} and {time.frames.last}")


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


def one_inflow_varies(scene: Scene, vary: Vary) -> Faults:
    """Varying an inflow says which one only if there is one."""
    for key in ("inflow_x", "inflow_y", "inflow_radius", "inflow_rate"):
        if getattr(vary, key) is not None and len(scene.inflows) > 1:
            yield Fault(("vary", key), f"varies the inflow of scenes with one, got {len(scene.inflows)}; leave it out")


def inflows_in_box(grid: Grid, scene: Scene, vary: Vary) -> Faults:
    """Every inflow of every scene lies in the box and covers the centre of a cell."""
    seen = set()
    for varied in scenes_of(scene, vary):
        for number, inflow in enumerate(varied.inflows):
            if inflow in seen:
                continue
            seen.add(inflow)
            path: Path = ("scene", "inflows", number) if inflow in scene.inflows else ("vary",)
            yield from (Fault(path, text) for text in _inflow_faults(inflow, grid.shape))


def _inflow_faults(inflow: Inflow, cells: tuple[int, int]) -> Iterator[str]:
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


def varied_numbers_fit(vary: Vary) -> Faults:
    """Radii and rates are positive, strengths at least zero, in every scene."""
    for key, least in (("inflow_radius", "above 0"), ("inflow_rate", "above 0"), ("strength", "at least 0")):
        numbers = getattr(vary, key)
        lowest = min(spelled_out(numbers)) if numbers is not None else Decimal(1)
        if lowest < 0 or (lowest == 0 and key != "strength"):
            yield Fault(("vary", key), f"must be {least} in every scene, got {float(lowest):g}")


def elements_of_group(symmetry: Symmetry) -> Faults:
    """The orbit begins with the identity, and names elements of its group, each once."""
    group = GROUPS[symmetry.group]
    path: Path = ("symmetry", "elements")
    for number, name in enumerate(symmetry.orbit):
        if name not in group:
            yield Fault((*path, number), f"{name} is not in {symmetry.group}, which has {', '.join(group)}")
        if name in symmetry.orbit[:number]:
            yield Fault((*path, number), f"{name} is listed twice; leave one out")
    if symmetry.orbit[:1] != ("identity",):
        yield Fault(path, f"identity must come first, for the others are compared with it, got {symmetry.orbit[0]}")


def breaking_fits_orbit(symmetry: Symmetry) -> Faults:
    """Offsets and gains are one per element; levels are at least 0 and each is listed once."""
    for key in ("offsets", "gains"):
        numbers = getattr(symmetry.breaking, key)
        if numbers is not None and len(spelled_out(numbers)) != len(symmetry.orbit):
            yield Fault(
                ("symmetry", "breaking", key),
                f"one number per element is needed, got {len(spelled_out(numbers))} for {len(symmetry.orbit)} elements",
            )
    levels = spelled_out(symmetry.breaking.levels)
    if min(levels) < 0 or len(set(levels)) < len(levels):
        listed = ", ".join(f"{float(level):g}" for level in levels)
        yield Fault(("symmetry", "breaking", "levels"), f"levels must be 0 or more, each listed once, got {listed}")


def orbit_fits_box(grid: Grid, symmetry: Symmetry) -> Faults:
    """An element that swaps the axes needs a square box with one boundary."""
    turning = [name for name in symmetry.orbit if ELEMENTS[name].swaps_axes]
    if turning and grid.shape[0] != grid.shape[1]:
        yield Fault(
            ("symmetry", "group"),
            f"{turning[0]} needs a square box, got {grid.shape[0]} x {grid.shape[1]} cells; "
            "make the cells equal or use C2",
        )
    if turning and grid.boundaries[0] != grid.boundaries[1]:
        yield Fault(
            ("symmetry", "group"),
            f"{turning[0]} needs one boundary on both axes, got {grid.boundaries[0]} and {grid.boundaries[1]}; "
            "make them equal or use C2",
        )


def elements_differ(grid: Grid, scene: Scene, vary: Vary, symmetry: Symmetry) -> Faults:
    """No element puts every inflow where another element has it already."""
    if next(orbit_fits_box(grid, symmetry), None) is not None:
        return
    for varied in scenes_of(scene, vary):
        placed = {
            name: {(ELEMENTS[name].on_point(i.center, grid.shape), i.radius, i.rate) for i in varied.inflows}
            for name in symmetry.orbit
        }
        for one, other in combinations(placed, 2):
            if placed[one] == placed[other]:
                x, y = varied.inflows[0].center
                yield Fault(
                    ("symmetry", "elements" if symmetry.elements else "group"),
                    f"{other} coincides with {one} for the inflow at ({x:g}, {y:g}); "
                    "move the inflow off the centre, or list only elements that differ",
                )
                return


def strengths_not_negative(scene: Scene, vary: Vary, symmetry: Symmetry) -> Faults:
    """No level takes an element's strength below zero."""
    if next(breaking_fits_orbit(symmetry), None) is not None:
        return
    for varied in scenes_of(scene, vary):
        for level in spelled_out(symmetry.breaking.levels):
            for number, name in enumerate(symmetry.orbit):
                strength = strength_of(varied, symmetry.breaking, level, number)
                if strength < 0:
                    yield Fault(
                        ("symmetry", "breaking"),
                        f"{name} has a negative strength at level {float(level):g}, got {float(strength):g}; "
                        "raise the scene's strength or lower the level",
                    )
                    return


def not_too_many_runs(vary: Vary, symmetry: Symmetry) -> Faults:
    """A slip in a range does not ask for more runs than anyone stores."""
    numbers = [getattr(vary, key) for key in Vary.model_fields]
    lengths = [len(spelled_out(chosen)) for chosen in numbers if chosen is not None]
    runs = math.prod(lengths) * len(symmetry.orbit) * len(spelled_out(symmetry.breaking.levels))
    if runs > MOST_RUNS:
        yield Fault(("vary",), f"makes {runs:,} runs, more than {MOST_RUNS:,}; vary less, or make several recipes")


def nothing_stored_twice(store: tuple[str, ...]) -> Faults:
    """A variable is stored once."""
    for number, name in enumerate(store):
        if name in store[:number]:
            yield Fault(("store", number), f"{name} is listed twice; leave one out")


def splits_cover_orbits(scene: Scene, vary: Vary, splits: Splits) -> Faults:
    """Every orbit is in one split, unless nothing is split at all."""
    count = len(list(scenes_of(scene, vary)))
    homes: dict[Decimal | int, str] = {}
    for split in Splits.model_fields:
        chosen: tuple[float, ...] | Range | None = getattr(splits, split)
        for orbit in () if chosen is None else spelled_out(chosen):
            if orbit != int(orbit) or not 0 <= orbit < count:
                yield Fault(("splits", split), f"there is no orbit {float(orbit):g}, the recipe has {count}, from 0")
            elif orbit in homes:
                yield Fault(("splits", split), f"orbit {float(orbit):g} is in {homes[orbit]} already; leave one out")
            homes[orbit] = split
    missing = [orbit for orbit in range(count) if orbit not in homes]
    if homes and missing:
        rest = f", nor are {len(missing) - 1} more" if len(missing) > 1 else ""
        yield Fault(("splits",), f"orbit {missing[0]} is in no split{rest}; add it to one")


CHECKS: tuple[Callable[..., Faults], ...] = (
    frames_within_steps,
    schedule_fits_steps,
    buoyancy_points_somewhere,
    one_inflow_varies,
    varied_numbers_fit,
    inflows_in_box,
    elements_of_group,
    breaking_fits_orbit,
    orbit_fits_box,
    elements_differ,
    strengths_not_negative,
    splits_cover_orbits,
    nothing_stored_twice,
)


def faults_between(sections: Mapping[str, Any]) -> Faults:
    """Run every check whose sections are all there.

    Parameters
    ----------
    sections : mapping
        Sound sections by name, such as ``{"grid": Grid(...), "time": Time(...)}``.

    Yields
    ------
    Fault
        In the order of the checks.
    """
    if {"vary", "symmetry"} <= sections.keys():
        excess = list(not_too_many_runs(sections["vary"], sections["symmetry"]))
        if excess:
            yield from excess
            return
    for check in CHECKS:
        needed = signature(check).parameters
        if all(name in sections for name in needed):
            yield from check(**{name: sections[name] for name in needed})
