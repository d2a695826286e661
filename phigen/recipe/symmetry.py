"""Which group a dataset is about, the orbit of each scene, and how far its runs differ."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import product
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from phigen.recipe.schedule import Number, Positive, Schedule, Section
from phigen.recipe.values import Numbers, Range, form, how_many, spelled_out
from phigen.symmetry.actions import Transformation
from phigen.symmetry.point_groups import ELEMENTS, GROUPS, ElementName, GroupName
from phigen.symmetry.scaling import Reading, Scale
from phigen.symmetry.translation import Shift


class Breaking(Section):
    """How the elements of an orbit differ at a level: (strength + level * offset) * (1 + level * gain).

    Level 0 is exactly symmetric.  Each level is a dataset of its own within the family.
    """

    offsets: Numbers | None = Field(default=None, description="Added to the strength, one per element.")
    gains: Numbers | None = Field(default=None, description="Relative change of the strength, one per element.")
    schedules: tuple[Schedule, ...] | None = Field(
        default=None, description="One per element: at level 1 in place of the scene's own, between them below it."
    )
    levels: Numbers | None = Field(
        default=None, description="1 if left out, or 0 where neither offsets, gains nor schedules are given."
    )


class Shifts(Section):
    """Every combination of shifts along x and y, those along y varying fastest."""

    x: Numbers = (0.0,)
    y: Numbers = (0.0,)


Elements = Annotated[
    Annotated[Literal["distinct"], Tag("scalar")]
    | Annotated[tuple[ElementName, ...], Field(min_length=1), Tag("list")],
    Discriminator(form),
]
ShiftList = Annotated[
    Annotated[tuple[tuple[Number, Number], ...], Field(min_length=1), Tag("list")] | Annotated[Shifts, Tag("mapping")],
    Discriminator(form),
]


class Symmetry(Section):
    """The group, the orbit that each scene is taken through, and how far the orbit's runs differ."""

    group: Literal[GroupName, "translation", "scaling"] = "C1"
    elements: Elements | None = Field(
        default=None, description="Of a point group; all if left out; distinct: those that give different scenes."
    )
    shifts: ShiftList | None = Field(
        default=None, description="Of the group translation, in cells: [[x, y], ...] or {x: , y: }."
    )
    factors: Numbers | None = Field(default=None, description="Of the group scaling; 1 first.")
    reading: Reading | None = Field(
        default=None,
        description="Of the group scaling. resampled: a grid of `factor` times as many cells, each frame resampled; "
        "rescaled: the same grid with cells of size `factor` and time steps of factor ** time_exponent.",
    )
    time_exponent: Annotated[Number, Field(ge=-10, le=10)] = Field(
        default=2.0, description="Of the reading rescaled: times scale as this power."
    )
    fractional: Literal["refused", "resampled", "floored"] = Field(
        default="refused",
        description="What to do with parts of cells: resampled interpolates shifts, floored cuts scaled grids.",
    )
    regions: Literal["move", "stay"] = Field(
        default="move", description="Whether the scene's regions move with it, or stay and break the symmetry."
    )
    frame: Literal["orbit", "lab"] = Field(
        default="orbit",
        description="orbit: simulate in the orbit's own frame and turn the result, exactly; lab: simulate each "
        "scene where it stands, which lets the solver's rounding break the symmetry.",
    )
    breaking: Breaking = Breaking()
    target_error: Numbers | None = Field(
        default=None,
        description="Levels by the error that they shall have: the mean absolute one of centred velocity over all "
        "kept frames. The build finds what `breaking` must be multiplied by.",
    )
    tolerance: Positive = Field(default=0.01, lt=1, description="Largest relative error of a target error.")

    @property
    def orbit(self) -> tuple[Transformation, ...]:
        """The elements that each scene is taken through; with `distinct`, those that it may be."""
        if self.group == "translation":
            return tuple(Shift(float(x), float(y)) for x, y in self._pairs())
        if self.group == "scaling":
            reading = self.reading or "resampled"
            exponent = self.time_exponent if reading == "rescaled" else 0.0
            factors = spelled_out(self.factors) if self.factors is not None else (Decimal(1),)
            return tuple(Scale(float(factor), reading, exponent) for factor in factors)
        chosen = self.elements if isinstance(self.elements, tuple) else GROUPS[self.group]
        return tuple(ELEMENTS[name] for name in chosen)

    @property
    def size(self) -> int:
        """How many elements the orbit has, those that coincide included, without spelling them out."""
        if self.group == "translation":
            shifts = self.shifts
            return how_many(shifts.x) * how_many(shifts.y) if isinstance(shifts, Shifts) else len(shifts or (0,))
        if self.group == "scaling":
            return how_many(self.factors or (1,))
        return len(self.elements if isinstance(self.elements, tuple) else GROUPS[self.group])

    def _pairs(self) -> Iterable[tuple[Decimal | float, Decimal | float]]:
        if isinstance(self.shifts, Shifts):
            return product(spelled_out(self.shifts.x), spelled_out(self.shifts.y))
        return self.shifts or ((0.0, 0.0),)

    @property
    def levels(self) -> tuple[Decimal, ...]:
        """What the datasets of the family are called: levels of breaking, or the errors that they shall have."""
        chosen = self.breaking.levels if self.target_error is None else self.target_error
        broken = self.breaking != Breaking()
        return spelled_out(chosen if chosen is not None else (1.0 if broken else 0.0,))

    @property
    def differing(self) -> Breaking:
        """How the elements differ: as `breaking` says, or for target errors without it, each from the one before."""
        if self.target_error is None or self.breaking != Breaking():
            return self.breaking
        return Breaking(offsets=Range(start=0.0, step=1.0, count=len(self.orbit)))
