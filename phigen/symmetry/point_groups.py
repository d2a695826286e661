"""The point groups of the square, and how their elements act on points, vectors and finished fields.

An element acts on a field u by (g u)(p) = R u(R^-1 p): every value moves with its point, and a vector also
turns its arrow.  R is a signed permutation of the axes, a quarter turn or a mirror, so cell centres fall on cell
centres and faces on faces: an element acts by index permutation and change of sign alone, nothing is
interpolated, and acting with the inverse gives back every bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

import numpy as np

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

ElementName = Literal[
    "identity",
    "rotate90",
    "rotate180",
    "rotate270",
    "mirror_x",
    "mirror_y",
    "mirror_diagonal",
    "mirror_antidiagonal",
]
GroupName = Literal["C1", "C2", "C4", "D1_x", "D1_y", "D1_diagonal", "D1_antidiagonal", "D2", "D2_diagonal", "D4"]
Point = tuple[float, float]
Value = TypeVar("Value")
Fields = TypeVar("Fields", "xr.Dataset", "xr.DataArray")

FACES = ("velocity_x", "velocity_y")


@dataclass(frozen=True)
class Element:
    """A group element, as the matrix R that turns column vectors (x, y) about the centre of the box.

    Parameters
    ----------
    name : str
        As stored in a dataset's coordinate `element`; rotations are counter-clockwise, mirror_x takes x to -x.
    matrix : ((int, int), (int, int))
        Rows of R: one entry of each row and column is 1 or -1, the other 0.
    """

    name: ElementName
    matrix: tuple[tuple[int, int], tuple[int, int]]

    @property
    def swaps_axes(self) -> bool:
        """Whether x becomes y; such an element needs a square box."""
        return self.matrix[0][0] == 0

    def _source(self, axis: int) -> tuple[int, int]:
        """Which component the new component `axis` comes from, and with which sign."""
        row = self.matrix[axis]
        component = 1 if row[0] == 0 else 0
        return component, row[component]

    def on_vector(self, vector: Point) -> Point:
        """Give R v for a vector (x, y)."""
        (i, sign_x), (j, sign_y) = self._source(0), self._source(1)
        return sign_x * vector[i], sign_y * vector[j]

    def on_point(self, point: Point, box: Point) -> Point:
        """Give where a point (x, y) of a box [0, Lx] x [0, Ly] goes when it turns about the box's centre."""
        (i, sign_x), (j, sign_y) = self._source(0), self._source(1)
        x = point[i] if sign_x > 0 else box[0] - point[i]
        y = point[j] if sign_y > 0 else box[1] - point[j]
        return x, y

    def on_sides(self, sides: tuple[tuple[Value, Value], tuple[Value, Value]]) -> tuple[tuple[Value, Value], ...]:
        """Give what is on the lower and upper side of x and of y, from what was there: walls turn with the box."""
        return tuple(
            (sides[i][0], sides[i][1]) if sign > 0 else (sides[i][1], sides[i][0])
            for i, sign in (self._source(0), self._source(1))
        )

    def on_scalars(self, values: Any) -> Any:
        """Move scalars of shape (..., y, x) with their points; also faces, once their component is chosen.

        Arrays of numpy or jax: only their own methods are used.
        """
        if self.swaps_axes:
            values = values.swapaxes(-1, -2)
        (_, sign_x), (_, sign_y) = self._source(0), self._source(1)
        return values[..., ::sign_y, ::sign_x]

    def on_components(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Mix the two components of a vector; they may have different shapes, as faces do."""
        (i, sign_x), (j, sign_y) = self._source(0), self._source(1)
        new_x, new_y = (x, y)[i], (x, y)[j]
        return new_x if sign_x > 0 else -new_x, new_y if sign_y > 0 else -new_y


ELEMENTS: dict[ElementName, Element] = {
    element.name: element
    for element in (
        Element("identity", ((1, 0), (0, 1))),
        Element("rotate90", ((0, -1), (1, 0))),
        Element("rotate180", ((-1, 0), (0, -1))),
        Element("rotate270", ((0, 1), (-1, 0))),
        Element("mirror_x", ((-1, 0), (0, 1))),
        Element("mirror_y", ((1, 0), (0, -1))),
        Element("mirror_diagonal", ((0, 1), (1, 0))),
        Element("mirror_antidiagonal", ((0, -1), (-1, 0))),
    )
}

GROUPS: dict[GroupName, tuple[ElementName, ...]] = {
    "C1": ("identity",),
    "C2": ("identity", "rotate180"),
    "C4": ("identity", "rotate90", "rotate180", "rotate270"),
    "D1_x": ("identity", "mirror_x"),
    "D1_y": ("identity", "mirror_y"),
    "D1_diagonal": ("identity", "mirror_diagonal"),
    "D1_antidiagonal": ("identity", "mirror_antidiagonal"),
    "D2": ("identity", "rotate180", "mirror_x", "mirror_y"),
    "D2_diagonal": ("identity", "rotate180", "mirror_diagonal", "mirror_antidiagonal"),
    "D4": get_args(ElementName),
}
"""D4 and all its subgroups: Cn turns, Dn also mirrors."""

_CHAIN: tuple[ElementName, ...] = (
    "rotate180",
    "rotate90",
    "mirror_x",
    "mirror_y",
    "mirror_diagonal",
    "mirror_antidiagonal",
)
"""Each squares into, and normalises, what those before it generate; so any subgroup is made by steps of two."""


def compose(after: ElementName, before: ElementName) -> ElementName:
    """Give the element that acts as `before` and then `after`: the matrix product R_after R_before."""
    product = np.array(ELEMENTS[after].matrix) @ np.array(ELEMENTS[before].matrix)
    return _named(product)


def inverse(element: ElementName) -> ElementName:
    """Give the element that undoes `element`: the transpose of R."""
    return _named(np.array(ELEMENTS[element].matrix).T)


def project_onto(value: Value, subgroup: tuple[ElementName, ...], mean: Callable[[ElementName, Value], Value]) -> Value:
    """Project onto what a subgroup leaves as it is: P u = sum over g of g u, divided by the number of elements.

    Summed by doubling: the mean of u and g u, then that of the result and h times it, ... .  A sum of two does not
    depend on their order, so that each mean is symmetric under its element to the last bit, and, for each element of
    the chain normalises those before it, stays so under all of them.

    Parameters
    ----------
    value : any
        Fields.
    subgroup : tuple of str
        Its elements.
    mean : callable
        From an element g and fields u, (u + g u) / 2.

    Returns
    -------
    any
        As `value`.
    """
    made: set[ElementName] = {"identity"}
    for element in _CHAIN:
        if element in subgroup and element not in made:
            value = mean(element, value)
            made |= {compose(element, other) for other in made}
    return value


def _named(matrix: NDArray[np.int_]) -> ElementName:
    return next(name for name, element in ELEMENTS.items() if np.array_equal(element.matrix, matrix))


def turn(fields: Fields, element: ElementName) -> Fields:
    """Turn finished fields by a group element about the centre of their box.

    A scalar moves with its point, a vector also turns its arrow: (g u)(p) = R u(R^-1 p).  Faces are turned as a
    pair, all N+1 of them: a quarter turn makes of velocity_x what becomes velocity_y.

    Parameters
    ----------
    fields : Dataset or DataArray
        Variables with dims among (..., component, y, x); in a Dataset also the face variables velocity_x
        (..., y, x_face) and velocity_y (..., y_face, x).  Other dims are left as they are.  Values are loaded.
    element : str
        Name of a group element, such as ``rotate90`` (counter-clockwise).

    Returns
    -------
    Dataset or DataArray
        Same dims, dtype, coordinates and attributes as `fields`.

    Raises
    ------
    ValueError
        If a quarter turn meets a box that is not square, one face component lacks the other, or a field has only one
        of x and y.
    """
    import xarray as xr

    g = ELEMENTS[element]
    if element == "identity":
        return fields.copy()
    if isinstance(fields, xr.DataArray):
        return _turn_array(fields, g)
    turned = {name: _turn_array(field, g) for name, field in fields.items() if name not in FACES}
    if any(name in fields for name in FACES):
        turned.update(_turn_faces(fields, g))
    return fields.assign(turned)


def _turn_array(field: xr.DataArray, g: Element) -> xr.DataArray:
    if {"x_face", "y_face"} & set(field.dims):
        raise ValueError(f"{field.name}: faces are turned in pairs, got one component; pass a Dataset with both")
    core = [dim for dim in ("component", "y", "x") if dim in field.dims]
    ordered = field.transpose(..., *core)
    values = ordered.values
    if "component" in core:
        axis = -len(core)
        x, y = np.moveaxis(values, axis, 0)
        values = np.stack(g.on_components(x, y), axis=axis)
    if ("x" in core) != ("y" in core):
        raise ValueError(
            f"{field.name}: a field has both dims x and y or neither, got {', '.join(map(str, field.dims))}"
        )
    if "x" in core:
        _refuse_oblong(ordered, g)
        values = g.on_scalars(values)
    return ordered.copy(data=values).transpose(*field.dims)


def _turn_faces(fields: xr.Dataset, g: Element) -> dict[str, xr.DataArray]:
    if not all(name in fields for name in FACES):
        raise ValueError(f"faces are turned in pairs; the Dataset needs both {' and '.join(FACES)}")
    along_x = fields["velocity_x"].transpose(..., "y", "x_face")
    along_y = fields["velocity_y"].transpose(..., "y_face", "x")
    _refuse_oblong(along_x.isel(x_face=slice(1, None)), g)
    x, y = g.on_components(along_x.values, along_y.values)
    return {
        "velocity_x": along_x.copy(data=g.on_scalars(x)).transpose(*fields["velocity_x"].dims),
        "velocity_y": along_y.copy(data=g.on_scalars(y)).transpose(*fields["velocity_y"].dims),
    }


def _refuse_oblong(field: xr.DataArray, g: Element) -> None:
    rows, columns = field.shape[-2:]
    if g.swaps_axes and rows != columns:
        raise ValueError(f"{g.name} needs a square box, got {columns} x {rows} cells")
