"""The scene, which drives the flow: inflows, buoyancy and regions, and how scenes vary or are drawn."""

from __future__ import annotations

from pydantic import Field

from phigen.recipe.distribution import Distribution
from phigen.recipe.schedule import Constant, Schedule
from phigen.recipe.values import Count, Index, NonNegative, Number, Numbers, Positive, Section


class Inflow(Section):
    """A disc that adds `rate` smoke per step to every cell whose centre lies in it."""

    center: tuple[Number, Number] = Field(description="(x, y) in cells, from the lower left corner of the box.")
    radius: Positive = Field(description="Radius of the disc, in cells.")
    rate: Positive = Field(default=1.0, description="Smoke density that is added per step.")


class Buoyancy(Section):
    """The force per unit smoke that is added to the velocity in each step."""

    direction: tuple[Number, Number] = Field(
        default=(0.0, 1.0), description="Direction of the force, (x, y); its length does not matter."
    )
    strength: NonNegative = Field(description="Velocity that one unit of smoke gains per step, in cells per step.")
    schedule: Schedule = Field(default=Constant(), description="Factor on the strength over time; 1 if left out.")


class Region(Section):
    """A part of the box with its own buoyancy."""

    x: tuple[Index, Index] | None = Field(
        default=None, description="[left, right] edge of the region, in cells; the whole width if left out."
    )
    y: tuple[Index, Index] | None = Field(
        default=None, description="[lower, upper] edge of the region, in cells; the whole height if left out."
    )
    factor: Number = Field(default=1.0, description="Factor on the strength of the scene's buoyancy in this region.")
    direction: tuple[Number, Number] | None = Field(
        default=None, description="Direction of the buoyancy in this region; the scene's if left out."
    )


class Scene(Section):
    """What drives the flow, which starts at rest and without smoke."""

    inflows: tuple[Inflow, ...] = Field(min_length=1, description="Discs that add smoke in each step.")
    buoyancy: Buoyancy = Field(description="Force that smoke exerts on the flow.")
    regions: tuple[Region, ...] = Field(
        default=(), description="Regions that tile the box, each with its own buoyancy; none if buoyancy is uniform."
    )


class Vary(Section):
    """Scenes that differ from `scene`: one for each combination, the last key varying fastest.

    Every scene is the start of its own orbit.  The keys are the names of the dataset's coordinates.
    """

    inflow_x: Numbers | None = Field(default=None, description="Centres of the inflow along x, in cells.")
    inflow_y: Numbers | None = Field(default=None, description="Centres of the inflow along y, in cells.")
    inflow_radius: Numbers | None = Field(default=None, description="Radii of the inflow, in cells.")
    inflow_rate: Numbers | None = Field(default=None, description="Smoke densities that the inflow adds per step.")
    strength: Numbers | None = Field(default=None, description="Strengths of the buoyancy.")


class Sample(Section):
    """Scenes that are drawn at random; each is the start of its own orbit.

    Scene i has its own stream of random numbers, so it does not depend on the number of scenes.  What is not drawn
    is as in `scene`; every inflow is drawn independently.
    """

    count: Count = Field(description="How many scenes are drawn.")
    seed: Index = Field(description="Seed of the random numbers; the same seed draws the same scenes.")
    wall_distance: NonNegative = Field(
        default=0.0, description="Smallest distance from the rim of an inflow to a wall, in cells."
    )
    inflow_x: Distribution | None = Field(default=None, description="Distribution of inflow centres along x, in cells.")
    inflow_y: Distribution | None = Field(default=None, description="Distribution of inflow centres along y, in cells.")
    inflow_radius: Distribution | None = Field(default=None, description="Distribution of inflow radii, in cells.")
    inflow_rate: Distribution | None = Field(
        default=None, description="Distribution of the smoke density that an inflow adds per step."
    )
    strength: Distribution | None = Field(default=None, description="Distribution of the buoyancy strength.")
