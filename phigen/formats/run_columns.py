"""The coordinates of the runs as columns with one value per run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray


def columns(dataset: xr.Dataset) -> dict[str, NDArray[Any]]:
    """Return each coordinate of the runs as a column.

    A coordinate with several values per run, such as the positions of several inflows, becomes several columns:
    inflow_x_0, inflow_x_1, ....
    """
    table: dict[str, NDArray[Any]] = {}
    for name, coordinate in dataset.coords.items():
        if coordinate.dims == ("run",):
            table[str(name)] = coordinate.values
        elif "run" in coordinate.dims:
            values = coordinate.transpose("run", ...).values.reshape(dataset.sizes["run"], -1)
            table |= {f"{name}_{i}": column for i, column in enumerate(values.T)}
    return table
