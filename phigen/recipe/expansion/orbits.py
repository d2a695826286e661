"""Orbits: a scene, the group elements that it is taken through, and how strong each of its runs is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phigen.recipe.expansion.coinciding import may_coincide
from phigen.recipe.expansion.lazy import LazySequence
from phigen.recipe.expansion.moving import finished, key_of
from phigen.recipe.expansion.scenes import Scenes
from phigen.recipe.scene import Scene
from phigen.recipe.splits import Splits, members
from phigen.recipe.symmetry import Breaking, Symmetry
from phigen.recipe.values import exact, spelled_out
from phigen.symmetry.element import Box, GroupElement


@dataclass(frozen=True)
class Member:
    """One element of an orbit.

    Parameters
    ----------
    place : int
        Its place among the elements that the recipe lists, from 0.
    element : GroupElement
        Takes the orbit's scene to that of the run.
    split : str
        train, validation or test.
    """

    place: int
    element: GroupElement
    split: str = "train"


@dataclass(frozen=True)
class Orbit:
    """A scene and the elements that it is taken through; the same at every level.

    Parameters
    ----------
    number : int
        Its place in the dataset, from 0.
    scene : Scene
        The scene of the identity.
    breaking : Breaking
        How the elements' strengths and schedules differ.
    members : tuple of Member
        The elements, the identity first.
    """

    number: int
    scene: Scene
    breaking: Breaking
    members: tuple[Member, ...]

    def strength(self, member: Member, parameter: Decimal) -> Decimal:
        """Compute the buoyancy strength of one run; see `strength_of`."""
        return strength_of(exact(self.scene.buoyancy.strength), self.breaking, parameter, member.place)


@dataclass(frozen=True, eq=False)
class Orbits(LazySequence[Orbit]):
    """The orbits of a recipe, as columns with one entry for each run of a level: orbit after orbit, then by element.

    Parameters
    ----------
    scenes : Scenes
        The scene that each orbit starts from.
    breaking : Breaking
        How the elements' strengths and schedules differ.
    elements : tuple of GroupElement
        Those that the recipe lists.
    number : (run of a level,)
        The orbit's.
    place : (run of a level,)
        Of the element among those that the recipe lists.
    split : (run of a level,)
        train, validation or test.
    """

    scenes: Scenes
    breaking: Breaking
    elements: tuple[GroupElement, ...]
    number: NDArray[np.int64]
    place: NDArray[np.int64]
    split: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.scenes)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Where the runs of each orbit begin among those of a level, and where the last ones end, (orbit + 1,)."""
        return np.searchsorted(self.number, np.arange(len(self) + 1))

    @property
    def sizes(self) -> NDArray[np.int64]:
        """The number of elements of each orbit, (orbit,)."""
        return np.diff(self.starts)

    def item(self, number: int) -> Orbit:
        """Make one orbit."""
        its = slice(*self.starts[number : number + 2])
        places = self.place[its].tolist()
        members = (
            Member(place, self.elements[place], split) for place, split in zip(places, self.split[its], strict=True)
        )
        return Orbit(number, self.scenes[number], self.breaking, tuple(members))


def orbits_of(scenes: Scenes, symmetry: Symmetry, box: Box) -> Orbits:
    """Return the orbit of each scene.

    An orbit has all elements of the recipe or, where the recipe asks for distinct ones, the first of those that give
    the same scene.
    """
    elements = symmetry.orbit
    number, place = np.divmod(np.arange(len(scenes) * len(elements)), len(elements))
    if symmetry.elements == "distinct":
        kept = np.ones((len(scenes), len(elements)), bool)
        for suspect in np.flatnonzero(may_coincide(scenes.discs, elements, box)).tolist():
            kept[suspect] = _is_first(scenes[suspect], elements, symmetry, box)
        number, place = number[kept.ravel()], place[kept.ravel()]
    every = np.full(len(number), "train", object)
    return Orbits(scenes, symmetry.differing, elements, number, place, every)


def _is_first(scene: Scene, elements: tuple[GroupElement, ...], symmetry: Symmetry, box: Box) -> list[bool]:
    """Return for each element whether none before it gives the same finished scene."""
    seen: set[Any] = set()
    first = []
    for g in elements:
        key = key_of(finished(scene, g, symmetry, box))
        first.append(key not in seen)
        seen.add(key)
    return first


def split_up(orbits: Orbits, splits: Splits) -> Orbits:
    """Return the same orbits with the split of each run.

    Raises
    ------
    ValueError
        If the splits do not fit the number of orbits or runs; see `phigen.recipe.splits.members`.
    """
    if splits.by == "orbit":
        return replace(orbits, split=members(splits, len(orbits))[orbits.number])
    return replace(orbits, split=members(splits, len(orbits.number)))


def strength_of(strength: Decimal, breaking: Breaking, parameter: Decimal, place: int) -> Decimal:
    """Compute the buoyancy strength of one run: (strength + parameter * offset) * (1 + parameter * gain).

    Decimal arithmetic keeps equal strengths equal, so that their scenes are simulated once.

    Parameters
    ----------
    strength : Decimal
        Of the scene that the orbit starts from.
    breaking : Breaking
        Offsets and gains, one per element.
    parameter : Decimal
        Multiplies them; 0 is exactly symmetric.
    place : int
        Place of the element among those that the recipe lists.
    """
    more, gain = change_of(breaking, parameter, place)
    return (strength + more) * gain


def change_of(breaking: Breaking, parameter: Decimal, place: int) -> tuple[Decimal, Decimal]:
    """Return what is added to the strength of an element's runs, and the factor on the sum; see `strength_of`."""
    offset = spelled_out(breaking.offsets)[place] if breaking.offsets is not None else Decimal(0)
    gain = spelled_out(breaking.gains)[place] if breaking.gains is not None else Decimal(0)
    return parameter * offset, 1 + parameter * gain
