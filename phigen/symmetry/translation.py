"""Translations, and how they act on points and finished fields: (g u)(p) = u(p - s).

A whole number of cells takes cell centres onto cell centres and faces onto faces: in a periodic box the fields are
rolled, and no bit is lost.  A fraction of a cell is interpolated linearly between the two nearest values, and what
that costs is measured beside the error.  Along an axis with walls a scene and its shift are two flows; what is
compared then is their overlap.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from phigen.symmetry.point_groups import Point

_AXES = (("x", "x_face"), ("y", "y_face"))
_NAME = re.compile(r"shift\((?P<x>[^,]+), (?P<y>[^,]+)\)")


@dataclass(frozen=True)
class Shift:
    """A translation by (x, y) cells.

    Parameters
    ----------
    x, y : float
        In cells, to the right and up.
    """

    x: float
    y: float

    @property
    def name(self) -> str:
        """As stored in a dataset's coordinate `element`."""
        return "identity" if self == Shift(0, 0) else f"shift({self.x:.12g}, {self.y:.12g})"

    @classmethod
    def named(cls, name: str) -> Self:
        """Give the translation that has a name.

        Raises
        ------
        ValueError
            If no translation has it.
        """
        if name == "identity":
            return cls(0, 0)
        found = _NAME.fullmatch(name)
        if found is None:
            raise ValueError(f"{name!r} names no translation; write it as shift(8, 0)")
        return cls(float(found["x"]), float(found["y"]))

    @property
    def is_whole(self) -> bool:
        """Whether cells fall on cells."""
        return self.x == int(self.x) and self.y == int(self.y)

    @property
    def inverse(self) -> Shift:
        """The translation back."""
        return Shift(0 - self.x, 0 - self.y)

    def along(self, axes: tuple[bool, bool]) -> Shift:
        """Give the part of it along the chosen ones of the axes x and y."""
        return Shift(self.x if axes[0] else 0, self.y if axes[1] else 0)

    def on_point(self, point: Point) -> Point:
        """Give where a point goes, in the box or not."""
        return point[0] + self.x, point[1] + self.y


def roll(fields: xr.Dataset, shift: Shift) -> xr.Dataset:
    """Shift fields that are periodic along every axis that they are shifted along.

    Parameters
    ----------
    fields : Dataset
        Variables with dims among (..., y, x), and faces with x_face or y_face, whose last face is the first again.
    shift : Shift
        A whole number of cells keeps every bit; a fraction interpolates linearly.

    Returns
    -------
    Dataset
        Same dims, dtype and coordinates.
    """
    return fields.map(lambda field: _rolled(field, shift), keep_attrs=True)


def _rolled(field: xr.DataArray, shift: Shift) -> xr.DataArray:
    values = field.values
    for length, (centres, faces) in zip((shift.x, shift.y), _AXES, strict=True):
        for dim in {centres, faces} & set(field.dims) if length else ():
            axis = field.dims.index(dim)
            own = np.delete(values, -1, axis) if dim == faces else values
            values = _interpolated(own, length, axis)
            if dim == faces:
                values = np.concatenate([values, values.take([0], axis)], axis)
    return field.copy(data=values)


def _interpolated(values: Any, length: float, axis: int) -> Any:
    """Give u(i - length) on a periodic axis, linear between cells."""
    whole = math.floor(length)
    part = length - whole
    near = np.roll(values, whole, axis)
    if not part:
        return near
    far = np.roll(values, whole + 1, axis)
    return ((1 - part) * near + part * far).astype(values.dtype)


class _Stretch(NamedTuple):
    """What of an axis two fields are compared on."""

    reference: slice
    lower: slice
    upper: slice | None
    part: float


def overlap(
    reference: xr.DataArray, shifted: xr.DataArray, shift: Shift, *, periodic: tuple[bool, bool]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Shift a run's field back, and cut both to what they have in common.

    Parameters
    ----------
    reference : DataArray
        Of the orbit's first run.
    shifted : DataArray
        Of the run that `shift` has made; same dims.
    shift : Shift
        Which one it was; a fraction of a cell is interpolated back linearly.
    periodic : (bool, bool)
        Whether the box wraps around along x and y; along other axes the fields are cut.

    Returns
    -------
    reference, back : ndarray
        Of one shape, that of the overlap.
    """
    one, other = reference.variable, _rolled(shifted, shift.along(periodic).inverse).variable.transpose(*reference.dims)
    for wraps, length, dims in zip(periodic, (shift.x, shift.y), _AXES, strict=True):
        for dim in set(dims) & set(one.dims) if not wraps else ():
            stretch = _stretch(length, one.sizes[dim])
            one, lower = one.isel({dim: stretch.reference}), other.isel({dim: stretch.lower})
            if stretch.upper is None:
                other = lower
            else:
                other = (1 - stretch.part) * lower + stretch.part * other.isel({dim: stretch.upper})
    return one.values, other.values


def _stretch(length: float, size: int) -> _Stretch:
    """Give the cells i with i + length in the box, and the cells that hold their values in the shifted field."""
    whole = math.floor(length)
    part = length - whole
    first, last = max(0, -whole), size - max(0, math.ceil(length))
    upper = slice(first + whole + 1, last + whole + 1) if part else None
    return _Stretch(slice(first, last), slice(first + whole, last + whole), upper, part)
