"""What a dataset shall be, as pure data: the sections of a recipe, frozen and free of unknown keys."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Discriminator, Field, PrivateAttr, Strict, Tag

from phigen.schedule import Constant, Count, Index, NonNegative, Number, Positive, Schedule, Section
from phigen.symmetry import GROUPS, ElementName, GroupName

BoundaryName = Literal["closed", "periodic", "open"]
VariableName = Literal["smoke", "velocity", "faces", "pressure"]
SplitName = Literal["train", "validation", "test"]


def _form(value: Any) -> str:
    """Tell the forms apart in which one thing may be written: a scalar, a list or a mapping."""
    if isinstance(value, Mapping | BaseModel):
        return "mapping"
    return "list" if isinstance(value, list | tuple) else "scalar"


Side = Annotated[int, Strict(), Field(ge=4, le=8192)]


class Range(Section):
    """Evenly spaced numbers: start, start + step, ..., `count` of them, exact in decimal notation."""

    start: Number
    step: Number
    count: Count


Numbers = Annotated[
    Annotated[tuple[Number, ...], Field(min_length=1), Tag("list")] | Annotated[Range, Tag("mapping")],
    Discriminator(_form),
]


def exact(number: float) -> Decimal:
    """Give the decimal that a recipe's author wrote: 0.005 * 2 * 3 and 0.005 * 3 * 2 are then one number."""
    return Decimal(repr(float(number)))


def spelled_out(numbers: tuple[float, ...] | Range) -> tuple[Decimal, ...]:
    """Give a list or range of numbers as exact decimals."""
    if isinstance(numbers, Range):
        return tuple(exact(numbers.start) + i * exact(numbers.step) for i in range(numbers.count))
    return tuple(map(exact, numbers))


class Sides(Section):
    """A boundary for each axis."""

    x: BoundaryName
    y: BoundaryName


class Grid(Section):
    """Cells of size 1 that fill the box [0, cells x] x [0, cells y]; y points up."""

    cells: Annotated[
        Annotated[Side, Tag("scalar")] | Annotated[tuple[Side, Side], Tag("list")], Discriminator(_form)
    ] = Field(description="Cells per side: one number for a square, or [x, y].")
    boundary: Annotated[
        Annotated[BoundaryName, Tag("scalar")] | Annotated[Sides, Tag("mapping")], Discriminator(_form)
    ] = Field(default="closed", description="Walls, wrap-around or free outflow; one for all, or {x: , y: }.")

    @property
    def shape(self) -> tuple[int, int]:
        """Cells along x and y."""
        return self.cells if isinstance(self.cells, tuple) else (self.cells, self.cells)

    @property
    def boundaries(self) -> tuple[BoundaryName, BoundaryName]:
        """Boundary of the x axis and of the y axis."""
        sides = self.boundary
        return (sides.x, sides.y) if isinstance(sides, Sides) else (sides, sides)


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


class Scene(Section):
    """What drives the flow: everything starts at rest and without smoke."""

    inflows: tuple[Inflow, ...] = Field(min_length=1)
    buoyancy: Buoyancy


class Vary(Section):
    """Scenes that differ from `scene`: one for each combination, the last key varying fastest.

    Every scene is the start of an orbit of its own.  The keys are the names of the dataset's coordinates.
    """

    inflow_x: Numbers | None = None
    inflow_y: Numbers | None = None
    inflow_radius: Numbers | None = None
    inflow_rate: Numbers | None = None
    strength: Numbers | None = None


class Breaking(Section):
    """How the elements of an orbit differ: by level * offset, and then by a factor of 1 + level * gain.

    Level 0 is exactly symmetric.  Each level is a dataset of its own within the family.
    """

    offsets: Numbers | None = Field(default=None, description="Added to the strength, one per element.")
    gains: Numbers | None = Field(default=None, description="Relative change of the strength, one per element.")
    levels: Numbers = (1.0,)


class Symmetry(Section):
    """The group, the orbit that each scene is taken through, and how far the orbit's runs differ."""

    group: GroupName = "C1"
    elements: tuple[ElementName, ...] | None = Field(
        default=None, min_length=1, description="All of the group if left out."
    )
    frame: Literal["orbit", "lab"] = Field(
        default="orbit",
        description="orbit: simulate in the orbit's own frame and turn the result, exactly; lab: simulate each "
        "scene where it stands, which lets the solver's rounding break the symmetry.",
    )
    breaking: Breaking = Breaking()

    @property
    def orbit(self) -> tuple[ElementName, ...]:
        """The elements that each scene is taken through."""
        return GROUPS[self.group] if self.elements is None else self.elements


class Splits(Section):
    """Which scenes (orbits, numbered from 0 in the order of `vary`) each split holds.

    Whole orbits, so that no scene is in two splits; what is not split at all is for training.
    """

    train: Numbers | None = None
    validation: Numbers | None = None
    test: Numbers | None = None


class Recipe(Section):
    """A dataset, or a family of them, as its author wrote it down."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100, description="Also the file's name.")
    version: str = Field(
        pattern=r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$",
        description="Semantic version of the data, such as 1.0.0.",
    )
    description: str = ""
    license: str = Field(default="", description="SPDX identifier, such as CC-BY-4.0.")
    references: tuple[str, ...] = ()
    grid: Grid
    time: Time
    scene: Scene
    vary: Vary = Vary()
    symmetry: Symmetry = Symmetry()
    precision: Literal["double", "single"] = Field(default="double", description="Of the simulation.")
    store: tuple[VariableName, ...] = Field(
        default=("smoke", "velocity"), min_length=1, description="Variables to keep, as float32."
    )
    splits: Splits = Splits()

    _text: str = PrivateAttr(default="")
    _said: str = PrivateAttr(default="")

    def model_post_init(self, context: Any) -> None:
        """Keep the author's own text, where there is one, and what it says."""
        if isinstance(context, Mapping):
            self._text = context.get("text", "")
            self._said = self.model_dump_json()

    @property
    def text(self) -> str:
        """The recipe word for word; one that was made or changed in Python reads as JSON, which is YAML too."""
        if self._text and self._said == self.model_dump_json():
            return self._text
        return self.model_dump_json(indent=2, exclude_defaults=True) + "\n"

    @property
    def digest(self) -> str:
        """sha256 of the text: two recipes are the same only if they say the same, comments included."""
        return hashlib.sha256(self.text.encode()).hexdigest()
