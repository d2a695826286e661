"""The groups that a recipe may name, in one dict: its schema, its checks and the readers of datasets look here.

A symmetry with finitely many elements needs one line of `GROUPS`:

    "glide": FiniteGroup("glide", (Glide(0), Glide(1))),

Outside phigen, a module that adds it with ``GROUPS["glide"] = ...`` when it is imported does the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from phigen.errors import MeasureError
from phigen.symmetry.element import Box, GroupElement, NonInteger
from phigen.symmetry.group import Chosen, FiniteGroup, Group
from phigen.symmetry.point_groups import ELEMENTS, POINT_GROUPS, ElementName
from phigen.symmetry.scaling import Scale
from phigen.symmetry.translation import Shift


@dataclass(frozen=True)
class PointGroup(FiniteGroup):
    """A subgroup of D4, whose elements every dataset knows."""

    @property
    def step_subgroup(self) -> tuple[ElementName, ...]:
        """All elements: each keeps every bit of a step."""
        return tuple(name for name in ELEMENTS if name in self.members)

    @property
    def by_name(self) -> Mapping[str, GroupElement]:
        """All rotations and reflections, in this subgroup or not: adopted data may have any."""
        return {g.name: g for g in ELEMENTS.values()}


@dataclass(frozen=True)
class Translations(Group):
    """All translations of the box."""

    listed_by: ClassVar[str] = "shifts"
    keys: ClassVar[tuple[str, ...]] = ("shifts",)
    needed: ClassVar[tuple[str, ...]] = ("shifts",)
    non_integer: ClassVar[tuple[NonInteger, ...]] = ("error", "resample")
    first: ClassVar[str] = "the shift [0, 0]"

    def orbit(self, chosen: Chosen) -> tuple[Shift, ...]:
        """Return the listed shifts."""
        return tuple(Shift(float(x), float(y)) for x, y in chosen.get("shifts") or ((0.0, 0.0),))

    def element(self, name: str, attributes: Mapping[str, Any]) -> Shift:
        """Return the shift that has a name."""
        return Shift.named(name)

    def model_elements(self, attributes: Mapping[str, Any]) -> tuple[GroupElement, ...]:
        """Return the shifts of a dataset: by whole cells, in a periodic box."""
        if attributes.get("group") != self.name:
            raise ValueError("the translations are a dataset's own; pass one whose symmetry.group is translation")
        box = Box.of(attributes)
        shifts = tuple(Shift.named(name) for name in attributes["elements"] if name != "identity")
        for g in shifts:
            if g.loss != "none" or g.parts(box).after != g:
                raise ValueError(f"{g.name} is not a shift by whole cells of a periodic box; choose another dataset")
        return shifts


@dataclass(frozen=True)
class Scalings(Group):
    """All scalings of the box."""

    listed_by: ClassVar[str] = "factors"
    keys: ClassVar[tuple[str, ...]] = ("factors", "scaling_method", "time_exponent")
    needed: ClassVar[tuple[str, ...]] = ("factors", "scaling_method")
    non_integer: ClassVar[tuple[NonInteger, ...]] = ("error", "truncate")
    first: ClassVar[str] = "the factor 1"

    def orbit(self, chosen: Chosen) -> tuple[Scale, ...]:
        """Return the listed scalings."""
        about = self.attributes(chosen)
        factors = chosen.get("factors") or (1.0,)
        return tuple(Scale(float(f), about["scaling_method"], about["time_exponent"]) for f in factors)

    def attributes(self, chosen: Chosen) -> dict[str, Any]:
        """Return the method and the time exponent, which is 0 where runs are resampled."""
        method = chosen.get("scaling_method") or "resampled"
        exponent = float(chosen["time_exponent"]) if method == "rescaled" else 0.0
        return {"scaling_method": method, "time_exponent": exponent}

    def element(self, name: str, attributes: Mapping[str, Any]) -> Scale:
        """Return the scaling that has a name."""
        if "scaling_method" not in attributes:
            raise MeasureError(
                "the dataset has no attribute scaling_method; open datasets of phigen 0.1 with phigen.open"
            )
        return Scale.named(name, attributes["scaling_method"], attributes["time_exponent"])

    def model_elements(self, attributes: Mapping[str, Any]) -> tuple[GroupElement, ...]:
        """Refuse: a scaled velocity does not fit the same box."""
        raise ValueError("a model of one box cannot be measured with scalings; choose a group of rotations or shifts")


GROUPS: dict[str, Group] = {
    **{name: PointGroup(name, tuple(ELEMENTS[g] for g in names)) for name, names in POINT_GROUPS.items()},
    "translation": Translations("translation"),
    "scaling": Scalings("scaling"),
}


def element_named(name: str, attributes: Mapping[str, Any]) -> GroupElement:
    """Return the element that a name means in a dataset; without attributes, a rotation or reflection.

    Parameters
    ----------
    name : str
        Such as ``rotate90``, ``shift(8, 5)`` or ``scale(2)``.
    attributes : mapping
        Of the dataset.

    Raises
    ------
    MeasureError
        If the dataset's group is not known here.
    ValueError
        If the group has no element of that name.
    """
    group = attributes.get("group", "C1")
    if group not in GROUPS:
        raise MeasureError(f"the dataset's group {group!r} is not known; import the module that adds it to GROUPS")
    return GROUPS[group].element(name, attributes)
