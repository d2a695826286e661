"""Checks of a recipe's box, time and splits, one function for each claim; each yields what contradicts its claim."""

from __future__ import annotations

import math

from phigen.recipe.checks.problem import Place, Problem, Problems
from phigen.recipe.grid import Grid, Time
from phigen.recipe.scene import Sample, Vary
from phigen.recipe.splits import Splits, stretches
from phigen.recipe.symmetry import Symmetry
from phigen.recipe.values import how_many

MOST_RUNS = 1_000_000
"""Largest number of runs of one recipe; more are taken for a typing error."""


def frames_within_steps(time: Time) -> Problems:
    """Every frame that is kept belongs to a step."""
    final = time.steps - 1
    for key in ("first", "last"):
        frame = getattr(time.frames, key)
        if frame is not None and frame > final:
            yield Problem(
                ("time", "frames", key),
                f"{time.steps} steps have the frames 0 to {final}, got {frame}; choose an earlier one or take more "
                "steps",
            )
    if not time.kept and time.frames.first <= final:
        yield Problem(
            ("time", "frames"),
            f"no frame is kept, got first {time.frames.first} and last {time.frames.last}; choose a later last frame",
        )


def sides_make_sense(grid: Grid) -> Problems:
    """An axis is periodic on both sides or on neither."""
    for axis, (lower, upper) in zip("xy", grid.boundaries, strict=True):
        if (lower == "periodic") != (upper == "periodic"):
            yield Problem(
                ("grid", "boundary", axis),
                f"both sides of an axis are periodic or neither is, got lower {lower} and upper {upper}; change one",
            )


def variables_stored_once(store: tuple[str, ...]) -> Problems:
    """A variable is stored once."""
    for number, name in enumerate(store):
        if name in store[:number]:
            yield Problem(("store", number), f"{name} is listed twice; remove one")


def frames_are_split(time: Time, splits: Splits) -> Problems:
    """No two splits share a frame or a window, and none is empty."""
    if next(frames_within_steps(time), None) is not None:
        return
    try:
        stretches(splits.frames, time.kept)
    except ValueError as error:
        yield Problem(("splits", "frames"), str(error))


def not_too_many_runs(vary: Vary, sample: Sample | None, symmetry: Symmetry) -> Problems:
    """A typing error in a range does not ask for more runs than anyone stores."""
    numbers = [getattr(vary, key) for key in Vary.model_fields]
    scenes = math.prod(how_many(chosen) for chosen in numbers if chosen is not None) if sample is None else sample.count
    runs = scenes * symmetry.size * len(symmetry.levels)
    if runs > MOST_RUNS:
        where: Place = ("symmetry",) if scenes == 1 else ("vary",) if sample is None else ("sample",)
        yield Problem(where, f"makes {runs:,} runs, more than {MOST_RUNS:,}; ask for fewer, or write several recipes")
