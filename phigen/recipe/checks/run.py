"""What a recipe's sections must be to each other; one function a claim, each giving its faults.

A check names the sections it reads, so that it runs as soon as those are sound, whatever ails the others: a
recipe reports all its faults at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

from phigen.recipe.checks import breaking as breaking_checks
from phigen.recipe.checks import orbit as orbit_checks
from phigen.recipe.checks import scene as scene_checks
from phigen.recipe.checks.fault import Fault, Faults, Path, drawn_scenes
from phigen.recipe.grid import Grid, Time
from phigen.recipe.scene import Sample, Scene, Vary
from phigen.recipe.scenes import orbit_size
from phigen.recipe.splits import Splits
from phigen.recipe.splitting import members, stretches
from phigen.recipe.symmetry import Symmetry
from phigen.recipe.values import how_many

MOST_RUNS = 100_000
"""More runs than this in one recipe are taken for a slip."""


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


def sides_make_sense(grid: Grid) -> Faults:
    """A box wraps around on both sides of an axis or on neither."""
    for axis, (lower, upper) in zip("xy", grid.boundaries, strict=True):
        if (lower == "periodic") != (upper == "periodic"):
            yield Fault(
                ("grid", "boundary", axis),
                f"periodic is for both sides of an axis, got lower {lower} and upper {upper}; change one",
            )


def nothing_stored_twice(store: tuple[str, ...]) -> Faults:
    """A variable is stored once."""
    for number, name in enumerate(store):
        if name in store[:number]:
            yield Fault(("store", number), f"{name} is listed twice; leave one out")


def runs_are_split_soundly(
    grid: Grid, scene: Scene, vary: Vary, sample: Sample | None, symmetry: Symmetry, splits: Splits
) -> Faults:
    """Every orbit or run is in one split, and no split is empty, unless nothing is split at all."""
    if next(orbit_checks.orbit_fits_box(grid, symmetry), None) is not None:
        return
    scenes = drawn_scenes(scene, vary, sample, grid)
    if not scenes:
        return
    by_run = splits.by == "run"
    try:
        members(splits, sum(orbit_size(one, symmetry, grid) for one in scenes) if by_run else len(scenes))
    except ValueError as fault:
        yield Fault(("splits",), str(fault))


def frames_are_split_soundly(time: Time, splits: Splits) -> Faults:
    """No two splits share a frame or a window, and none is empty."""
    if next(frames_within_steps(time), None) is not None:
        return
    try:
        stretches(splits.frames, time.kept)
    except ValueError as fault:
        yield Fault(("splits", "frames"), str(fault))


def not_too_many_runs(vary: Vary, sample: Sample | None, symmetry: Symmetry) -> Faults:
    """A slip in a range does not ask for more runs than anyone stores."""
    numbers = [getattr(vary, key) for key in Vary.model_fields]
    scenes = math.prod(how_many(chosen) for chosen in numbers if chosen is not None) if sample is None else sample.count
    runs = scenes * symmetry.size * len(symmetry.levels)
    if runs > MOST_RUNS:
        where: Path = ("symmetry",) if scenes == 1 else ("vary",) if sample is None else ("sample",)
        yield Fault(where, f"makes {runs:,} runs, more than {MOST_RUNS:,}; ask for fewer, or make several recipes")


CHECKS: tuple[Callable[..., Faults], ...] = (
    frames_within_steps,
    scene_checks.schedule_fits_steps,
    scene_checks.buoyancy_points_somewhere,
    sides_make_sense,
    scene_checks.regions_tile_the_box,
    scene_checks.one_inflow_varies,
    scene_checks.varied_numbers_fit,
    scene_checks.vary_or_sample,
    scene_checks.scenes_can_be_drawn,
    scene_checks.inflows_in_box,
    orbit_checks.keys_of_group,
    orbit_checks.regions_can_stay,
    orbit_checks.elements_of_group,
    breaking_checks.breaking_fits_orbit,
    breaking_checks.schedules_fit_steps,
    breaking_checks.targets_can_be_sought,
    breaking_checks.orbits_have_errors,
    orbit_checks.orbit_fits_box,
    orbit_checks.scenes_stay_in_box,
    orbit_checks.elements_differ,
    breaking_checks.strengths_not_negative,
    runs_are_split_soundly,
    frames_are_split_soundly,
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
    if {"vary", "sample", "symmetry"} <= sections.keys():
        excess = list(not_too_many_runs(sections["vary"], sections["sample"], sections["symmetry"]))
        if excess:
            yield from excess
            return
    for check in CHECKS:
        needed = signature(check).parameters
        if all(name in sections for name in needed):
            yield from check(**{name: sections[name] for name in needed})
