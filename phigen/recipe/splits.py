"""Which runs and which frames are for training, for validation and for tests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from phigen.recipe.schedule import Count, Index, NonNegative, Section
from phigen.recipe.values import Range, form

Part = Annotated[
    Annotated[NonNegative, Field(le=1), Tag("scalar")]
    | Annotated[tuple[Index, ...], Field(min_length=1), Tag("list")]
    | Annotated[Range, Tag("mapping")],
    Discriminator(form),
]
Stretch = Annotated[
    Annotated[NonNegative, Field(le=1), Tag("scalar")] | Annotated[tuple[Index, Index], Tag("list")],
    Discriminator(form),
]


class FrameSplits(Section):
    """Which frames each split holds: [first, last], inclusive, or fractions of those that are kept.

    Between two of them lies a gap of at least one window, so that no window of one can reach into the other.
    """

    train: Stretch | None = None
    validation: Stretch | None = None
    test: Stretch | None = None
    window: Count = Field(default=30, description="Frames of a sample, inputs and outputs together.")


class Splits(Section):
    """Which runs each split holds: fractions that add up to 1, or numbers from 0 in the order of the dataset.

    Whole orbits, unless it is by run, so that no scene is in two splits; what is not split at all is for training.
    """

    by: Literal["orbit", "run"] = Field(
        default="orbit", description="What is split and numbered: whole orbits, or the runs of a level."
    )
    train: Part | None = None
    validation: Part | None = None
    test: Part | None = None
    seed: Index = Field(default=0, description="Of the order in which fractions are dealt out.")
    frames: FrameSplits | None = None
