"""The group that a dataset is about, the orbit of each scene, and how much the runs of an orbit differ."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from phigen.recipe.schedule import Schedule
from phigen.recipe.values import Number, Numbers, Positive, Range, Section, form, how_many, spelled_out
from phigen.symmetry.element import GroupElement, NonInteger
from phigen.symmetry.group import Group
from phigen.symmetry.groups import GROUPS
from phigen.symmetry.scaling import ScalingMethod


class Breaking(Section):
    """How the runs of an orbit differ at a level: (strength + level * offset) * (1 + level * gain).

    Level 0 is exactly symmetric.  Each level is a dataset of its own within the family.
    """

    offsets: Numbers | None = Field(
        default=None, description="Number per element that is added to the strength, multiplied by the level."
    )
    gains: Numbers | None = Field(
        default=None, description="Relative change of the strength per element, multiplied by the level."
    )
    schedules: tuple[Schedule, ...] | None = Field(
        default=None,
        description="Schedule per element, which replaces the scene's at level 1 and is mixed with it below 1.",
    )
    levels: Numbers | None = Field(
        default=None,
        description="How strongly the symmetry is broken, one dataset per level; 0 is exactly symmetric. If left out: "
        "1, or 0 without offsets, gains and schedules.",
    )


class Shifts(Section):
    """Every combination of shifts along x and y, those along y varying fastest."""

    x: Numbers = Field(default=(0.0,), description="Shifts to the right, in cells.")
    y: Numbers = Field(default=(0.0,), description="Shifts upwards, in cells.")


def _known(name: str) -> str:
    """Return the name of a group; one that is added to GROUPS at run time is known too."""
    if name not in GROUPS:
        *others, last = map(repr, GROUPS)
        raise PydanticCustomError(
            "literal_error", "Input should be {expected}", {"expected": f"{', '.join(others)} or {last}"}
        )
    return name


def _list_groups(schema: dict[str, Any]) -> None:
    schema["enum"] = list(GROUPS)


GroupName = Annotated[str, AfterValidator(_known), Field(json_schema_extra=_list_groups)]
Elements = Annotated[
    Annotated[Literal["distinct"], Tag("scalar")] | Annotated[tuple[str, ...], Field(min_length=1), Tag("list")],
    Discriminator(form),
]
ShiftList = Annotated[
    Annotated[tuple[tuple[Number, Number], ...], Field(min_length=1), Tag("list")] | Annotated[Shifts, Tag("mapping")],
    Discriminator(form),
]


class Symmetry(Section):
    """The group, the orbit that each scene is taken through, and how much the runs of an orbit differ."""

    group: GroupName = Field(
        default="C1", description="Symmetry group: rotations and reflections of the square, translation or scaling."
    )
    elements: Elements | None = Field(
        default=None,
        description="Elements of the orbit, identity first, for groups of rotations and reflections; all if left out; "
        "distinct: those that give different scenes.",
    )
    shifts: ShiftList | None = Field(
        default=None,
        description="Shifts of the orbit in cells, [0, 0] first, for the group translation: [[x, y], ...], or "
        "{x: , y: } for every combination.",
    )
    factors: Numbers | None = Field(
        default=None, description="Scaling factors of the orbit, 1 first, for the group scaling."
    )
    scaling_method: ScalingMethod | None = Field(
        default=None,
        description="How a scaled run is simulated, for the group scaling. resampled: on a grid of `factor` times as "
        "many cells, each frame resampled to the recipe's grid; rescaled: on the recipe's grid, with cells of size "
        "`factor` and time steps of factor ** time_exponent.",
    )
    time_exponent: Annotated[Number, Field(ge=-10, le=10)] = Field(
        default=2.0, description="Power of the factor that times scale with, for scaling_method: rescaled."
    )
    non_integer: NonInteger = Field(
        default="error",
        description="What to do with parts of a cell. error: refuse the recipe; resample: interpolate shifted fields; "
        "truncate: leave out the part of a cell of a scaled grid.",
    )
    regions: Literal["move", "stay"] = Field(
        default="move", description="Whether the scene's regions move with it, or stay and break the symmetry."
    )
    reference_frame: Literal["orbit", "lab"] = Field(
        default="orbit",
        description="orbit: simulate the orbit's scene once and apply the group elements to the result, exactly; lab: "
        "simulate every scene where it is, so that the solver's rounding breaks the symmetry.",
    )
    breaking: Breaking = Field(default=Breaking(), description="How the runs of an orbit differ in their strength.")
    target_error: Numbers | None = Field(
        default=None,
        description="Equivariance error of each level, instead of its amount of breaking: mean absolute error of "
        "centred velocity over all kept frames. The build finds the amount of breaking that it takes.",
    )
    tolerance: Positive = Field(default=0.01, lt=1, description="Largest relative deviation from a target error.")

    @property
    def of_group(self) -> Group:
        """The group, with what it knows of its elements and keys."""
        return GROUPS[self.group]

    @property
    def chosen(self) -> dict[str, Any]:
        """The choice of elements as a `Group` reads it: lists and ranges are spelled out."""
        shifts, factors = self.shifts, self.factors
        if isinstance(shifts, Shifts):
            shifts = tuple((float(x), float(y)) for x, y in product(spelled_out(shifts.x), spelled_out(shifts.y)))
        return {
            "elements": self.elements if isinstance(self.elements, tuple) else None,
            "shifts": shifts,
            "factors": tuple(map(float, spelled_out(factors))) if factors is not None else None,
            "scaling_method": self.scaling_method,
            "time_exponent": self.time_exponent,
        }

    @property
    def listed(self) -> Any:
        """The value of the key that lists the elements of the group; None if it is left out."""
        return getattr(self, self.of_group.listed_by, None)

    @property
    def listed_at(self) -> str:
        """The key that a problem of an element is reported at."""
        return self.of_group.listed_by if self.listed is not None else "group"

    @property
    def orbit(self) -> tuple[GroupElement, ...]:
        """The elements that each scene is taken through; with `distinct`, those among which they are.

        Raises
        ------
        ValueError
            If the group has no element of a listed name.
        """
        return self.of_group.orbit(self.chosen)

    @property
    def size(self) -> int:
        """The number of elements of the orbit, those that coincide included, without spelling them out."""
        listed = self.listed
        if listed is None or listed == "distinct":
            return self.of_group.size({})
        if isinstance(listed, Shifts):
            return how_many(listed.x) * how_many(listed.y)
        return how_many(listed)

    @property
    def levels(self) -> tuple[Decimal, ...]:
        """The names of the datasets of the family: levels of breaking, or their target errors."""
        chosen = self.breaking.levels if self.target_error is None else self.target_error
        broken = self.breaking != Breaking()
        return spelled_out(chosen if chosen is not None else (1.0 if broken else 0.0,))

    @property
    def differing(self) -> Breaking:
        """How the elements differ: `breaking`, or for target errors without it, evenly spaced offsets."""
        if self.target_error is None or self.breaking != Breaking():
            return self.breaking
        return Breaking(offsets=Range(start=0.0, step=1.0, count=self.size))
