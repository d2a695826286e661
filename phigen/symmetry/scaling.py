"""Scalings, by both methods of the literature.

A scaling by f maps lengths x to f x and, with a time exponent n, times t to f^n t.  A velocity becomes f^(1-n) v, and
so does a buoyancy, which is added once per step.  The methods differ in what is simulated:

    resampled   a grid of f times as many cells of size 1, with the same time steps (n = 0); every frame is resampled
                to the recipe's grid and its velocity divided by f (the published code)
    rescaled    the recipe's grid, with cells of size f and time steps f^n as long (the paper's words)
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from phigen.symmetry.element import MOST_CELLS, Box, GroupElement, Loss, NonInteger, Pair, Parts, Point
from phigen.symmetry.fields import FIELDS

if TYPE_CHECKING:
    import xarray as xr

ScalingMethod = Literal["resampled", "rescaled"]

MOST_FACTOR = 1000
"""The largest factor, up or down: no simulation spans more scales."""

_NAME = re.compile(r"scale\((?P<factor>[^,]+)\)")


@dataclass(frozen=True)
class Scale(GroupElement):
    """A scaling of lengths by a factor, and of times by a power of it.

    Parameters
    ----------
    factor : float
        Of lengths, above 0.
    method : str
        ``resampled`` or ``rescaled``.
    time_exponent : float
        Times are scaled by factor ** time_exponent; 0 where the method is ``resampled``.
    """

    factor: float
    method: ScalingMethod
    time_exponent: float = 0.0

    @property
    def name(self) -> str:
        """The value of a dataset's coordinate `element`."""
        return "identity" if self.factor == 1 else f"scale({self.factor:.12g})"

    @classmethod
    def named(cls, name: str, method: ScalingMethod, time_exponent: float) -> Self:
        """Return the scaling that has a name.

        Raises
        ------
        ValueError
            If no scaling has it.
        """
        match = _NAME.fullmatch(name)
        if match is None and name != "identity":
            raise ValueError(f"{name!r} names no scaling; write it as scale(1.5)")
        return cls(float(match["factor"]) if match else 1.0, method, time_exponent)

    @property
    def inverse(self) -> Scale:
        """The scaling by 1 / factor."""
        return Scale(1 / self.factor, self.method, self.time_exponent)

    @property
    def identity(self) -> Scale:
        """The scaling by 1."""
        return Scale(1.0, self.method, self.time_exponent)

    def on_point(self, point: Point, box: Box) -> Point:
        """Return the image of a point, in simulated cells."""
        return point[0] * self.length, point[1] * self.length

    def act(self, fields: xr.Dataset) -> xr.Dataset:
        """Return fields in other units; resampled runs are all stored in the units of the first one."""
        return rescale(fields, self) if self.method == "rescaled" and self.factor != 1 else fields

    @property
    def moves_within_box(self) -> bool:
        """False: the box is scaled with the scene."""
        return False

    @property
    def length(self) -> float:
        """The factor on lengths, in simulated cells."""
        return self.factor if self.method == "resampled" else 1.0

    def simulated_cells(self, cells: tuple[int, int]) -> tuple[int, int]:
        """Return the simulated cells: `factor` times as many where runs are resampled, without parts of a cell."""
        if self.method == "rescaled":
            return cells
        x, y = (math.floor(round(n * self.factor, 9)) for n in cells)
        return x, y

    @property
    def time(self) -> float:
        """The factor on the time steps."""
        return float(self.factor**self.time_exponent)

    @property
    def stored_speed(self) -> float:
        """The factor on stored velocities: those of resampled runs are in the units of the first one."""
        return self.factor / self.time if self.method == "rescaled" else 1.0

    @property
    def unit(self) -> float:
        """The number that simulated velocities are divided by before they are stored."""
        return self.factor if self.method == "resampled" else 1 / self.factor

    @property
    def coordinates(self) -> Mapping[str, float]:
        """The size of a cell and the length of a step, in those of the first run."""
        return {"dx": self.factor, "dt": self.time}

    def parts(self, box: Box) -> Parts:
        """Return what acts before the simulation, all of it where runs are resampled, and what acts after it."""
        return Parts(self, self.identity) if self.method == "resampled" else Parts(self.identity, self)

    @property
    def loss(self) -> Loss:
        """Interpolation where runs are resampled, otherwise rounding."""
        if self.factor == 1:
            return "none"
        return "interpolation" if self.method == "resampled" else "rounding"

    def resampling(self, reference: xr.Dataset, box: Box) -> list[Pair]:
        """Compute what scaling the first run's fields, forward and back, does to them."""
        from phigen.symmetry.resampling import there_and_back

        if self.method == "resampled":
            cells = self.simulated_cells(box.cells)
            return [(field.values, there_and_back(field, cells=cells)) for field in reference.values()]
        back = rescale(rescale(reference, self), self.inverse)
        return [(reference[name].values, back[name].values) for name in reference]

    def misfit(self, box: Box, *, non_integer: NonInteger) -> str | None:
        """Say why the factor makes no grid that can be simulated and resampled."""
        width, height = box.cells
        if not 1 / MOST_FACTOR <= self.factor <= MOST_FACTOR:
            return f"a factor must be from {1 / MOST_FACTOR:g} to {MOST_FACTOR}, got {self.factor:g}; choose another"
        if self.method == "rescaled":
            return None
        if non_integer == "error" and any(round(n * self.factor, 9) % 1 for n in box.cells):
            return (
                f"the factor {self.factor:g} makes a grid of {width * self.factor:g} x {height * self.factor:g} cells, "
                "which is not a whole number; choose another, or set non_integer: truncate"
            )
        if min(self.simulated_cells(box.cells)) < min(box.cells):
            return (
                f"a simulated grid must be as fine as the recipe's or finer, got the factor {self.factor:g}; choose 1 "
                "or more, or set scaling_method: rescaled"
            )
        if max(self.simulated_cells(box.cells)) > MOST_CELLS:
            return (
                f"the factor {self.factor:g} makes more than {MOST_CELLS} cells of {max(box.cells)}; choose a smaller "
                "one"
            )
        return None


def rescale(fields: xr.Dataset, scale: Scale) -> xr.Dataset:
    """Return fields in other units, by the dimensions that `phigen.symmetry.fields` lists."""
    factors = {
        name: FIELDS[name].rescaled_by(length=scale.factor, time=scale.time)
        for name in map(str, fields)
        if name in FIELDS
    }
    changed = {name: fields[name] * factor for name, factor in factors.items() if factor != 1}
    return fields.assign({name: field.astype(fields[name].dtype) for name, field in changed.items()})
