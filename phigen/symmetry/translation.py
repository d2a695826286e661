"""Translations, and how they act on points and finished fields: (g u)(p) = u(p - s).

A shift by whole cells maps cell centres to cell centres and faces to faces: in a periodic box the fields are rolled,
and no bit is lost.  A part of a cell is interpolated linearly between the two nearest values, and what that costs is
measured beside the error.  Along an axis with walls, a scene and its shift are two different flows, which are compared
on their overlap.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from phigen.symmetry.element import Box, GroupElement, Loss, NonInteger, Pair, Parts, Point

if TYPE_CHECKING:
    import xarray as xr

_AXES = (("x", "x_face"), ("y", "y_face"))
_NAME = re.compile(r"shift\((?P<x>[^,]+), (?P<y>[^,]+)\)")


@dataclass(frozen=True)
class Shift(GroupElement):
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
        """The value of a dataset's coordinate `element`."""
        return "identity" if self == Shift(0, 0) else f"shift({self.x:.12g}, {self.y:.12g})"

    @classmethod
    def named(cls, name: str) -> Self:
        """Return the translation that has a name.

        Raises
        ------
        ValueError
            If no translation has it.
        """
        if name == "identity":
            return cls(0, 0)
        match = _NAME.fullmatch(name)
        if match is None:
            raise ValueError(f"{name!r} names no translation; write it as shift(8, 0)")
        return cls(float(match["x"]), float(match["y"]))

    @property
    def is_whole(self) -> bool:
        """Whether cells fall on cells."""
        return self.x == int(self.x) and self.y == int(self.y)

    @property
    def inverse(self) -> Shift:
        """The translation by (-x, -y)."""
        return Shift(0 - self.x, 0 - self.y)

    @property
    def identity(self) -> Shift:
        """The translation by (0, 0)."""
        return Shift(0, 0)

    def along(self, axes: tuple[bool, bool]) -> Shift:
        """Return the part of it along the chosen ones of the axes x and y."""
        return Shift(self.x if axes[0] else 0, self.y if axes[1] else 0)

    def on_point(self, point: Point, box: Box) -> Point:
        """Return the image of a point, in the box or not."""
        return point[0] + self.x, point[1] + self.y

    def act(self, fields: xr.Dataset) -> xr.Dataset:
        """Return fields that are shifted around a periodic box."""
        return roll(fields, self) if self != self.identity else fields

    @property
    def coordinates(self) -> Mapping[str, float]:
        """The lengths along x and y, in cells."""
        return {"shift_x": self.x, "shift_y": self.y}

    def parts(self, box: Box) -> Parts:
        """Split into the shift along axes with walls, before the simulation, and along periodic axes, after it."""
        x, y = box.periodic
        return Parts(self.along((not x, not y)), self.along((x, y)))

    @property
    def loss(self) -> Loss:
        """Interpolation, unless the shift is by whole cells."""
        return "none" if self.is_whole else "interpolation"

    def to_reference(self, reference: xr.Dataset, run: xr.Dataset, box: Box) -> list[Pair]:
        """Map a run to the reference frame, and cut both runs to the cells that walls leave both of them."""
        return [overlap(reference[name], run[name], self, periodic=box.periodic) for name in reference]

    def in_reference_frame(self, field: xr.DataArray, box: Box) -> xr.DataArray:
        """Return one run's scalar in the reference frame; NaN where walls cut it off."""
        mapped = super().in_reference_frame(field, box)
        for dim, length, wraps in zip(("x", "y"), (self.x, self.y), box.periodic, strict=True):
            at = field[dim] + length
            mapped = mapped.where(wraps | ((at > 0) & (at < field.sizes[dim])))
        return mapped

    def resampling(self, reference: xr.Dataset, box: Box) -> list[Pair]:
        """Compute what a shift by parts of cells, forward and back, does to the first run's fields."""
        if self.is_whole:
            return []
        return [_interpolated_back(field, self, periodic=box.periodic) for field in reference.values()]

    def misfit(self, box: Box, *, non_integer: NonInteger) -> str | None:
        """Say so if parts of cells would have to be interpolated, and the recipe does not ask for it."""
        if self.is_whole or non_integer != "error":
            return None
        return f"{self.name} is not a whole number of cells; shift by whole cells, or set non_integer: resample"

    def misfit_of_regions(self, box: Box, *, stay: bool, lab: bool) -> str | None:
        """Say why regions cannot follow the shift, or stay: walls would leave a gap, and regions end at cell edges."""
        if not stay and self.parts(box).before != self.identity:
            return f"{self.name} moves the regions out of the box; set regions: stay, and they break the symmetry"
        cut = not self.is_whole if not stay else not lab and not self.along(box.periodic).is_whole
        if cut:
            instead = "set reference_frame: lab" if stay else "set regions: stay and reference_frame: lab"
            return f"{self.name} moves the regions off the cell edges; shift by whole cells, or {instead}"
        return None

    def shares_nothing(self, box: Box) -> bool:
        """Return whether the shift is as long as a box with walls."""
        lengths = zip((self.x, self.y), box.cells, box.periodic, strict=True)
        return any(math.ceil(abs(length)) >= n and not wraps for length, n, wraps in lengths)


def roll(fields: xr.Dataset, shift: Shift) -> xr.Dataset:
    """Shift fields that are periodic along every axis that they are shifted along.

    Parameters
    ----------
    fields : Dataset
        Variables with dims among (..., y, x), and faces with x_face or y_face, whose last face is the first again.
    shift : Shift
        Whole cells keep every bit; parts of cells are interpolated linearly.

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
    """Return u(i - length) on a periodic axis, linear between cells."""
    whole = math.floor(length)
    part = length - whole
    near = np.roll(values, whole, axis)
    if not part:
        return near
    far = np.roll(values, whole + 1, axis)
    return ((1 - part) * near + part * far).astype(values.dtype)


class _Stretch(NamedTuple):
    """The part of an axis that two fields are compared on."""

    reference: slice
    lower: slice
    upper: slice | None
    part: float


def overlap(reference: xr.DataArray, shifted: xr.DataArray, shift: Shift, *, periodic: tuple[bool, bool]) -> Pair:
    """Shift a run's field back, and cut it and the reference to their overlap.

    Parameters
    ----------
    reference : DataArray
        Of the orbit's first run.
    shifted : DataArray
        Of the run that `shift` makes; same dims.
    shift : Shift
        A part of a cell is interpolated back linearly.
    periodic : (bool, bool)
        Whether the box wraps around along x and y; along other axes the fields are cut.

    Returns
    -------
    reference, back : ndarray
        Of the shape of the overlap.
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
    """Return the cells i with i + length in the box, and the cells that hold their values in the shifted field."""
    whole = math.floor(length)
    part = length - whole
    first, last = max(0, -whole), size - max(0, math.ceil(length))
    upper = slice(first + whole + 1, last + whole + 1) if part else None
    return _Stretch(slice(first, last), slice(first + whole, last + whole), upper, part)


def _interpolated_back(field: xr.DataArray, g: Shift, *, periodic: tuple[bool, bool]) -> Pair:
    """Return a field before and after a shift by the parts of cells of g, forward and back, away from walls."""
    parts = Shift(g.x % 1, g.y % 1)
    fields = field.to_dataset(name="field")
    after = roll(roll(fields, parts), parts.inverse)["field"]
    walled = {
        dim: slice(1, -1)
        for axis, part, wraps in zip("xy", (parts.x, parts.y), periodic, strict=True)
        for dim in {axis, f"{axis}_face"} & set(map(str, field.dims))
        if part and not wraps
    }
    return field.isel(walled).values, after.isel(walled).values
