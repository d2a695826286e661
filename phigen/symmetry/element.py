"""The one interface of group elements: what phigen asks of a rotation, a shift or a scaling.  Start here to add one.

A symmetry is a file with a class that implements `GroupElement`, a `Group` that lists its elements, and one line in the
dict `phigen.symmetry.groups.GROUPS`.  Recipes, checks, plans, stores, measurements and pictures use an element through
what is defined here and never ask which kind it is.

Only five members are abstract: `name`, `inverse`, `identity`, `on_point` and `act`.  The defaults of all others
describe an element that keeps lengths and times, leaves directions as they are, acts on finished fields without
changing a bit, and fits every box.  Override those that do not hold:

    a vector changes direction                 on_direction
    the box or the time step changes           length, simulated_cells, time, stored_speed, unit, moves_within_box
    acting on finished fields is not exact     parts, loss, resampling
    some boxes or scenes do not allow it       misfit, misfit_of_regions, shares_nothing
    walls cut off a part of the fields         to_reference, in_reference_frame
    runs need more than the element's name     coordinates

Elements are values: frozen, hashable, equal if they do the same, and picklable, because they travel to workers.
tests/shared/glide.py is a complete example.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

Point = tuple[float, float]
Points = tuple[Any, Any]
"""x and y of one point, or arrays of those of many."""

Sides = tuple[tuple[str, str], tuple[str, str]]
"""The boundary conditions of the left and right side, and of the lower and upper side."""

Pair = tuple["NDArray[Any]", "NDArray[Any]"]
"""Two arrays of one shape, which are compared value by value."""
Loss = Literal["none", "rounding", "interpolation"]
NonInteger = Literal["error", "resample", "truncate"]
"""What a recipe does with parts of a cell."""
MOST_CELLS = 8192
"""The largest number of cells along a side of a grid."""

_CLOSED: Sides = (("closed", "closed"), ("closed", "closed"))


@dataclass(frozen=True)
class Box:
    """The box that elements act in: [0, cells x] x [0, cells y], with cells of size 1.

    Parameters
    ----------
    cells : (int, int)
        Along x and y.
    boundaries : ((str, str), (str, str))
        Boundary conditions of the left and right side, and of the lower and upper side: ``closed``, ``periodic``,
        ``open``, or ``unknown``.
    """

    cells: tuple[int, int]
    boundaries: Sides = _CLOSED

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> Self:
        """Return the box of a dataset, from its attributes; without them, a closed one of no cells."""
        width, height = attributes.get("cells", (0, 0))
        left, right, lower, upper = attributes.get("boundaries", ["closed"] * 4)
        return cls((width, height), ((left, right), (lower, upper)))

    @property
    def periodic(self) -> tuple[bool, bool]:
        """Whether the box is periodic along x and along y."""
        return self.boundaries[0][0] == "periodic", self.boundaries[1][0] == "periodic"


class Parts(NamedTuple):
    """An element as a product: what acts on the scene before the simulation, and on the fields after it."""

    before: GroupElement
    after: GroupElement


class GroupElement(ABC):
    """An element g of a symmetry group, as phigen uses it.  See the module's docstring."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The value of a dataset's coordinate `element`; ``identity`` for the identity.  It determines the element."""

    @property
    @abstractmethod
    def inverse(self) -> Self:
        """The element that undoes this one."""

    @property
    @abstractmethod
    def identity(self) -> Self:
        """The element of the group that changes nothing."""

    @abstractmethod
    def on_point(self, point: Points, box: Box) -> Points:
        """Return the image of points, numbers or arrays, in simulated cells and not wrapped around a periodic box."""

    @abstractmethod
    def act(self, fields: xr.Dataset) -> xr.Dataset:
        """Return g u for finished fields u of a whole box.

        Parameters
        ----------
        fields : Dataset
            Variables of `phigen.symmetry.fields.FIELDS`, with any dims besides; other variables with dims y and x are
            scalars, with component, y and x vectors.

        Returns
        -------
        Dataset
            Same dims, dtype and coordinates.

        Raises
        ------
        ValueError
            If the element cannot act on fields of this shape.
        """

    def on_direction(self, direction: Point) -> Point:
        """Return the image of a direction (x, y), such as that of the buoyancy."""
        return direction

    @property
    def moves_within_box(self) -> bool:
        """Whether the image of a scene lies in the same box; False where the box is scaled with it."""
        return True

    @property
    def length(self) -> float:
        """The factor on lengths, in simulated cells."""
        return 1.0

    def simulated_cells(self, cells: tuple[int, int]) -> tuple[int, int]:
        """Return the cells (x, y) of the grid that is simulated where the recipe's grid has `cells`."""
        return cells

    @property
    def time(self) -> float:
        """The factor on the time steps."""
        return 1.0

    @property
    def stored_speed(self) -> float:
        """The factor on velocities and strengths, as a dataset stores them."""
        return 1.0

    @property
    def unit(self) -> float:
        """The number that simulated velocities are divided by before they are stored."""
        return 1.0

    @property
    def coordinates(self) -> Mapping[str, float]:
        """Coordinates of `run` besides `element`, by name; the same names for all elements of a group."""
        return {}

    def parts(self, box: Box) -> Parts:
        """Split g into what acts before the simulation and what acts after it: g = after * before.

        What is exact on finished fields belongs after the simulation: runs then share one simulation and stay equal
        to the last bit.
        """
        return Parts(self.identity, self)

    @property
    def loss(self) -> Loss:
        """What mapping a run to the reference frame adds to its error: nothing, rounding, or interpolation."""
        return "none"

    def to_reference(self, reference: xr.Dataset, run: xr.Dataset, box: Box) -> list[Pair]:
        """Map a run to the reference frame, that of its orbit's first run.

        Parameters
        ----------
        reference : Dataset
            Fields of the first run, (time, ..., y, x), and faces.
        run : Dataset
            The same fields of this element's run.
        box : Box
            Their box.

        Returns
        -------
        list of (ndarray, ndarray)
            For each variable, the reference and the mapped run, on the cells that both have.
        """
        mapped = self.inverse.act(run)
        return [(reference[name].values, mapped[name].transpose(*reference[name].dims).values) for name in reference]

    def in_reference_frame(self, field: xr.DataArray, box: Box) -> xr.DataArray:
        """Return one scalar of this element's run in the reference frame; NaN where walls cut it off."""
        return self.inverse.act(field.to_dataset(name="field"))["field"].rename(field.name)

    def resampling(self, reference: xr.Dataset, box: Box) -> list[Pair]:
        """Compute what g and its inverse, one after the other, do to the first run's fields.

        Parameters
        ----------
        reference : Dataset
            Fields of the first run.
        box : Box
            Their box.

        Returns
        -------
        list of (ndarray, ndarray)
            For each variable, the values before and after; empty if no bit changes.
        """
        return []

    def misfit(self, box: Box, *, non_integer: NonInteger) -> str | None:
        """Say why the element does not fit a box, and what to do; None if it does.

        Parameters
        ----------
        box : Box
            The recipe's.
        non_integer : str
            What the recipe does with parts of a cell.
        """
        return None

    def misfit_of_regions(self, box: Box, *, stay: bool, lab: bool) -> str | None:
        """Say why a scene's regions do not allow the element, and what to do; None if they do.

        Parameters
        ----------
        box : Box
            The recipe's.
        stay : bool
            Whether regions stay where they are, or move with the scene.
        lab : bool
            Whether scenes are simulated in the lab's reference frame, or in that of their orbit.
        """
        return None

    def shares_nothing(self, box: Box) -> bool:
        """Return whether no cell of a run is left to compare with the first run."""
        return False
