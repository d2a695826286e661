"""Measuring a dataset, wherever it is: from what its build has measured, or from its fields."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from phigen.hub.opening import open_with_errors
from phigen.measurement import data_error

if TYPE_CHECKING:
    import xarray as xr


def measure(dataset: xr.Dataset | str | Path, *, frames: slice | None = None) -> xr.Dataset:
    """Measure the data equivariance error of each level, variable and element, over time.

    Parameters
    ----------
    dataset : Dataset, str or Path
        The path or hf:// address of a dataset: what was measured when it was built is used, and no field is read.  Or
        a dataset in memory, which is always measured: as opened by `phigen.open`, or a selection of its runs; read in
        pieces.
    frames : slice, optional
        Stored frames by position, as in ``slice(10, -1)``; all if left out.

    Returns
    -------
    Dataset
        With dims (level, variable, element, time), float64, for all elements but the identity: ``mae``; ``square``,
        the mean squared difference; ``magnitude``, the mean absolute value of the first run's field; and
        ``resampling``, the error of mapping the first run by g and back.  Each is the mean over orbits.  For adopted
        data also ``compared``, the fraction of values that have a partner.  `summarize` computes totals.

    Raises
    ------
    MeasureError
        If no orbit of the dataset has two runs, no frame is chosen, the fields do not cover the whole box, or two
        runs have no value in common.
    StoreError, HubError
        If there is no dataset at the path or address.
    """
    if not isinstance(dataset, str | Path):
        return data_error.measure(dataset, frames=frames)
    opened, errors = open_with_errors(dataset)
    if errors is None:
        return data_error.measure(opened, frames=frames)
    return data_error.average(data_error.select_stored(errors, frames))
