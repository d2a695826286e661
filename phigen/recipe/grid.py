"""The box and the time of a run: cells, boundaries, steps, and the frames that are kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Strict, Tag

from phigen.recipe.schedule import Count, Index, Positive, Section
from phigen.recipe.values import form

BoundaryName = Literal["closed", "periodic", "open"]
Boundaries = tuple[tuple[BoundaryName, BoundaryName], tuple[BoundaryName, BoundaryName]]
"""Of the left and right side, and of the lower and upper one."""

MOST_CELLS = 8192
"""Along a side of a grid."""

Side = Annotated[int, Strict(), Field(ge=4, le=MOST_CELLS)]


class Sides(Section):
    """A boundary for each of the two sides of an axis."""

    lower: BoundaryName = Field(description="The left or the lower side.")
    upper: BoundaryName = Field(description="The right or the upper side.")


Axis = Annotated[Annotated[BoundaryName, Tag("scalar")] | Annotated[Sides, Tag("mapping")], Discriminator(form)]


class Axes(Section):
    """A boundary for each axis: one for both of its sides, or {lower: , upper: }."""

    x: Axis
    y: Axis


class Grid(Section):
    """Cells of size 1 that fill the box [0, cells x] x [0, cells y]; y points up."""

    cells: Annotated[
        Annotated[Side, Tag("scalar")] | Annotated[tuple[Side, Side], Tag("list")], Discriminator(form)
    ] = Field(description="Cells per side: one number for a square, or [x, y].")
    boundary: Annotated[
        Annotated[BoundaryName, Tag("scalar")] | Annotated[Axes, Tag("mapping")], Discriminator(form)
    ] = Field(default="closed", description="Walls, wrap-around or free outflow; one for all, or {x: , y: }.")

    @property
    def shape(self) -> tuple[int, int]:
        """Cells along x and y."""
        return self.cells if isinstance(self.cells, tuple) else (self.cells, self.cells)

    @property
    def boundaries(self) -> Boundaries:
        """Boundary of each side."""
        axes = (self.boundary.x, self.boundary.y) if isinstance(self.boundary, Axes) else (self.boundary,) * 2
        x, y = ((axis.lower, axis.upper) if isinstance(axis, Sides) else (axis, axis) for axis in axes)
        return x, y

    @property
    def periodic(self) -> tuple[bool, bool]:
        """Whether the box wraps around along x and along y."""
        return self.boundaries[0][0] == "periodic", self.boundaries[1][0] == "periodic"


class Frames(Section):
    """Which frames are kept.  Frame k is the state that step k leaves; steps count from 0."""

    first: Index = 0
    last: Index | None = Field(default=None, description="Inclusive; the last step if left out.")
    every: Count = 1


class Time(Section):
    """How long a run is, which frames of it are kept, and how far each advection goes per step."""

    steps: Count
    frames: Frames = Frames()
    dt_smoke: Positive = Field(default=1.0, description="Advection time of the smoke, per step.")
    dt_velocity: Positive = Field(default=1.0, description="Advection time of the velocity, per step.")

    @property
    def kept(self) -> range:
        """The frames that are kept, as numbers of the steps that leave them."""
        last = self.steps - 1 if self.frames.last is None else self.frames.last
        return range(self.frames.first, last + 1, self.frames.every)
