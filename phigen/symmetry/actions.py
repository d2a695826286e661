"""What the elements of every group have in common: a name, an action on finished fields, and a way back.

An orbit is a scene and what the elements of a group make of it.  The data equivariance error compares its runs in
a common frame, that of the first one: `common_frame` takes a run there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from phigen.symmetry.point_groups import ELEMENTS, Element, inverse, turn
from phigen.symmetry.scaling import Scale, rescale, there_and_back
from phigen.symmetry.translation import Shift, overlap, roll

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

Transformation = Element | Shift | Scale

Pair = tuple["NDArray[Any]", "NDArray[Any]"]


@dataclass(frozen=True)
class Group:
    """What the names of elements mean in a dataset: its group, and the box that they act in."""

    name: str
    periodic: tuple[bool, bool]
    scaling: Scale | None = None

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> Self:
        """Give that of a dataset, from its attributes."""
        sides = attributes.get("boundaries", ["closed"] * 4)
        reading = attributes.get("scaling_method")
        return cls(
            attributes.get("group", "C1"),
            (sides[0] == "periodic", sides[-1] == "periodic"),
            Scale(1.0, reading, attributes["time_exponent"]) if reading is not None else None,
        )

    def element(self, name: str) -> Transformation:
        """Give the element that has a name.

        Raises
        ------
        ValueError
            If the group has none of that name.
        """
        if self.name == "translation":
            return Shift.named(name)
        if self.scaling is not None:
            return Scale.named(name, self.scaling.reading, self.scaling.time_exponent)
        for known, g in ELEMENTS.items():
            if known == name:
                return g
        raise ValueError(f"{name!r} names no turn or mirror; known are {', '.join(ELEMENTS)}")

    def back(self, reference: xr.Dataset, run: xr.Dataset, element: str) -> list[Pair]:
        """Take a run's fields back to the frame of the orbit's first run.

        Parameters
        ----------
        reference : Dataset
            Fields of the first run, (time, ..., y, x) and faces.
        run : Dataset
            The same of the run that `element` has made.
        element : str
            Its name.

        Returns
        -------
        list of (ndarray, ndarray)
            For each variable, the reference and the run, on the cells that both have.
        """
        g = self.element(element)
        if isinstance(g, Shift):
            return [overlap(reference[name], run[name], g, periodic=self.periodic) for name in reference]
        if isinstance(g, Scale):
            there = rescale(run, g.inverse) if g.reading == "rescaled" else run
        else:
            there = turn(run, inverse(g.name))
        return [(reference[name].values, there[name].transpose(*reference[name].dims).values) for name in reference]

    def taken_back(self, field: xr.DataArray, element: str) -> xr.DataArray:
        """Give one run's scalar field in the frame of the orbit's first run, NaN where walls have cut it off."""
        g = self.element(element)
        if isinstance(g, Element):
            return turn(field, inverse(g.name))
        if isinstance(g, Shift):
            there = roll(field.to_dataset(name="field"), g.inverse)["field"]
            for dim, length, wraps in zip(("x", "y"), (g.x, g.y), self.periodic, strict=True):
                at = field[dim] + length
                there = there.where(wraps | ((at > 0) & (at < field.sizes[dim])))
            return there
        return field

    def resampling(self, reference: xr.Dataset, element: str) -> list[Pair]:
        """Give what there-and-back alone does to the first run's fields: what of an error is interpolation.

        Parameters
        ----------
        reference : Dataset
            Fields of the first run.
        element : str
            Which element takes them there and back.

        Returns
        -------
        list of (ndarray, ndarray)
            For each variable, before and after; none where no bit changes.
        """
        g = self.element(element)
        if isinstance(g, Scale):
            return [(field.values, there_and_back(field, g)) for field in reference.values()]
        if isinstance(g, Shift) and not g.is_whole:
            return [_interpolated(field, g, self.periodic) for field in reference.values()]
        return []


def _interpolated(field: xr.DataArray, g: Shift, periodic: tuple[bool, bool]) -> Pair:
    """Give a field before and after it is shifted by the shift's parts of cells and back, away from walls."""
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


def act(fields: xr.Dataset, element: Transformation | str) -> xr.Dataset:
    """Give what a group element makes of finished fields: turned, mirrored, shifted or in other units.

    Parameters
    ----------
    fields : Dataset
        Of one run or several, as `phigen.open` or `phigen.simulate` gives them.
    element : str or element
        Such as ``rotate90``, ``mirror_x``, or where the dataset's attributes name the group, ``shift(8, 5)`` or
        ``scale(2)``.  Shifts wrap around.  A scaling that resamples changes nothing: its runs are stored in one frame.

    Returns
    -------
    Dataset
        Same dims, dtype, coordinates and attributes as `fields`.
    """
    g = Group.of(fields.attrs).element(element) if isinstance(element, str) else element
    if isinstance(g, Element):
        return turn(fields, g.name)
    if isinstance(g, Shift):
        return roll(fields, g) if g != Shift(0, 0) else fields
    return rescale(fields, g) if g.reading == "rescaled" and g.factor != 1 else fields


def identity(g: Transformation) -> Transformation:
    """Give the element of the same group that changes nothing."""
    if isinstance(g, Element):
        return ELEMENTS["identity"]
    if isinstance(g, Shift):
        return Shift(0, 0)
    return Scale(1.0, g.reading, g.time_exponent)
