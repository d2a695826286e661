"""What a run is, and all that its simulation depends on.

Building is a map over distinct simulations, resuming is "the runs not yet stored", and a failure can be reproduced
from one value.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from phigen.recipe.grid import Boundaries
from phigen.recipe.scene import Inflow, Region
from phigen.recipe.schedule import Mixture, Schedule
from phigen.symmetry.element import GroupElement, Point
from phigen.symmetry.point_groups import ElementName

Area = tuple[float, float, float, float]
"""Left, right, lower and upper edge, in cells."""


@dataclass(frozen=True)
class Simulation:
    """All that a simulated flow depends on; equal simulations give equal bits.

    Parameters
    ----------
    cells : (int, int)
        Cells of size 1 along x and y.
    boundaries : ((str, str), (str, str))
        Boundary conditions of the left and right side, and of the lower and upper side.
    dt_smoke, dt_velocity : float
        Advection time per step, of the smoke and of the velocity.
    inflows : tuple of Inflow
        Discs that add smoke at each step.
    areas : tuple of (float, float, float, float)
        Left, right, lower and upper edge of the areas that have their own force; empty if the whole box has one.
    directions : tuple of (float, float)
        Buoyancy force (x, y) per unit smoke in each area, or in the whole box, at a strength of 1.
    strength : float
        Of the buoyancy, before the schedule.
    schedule : Schedule or Mixture
        The factor on the strength over time.
    frames : range
        The steps whose result is kept.
    precision : str
        ``double`` or ``single``.
    symmetric : tuple of str
        The subgroup that the scene is invariant under; each step's result is projected onto what it leaves unchanged.
    resampled : (int, int) or None
        Cells along x and y that the kept frames are resampled to; None if they are not.
    unit : float
        The number that the kept velocity is divided by.
    """

    cells: tuple[int, int]
    boundaries: Boundaries
    dt_smoke: float
    dt_velocity: float
    inflows: tuple[Inflow, ...]
    areas: tuple[Area, ...]
    directions: tuple[Point, ...]
    strength: float
    schedule: Schedule | Mixture
    frames: range
    precision: Literal["double", "single"]
    symmetric: tuple[ElementName, ...] = ("identity",)
    resampled: tuple[int, int] | None = None
    unit: float = 1.0

    @property
    def steps(self) -> int:
        """The number of steps: up to the last kept frame."""
        return self.frames[-1] + 1

    @property
    def force(self) -> NDArray[np.float64]:
        """Buoyancy force per unit smoke, (step, area or 1, component)."""
        factors = np.array(self.schedule.over(self.steps), np.float64)
        return np.array(self.directions) * (self.strength * factors)[:, None, None]

    @property
    def stored_cells(self) -> tuple[int, int]:
        """Cells of the kept frames."""
        return self.resampled or self.cells

    @cached_property
    def digest(self) -> str:
        """sha256 of all parameters, for a store's manifest."""
        frames, schedule = self.frames, self.schedule
        plain = asdict(self) | {
            "inflows": [inflow.model_dump() for inflow in self.inflows],
            "frames": [frames.start, frames.stop, frames.step],
            "schedule": asdict(schedule) if isinstance(schedule, Mixture) else schedule,
        }
        text = json.dumps(plain, sort_keys=True, default=BaseModel.model_dump)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Run:
    """One run of a dataset: a simulation, and the group element that acts on its result.

    Parameters
    ----------
    index : int
        Its place in the dataset.
    level : float
        Of symmetry breaking, or the target error; 0 is exactly symmetric.
    breaking : float
        The factor on the recipe's offsets, gains and schedules: the level, unless that is a target error.
    orbit : int
        The number of the scene that it is made from.
    element : GroupElement
        Maps the orbit's scene to the scene of this run.
    strength : float
        Of the buoyancy, before the schedule.
    split : str
        train, validation or test.
    inflows : tuple of Inflow
        In the finished run.
    regions : tuple of Region
        In the finished run.
    simulation : Simulation
        In the reference frame of the orbit, or of the lab where the recipe asks for that.
    after : GroupElement
        Acts on the simulated fields, which gives those of the run; the identity in the lab's reference frame.
    """

    index: int
    level: float
    breaking: float
    orbit: int
    element: GroupElement
    strength: float
    split: str
    inflows: tuple[Inflow, ...]
    regions: tuple[Region, ...]
    simulation: Simulation
    after: GroupElement

    def __str__(self) -> str:
        what = f"level {self.level:g}, orbit {self.orbit}, {self.element.name}, strength {self.strength:g}"
        return f"run {self.index} ({what})"
