"""The velocities that a model is measured on, read piece by piece, and the name of each in messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from phigen.errors import MeasureError

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

CELLS_AT_ONCE = 2**18
"""Cells per call of the model, 64 fields of 64 x 64: its layers may need a hundred times as much memory."""

Name = Callable[[int], str]
"""From the position of an item in a piece to its name in messages."""


def windows(dataset: xr.Dataset | ArrayLike) -> Iterator[tuple[NDArray[Any], Name]]:
    """Yield a sample piece by piece.

    Parameters
    ----------
    dataset : Dataset or array_like
        With a variable `velocity` that has the dims component, y and x, and possibly run and time: an item is a frame.
        Or velocities (n, ..., 2, H, W): an item is one of the n; (2, H, W) is a single item.

    Yields
    ------
    velocities : (n, ..., 2, H, W)
        As stored if they are floating-point numbers, otherwise in double precision.
    name : callable
        From the position in this piece to the item's name.

    Raises
    ------
    MeasureError
        If there is no velocity, its shape is wrong, or it has values that are not finite.
    """
    import xarray as xr

    if not isinstance(dataset, xr.Dataset):
        array: Any = dataset if hasattr(dataset, "shape") else np.asarray(dataset)
        single = len(array.shape) == 3 and array.shape[0] == 2
        yield from _pieces(array[None] if single else array, "sample")
        return
    if "velocity" not in dataset:
        there = ", ".join(map(str, dataset)) or "nothing"
        raise MeasureError(f"the dataset has no velocity, got {there}; build it with store: [velocity]")
    fields = dataset["velocity"]
    fields = fields.expand_dims([dim for dim in ("run", "time") if dim not in fields.dims])
    for run in range(fields.sizes["run"]):
        yield from _pieces(fields.isel(run=run).transpose("time", "component", "y", "x"), f"run {run}, frame")


def finite(values: NDArray[Any], name: Name, what: str) -> NDArray[Any]:
    """Return the values of a piece if they are finite.

    Raises
    ------
    MeasureError
        Otherwise, with the name of the first item that has one.
    """
    valid = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if not valid.all():
        raise MeasureError(f"{name(int(np.argmin(valid)))}: {what} values that are not finite")
    return values


def _pieces(fields: Any, what: str) -> Iterator[tuple[NDArray[Any], Name]]:
    if len(fields.shape) < 4 or fields.shape[-3] != 2 or 0 in fields.shape:
        shape = tuple(fields.shape)
        raise MeasureError(f"a velocity must have the shape (..., 2, H, W), got {shape}; choose or reorder its axes")
    length = max(1, CELLS_AT_ONCE // int(np.prod((*fields.shape[1:-3], *fields.shape[-2:]))))
    for start in range(0, fields.shape[0], length):

        def name(item: int, start: int = start) -> str:
            return f"{what} {start + item}"

        values = np.asarray(fields[start : start + length])
        values = values if np.issubdtype(values.dtype, np.floating) else values.astype(np.float64)
        yield finite(values, name, "the velocity has"), name
