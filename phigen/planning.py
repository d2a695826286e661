"""From a recipe to its runs: each carries all that its simulation may depend on, and what to do with the result.

Building is then a map over distinct simulations, continuing is "the runs not yet stored", and a failure can be
reproduced from one value.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import product
from typing import Literal

from phigen.checks import faults_between
from phigen.errors import RecipeError
from phigen.recipe import BoundaryName, Grid, Inflow, Recipe, Scene, Splits, Time, VariableName, spelled_out
from phigen.scenes import scenes_of, strength_of
from phigen.symmetry import ELEMENTS, ElementName


@dataclass(frozen=True)
class Simulation:
    """All that a simulated flow depends on; equal simulations give equal bits.

    Parameters
    ----------
    cells : (int, int)
        Cells of size 1 along x and y.
    boundaries : (str, str)
        Of the x axis and the y axis.
    dt_smoke, dt_velocity : float
        Advection time per step of the smoke and of the velocity.
    inflows : tuple of Inflow
        Discs that add smoke each step.
    force : tuple of (float, float)
        Buoyancy force (x, y) per unit smoke, one for each step; the length is the number of steps.
    frames : range
        Steps whose result is kept.
    precision : str
        ``double`` or ``single``.
    """

    cells: tuple[int, int]
    boundaries: tuple[BoundaryName, BoundaryName]
    dt_smoke: float
    dt_velocity: float
    inflows: tuple[Inflow, ...]
    force: tuple[tuple[float, float], ...]
    frames: range
    precision: Literal["double", "single"]

    @cached_property
    def digest(self) -> str:
        """sha256 of all that is in it, for a store's list of runs."""
        plain = asdict(self) | {
            "inflows": [inflow.model_dump() for inflow in self.inflows],
            "frames": list(self.frames),
        }
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Run:
    """One run of a dataset: a simulation, and the group element that its result is turned by.

    Parameters
    ----------
    index : int
        Its place in the dataset.
    level : float
        Of symmetry breaking; 0 is exactly symmetric.
    orbit : int
        Which scene it comes from.
    element : str
        The group element that takes the orbit's first scene to this run's.
    strength : float
        Of its buoyancy, before the schedule.
    split : str
        train, validation or test.
    inflows : tuple of Inflow
        Where they are in the finished run.
    simulation : Simulation
        What is simulated: in the orbit's own frame, or in the lab's where the recipe asks for it.
    turn : str
        The element that the simulated fields are turned by to give the run: identity in the lab's frame.
    """

    index: int
    level: float
    orbit: int
    element: ElementName
    strength: float
    split: str
    inflows: tuple[Inflow, ...]
    simulation: Simulation
    turn: ElementName

    def __str__(self) -> str:
        what = f"level {self.level:g}, orbit {self.orbit}, {self.element}, strength {self.strength:g}"
        return f"run {self.index} ({what})"


@dataclass(frozen=True)
class Plan:
    """The runs of a recipe."""

    recipe: Recipe
    runs: tuple[Run, ...]

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
        width, height = self.recipe.grid.shape
        steps = self.recipe.time.kept[-1] + 1
        per_step = width * height * (1.4e-7 + 2.5e-10 * (width + height))
        return len(self.distinct) * steps * per_step * (1.0 if self.recipe.precision == "double" else 0.8)


def plan(recipe: Recipe) -> Plan:
    """Spell out the runs of a recipe: levels, then orbits, then elements.

    Parameters
    ----------
    recipe : Recipe
        As loaded, or made in Python.

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
    symmetry, split_of = recipe.symmetry, _splits_by_orbit(recipe.splits)
    scenes = enumerate(scenes_of(recipe.scene, recipe.vary))
    runs: list[Run] = []
    levels, elements = spelled_out(symmetry.breaking.levels), range(len(symmetry.orbit))
    for level, (orbit, scene), number in product(levels, scenes, elements):
        element = symmetry.orbit[number]
        strength = float(strength_of(scene, symmetry.breaking, level, number))
        placed = _turned(scene.inflows, element, recipe.grid)
        lab = symmetry.frame == "lab"
        direction = _unit(scene.buoyancy.direction)
        simulation = _simulation(
            recipe,
            inflows=placed if lab else scene.inflows,
            direction=ELEMENTS[element].on_vector(direction) if lab else direction,
            factors=tuple(strength * factor for factor in _factors(scene, recipe.time)),
        )
        runs.append(
            Run(
                index=len(runs),
                level=float(level),
                orbit=orbit,
                element=element,
                strength=strength,
                split=split_of.get(orbit, "train"),
                inflows=placed,
                simulation=simulation,
                turn="identity" if lab else element,
            )
        )
    return Plan(recipe, tuple(runs))


def _simulation(
    recipe: Recipe, *, inflows: tuple[Inflow, ...], direction: tuple[float, float], factors: tuple[float, ...]
) -> Simulation:
    return Simulation(
        cells=recipe.grid.shape,
        boundaries=recipe.grid.boundaries,
        dt_smoke=recipe.time.dt_smoke,
        dt_velocity=recipe.time.dt_velocity,
        inflows=inflows,
        force=tuple((direction[0] * factor, direction[1] * factor) for factor in factors),
        frames=recipe.time.kept,
        precision=recipe.precision,
    )


def _factors(scene: Scene, time: Time) -> tuple[float, ...]:
    """Give the schedule up to the last kept frame: what comes after it is not simulated."""
    return scene.buoyancy.schedule.over(time.steps)[: time.kept[-1] + 1]


def _turned(inflows: tuple[Inflow, ...], element: ElementName, grid: Grid) -> tuple[Inflow, ...]:
    g = ELEMENTS[element]
    return tuple(inflow.model_copy(update={"center": g.on_point(inflow.center, grid.shape)}) for inflow in inflows)


def _unit(direction: tuple[float, float]) -> tuple[float, float]:
    length = math.hypot(*direction)
    return direction[0] / length, direction[1] / length


def _splits_by_orbit(splits: Splits) -> dict[int, str]:
    chosen = {name: getattr(splits, name) for name in Splits.model_fields}
    return {int(o): name for name, orbits in chosen.items() if orbits is not None for o in spelled_out(orbits)}
