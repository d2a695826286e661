"""From the orbits of a recipe to its runs: each holds all that its simulation depends on, and what follows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property, partial

from phigen.planning.runs import Run, Simulation, seconds_of
from phigen.recipe.model import Recipe, VariableName
from phigen.recipe.orbits import Member, Orbit, extent, finished, moved, moved_regions, stabilizer, unit
from phigen.recipe.scene import Region, Scene
from phigen.recipe.splits import Ends, stretches
from phigen.recipe.values import exact
from phigen.symmetry.element import GroupElement, Point


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
    """Return the runs of a recipe: levels, then orbits, then elements.

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
    runs: list[Run] = []
    for level, parameter in zip(levels, parameters, strict=True):
        runs += runs_of_level(recipe, level, parameter, first=len(runs))
    return Plan(recipe, tuple(runs), calibration)


def runs_in(recipe: Recipe) -> int:
    """Return the number of runs of a recipe without planning them."""
    return sum(len(orbit.members) for orbit in recipe.orbits) * len(recipe.symmetry.levels)


def runs_of_level(recipe: Recipe, level: Decimal, parameter: Decimal, *, first: int = 0) -> list[Run]:
    """Return the runs of one level: orbits, then elements.

    Parameters
    ----------
    recipe : Recipe
        A valid one.
    level : Decimal
        Name of the level.
    parameter : Decimal
        Multiplies the recipe's offsets, gains and schedules.
    first : int
        Place of its first run in the dataset.
    """
    runs: list[Run] = []
    for orbit in recipe.orbits:
        # Members of an orbit that are simulated alike share one value: 100,000 runs then take a quarter of the memory.
        simulation_of = cache(partial(_simulation, recipe, orbit.scene))
        for member in orbit.members:
            about = {"index": first + len(runs), "level": level, "parameter": parameter}
            runs.append(_run(recipe, orbit, member, simulation_of=simulation_of, **about))
    return runs


def _run(
    recipe: Recipe,
    orbit: Orbit,
    member: Member,
    *,
    simulation_of: Callable[..., Simulation],
    index: int,
    level: Decimal,
    parameter: Decimal,
) -> Run:
    box, symmetry, g = recipe.grid.box, recipe.symmetry, member.element
    before, after = (g, g.identity) if symmetry.reference_frame == "lab" else g.parts(box)
    stored = finished(orbit.scene, g, symmetry, box)
    strength = orbit.strength(member, parameter)
    return Run(
        index=index,
        level=float(level),
        breaking=float(parameter),
        orbit=orbit.number,
        element=g,
        strength=float(strength * exact(g.stored_speed)),
        split=member.split,
        inflows=stored.inflows,
        regions=stored.regions,
        simulation=simulation_of(
            before=before,
            regions_by=after.inverse if symmetry.regions == "stay" and g.moves_within_box else before,
            strength=strength,
            factors=orbit.factors(member, parameter, steps=recipe.time.steps),
        ),
        turn=after,
    )


def _simulation(
    recipe: Recipe,
    scene: Scene,
    *,
    before: GroupElement,
    regions_by: GroupElement,
    strength: Decimal,
    factors: tuple[float, ...],
) -> Simulation:
    """Return the simulation of an orbit's scene after `before`, with its regions moved by `regions_by`.

    Its units are its own cells and steps: a scaled buoyancy grows with the number of cells, and shrinks with the
    length of a step.
    """
    box, time, symmetry = recipe.grid.box, recipe.time, recipe.symmetry
    simulated = moved(scene, before, box).model_copy(update={"regions": moved_regions(scene, regions_by, box)})
    pull = float(strength * exact(before.length)) / before.time
    cells = before.simulated_cells(box.cells)
    forces = [_force(region, simulated) for region in simulated.regions or (Region(),)]
    return Simulation(
        cells=cells,
        boundaries=box.boundaries,
        dt_smoke=time.dt_smoke * before.time,
        dt_velocity=time.dt_velocity * before.time,
        inflows=simulated.inflows,
        areas=tuple((*x, *y) for x, y in (extent(region, box) for region in simulated.regions)),
        force=tuple(
            tuple((x * (pull * factor), y * (pull * factor)) for x, y in forces)
            for factor in factors[: time.kept[-1] + 1]
        ),
        frames=time.kept,
        precision=recipe.precision,
        symmetric=stabilizer(simulated, symmetry, box) if symmetry.reference_frame == "orbit" else ("identity",),
        resampled=box.cells if cells != box.cells else None,
        unit=before.unit,
    )


def _force(region: Region, scene: Scene) -> Point:
    """Return the force in a region, at a strength of 1."""
    x, y = unit(region.direction or scene.buoyancy.direction)
    return x * region.factor, y * region.factor
