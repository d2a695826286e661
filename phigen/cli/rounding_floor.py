"""When the command line measures the rounding floor of a dataset."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from phigen.errors import MeasureError

if TYPE_CHECKING:
    import xarray as xr


def rounding_floor_of(dataset: xr.Dataset, frames: slice | None = None, *, required: bool = False) -> xr.Dataset | None:
    """Measure the rounding floor if it is required, or if the dataset was simulated in the lab's reference frame.

    Returns
    -------
    Dataset or None
        As `phigen.rounding_floor` returns it, of some frames.  None if no floor was called for, or if the dataset has
        none and it was not required; one line on stderr then says why.

    Raises
    ------
    MeasureError
        If the floor is required and the dataset has none.
    """
    from phigen.measurement.rounding_floor import rounding_floor
    from phigen.simulation.separate_process import own_process

    if not required and dataset.attrs.get("reference_frame") != "lab":
        return None
    os.environ.update(own_process())
    try:
        measured = rounding_floor(dataset)
    except MeasureError as error:
        if required:
            raise
        click.echo(str(error), err=True)
        return None
    return measured.isel(time=frames) if frames is not None else measured
