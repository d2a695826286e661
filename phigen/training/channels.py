"""Fields as the channels of a network: read into one array, normalised, and acted on by a group element.

Normalisation must commute with the group, or it breaks the symmetry of the data.  A rotation by 90 degrees takes x to y
and y to -x.  A vector v is therefore divided by one number, the root mean square over both components, and no mean is
subtracted.  A scalar s, which a rotation only moves, loses its mean and is divided by its standard deviation:

    v / sqrt((rms_x^2 + rms_y^2) / 2)        (s - mean) / std

Both commute with rotations and reflections to the last bit.  A mean or deviation for each component would not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from phigen.errors import WindowError
from phigen.symmetry.fields import FIELDS
from phigen.symmetry.point_groups import PointElement

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Field:
    """A variable that is read: a scalar is one channel, a vector two.

    Parameters
    ----------
    variable : Variable
        With dims among (run, time, component, y, x), in any order; on disk or in memory.
    mean, scale : float
        Values are normalised as (value - mean) / scale.
    """

    variable: xr.Variable
    mean: float
    scale: float

    @cached_property
    def channels(self) -> int:
        """Number of channels: 1 or 2."""
        return 2 if self._is_vector else 1

    @cached_property
    def _is_vector(self) -> bool:
        return "component" in self.variable.dims

    @cached_property
    def _axes(self) -> tuple[int, ...]:
        """Where the dims time, component, y and x of a run are."""
        dims = [dim for dim in self.variable.dims if dim != "run"]
        return tuple(dims.index(dim) for dim in ("time", "component", "y", "x") if dim in dims)

    @cached_property
    def _size_on_disk(self) -> int:
        """Bytes of the variable if it may be on disk; 0 if dask has it, which may keep single chunks in memory."""
        return 0 if self.variable.chunks else self.variable.nbytes

    def read(self, run: int, frames: slice) -> NDArray[Any]:
        """Read frames of a run as they are stored, (time, channel, y, x)."""
        at: dict[Any, Any] = {"run": run, "time": frames}
        # A Variable, because indexing a DataArray takes longer than reading a window.  Synchronous, because the threads
        # of a dask array do not survive a fork.
        window = self.variable[tuple([at.get(dim, slice(None)) for dim in self.variable.dims])]
        values: NDArray[Any] = window.load(scheduler="synchronous").values.transpose(self._axes)
        return values if self._is_vector else values[:, None]

    def normalise(self, values: NDArray[Any], *, out: NDArray[np.float32]) -> None:
        """Write (values - mean) / scale into `out`, which may be `values`."""
        if self.mean:
            values = np.subtract(values, np.float32(self.mean), out=out if values is out else None)
        np.divide(values, self.scale, out=out)

    def is_anew(self, values: NDArray[Any]) -> bool:
        """Return whether values that were read are nobody else's, so that they can be changed in place.

        They are if they lie in less memory than the whole variable takes: then it is not in memory itself.
        """
        owner = values if values.base is None else values.base
        return (
            isinstance(owner, np.ndarray)
            and owner.nbytes < self._size_on_disk
            and values.dtype == np.float32
            and values.flags.c_contiguous
            and values.flags.writeable
        )

    def act(self, g: PointElement, values: NDArray[np.float32], *, out: NDArray[np.float32]) -> None:
        """Write channels (time, channel, y, x), acted on by an element, into `out`."""
        parts = g.on_components(values[:, 0], values[:, 1]) if self._is_vector else (values[:, 0],)
        for channel, part in enumerate(parts):
            out[:, channel] = g.on_scalars(part)


@dataclass(frozen=True)
class Channels:
    """Some variables of a dataset as consecutive channels.

    Parameters
    ----------
    fields : tuple of Field
        In the order of the channels.
    shape : (int, int, int)
        Channels, rows and columns of a frame.
    """

    fields: tuple[Field, ...]
    shape: tuple[int, int, int]

    @classmethod
    def of(cls, dataset: xr.Dataset, variables: Sequence[str], *, normalise: bool) -> Self:
        """Return the channels of some variables of a dataset.

        Raises
        ------
        WindowError
            If one is missing, is not a field in cell centres, or has no statistics to normalise it by.
        """
        names = (variables,) if isinstance(variables, str) else tuple(variables)
        if not names:
            raise WindowError("variables: needs at least one, got none; name some, such as velocity")
        fields = tuple(_field(dataset, name, normalise=normalise) for name in names)
        rows, columns = dataset.sizes["y"], dataset.sizes["x"]
        return cls(fields, (sum(field.channels for field in fields), rows, columns))

    def read(self, run: int, frames: slice) -> NDArray[np.float32]:
        """Read frames of a run, normalised, (time, channel, y, x)."""
        stored = [field.read(run, frames) for field in self.fields]
        if len(stored) == 1 and self.fields[0].is_anew(stored[0]):  # the memory of a new array costs a tenth of reading
            out = stored[0]
        else:
            out = np.empty((len(stored[0]), *self.shape), np.float32)
        for field, values, channels in zip(self.fields, stored, self._of_fields, strict=True):
            field.normalise(values, out=values if values is out else out[:, channels])
        return out

    def act(self, g: PointElement, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return channels (time, channel, y, x), acted on by an element, in memory of their own."""
        out = np.empty(values.shape, np.float32)
        for field, channels in zip(self.fields, self._of_fields, strict=True):
            field.act(g, values[:, channels], out=out[:, channels])
        return out

    @cached_property
    def _of_fields(self) -> list[slice]:
        """Which channels each field has."""
        ends = np.cumsum([field.channels for field in self.fields]).tolist()
        return [slice(end - field.channels, end) for field, end in zip(self.fields, ends, strict=True)]

    @property
    def mean(self) -> NDArray[np.float32]:
        """The mean that is subtracted from each channel, (channel, 1, 1)."""
        return self._by_channel([field.mean for field in self.fields])

    @property
    def scale(self) -> NDArray[np.float32]:
        """The scale that each channel is then divided by, (channel, 1, 1)."""
        return self._by_channel([field.scale for field in self.fields])

    def _by_channel(self, numbers: Sequence[float]) -> NDArray[np.float32]:
        sizes = [field.channels for field in self.fields]
        return np.repeat(np.array(numbers, np.float32), sizes)[:, None, None]


def _field(dataset: xr.Dataset, name: str, *, normalise: bool) -> Field:
    if name not in dataset.data_vars:
        there = ", ".join(map(str, dataset.data_vars)) or "none"
        raise WindowError(f"variables: the dataset has {there}, got {name}; choose some that it has")
    variable = dataset.variables[name]
    needed = set(FIELDS[name].dims if name in FIELDS else ()) | {"time", "y", "x"}
    whole = needed <= set(variable.dims) <= {"run", "time", "component", "y", "x"}
    if not whole or variable.sizes.get("component", 2) != 2:
        dims = ", ".join(f"{dim} {size}" for dim, size in variable.sizes.items())
        raise WindowError(
            f"variables: {name} must be a field in cell centres with all its components, got dims {dims}; choose "
            "another, such as velocity or smoke"
        )
    return Field(variable, *_statistics(name, variable) if normalise else (0.0, 1.0))


def _statistics(name: str, variable: xr.Variable) -> tuple[float, float]:
    """Return the mean and scale to normalise by; a constant field has scale 1."""
    wanted, count = (("rms",), 2) if "component" in variable.dims else (("mean", "std"), 1)
    numbers = [np.ravel(variable.attrs.get(key, ())).astype(np.float64) for key in wanted]
    if any(found.size != count for found in numbers):
        raise WindowError(
            f"normalise: {name} needs the attributes {' and '.join(wanted)}, got "
            f"{', '.join(variable.attrs) or 'none'}; pass normalise=False, or a dataset with statistics, as "
            "phigen.build writes it"
        )
    if count == 2:
        return 0.0, float(np.sqrt(np.mean(numbers[0] ** 2))) or 1.0
    return float(numbers[0][0]), float(numbers[1][0]) or 1.0
