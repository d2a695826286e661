"""From a recipe to its runs: each carries all that its simulation depends on, and what is done with the result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from phigen.planning.columns import Columns
from phigen.planning.family import Family, Runs
from phigen.planning.runs import Run
from phigen.planning.shards import runs_per_shard
from phigen.planning.sizes import bytes_of, fields_of, values_of
from phigen.recipe.model import Recipe
from phigen.recipe.splits import NAMES, Ends, stretches
from phigen.recipe.values import exact
from phigen.symmetry.fields import FIELDS, STORED_AS, Field, StoreName


@dataclass(frozen=True)
class Calibration:
    """How strongly the symmetry must be broken for the target errors of a recipe.

    Parameters
    ----------
    targets : tuple of float
        Mean absolute errors of centred velocity over all kept frames.
    breaking : tuple of float
        For each target, the factor on the recipe's offsets, gains and schedules.
    errors : tuple of float
        For each target, the error measured with that factor.
    curve : tuple of (float, float)
        Every factor that was tried and the error measured with it, in rising order.
    """

    targets: tuple[float, ...]
    breaking: tuple[float, ...]
    errors: tuple[float, ...]
    curve: tuple[tuple[float, float], ...]

    @property
    def rows(self) -> list[dict[str, float]]:
        """One row per target error: its factor, and the error measured with it."""
        columns = zip(self.targets, self.breaking, self.errors, strict=True)
        return [{"target_error": target, "breaking": breaking, "error": error} for target, breaking, error in columns]


@dataclass(frozen=True)
class Plan:
    """The runs of a recipe, and the calibration of its target errors, if it has any."""

    recipe: Recipe
    runs: Runs
    calibration: Calibration | None = None

    @property
    def provisional(self) -> bool:
        """Whether the recipe has target errors that are not calibrated: its strengths are wrong then."""
        return self.recipe.symmetry.target_error is not None and self.calibration is None

    @property
    def split_frames(self) -> dict[str, Ends]:
        """First and last frame of each split; empty if frames are not split."""
        return stretches(self.recipe.splits.frames, self.recipe.time.kept)

    @property
    def columns(self) -> Columns:
        """What is known of the runs without making one, by name; see `phigen.planning.family.Family.columns`."""
        return self.runs.columns

    @cached_property
    def distinct(self) -> NDArray[np.int64]:
        """For each distinct simulation, the position in `runs` of the first run that is made from it."""
        return np.unique(self.columns["simulations"], return_index=True)[1]

    @property
    def simulations(self) -> NDArray[np.int64]:
        """The number of the distinct simulation that each run is made from."""
        return self.columns["simulations"]

    @property
    def references(self) -> NDArray[np.int64]:
        """The first run of each run's orbit and level, by its position in `runs`."""
        return self.columns["reference"]

    @property
    def has_errors(self) -> bool:
        """Whether any orbit has two runs, which are compared."""
        return bool((self.references != np.arange(len(self.runs))).any())

    @property
    def levels(self) -> tuple[float, ...]:
        """The levels of the family; each is a dataset of its own."""
        return tuple(map(float, self.runs.family.levels))

    def of(self, runs: Iterable[Run]) -> Plan:
        """Return the plan of some of these runs."""
        numbers = np.array([run.index for run in runs], np.int64)
        return replace(self, runs=Runs(self.runs.family, numbers))

    @property
    def fields(self) -> dict[str, Field]:
        """The fields that the dataset stores."""
        return fields_of(self.recipe)

    @property
    def values_per_run(self) -> dict[StoreName, int]:
        """Number of float32 values that each stored variable has in one run."""
        return {
            name: sum(values_of(self.recipe, FIELDS[part]) for part in STORED_AS[name]) for name in self.recipe.store
        }

    @property
    def bytes(self) -> int:
        """Bytes of all fields before compression: the most that the store can need."""
        return len(self.runs) * sum(bytes_of(self.recipe, field) for field in self.fields.values())

    @cached_property
    def runs_per_shard(self) -> int:
        """How many consecutive runs one shard of a field holds; see `phigen.planning.shards`."""
        return runs_per_shard(self.recipe)

    @cached_property
    def shards(self) -> Sequence[range]:
        """The runs of each shard, as positions in `runs`; all but the last hold the same number."""
        runs, size = len(self.runs), self.runs_per_shard
        return [range(first, min(first + size, runs)) for first in range(0, runs, size)]

    @cached_property
    def simulated_cells(self) -> list[tuple[int, int]]:
        """For each distinct simulation, the cells along x and y of its grid."""
        family, shape = self.runs.family, self.recipe.grid.shape
        rows = family.order[self.runs.numbers[self.distinct] % len(family.order)]
        by_place = [actions.before.simulated_cells(shape) for actions in family.actions]
        return [by_place[place] for place in family.orbits.place[rows].tolist()]


def plan(recipe: Recipe, calibration: Calibration | None = None) -> Plan:
    """Expand a recipe into its runs: by level, orbit and element.

    Where several runs share a shard, those of a level are ordered by split first, so that a download of one split has
    hardly more files than it needs.

    Parameters
    ----------
    recipe : Recipe
        As loaded, or made in Python.
    calibration : Calibration, optional
        What `phigen.calibrate` returns for a recipe with target errors.  Without it the plan of such a recipe is
        provisional: runs and sizes are right, strengths are not.

    Returns
    -------
    Plan
        Nothing is simulated or written.

    Raises
    ------
    RecipeError
        If the sections of the recipe contradict each other.
    """
    levels = recipe.symmetry.levels
    parameters = levels if calibration is None else tuple(map(exact, calibration.breaking))
    splits = [recipe.orbits.split == name for name in NAMES]
    by_split = np.argmax(splits, axis=0) if runs_per_shard(recipe) > 1 else np.zeros(len(splits[0]))
    return _of_family(Family(recipe, levels, parameters, np.argsort(by_split, kind="stable")), calibration)


def plan_of_level(recipe: Recipe, parameter: Decimal) -> Plan:
    """Expand one level of a recipe into its runs, in the order of orbits and elements.

    Parameters
    ----------
    recipe : Recipe
        As loaded, or made in Python.
    parameter : Decimal
        The factor on the recipe's offsets, gains and schedules, and the name of the level.
    """
    order = np.arange(len(recipe.orbits.number))
    return _of_family(Family(recipe, (parameter,), (parameter,), order))


def _of_family(family: Family, calibration: Calibration | None = None) -> Plan:
    return Plan(family.recipe, Runs(family, np.arange(len(family))), calibration)


def runs_in(recipe: Recipe) -> int:
    """Count the runs of a recipe."""
    return len(recipe.orbits.number) * len(recipe.symmetry.levels)
