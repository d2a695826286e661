"""All checks of a recipe, and its one expansion into scenes and orbits.

Every check runs as soon as the sections that it needs are valid, so that all problems are reported at once.  Checks
that need the scenes or orbits receive them: nothing is expanded twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from phigen.recipe.checks import breaking, orbit, run, scene
from phigen.recipe.checks.problem import Problem, Problems
from phigen.recipe.expansion.orbits import Orbits, orbits_of, split_up
from phigen.recipe.expansion.scenes import Scenes, scenes_of
from phigen.recipe.grid import Grid, Time
from phigen.recipe.scene import Sample, Scene, Vary
from phigen.recipe.splits import Splits
from phigen.recipe.symmetry import Symmetry


class Sections(NamedTuple):
    """The sections of a recipe that are checked against each other; None where one is invalid by itself."""

    grid: Grid | None
    time: Time | None
    scene: Scene | None
    vary: Vary | None
    sample: Sample | None
    symmetry: Symmetry | None
    store: tuple[str, ...] | None
    splits: Splits | None
    sample_is_valid: bool
    """Whether `sample` is None because the recipe has none."""

    @classmethod
    def of(cls, valid: Mapping[str, Any]) -> Self:
        """Return the sections from the valid ones by name."""
        named = {name: valid.get(name) for name in cls._fields if name != "sample_is_valid"}
        return cls(**named, sample_is_valid="sample" in valid)


class Checked(NamedTuple):
    """The problems of a recipe's sections with each other, and its orbits, which are complete if there are none."""

    problems: tuple[Problem, ...]
    orbits: Orbits | None


class _Expansion(NamedTuple):
    scenes: Scenes | None = None
    orbits: Orbits | None = None
    problems: tuple[Problem, ...] = ()


def check(sections: Sections) -> Checked:
    """Expand a recipe and run all its checks.

    Parameters
    ----------
    sections : Sections
        Of one recipe.  A check whose sections are not all valid is left out.

    Returns
    -------
    Checked
        Problems in the order of the checks.
    """
    s = sections
    if s.vary and s.sample_is_valid and s.symmetry:
        excess = tuple(run.not_too_many_runs(s.vary, s.sample, s.symmetry))
        if excess:
            return Checked(excess, None)
    expansion = _expanded(s)
    problems = (
        *_of_box_and_time(s),
        *_of_scenes(s, expansion.scenes),
        *_of_symmetry(s),
        *_of_orbits(s, expansion),
        *expansion.problems,
    )
    return Checked(problems, expansion.orbits)


def _expanded(s: Sections) -> _Expansion:
    """Expand the sections as far as they are valid."""
    if not (s.grid and s.scene and s.vary and s.sample_is_valid):
        return _Expansion()
    try:
        scenes = scenes_of(s.scene, s.vary, s.sample, s.grid)
    except ValueError as error:
        return _Expansion(problems=(Problem(("sample",), str(error)),))
    if not s.symmetry or _any(orbit.elements_in_group(s.symmetry)) or _any(orbit.orbit_fits_box(s.grid, s.symmetry)):
        return _Expansion(scenes)
    orbits = orbits_of(scenes, s.symmetry, s.grid.box)
    if not s.splits:
        return _Expansion(scenes, orbits)
    try:
        return _Expansion(scenes, split_up(orbits, s.splits))
    except ValueError as error:
        return _Expansion(scenes, orbits, (Problem(("splits",), str(error)),))


def _any(problems: Problems) -> bool:
    return next(problems, None) is not None


def _of_box_and_time(s: Sections) -> Problems:
    if s.time:
        yield from run.frames_within_steps(s.time)
    if s.grid:
        yield from run.sides_make_sense(s.grid)
    if s.store:
        yield from run.variables_stored_once(s.store)
    if s.time and s.splits:
        yield from run.frames_are_split(s.time, s.splits)


def _of_scenes(s: Sections, scenes: Scenes | None) -> Problems:
    if s.scene:
        yield from scene.directions_are_not_zero(s.scene)
    if s.scene and s.time:
        yield from scene.schedule_fits_steps(s.scene, s.time)
    if s.grid and s.scene:
        yield from scene.regions_tile_the_box(s.grid, s.scene)
    if s.scene and s.vary:
        yield from scene.one_inflow_varies(s.scene, s.vary)
    if s.vary:
        yield from scene.varied_numbers_are_positive(s.vary)
    if s.vary and s.sample_is_valid:
        yield from scene.vary_or_sample(s.vary, s.sample)
    if s.grid and s.scene and scenes:
        yield from scene.inflows_in_box(s.grid, s.scene, s.sample, scenes)


def _of_symmetry(s: Sections) -> Problems:
    if not s.symmetry:
        return
    yield from orbit.keys_of_group(s.symmetry)
    yield from orbit.keys_have_an_effect(s.symmetry)
    yield from orbit.elements_in_group(s.symmetry)
    yield from breaking.breaking_fits_orbit(s.symmetry)
    if s.time:
        yield from breaking.schedules_fit_steps(s.symmetry, s.time)
    if s.store:
        yield from breaking.targets_can_be_reached(s.symmetry, s.store)
    if s.scene:
        yield from orbit.regions_can_stay(s.scene, s.symmetry)


def _of_orbits(s: Sections, expansion: _Expansion) -> Problems:
    if not s.symmetry or _any(orbit.elements_in_group(s.symmetry)):
        return
    yield from orbit.identity_comes_first(s.symmetry)
    if expansion.scenes:
        yield from breaking.strengths_not_negative(s.symmetry, expansion.scenes)
    if expansion.orbits:
        yield from breaking.orbits_have_errors(s.symmetry, expansion.orbits)
    if not s.grid:
        return
    yield from orbit.orbit_fits_box(s.grid, s.symmetry)
    if s.scene and expansion.scenes and expansion.orbits:
        yield from orbit.scenes_stay_in_box(s.grid, s.scene, s.symmetry, expansion.scenes)
        yield from orbit.elements_differ(s.grid, s.symmetry, expansion.scenes)
