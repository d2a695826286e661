"""How many runs one shard of a field holds.

A shard is a file that one task makes and writes whole.  Its number of runs follows from the recipe alone, so that the
files of a dataset do not depend on how it is built.
"""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from phigen.planning.sizes import bytes_of, fields_of
from phigen.recipe.model import Recipe
from phigen.recipe.splits import NAMES

AIM = 64_000_000
"""Bytes that a shard of the largest field shall have before compression; zarr needs two to three times as many."""

MOST_BYTES = 256_000_000
"""The most that it has, unless one run alone has more."""

FEWEST_SHARDS, MOST_SHARDS = 64, 10_000
"""Of a field: enough that workers and downloads have a choice, and not more files than anyone wants."""


def runs_per_shard(recipe: Recipe) -> int:
    """Return the number of consecutive runs that one shard of a field holds.

    A shard never holds runs of two levels.  It holds whole orbits of one split where a suitable number of runs does.

    Parameters
    ----------
    recipe : Recipe
        A valid one.
    """
    orbits, sizes = recipe.orbits, set(recipe.orbits.sizes.tolist())
    whole = recipe.splits.by == "orbit" and len(sizes) == 1
    counts = [int((orbits.split == name).sum()) for name in NAMES]
    return runs_of_a_shard(
        max(bytes_of(recipe, field) for field in fields_of(recipe).values()),
        levels=len(recipe.symmetry.levels),
        splits=[count for count in counts if count],
        orbit=sizes.pop() if whole else 1,
    )


def runs_of_a_shard(run: int, *, levels: int, splits: Collection[int], orbit: int) -> int:
    """Return the number of runs of a shard, as near as possible to what `AIM` and `FEWEST_SHARDS` ask for.

    Runs that are large or few have a shard each.  Otherwise, of the numbers within a factor of 2 of the aim, those are
    preferred that divide the runs of each split and level into whole orbits, then those that hold whole orbits.
    `MOST_BYTES` counts for more than `MOST_SHARDS`.  That no shard holds runs of two levels counts for more than both:
    levels all have the same number of runs, which that of a shard divides.

    Parameters
    ----------
    run : int
        Bytes of the largest field of one run.
    levels : int
        How many there are.
    splits : collection of int
        Number of runs of a level in each split.
    orbit : int
        Number of runs of each orbit that lie side by side; 1 if orbits differ or are not kept together.
    """
    of_level = sum(splits)
    runs = of_level * levels
    most = max(1, MOST_BYTES // run)
    least = min(most, math.ceil(runs / MOST_SHARDS))
    aim = min(max(AIM / run, least), runs / FEWEST_SHARDS, most)
    if aim <= 1:
        return 1
    allowed = _divisors(of_level) if levels > 1 else np.arange(1, min(of_level, most) + 1)
    allowed = allowed[allowed <= most]
    enough = allowed[allowed >= least]
    allowed = enough if len(enough) else allowed[-1:]
    near = allowed[(allowed >= aim / 2) & (allowed <= 2 * aim)]
    in_orbits = near[near % orbit == 0]
    in_splits = in_orbits[(np.array(list(splits)) % in_orbits[:, None] == 0).all(-1)]
    choice = next(numbers for numbers in (in_splits, in_orbits, near, allowed) if len(numbers))
    return int(choice[np.argmin(np.abs(np.log(choice / aim)))])


def _divisors(number: int) -> NDArray[np.int64]:
    candidates = np.arange(1, number + 1)
    divisors: NDArray[np.int64] = candidates[number % candidates == 0]
    return divisors
