"""What a check says of a recipe's fault, and what checks share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from phigen.recipe.grid import Grid
from phigen.recipe.scene import Sample, Scene, Vary
from phigen.recipe.scenes import scenes_of

Path = tuple[str | int, ...]


class Fault(NamedTuple):
    """Where in the recipe a fault lies, and what it is."""

    path: Path
    text: str


Faults = Iterator[Fault]


def drawn_scenes(scene: Scene, vary: Vary, sample: Sample | None, grid: Grid) -> tuple[Scene, ...]:
    """Give the scenes, or none if they cannot be drawn, which is a fault of its own."""
    try:
        return scenes_of(scene, vary, sample, grid)
    except ValueError:
        return ()
