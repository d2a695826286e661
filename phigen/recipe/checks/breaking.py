"""What breaks a symmetry, and by how much it shall; one function a claim, each giving its faults."""

from __future__ import annotations

import itertools

from phigen.recipe.checks.fault import Fault, Faults, Path, drawn_scenes
from phigen.recipe.checks.orbit import orbit_fits_box
from phigen.recipe.grid import Grid, Time
from phigen.recipe.scene import Sample, Scene, Vary
from phigen.recipe.scenes import orbit_size, strength_of
from phigen.recipe.symmetry import Breaking, Symmetry
from phigen.recipe.values import how_many, spelled_out


def breaking_fits_orbit(symmetry: Symmetry) -> Faults:
    """What breaks a symmetry has one entry per element; levels are at least 0 and each is listed once."""
    breaking, orbit = symmetry.breaking, symmetry.orbit
    for key in ("offsets", "gains", "schedules"):
        listed = getattr(breaking, key)
        if listed is not None and (entries := how_many(listed)) != len(orbit):
            what = "schedule" if key == "schedules" else "number"
            yield Fault(
                ("symmetry", "breaking", key),
                f"one {what} per element is needed, got {entries} for {len(orbit)} elements",
            )
    levels = spelled_out(breaking.levels if breaking.levels is not None else (0.0,))
    if min(levels) < 0 or len(set(levels)) < len(levels):
        spelled = ", ".join(f"{float(level):g}" for level in levels)
        yield Fault(("symmetry", "breaking", "levels"), f"levels must be 0 or more, each listed once, got {spelled}")
    elif max(levels) > 0 and symmetry.target_error is None and breaking == Breaking(levels=breaking.levels):
        yield Fault(
            ("symmetry", "breaking", "levels"), "levels of nothing are all alike; add offsets, gains or schedules"
        )
    elif max(levels) > 1 and breaking.schedules is not None:
        yield Fault(
            ("symmetry", "breaking", "levels"),
            f"schedules are an element's own at level 1, got a level of {float(max(levels)):g}; choose 1 at most",
        )


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
    elif symmetry.breaking.levels is None and _alike(symmetry.differing):
        yield Fault(("symmetry", "breaking"), "breaks nothing, all elements have the same; let them differ")
    if symmetry.breaking.levels is not None:
        yield Fault(("symmetry", "breaking", "levels"), "levels and target_error both make levels; leave one out")
    if "velocity" not in store:
        yield Fault(path, f"is of centred velocity, got a store of {', '.join(store)}; store velocity too")


def _alike(breaking: Breaking) -> bool:
    """Whether no element differs from another, however large the parameter is."""
    offsets, gains = (spelled_out(n) if n is not None else () for n in (breaking.offsets, breaking.gains))
    return all(len(set(entries)) < 2 for entries in (offsets, gains, breaking.schedules or ()))


def orbits_have_errors(grid: Grid, scene: Scene, vary: Vary, sample: Sample | None, symmetry: Symmetry) -> Faults:
    """Some orbit has two runs to compare, if errors are asked for and only distinct elements are kept."""
    if symmetry.target_error is None or symmetry.elements != "distinct" or len(symmetry.orbit) < 2:
        return
    if next(orbit_fits_box(grid, symmetry), None) is not None:
        return
    scenes = drawn_scenes(scene, vary, sample, grid)
    if scenes and all(orbit_size(one, symmetry, grid) < 2 for one in scenes):
        yield Fault(
            ("symmetry", "target_error"),
            f"no scene has two distinct elements of {symmetry.group} to compare; move an inflow off its axes",
        )


def strengths_not_negative(grid: Grid, scene: Scene, vary: Vary, sample: Sample | None, symmetry: Symmetry) -> Faults:
    """No level takes an element's strength below zero."""
    if symmetry.target_error is not None or next(breaking_fits_orbit(symmetry), None) is not None:
        return
    lowering = (min(spelled_out(n)) for n in (symmetry.breaking.offsets, symmetry.breaking.gains) if n is not None)
    if min(lowering, default=0) >= 0:
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
