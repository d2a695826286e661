"""From a recipe to its runs: each carries all that its simulation may depend on, and what to do with the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import islice

from phigen.errors import RecipeError
from phigen.planning.runs import Run, Simulation, seconds_of
from phigen.recipe.checks.run import faults_between
from phigen.recipe.model import Recipe, VariableName
from phigen.recipe.scene import Region, Scene
from phigen.recipe.scenes import (
    extent,
    factors_of,
    finished,
    moved,
    moved_region,
    orbit_of,
    orbit_size,
    scenes_of,
    stabilizer,
    strength_of,
    unit,
)
from phigen.recipe.splits import Splits
from phigen.recipe.splitting import Ends, members, stretches
from phigen.recipe.values import exact
from phigen.symmetry.actions import Transformation, identity
from phigen.symmetry.point_groups import ELEMENTS, Element, Point, inverse
from phigen.symmetry.scaling import Scale
from phigen.symmetry.translation import Shift


@dataclass(frozen=True)
class Calibration:
    """What the target errors of a recipe need.

    Parameters
    ----------
    targets : tuple of float
        Mean absolute errors of centred velocity over all kept frames.
    breaking : tuple of float
        For each, what the recipe's offsets, gains and schedules are multiplied by.
    errors : tuple of float
        For each, what was measured with that.
    curve : tuple of (float, float)
        Everything that was tried and what was measured with it, rising.
    """

    targets: tuple[float, ...]
    breaking: tuple[float, ...]
    errors: tuple[float, ...]
    curve: tuple[tuple[float, float], ...]

    @property
    def rows(self) -> list[dict[str, float]]:
        """One row per target error: what it needs, and what was measured with that."""
        found = zip(self.targets, self.breaking, self.errors, strict=True)
        return [{"target_error": target, "breaking": breaking, "error": error} for target, breaking, error in found]


@dataclass(frozen=True)
class Plan:
    """The runs of a recipe, and what was found for its target errors, if it has any."""

    recipe: Recipe
    runs: tuple[Run, ...]
    calibration: Calibration | None = None

    @property
    def provisional(self) -> bool:
        """Whether the recipe names target errors and what they need is not known: strengths are not right then."""
        return self.recipe.symmetry.target_error is not None and self.calibration is None

    @property
    def split_frames(self) -> dict[str, Ends]:
        """First and last frame of each split; none if frames are not split."""
        return stretches(self.recipe.splits.frames, self.recipe.time.kept)

    @cached_property
    def distinct(self) -> dict[Simulation, tuple[Run, ...]]:
        """The simulations that differ, each with the runs that it makes."""
        made_by: dict[Simulation, list[Run]] = {}
        for run in self.runs:
            made_by.setdefault(run.simulation, []).append(run)
        return {simulation: tuple(runs) for simulation, runs in made_by.items()}

    @property
    def levels(self) -> tuple[float, ...]:
        """The levels of the family; each is a dataset of its own."""
        return tuple(dict.fromkeys(run.level for run in self.runs))

    @property
    def values_per_run(self) -> dict[VariableName, int]:
        """Float32 values that each stored variable has in one run."""
        width, height = self.recipe.grid.shape
        cells, frames = width * height, len(self.recipe.time.kept)
        sizes: dict[VariableName, int] = {
            "smoke": cells,
            "velocity": 2 * cells,
            "faces": (width + 1) * height + width * (height + 1),
            "pressure": cells,
        }
        return {name: frames * sizes[name] for name in self.recipe.store}

    @property
    def bytes(self) -> int:
        """Bytes of all the fields before compression: the most that the store can need."""
        health = len(self.recipe.time.kept) * (2 * 4 + 2 * 8)
        return len(self.runs) * (4 * sum(self.values_per_run.values()) + health)

    @property
    def seconds(self) -> float:
        """Time to simulate everything on one core, from what was measured (docs/numbers.md); a guide only."""
        return sum(map(seconds_of, self.distinct))


def plan(recipe: Recipe, calibration: Calibration | None = None) -> Plan:
    """Spell out the runs of a recipe: levels, then orbits, then elements.

    Parameters
    ----------
    recipe : Recipe
        As loaded, or made in Python.
    calibration : Calibration, optional
        What `phigen.calibrate` finds for a recipe with target errors.  Without it the plan of such a recipe is
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
    faults = list(faults_between({name: getattr(recipe, name) for name in Recipe.model_fields}))
    if faults:
        raise RecipeError(*(f"{recipe.name}: {'.'.join(map(str, path))}: {fault}" for path, fault in faults))
    levels = recipe.symmetry.levels
    parameters = levels if calibration is None else tuple(map(exact, calibration.breaking))
    runs: list[Run] = []
    for level, parameter in zip(levels, parameters, strict=True):
        runs += runs_of_level(recipe, level, parameter, first=len(runs))
    return Plan(recipe, tuple(runs), calibration)


def runs_in(recipe: Recipe) -> int:
    """Give how many runs a sound recipe makes, without spelling them out."""
    scenes = scenes_of(recipe.scene, recipe.vary, recipe.sample, recipe.grid)
    per_level = sum(orbit_size(scene, recipe.symmetry, recipe.grid) for scene in scenes)
    return per_level * len(recipe.symmetry.levels)


def runs_of_level(recipe: Recipe, level: Decimal, parameter: Decimal, *, first: int = 0) -> list[Run]:
    """Spell out the runs of one level: orbits, then elements.

    Parameters
    ----------
    recipe : Recipe
        A sound one.
    level : Decimal
        What the level is called.
    parameter : Decimal
        What the recipe's offsets, gains and schedules are multiplied by.
    first : int
        Place of its first run in the dataset.
    """
    scenes = scenes_of(recipe.scene, recipe.vary, recipe.sample, recipe.grid)
    orbits = [tuple(orbit_of(scene, recipe.symmetry, recipe.grid)) for scene in scenes]
    splits = _splits(recipe.splits, list(map(len, orbits)))
    runs: list[Run] = []
    for orbit, scene in enumerate(scenes):
        for (number, g), split in zip(orbits[orbit], splits[orbit], strict=True):
            about = {"index": first + len(runs), "orbit": orbit, "number": number}
            runs.append(_run(recipe, scene, g, level=level, parameter=parameter, split=split, **about))
    return runs


def _run(
    recipe: Recipe,
    scene: Scene,
    g: Transformation,
    *,
    index: int,
    level: Decimal,
    parameter: Decimal,
    orbit: int,
    number: int,
    split: str,
) -> Run:
    grid, symmetry = recipe.grid, recipe.symmetry
    before, turn = _ways(g, recipe)
    simulated, made = moved(scene, before, grid), finished(scene, g, symmetry, grid)
    if symmetry.regions == "stay" and not isinstance(g, Scale):
        back = tuple(moved_region(region, _inverse(turn), grid) for region in scene.regions)
        simulated = simulated.model_copy(update={"regions": back})
    own = strength_of(scene, symmetry.differing, parameter, number)
    factors = factors_of(scene, symmetry.differing, parameter, number, recipe.time.steps)
    return Run(
        index=index,
        level=float(level),
        breaking=float(parameter),
        orbit=orbit,
        element=g,
        strength=float(own * exact(g.speed)) if isinstance(g, Scale) and g.reading == "rescaled" else float(own),
        split=split,
        inflows=made.inflows,
        regions=made.regions,
        simulation=_simulation(recipe, simulated, before, strength=own, factors=factors),
        turn=turn,
    )


def _ways(g: Transformation, recipe: Recipe) -> tuple[Transformation, Transformation]:
    """Give what is done to the scene before it is simulated, and to its fields after; one after the other they are g.

    All is done after, where that is exact and the recipe does not ask for the lab's frame.
    """
    nothing = identity(g)
    if recipe.symmetry.frame == "lab" or (isinstance(g, Scale) and g.reading == "resampled"):
        return g, nothing
    if isinstance(g, Shift):
        x, y = recipe.grid.periodic
        return g.along((not x, not y)), g.along((x, y))
    return nothing, g


def _inverse(g: Transformation) -> Transformation:
    if isinstance(g, Element):
        return ELEMENTS[inverse(g.name)]
    return g.inverse if isinstance(g, Shift) else g


def _simulation(
    recipe: Recipe, scene: Scene, g: Transformation, *, strength: Decimal, factors: tuple[float, ...]
) -> Simulation:
    """Give the simulation of a scene that `g` has moved, with a strength before that.

    In units of its own cells and steps: a scaled buoyancy is as much stronger as its cells are more, or, where they
    are as many, weaker by as much as its steps are longer.
    """
    grid, time, symmetry = recipe.grid, recipe.time, recipe.symmetry
    scale = g if isinstance(g, Scale) else Scale(1.0, "rescaled")
    resampling = scale.reading == "resampled"
    pull = float(strength * exact(scale.speed)) if resampling else float(strength) / scale.time
    cells = scale.cells(grid.shape)
    forces = [_force(region, scene) for region in scene.regions or (Region(),)]
    return Simulation(
        cells=cells,
        boundaries=grid.boundaries,
        dt_smoke=time.dt_smoke * scale.time,
        dt_velocity=time.dt_velocity * scale.time,
        inflows=scene.inflows,
        areas=tuple((*x, *y) for x, y in (extent(region, grid) for region in scene.regions)),
        force=tuple(
            tuple((x * (pull * factor), y * (pull * factor)) for x, y in forces)
            for factor in factors[: time.kept[-1] + 1]
        ),
        frames=time.kept,
        precision=recipe.precision,
        symmetric=stabilizer(scene, symmetry, grid) if symmetry.frame == "orbit" else ("identity",),
        resampled=grid.shape if cells != grid.shape else None,
        unit=scale.factor if resampling else 1 / scale.factor,
    )


def _force(region: Region, scene: Scene) -> Point:
    """Give the force in a region, at a strength of 1."""
    x, y = unit(region.direction or scene.buoyancy.direction)
    return x * region.factor, y * region.factor


def _splits(splits: Splits, sizes: Sequence[int]) -> list[list[str]]:
    """Give the split of each run by orbit and place in it."""
    if splits.by == "orbit":
        by_orbit = members(splits, len(sizes))
        return [[by_orbit[orbit]] * size for orbit, size in enumerate(sizes)]
    by_run = iter(members(splits, sum(sizes)).values())
    return [list(islice(by_run, size)) for size in sizes]
