"""A symmetry in one file: a glide reflection, x -> W - x and y -> y + H/2, and the group that it generates.

It maps a box with equal walls on the left and right, periodic along y, onto itself.  Done twice, it is a shift by the
whole box, which changes nothing: the group has two elements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from phigen.symmetry.element import Box, GroupElement, NonInteger, Point
from phigen.symmetry.group import FiniteGroup
from phigen.symmetry.groups import GROUPS
from phigen.symmetry.point_groups import ELEMENTS
from phigen.symmetry.translation import Shift

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Glide(GroupElement):
    """The glide reflection, or the identity.

    Parameters
    ----------
    times : int
        How often it is done: 0 or 1.
    """

    times: int

    @property
    def name(self) -> str:
        """The value of a dataset's coordinate `element`."""
        return "glide" if self.times else "identity"

    @property
    def inverse(self) -> Glide:
        """The element itself."""
        return self

    @property
    def identity(self) -> Glide:
        """The element that changes nothing."""
        return Glide(0)

    def on_point(self, point: Point, box: Box) -> Point:
        """Return (W - x, y + H/2)."""
        (x, y), (width, height) = point, box.cells
        return (width - x, y + height / 2) if self.times else point

    def on_direction(self, direction: Point) -> Point:
        """Return (-x, y)."""
        return (-direction[0], direction[1]) if self.times else direction

    def act(self, fields: xr.Dataset) -> xr.Dataset:
        """Reflect fields along x, and shift them by half the box along y."""
        half = Shift(0, fields.sizes["y"] // 2)
        return half.act(ELEMENTS["mirror_x"].act(fields)) if self.times else fields

    def misfit(self, box: Box, *, non_integer: NonInteger) -> str | None:
        """Say why the glide does not map the box onto itself."""
        (left, right), (lower, _) = box.boundaries
        if self.times and (left != right or left == "periodic" or lower != "periodic" or box.cells[1] % 2):
            return "glide needs equal walls along x and an even, periodic y; change the grid or the group"
        return None


GROUPS["glide"] = FiniteGroup("glide", (Glide(0), Glide(1)))
