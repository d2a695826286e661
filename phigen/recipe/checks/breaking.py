"""Checks of how a recipe breaks its symmetry, one function for each claim; each yields what contradicts its claim."""

from __future__ import annotations

import itertools

from phigen.recipe.checks.problem import Place, Problem, Problems
from phigen.recipe.expansion.orbits import Orbits, change_of, strength_of
from phigen.recipe.expansion.scenes import Scenes
from phigen.recipe.grid import Time
from phigen.recipe.symmetry import Breaking, Symmetry
from phigen.recipe.values import exact, how_many, spelled_out


def breaking_fits_orbit(symmetry: Symmetry) -> Problems:
    """Offsets, gains and schedules have one entry per element; levels are at least 0, and each is listed once."""
    breaking, size = symmetry.breaking, symmetry.size
    is_chosen = all(getattr(symmetry, key) is not None for key in symmetry.of_group.needed)
    for key in ("offsets", "gains", "schedules"):
        listed = getattr(breaking, key)
        if listed is not None and is_chosen and (entries := how_many(listed)) != size:
            what = "schedule" if key == "schedules" else "number"
            yield Problem(
                ("symmetry", "breaking", key),
                f"must have one {what} per element, got {entries} for {size} elements; list {size}",
            )
    path: Place = ("symmetry", "breaking", "levels")
    levels = spelled_out(breaking.levels if breaking.levels is not None else (0.0,))
    if min(levels) < 0 or len(set(levels)) < len(levels):
        spelled = ", ".join(f"{float(level):g}" for level in levels)
        yield Problem(path, f"levels must be 0 or more, each listed once, got {spelled}; change them")
    elif max(levels) > 0 and symmetry.target_error is None and breaking == Breaking(levels=breaking.levels):
        yield Problem(path, "all levels are the same because nothing differs; add offsets, gains or schedules")
    elif max(levels) > 1 and breaking.schedules is not None:
        yield Problem(
            path,
            f"levels above 1 cannot be used with schedules, got {float(max(levels)):g}; choose levels up to 1",
        )


def schedules_fit_steps(symmetry: Symmetry, time: Time) -> Problems:
    """An element's schedule that lists its factors lists one per step."""
    for number, schedule in enumerate(symmetry.breaking.schedules or ()):
        try:
            schedule.over(time.steps)
        except ValueError as error:
            yield Problem(("symmetry", "breaking", "schedules", number, "factors"), str(error))


def targets_can_be_reached(symmetry: Symmetry, store: tuple[str, ...]) -> Problems:
    """Target errors increase from 0 or more, replace levels, and something can differ and be measured."""
    if symmetry.target_error is None:
        return
    path: Place = ("symmetry", "target_error")
    targets = spelled_out(symmetry.target_error)
    if targets[0] < 0 or any(later <= earlier for earlier, later in itertools.pairwise(targets)):
        spelled = ", ".join(f"{float(target):g}" for target in targets)
        yield Problem(path, f"target errors must be 0 or more and increase, got {spelled}; list them in order")
    if symmetry.size < 2:
        yield Problem(path, f"an orbit of one run has no error, got the group {symmetry.group}; choose a larger group")
    elif symmetry.breaking.levels is None and _alike(symmetry.differing):
        yield Problem(
            ("symmetry", "breaking"), "breaks no symmetry because it is the same for all elements; let them differ"
        )
    if symmetry.breaking.levels is not None:
        yield Problem(("symmetry", "breaking", "levels"), "levels and target_error both define the levels; remove one")
    if "velocity" not in store:
        yield Problem(
            path, f"is measured on centred velocity, got the stored variables {', '.join(store)}; store velocity too"
        )


def _alike(breaking: Breaking) -> bool:
    """Return whether all elements are the same, whatever the parameter."""
    offsets, gains = (spelled_out(n) if n is not None else () for n in (breaking.offsets, breaking.gains))
    return all(len(set(entries)) < 2 for entries in (offsets, gains, breaking.schedules or ()))


def orbits_have_errors(symmetry: Symmetry, orbits: Orbits) -> Problems:
    """Some orbit has two runs to compare, if errors are asked for and only distinct elements are kept."""
    if symmetry.target_error is None or symmetry.elements != "distinct" or symmetry.size < 2:
        return
    if orbits.sizes.max() < 2:
        yield Problem(
            ("symmetry", "target_error"),
            f"no scene has two distinct elements of {symmetry.group} to compare; move an inflow off the symmetry axes",
        )


def strengths_not_negative(symmetry: Symmetry, scenes: Scenes) -> Problems:
    """No level makes the strength of an element negative."""
    breaking = symmetry.breaking
    if symmetry.target_error is not None or next(breaking_fits_orbit(symmetry), None) is not None:
        return
    lowering = (min(spelled_out(n)) for n in (breaking.offsets, breaking.gains) if n is not None)
    if min(lowering, default=0) >= 0:
        return
    if not _may_be_negative(symmetry, scenes):
        return
    for scene, level, (place, g) in itertools.product(scenes, symmetry.levels, enumerate(symmetry.orbit)):
        strength = strength_of(exact(scene.buoyancy.strength), breaking, level, place)
        if strength < 0:
            yield Problem(
                ("symmetry", "breaking"),
                f"{g.name} has a negative strength at level {float(level):g}, got {float(strength):g}; "
                "increase the scene's strength or lower the level",
            )
            return


def _may_be_negative(symmetry: Symmetry, scenes: Scenes) -> bool:
    """Return whether some strength is negative: then that of the weakest scene is, or of the strongest."""
    ends = (exact(float(end)) for end in (scenes.strengths.min(), scenes.strengths.max()))
    changes = (
        change_of(symmetry.breaking, level, place) for level in symmetry.levels for place in range(symmetry.size)
    )
    return any((end + more) * gain < 0 for (more, gain), end in itertools.product(changes, ends))
