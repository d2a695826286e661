"""The public way to act on finished fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phigen.symmetry.element import GroupElement
from phigen.symmetry.groups import element_named

if TYPE_CHECKING:
    import xarray as xr


def act(fields: xr.Dataset, element: GroupElement | str) -> xr.Dataset:
    """Apply a group element to finished fields: rotate, reflect, shift or rescale them.

    Parameters
    ----------
    fields : Dataset
        Of one run or several, as `phigen.open` or `phigen.simulate` returns them.
    element : str or element
        Such as ``rotate90``, ``mirror_x``, or where the dataset's attributes name the group, ``shift(8, 5)`` or
        ``scale(2)``.  Shifts wrap around.  A scaling whose runs are resampled changes nothing, because those runs are
        all stored in one reference frame.

    Returns
    -------
    Dataset
        Same dims, dtype, coordinates and attributes as `fields`.

    Raises
    ------
    MeasureError
        If the dataset's group is not known here.
    ValueError
        If the group has no such element, or the element cannot act on fields of this shape.
    """
    g = element_named(element, fields.attrs) if isinstance(element, str) else element
    return g.act(fields)
