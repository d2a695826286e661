"""The one list of fields: names, dims, units, and which of them are parts of one vector; and their coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

StoreName = Literal["smoke", "velocity", "faces", "pressure"]
"""The names by which a recipe chooses what it stores."""


@dataclass(frozen=True)
class Field:
    """A stored variable.

    Parameters
    ----------
    dims : tuple of str
        After `run`.
    dtype : str
        As stored.
    length, time : int
        Exponents of its physical dimension.
    per_step : int
        How often "per step" occurs besides.  A step is a count there: its length does not matter.
    long_name, comment : str
        CF attributes.
    """

    dims: tuple[str, ...]
    dtype: str
    length: int
    time: int
    long_name: str
    comment: str = ""
    per_step: int = 0

    @property
    def on_grid(self) -> bool:
        """Whether it has values in every cell."""
        return not {"y", "y_face"}.isdisjoint(self.dims)

    @property
    def units(self) -> str:
        """The CF units, such as ``cell step-1``."""
        powers = (("cell", self.length), ("step", self.time - self.per_step))
        return " ".join(f"{unit}{power if power != 1 else ''}" for unit, power in powers if power) or "1"

    def rescaled_by(self, *, length: float, time: float) -> float:
        """Compute the factor on values where lengths and times are multiplied by `length` and `time`.

        The order of the operations fixes the last bit: a pressure is a length times a velocity.
        """
        speed = length ** min(self.length, 1) / time**-self.time
        return float(length ** max(self.length - 1, 0) * speed)


_FACES = "on all N + 1 faces, walls included"
_HEALTH = "over the steps since the frame before"

FIELDS: dict[str, Field] = {
    "smoke": Field(("time", "y", "x"), "float32", 0, 0, "smoke density", "in cell centres"),
    "velocity": Field(
        ("time", "component", "y", "x"), "float32", 1, -1, "velocity", "mean of the two faces of each cell"
    ),
    "velocity_x": Field(("time", "y", "x_face"), "float32", 1, -1, "velocity along x", _FACES),
    "velocity_y": Field(("time", "y_face", "x"), "float32", 1, -1, "velocity along y", _FACES),
    "pressure": Field(
        ("time", "y", "x"), "float32", 2, -1, "pressure", "p of v - grad p, the projection of the last step"
    ),
    "buoyancy": Field(
        ("time", "component"), "float64", 1, -1, "buoyancy per unit smoke", "as applied, added once per step", 1
    ),
    "divergence": Field(("time",), "float32", 0, -1, "largest absolute divergence", _HEALTH),
    "courant": Field(("time",), "float32", 0, 0, "largest Courant number", _HEALTH),
}

FACES = ("velocity_x", "velocity_y")
"""The components of a vector whose values lie on faces: they are transformed as a pair."""

STORED_AS: Mapping[StoreName, tuple[str, ...]] = {
    "smoke": ("smoke",),
    "velocity": ("velocity",),
    "faces": FACES,
    "pressure": ("pressure",),
}
"""The fields that a recipe's names stand for; also what errors are measured of, one number for each name."""

SIMULATED = tuple(name for parts in STORED_AS.values() for name in parts)
"""The fields that a simulation computes of each frame."""

ALWAYS = ("buoyancy", "divergence", "courant")
"""What every dataset holds besides."""

DIMS = ("time", "region", "component", "y", "y_face", "x", "x_face")
"""The order of all dims after `run`."""


def coordinates(cells: tuple[int, int], frames: range) -> dict[str, Any]:
    """Return the coordinates of simulated fields: cell centres and faces in cells, frames in steps."""
    width, height = cells
    return {
        "time": np.asarray(frames, np.int64),
        "component": np.array(["x", "y"], dtype=object),
        "y": np.arange(height) + 0.5,
        "x": np.arange(width) + 0.5,
        "y_face": np.arange(height + 1.0),
        "x_face": np.arange(width + 1.0),
    }
