"""What a group is: how a recipe chooses its elements, and how a dataset names them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from phigen.symmetry.element import GroupElement, NonInteger
from phigen.symmetry.point_groups import ElementName

Chosen = Mapping[str, Any]
"""What a recipe's section `symmetry` says, spelled out: elements (names or None), shifts (pairs of float or None),
factors (floats or None), scaling_method (str or None), time_exponent (float).  Absent keys count as None."""


@dataclass(frozen=True)
class Group(ABC):
    """A group: how a recipe lists its elements, and how a dataset names them."""

    name: str
    """As in a recipe's ``symmetry.group``."""

    listed_by: ClassVar[str] = "elements"
    """The recipe's key that lists the elements of an orbit."""
    keys: ClassVar[tuple[str, ...]] = ("elements",)
    """The recipe's keys that belong to this kind of group."""
    needed: ClassVar[tuple[str, ...]] = ()
    """Those of them that a recipe must have."""
    non_integer: ClassVar[tuple[NonInteger, ...]] = ("error",)
    """What a recipe may do with parts of a cell."""
    first: ClassVar[str] = "identity"
    """The identity in the words of `listed_by`; an orbit begins with it."""

    @abstractmethod
    def orbit(self, chosen: Chosen) -> tuple[GroupElement, ...]:
        """Return the elements that a recipe chooses, or the identity if it must choose and does not.

        Raises
        ------
        ValueError
            If the group has no such element.
        """

    def size(self, chosen: Chosen) -> int:
        """Count the elements that a recipe chooses; of what it lists, only the length is used."""
        listed = chosen.get(self.listed_by)
        return len(self.orbit({}) if listed is None else listed)

    @property
    def members(self) -> tuple[str, ...] | None:
        """The names of all elements; None if there are infinitely many."""
        return None

    @property
    def moves_within_box(self) -> bool:
        """Whether the image of a scene lies in the same box."""
        return self.orbit({})[0].moves_within_box

    @property
    def step_subgroup(self) -> tuple[ElementName, ...]:
        """The rotations and reflections that each simulated step may be projected onto."""
        return ("identity",)

    def attributes(self, chosen: Chosen) -> dict[str, Any]:
        """Return the attributes that a dataset needs besides to know its elements by their names."""
        return {}

    @abstractmethod
    def element(self, name: str, attributes: Mapping[str, Any]) -> GroupElement:
        """Return the element that a run's coordinate `element` names, in a dataset with these attributes.

        Raises
        ------
        ValueError
            If the group has no element of that name.
        """

    @abstractmethod
    def model_elements(self, attributes: Mapping[str, Any]) -> tuple[GroupElement, ...]:
        """Return the elements besides the identity that a model's equivariance error is measured with.

        Parameters
        ----------
        attributes : mapping
            Of the dataset that the model is measured on; empty for arrays.

        Raises
        ------
        ValueError
            If the dataset does not say which elements, or one of them loses a part of the fields.
        """


@dataclass(frozen=True)
class FiniteGroup(Group):
    """A group that is given by all its elements.

    Parameters
    ----------
    name : str
        As in a recipe's ``symmetry.group``.
    elements : tuple of GroupElement
        All of them, the identity first.
    """

    elements: tuple[GroupElement, ...]

    @property
    def members(self) -> tuple[str, ...]:
        """The names of all elements."""
        return tuple(g.name for g in self.elements)

    def orbit(self, chosen: Chosen) -> tuple[GroupElement, ...]:
        """Return the listed elements, or all."""
        listed = chosen.get("elements")
        return self.elements if listed is None else tuple(self.element(name, {}) for name in listed)

    @property
    def by_name(self) -> Mapping[str, GroupElement]:
        """The elements that a dataset's runs may have, by their names."""
        return {g.name: g for g in self.elements}

    def element(self, name: str, attributes: Mapping[str, Any]) -> GroupElement:
        """Return the element that has a name."""
        known = self.by_name
        if name not in known:
            raise ValueError(f"{name!r} names no element; known are {', '.join(known)}")
        return known[name]

    def model_elements(self, attributes: Mapping[str, Any]) -> tuple[GroupElement, ...]:
        """Return all elements but the identity; each must keep every value of the fields."""
        for g in self.elements[1:]:
            if g.loss != "none":
                raise ValueError(f"{g.name} loses a part of the fields by {g.loss}; choose another group")
        return self.elements[1:]
