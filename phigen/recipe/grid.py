"""The box and the time of a run: cells, boundary conditions, steps, and the frames that are kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Strict, Tag

from phigen.recipe.values import Count, Index, Positive, Section, form
from phigen.symmetry.element import MOST_CELLS, Box

BoundaryName = Literal["closed", "periodic", "open"]
Boundaries = tuple[tuple[BoundaryName, BoundaryName], tuple[BoundaryName, BoundaryName]]
"""Boundary conditions on the left and right side, and on the lower and upper side."""

Side = Annotated[int, Strict(), Field(ge=4, le=MOST_CELLS)]


class Sides(Section):
    """A boundary condition for each of the two sides of an axis."""

    lower: BoundaryName = Field(description="Boundary condition on the left or lower side.")
    upper: BoundaryName = Field(description="Boundary condition on the right or upper side.")


Axis = Annotated[Annotated[BoundaryName, Tag("scalar")] | Annotated[Sides, Tag("mapping")], Discriminator(form)]


class Axes(Section):
    """A boundary condition for each axis: one for both of its sides, or {lower: , upper: }."""

    x: Axis = Field(description="Boundary condition on the left and right side: one name, or {lower: , upper: }.")
    y: Axis = Field(description="Boundary condition on the lower and upper side: one name, or {lower: , upper: }.")


class Grid(Section):
    """Cells of size 1 that fill the box [0, cells x] x [0, cells y]; y points up."""

    cells: Annotated[
        Annotated[Side, Tag("scalar")] | Annotated[tuple[Side, Side], Tag("list")], Discriminator(form)
    ] = Field(description="Cells per side: one number for a square, or [x, y].")
    boundary: Annotated[
        Annotated[BoundaryName, Tag("scalar")] | Annotated[Axes, Tag("mapping")], Discriminator(form)
    ] = Field(
        default="closed",
        description="Boundary conditions: closed is a wall, periodic wraps around, open lets the flow out; one name "
        "for all sides, or {x: , y: }.",
    )

    @property
    def shape(self) -> tuple[int, int]:
        """Cells along x and y."""
        return self.cells if isinstance(self.cells, tuple) else (self.cells, self.cells)

    @property
    def boundaries(self) -> Boundaries:
        """The boundary condition on each side."""
        axes = (self.boundary.x, self.boundary.y) if isinstance(self.boundary, Axes) else (self.boundary,) * 2
        x, y = ((axis.lower, axis.upper) if isinstance(axis, Sides) else (axis, axis) for axis in axes)
        return x, y

    @property
    def box(self) -> Box:
        """The box that group elements act in."""
        return Box(self.shape, self.boundaries)


class Frames(Section):
    """The frames that are kept.  Frame k is the state after step k; steps count from 0."""

    first: Index = Field(default=0, description="First frame that is kept; frame k is the state after step k, from 0.")
    last: Index | None = Field(
        default=None, description="Last frame that is kept, inclusive; that of the last step if left out."
    )
    every: Count = Field(default=1, description="Keep one frame out of this many.")


class Time(Section):
    """The number of steps of a run, the frames that are kept, and the advection time per step."""

    steps: Count = Field(description="Number of time steps.")
    frames: Frames = Field(default=Frames(), description="Frames that are kept; all if left out.")
    dt_smoke: Positive = Field(default=1.0, description="Time by which the smoke is advected in each step.")
    dt_velocity: Positive = Field(default=1.0, description="Time by which the velocity is advected in each step.")

    @property
    def kept(self) -> range:
        """The frames that are kept, as numbers of steps."""
        last = self.steps - 1 if self.frames.last is None else self.frames.last
        return range(self.frames.first, last + 1, self.frames.every)
