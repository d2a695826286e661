"""Numbers in a row, exact in decimal notation: a list, or a range of evenly spaced ones."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, Discriminator, Field, Tag

from phigen.recipe.schedule import Count, Number, Section


def form(value: Any) -> str:
    """Tell the forms apart in which one thing may be written: a scalar, a list or a mapping."""
    if isinstance(value, Mapping | BaseModel):
        return "mapping"
    return "list" if isinstance(value, list | tuple) else "scalar"


class Range(Section):
    """Evenly spaced numbers: start, start + step, ..., `count` of them, exact in decimal notation."""

    start: Number
    step: Number
    count: Count


Numbers = Annotated[
    Annotated[tuple[Number, ...], Field(min_length=1), Tag("list")] | Annotated[Range, Tag("mapping")],
    Discriminator(form),
]


def exact(number: float) -> Decimal:
    """Give the decimal that a recipe's author wrote: 0.005 * 2 * 3 and 0.005 * 3 * 2 are then one number."""
    return Decimal(repr(float(number)))


def how_many(entries: Sized | Range) -> int:
    """Give how many numbers, or other entries, there are, without spelling them out."""
    return entries.count if isinstance(entries, Range) else len(entries)


@lru_cache(maxsize=64)
def spelled_out(numbers: tuple[float, ...] | Range) -> tuple[Decimal, ...]:
    """Give a list or range of numbers as exact decimals."""
    if isinstance(numbers, Range):
        return tuple(exact(numbers.start) + i * exact(numbers.step) for i in range(numbers.count))
    return tuple(map(exact, numbers))
