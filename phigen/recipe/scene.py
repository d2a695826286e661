"""What drives the flow: inflows, buoyancy and regions, and how scenes vary or are drawn."""

from __future__ import annotations

from pydantic import Field

from phigen.recipe.distribution import Distribution
from phigen.recipe.schedule import Constant, Count, Index, NonNegative, Number, Positive, Schedule, Section
from phigen.recipe.values import Numbers


class Inflow(Section):
    """A disc that adds `rate` smoke per step to every cell whose centre lies in it."""

    center: tuple[Number, Number] = Field(description="(x, y) in cells, from the lower left corner of the box.")
    radius: Positive = Field(description="In cells.")
    rate: Positive = Field(default=1.0, description="Smoke density added per step.")


class Buoyancy(Section):
    """The force per unit smoke that is added to the velocity each step."""

    direction: tuple[Number, Number] = Field(default=(0.0, 1.0), description="(x, y); its length does not matter.")
    strength: NonNegative = Field(description="Cells per step, per step and unit of smoke.")
    schedule: Schedule = Field(default=Constant(), description="Factor on the strength over time.")


class Region(Section):
    """A part of the box with a buoyancy of its own."""

    x: tuple[Index, Index] | None = Field(default=None, description="From one cell edge to another; all if left out.")
    y: tuple[Index, Index] | None = Field(default=None, description="From one cell edge to another; all if left out.")
    factor: Number = Field(default=1.0, description="On the strength of the scene's buoyancy.")
    direction: tuple[Number, Number] | None = Field(default=None, description="The scene's if left out.")


class Scene(Section):
    """What drives the flow: everything starts at rest and without smoke."""

    inflows: tuple[Inflow, ...] = Field(min_length=1)
    buoyancy: Buoyancy
    regions: tuple[Region, ...] = Field(
        default=(), description="Sub-domains that tile the box, each with its own buoyancy; none for one buoyancy."
    )


class Vary(Section):
    """Scenes that differ from `scene`: one for each combination, the last key varying fastest.

    Every scene is the start of an orbit of its own.  The keys are the names of the dataset's coordinates.
    """

    inflow_x: Numbers | None = None
    inflow_y: Numbers | None = None
    inflow_radius: Numbers | None = None
    inflow_rate: Numbers | None = None
    strength: Numbers | None = None


class Sample(Section):
    """Scenes that are drawn at random: each is the start of an orbit.

    Scene i has a stream of random numbers to itself, and is the same however many scenes are asked for.  What is
    not drawn is as in `scene`; every inflow is drawn by itself.
    """

    count: Count = Field(description="How many scenes.")
    seed: Index
    wall_distance: NonNegative = Field(
        default=0.0, description="Least distance from an inflow's rim to a wall, in cells."
    )
    inflow_x: Distribution | None = None
    inflow_y: Distribution | None = None
    inflow_radius: Distribution | None = None
    inflow_rate: Distribution | None = None
    strength: Distribution | None = None
