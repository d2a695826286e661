"""The point groups of the square, and how their elements act on points, vectors and finished fields.

    (g u)(p) = R u(R^-1 p)

Every value moves with its point, and a vector changes its direction too.  R is a signed permutation of the axes, a
rotation by quarter turns or a reflection, so cell centres fall on cell centres and faces on faces: an element permutes
indices and changes signs.  Nothing is interpolated, and acting with the inverse restores every bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from phigen.symmetry.element import Box, GroupElement, NonInteger, Point, Sides
from phigen.symmetry.permutation import on_array, on_dataset

if TYPE_CHECKING:
    import xarray as xr

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
Matrix = tuple[tuple[int, int], tuple[int, int]]
Value = TypeVar("Value")
Fields = TypeVar("Fields", "xr.Dataset", "xr.DataArray")

_NAMES: dict[Matrix, ElementName] = {
    ((1, 0), (0, 1)): "identity",
    ((0, -1), (1, 0)): "rotate90",
    ((-1, 0), (0, -1)): "rotate180",
    ((0, 1), (-1, 0)): "rotate270",
    ((-1, 0), (0, 1)): "mirror_x",
    ((1, 0), (0, -1)): "mirror_y",
    ((0, 1), (1, 0)): "mirror_diagonal",
    ((0, -1), (-1, 0)): "mirror_antidiagonal",
}
"""Rotations are counter-clockwise; mirror_x maps x to -x."""


@dataclass(frozen=True)
class PointElement(GroupElement):
    """A rotation or reflection about the centre of the box, as the matrix R that acts on column vectors (x, y).

    Parameters
    ----------
    matrix : ((int, int), (int, int))
        Rows of R: one entry of each row and column is 1 or -1, the other 0.
    """

    matrix: Matrix

    @property
    def name(self) -> ElementName:
        """The value of a dataset's coordinate `element`."""
        return _NAMES[self.matrix]

    @property
    def inverse(self) -> PointElement:
        """The element that undoes this one: the transpose of R."""
        (a, b), (c, d) = self.matrix
        return PointElement(((a, c), (b, d)))

    @property
    def identity(self) -> PointElement:
        """The element that changes nothing."""
        return ELEMENTS["identity"]

    def __matmul__(self, before: PointElement) -> PointElement:
        """Return the element that acts as `before` and then as this one: the product of the matrices."""
        (a, b), (c, d) = self.matrix
        (e, f), (g, h) = before.matrix
        return PointElement(((a * e + b * g, a * f + b * h), (c * e + d * g, c * f + d * h)))

    @property
    def swaps_axes(self) -> bool:
        """Whether x becomes y; such an element needs a square box."""
        return self.matrix[0][0] == 0

    def _source(self, axis: int) -> tuple[int, int]:
        """Return which component the new component `axis` comes from, and with which sign."""
        row = self.matrix[axis]
        component = 1 if row[0] == 0 else 0
        return component, row[component]

    def on_direction(self, direction: Point) -> Point:
        """Return R v for a vector v = (x, y)."""
        (i, sign_x), (j, sign_y) = self._source(0), self._source(1)
        return sign_x * direction[i], sign_y * direction[j]

    def on_point(self, point: Point, box: Box) -> Point:
        """Return the image of a point (x, y) under R about the centre of the box."""
        (i, sign_x), (j, sign_y) = self._source(0), self._source(1)
        x = point[i] if sign_x > 0 else box.cells[0] - point[i]
        y = point[j] if sign_y > 0 else box.cells[1] - point[j]
        return x, y

    def on_sides(self, sides: Sides) -> Sides:
        """Return the boundary conditions of the four sides after the box has been rotated or reflected."""
        x, y = (
            (sides[i][0], sides[i][1]) if sign > 0 else (sides[i][1], sides[i][0])
            for i, sign in (self._source(0), self._source(1))
        )
        return x, y

    def on_scalars(self, values: Any) -> Any:
        """Move scalars of shape (..., y, x) with their points; also faces, once their component is chosen.

        Takes arrays of numpy or jax: only their own methods are used.
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

    def act(self, fields: xr.Dataset) -> xr.Dataset:
        """Return rotated or reflected fields; see `turn`."""
        return turn(fields, self.name)

    def misfit(self, box: Box, *, non_integer: NonInteger) -> str | None:
        """Say why the element does not map the box and its boundary conditions onto themselves."""
        (width, height), (x, y) = box.cells, box.boundaries
        if self.swaps_axes and width != height:
            return f"{self.name} needs a square box, got {width} x {height} cells; make the cells equal or use C2 or D2"
        if self.on_sides(box.boundaries) == box.boundaries:
            return None
        uniform = self.swaps_axes and x[0] == x[1] and y[0] == y[1]
        needed = "the same boundary conditions on " + ("both axes" if uniform else "the sides that it exchanges")
        found = " and ".join(lower if lower == upper else f"{lower} to {upper}" for lower, upper in (x, y))
        return f"{self.name} needs {needed}, got {found}; make them equal or use a smaller group"


ELEMENTS: dict[ElementName, PointElement] = {name: PointElement(matrix) for matrix, name in _NAMES.items()}

POINT_GROUPS: dict[GroupName, tuple[ElementName, ...]] = {
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
"""D4 and all its subgroups: Cn has n rotations, Dn also n reflections."""

_CHAIN: tuple[ElementName, ...] = (
    "rotate180",
    "rotate90",
    "mirror_x",
    "mirror_y",
    "mirror_diagonal",
    "mirror_antidiagonal",
)
"""The square of each is generated by those before it, which it normalises: so it doubles the group they generate."""


def compose(after: ElementName, before: ElementName) -> ElementName:
    """Return the element that acts as `before` and then as `after`: the matrix product R_after R_before."""
    return (ELEMENTS[after] @ ELEMENTS[before]).name


def inverse(element: ElementName) -> ElementName:
    """Return the element that undoes `element`."""
    return ELEMENTS[element].inverse.name


def project_onto(value: Value, subgroup: tuple[ElementName, ...], mean: Callable[[ElementName, Value], Value]) -> Value:
    """Project onto what is invariant under a subgroup: P u = sum over g of g u, divided by the number of elements.

    The sum is made by doubling: the mean of u and g u, then the mean of the result and h times it, and so on.  A sum of
    two terms does not depend on their order, so each mean is symmetric under its element to the last bit.  Each element
    of the chain normalises those before it, so the mean stays symmetric under all of them.

    Parameters
    ----------
    value : any
        Fields.
    subgroup : tuple of str
        Its elements.
    mean : callable
        From an element g and fields u to (u + g u) / 2.

    Returns
    -------
    any
        As `value`.
    """
    generated: set[ElementName] = {"identity"}
    for element in _CHAIN:
        if element in subgroup and element not in generated:
            value = mean(element, value)
            generated |= {compose(element, other) for other in generated}
    return value


def turn(fields: Fields, element: ElementName) -> Fields:
    """Rotate or reflect finished fields about the centre of their box.

    A scalar moves with its point, a vector also changes its direction: (g u)(p) = R u(R^-1 p).  Faces are transformed
    as a pair, all N + 1 of them: a rotation by 90 degrees maps velocity_x to velocity_y.

    Parameters
    ----------
    fields : Dataset or DataArray
        Variables with dims among (..., component, y, x); in a Dataset also the face variables velocity_x
        (..., y, x_face) and velocity_y (..., y_face, x).  Other dims stay as they are.  Values are loaded.
    element : str
        Name of a rotation or reflection, such as ``rotate90`` (counter-clockwise).

    Returns
    -------
    Dataset or DataArray
        Same dims, dtype, coordinates and attributes as `fields`.

    Raises
    ------
    ValueError
        If the element swaps the axes of a box that is not square, if one component of the faces is missing, or if a
        field has only one of the dims x and y.
    """
    import xarray as xr

    g = ELEMENTS[element]
    if element == "identity":
        return fields.copy()
    return on_array(fields, g) if isinstance(fields, xr.DataArray) else on_dataset(fields, g)
