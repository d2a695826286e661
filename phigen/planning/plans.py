"""From a recipe to its runs: each carries all that its simulation depends on, and what is done with the result."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache, cached_property, partial

import numpy as np
from numpy.typing import NDArray

from phigen.planning.runs import Run, Simulation, seconds_of
from phigen.recipe.model import Recipe
from phigen.recipe.orbits import Member, Orbit, extent, finished, moved, moved_regions, stabilizer, unit
from phigen.recipe.scene import Region, Scene
from phigen.recipe.splits import Ends, stretches
from phigen.recipe.values import exact
from phigen.symmetry.element import GroupElement, Point
from phigen.symmetry.fields import ALWAYS, FIELDS, STORED_AS, Field, StoreName


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
    runs: tuple[Run, ...]
    calibration: Calibration | None = None

    @property
    def provisional(self) -> bool:
        """Whether the recipe has target errors that are not calibrated: its strengths are wrong then."""
        return self.recipe.symmetry.target_error is not None and self.calibration is None

    @property
    def split_frames(self) -> dict[str, Ends]:
        """First and last frame of each split; empty if frames are not split."""
        return stretches(self.recipe.splits.frames, self.recipe.time.kept)

    @cached_property
    def distinct(self) -> dict[Simulation, tuple[Run, ...]]:
        """The distinct simulations, each with the runs that are made from it."""
        made_from: dict[Simulation, list[Run]] = {}
        for run in self.runs:
            made_from.setdefault(run.simulation, []).append(run)
        return {simulation: tuple(runs) for simulation, runs in made_from.items()}

    @cached_property
    def simulations(self) -> NDArray[np.int_]:
        """The number of the distinct simulation that each run is made from."""
        numbers = {simulation: number for number, simulation in enumerate(self.distinct)}
        return np.array([numbers[run.simulation] for run in self.runs])

    @cached_property
    def references(self) -> NDArray[np.int_]:
        """The first run of each run's orbit."""
        first: dict[tuple[float, int], int] = {}
        return np.array([first.setdefault((run.level, run.orbit), run.index) for run in self.runs])

    @property
    def runs_per_shard(self) -> int:
        return 1

    @cached_property
    def shards(self) -> list[range]:
        return [
            range(i, min(i + self.runs_per_shard, len(self.runs)))
            for i in range(0, len(self.runs), self.runs_per_shard)
        ]

    @property
    def has_errors(self) -> bool:
        """Whether any orbit has two runs, which are compared."""
        return bool((self.references != np.arange(len(self.runs))).any())

    @property
    def levels(self) -> tuple[float, ...]:
        """The levels of the family; each is a dataset of its own."""
        return tuple(dict.fromkeys(run.level for run in self.runs))

    @property
    def fields(self) -> dict[str, Field]:
        """The fields that the dataset stores; where there are regions, each has its own buoyancy."""
        names = (*(part for name in self.recipe.store for part in STORED_AS[name]), *ALWAYS)
        fields = {name: FIELDS[name] for name in names}
        if self.recipe.scene.regions:
            fields["buoyancy"] = replace(fields["buoyancy"], dims=("time", "region", "component"))
        return fields

    @property
    def values_per_run(self) -> dict[StoreName, int]:
        """Number of float32 values that each stored variable has in one run."""
        return {name: sum(self._values(FIELDS[part]) for part in STORED_AS[name]) for name in self.recipe.store}

    @property
    def bytes(self) -> int:
        """Bytes of all fields before compression: the most that the store can need."""
        return len(self.runs) * sum(self._values(f) * np.dtype(f.dtype).itemsize for f in self.fields.values())

    @property
    def seconds(self) -> float:
        """Estimated time to simulate everything on one core, from measurements (docs/numbers.md)."""
        return sum(map(seconds_of, self.distinct))

    def _values(self, field: Field) -> int:
        width, height = self.recipe.grid.shape
        sizes = {"time": len(self.recipe.time.kept), "region": len(self.recipe.scene.regions), "component": 2}
        sizes |= {"y": height, "x": width, "y_face": height + 1, "x_face": width + 1}
        return math.prod(sizes[dim] for dim in field.dims)


def plan(recipe: Recipe, calibration: Calibration | None = None) -> Plan:
    """Expand a recipe into its runs: levels, then orbits, then elements.

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
    orbits, levels = recipe.orbits, recipe.symmetry.levels
    parameters = levels if calibration is None else tuple(map(exact, calibration.breaking))
    runs: list[Run] = []
    for level, parameter in zip(levels, parameters, strict=True):
        runs += runs_of_level(recipe, orbits, level=level, parameter=parameter, first=len(runs))
    return Plan(recipe, tuple(runs), calibration)


def runs_in(recipe: Recipe) -> int:
    """Count the runs of a recipe."""
    return sum(len(orbit.members) for orbit in recipe.orbits) * len(recipe.symmetry.levels)


def runs_of_level(
    recipe: Recipe, orbits: Sequence[Orbit], *, level: Decimal, parameter: Decimal, first: int = 0
) -> list[Run]:
    """Expand one level into its runs: orbits, then elements.

    Parameters
    ----------
    recipe : Recipe
        A valid one.
    orbits : sequence of Orbit
        Of the recipe.
    level : Decimal
        The name of the level.
    parameter : Decimal
        The factor on the recipe's offsets, gains and schedules.
    first : int
        Place of its first run in the dataset.
    """
    runs: list[Run] = []
    for orbit in orbits:
        # Elements that are simulated alike share one value: 100,000 runs take a quarter of the time and memory then.
        simulation_of = cache(partial(_simulation, recipe, orbit.scene))
        for index, member in enumerate(orbit.members, start=first + len(runs)):
            runs.append(_run(recipe, orbit, member, simulation_of, index=index, level=level, parameter=parameter))
    return runs


def _run(
    recipe: Recipe,
    orbit: Orbit,
    member: Member,
    simulation_of: Callable[..., Simulation],
    *,
    index: int,
    level: Decimal,
    parameter: Decimal,
) -> Run:
    symmetry, box, g = recipe.symmetry, recipe.grid.box, member.element
    before, after = (g, g.identity) if symmetry.reference_frame == "lab" else g.parts(box)
    made = finished(orbit.scene, g, symmetry, box)
    strength = orbit.strength(member, parameter)
    return Run(
        index=index,
        level=float(level),
        breaking=float(parameter),
        orbit=orbit.number,
        element=g,
        strength=float(strength * exact(g.stored_speed)),
        split=member.split,
        inflows=made.inflows,
        regions=made.regions,
        simulation=simulation_of(
            before=before,
            on_regions=after.inverse if symmetry.regions == "stay" else before,
            strength=strength,
            factors=orbit.factors(member, parameter, steps=recipe.time.steps),
        ),
        after=after,
    )


def _simulation(
    recipe: Recipe,
    scene: Scene,
    *,
    before: GroupElement,
    on_regions: GroupElement,
    strength: Decimal,
    factors: tuple[float, ...],
) -> Simulation:
    """Return the simulation of an orbit's scene after `before` has acted on it, and `on_regions` on its regions.

    It is in units of its own cells and steps: the strength, that of the orbit's scene, is multiplied by `before`'s
    factor on velocities, length / time.
    """
    box, time, symmetry = recipe.grid.box, recipe.time, recipe.symmetry
    placed = moved(scene, before, box).model_copy(update={"regions": moved_regions(scene, on_regions, box)})
    pull = float(strength * exact(before.length)) / before.time
    cells = before.simulated_cells(box.cells)
    forces = [_force(region, placed) for region in placed.regions or (Region(),)]
    return Simulation(
        cells=cells,
        boundaries=recipe.grid.boundaries,
        dt_smoke=time.dt_smoke * before.time,
        dt_velocity=time.dt_velocity * before.time,
        inflows=placed.inflows,
        areas=tuple((*x, *y) for x, y in (extent(region, box) for region in placed.regions)),
        force=tuple(
            tuple((x * (pull * factor), y * (pull * factor)) for x, y in forces)
            for factor in factors[: time.kept[-1] + 1]
        ),
        frames=time.kept,
        precision=recipe.precision,
        symmetric=stabilizer(placed, symmetry, box) if symmetry.reference_frame == "orbit" else ("identity",),
        resampled=box.cells if cells != box.cells else None,
        unit=before.unit,
    )


def _force(region: Region, scene: Scene) -> Point:
    """Return the force in a region, at a strength of 1."""
    x, y = unit(region.direction or scene.buoyancy.direction)
    return x * region.factor, y * region.factor
