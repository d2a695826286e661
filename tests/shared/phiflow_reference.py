"""The same step as PhiFlow's users write it: eager, on numpy, with PhiFlow's own conjugate gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from phi import math
from phi.field import CenteredGrid, StaggeredGrid, resample
from phi.geom import Box, Sphere
from phi.math import NUMPY, Solve, extrapolation
from phi.physics import advect, fluid

from phigen.planning.runs import Simulation

EXACT = Solve("CG", 1e-10, 1e-10, rank_deficiency=0)


@dataclass
class Reference:
    """A plume in a closed box, in double precision."""

    simulation: Simulation

    def __post_init__(self) -> None:
        width, height = self.simulation.cells
        layout = {"x": width, "y": height, "bounds": Box(x=width, y=height)}
        with NUMPY, math.precision(64):
            self.smoke: Any = CenteredGrid(0, extrapolation.ZERO_GRADIENT, **layout)
            self.velocity: Any = StaggeredGrid(0, extrapolation.ZERO, **layout)
            discs = self.simulation.inflows
            self.inflow: Any = sum(
                d.rate * resample(Sphere(x=d.center[0], y=d.center[1], radius=d.radius), to=self.smoke) for d in discs
            )

    def step(self, number: int) -> None:
        """Take one step."""
        force, s = tuple(self.simulation.force[number, 0].tolist()), self.simulation
        with NUMPY, math.precision(64):
            self.smoke = advect.mac_cormack(self.smoke, self.velocity, s.dt_smoke) + self.inflow
            lift = resample(self.smoke * force, to=self.velocity)
            moved = advect.semi_lagrangian(self.velocity, self.velocity, s.dt_velocity) + lift
            self.velocity, _ = fluid.make_incompressible(moved, (), EXACT)

    @property
    def smoke_values(self) -> np.ndarray:
        """Smoke (y, x)."""
        with NUMPY, math.precision(64):
            return self.smoke.values.numpy("y,x")

    @property
    def inner_faces(self) -> tuple[np.ndarray, np.ndarray]:
        """Velocity on the faces between cells, (y, x_face) and (y_face, x)."""
        with NUMPY, math.precision(64):
            x, y = (self.velocity.values[{"~vector": axis}].numpy("y,x") for axis in ("x", "y"))
        return x, y
