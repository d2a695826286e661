"""The types of a recipe's values: numbers, lists and ranges of numbers, and the sections that hold them.

Lists and ranges are spelled out as decimals, so that 0.005 * 2 * 3 and 0.005 * 3 * 2 are one number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sized
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Strict, Tag

Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Positive = Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Strict(), Field(gt=0, le=1_000_000)]
Index = Annotated[int, Strict(), Field(ge=0, lt=2**63)]


class Section(BaseModel):
    """A part of a recipe.  It cannot be changed, and it refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def form(value: Any) -> str:
    """Return which form a value is written in: scalar, list or mapping."""
    if isinstance(value, Mapping | BaseModel):
        return "mapping"
    return "list" if isinstance(value, list | tuple) else "scalar"


class Range(Section):
    """Evenly spaced numbers: start, start + step, ..., exact in decimal notation."""

    start: Number = Field(description="The first number.")
    step: Number = Field(description="The difference between one number and the next.")
    count: Count = Field(description="How many numbers there are.")


Numbers = Annotated[
    Annotated[tuple[Number, ...], Field(min_length=1), Tag("list")] | Annotated[Range, Tag("mapping")],
    Discriminator(form),
]


def exact(number: float) -> Decimal:
    """Return the decimal number that the recipe's author wrote."""
    return Decimal(repr(float(number)))


def how_many(entries: Sized | Range) -> int:
    """Return the number of entries of a list or range without spelling it out."""
    return entries.count if isinstance(entries, Range) else len(entries)


@lru_cache(maxsize=64)
def spelled_out(numbers: tuple[float, ...] | Range) -> tuple[Decimal, ...]:
    """Return the numbers of a list or range as exact decimals."""
    if isinstance(numbers, Range):
        return tuple(exact(numbers.start) + i * exact(numbers.step) for i in range(numbers.count))
    return tuple(map(exact, numbers))


DECIMALS = 12
"""Decimal places that a position or a radius counts with, in cells: finer than any recipe, and coarser than the
rounding of a scene that was moved or scaled."""

CELL = 10**DECIMALS
"""A cell in units of the last of them."""


def in_units(length: float) -> int:
    """Return a length in cells in units of its last decimal place, so that lengths are compared exactly."""
    return round(exact(length).scaleb(DECIMALS))
