"""Commands that convert datasets to and from other formats."""

from __future__ import annotations

import click

from phigen.cli.options import dataset_argument, debug_option
from phigen.cli.output import progress_bars


@click.command()
@dataset_argument
@click.option(
    "--format",
    "format",
    required=True,
    type=click.Choice(["wang2022", "well", "npy", "netcdf"]),
    help="Tensors as published by Wang et al. 2022, HDF5 of The Well, numpy arrays, or netCDF.",
)
@click.option(
    "--out", type=click.Path(), help="Folder, or .nc file, to write; NAME-FORMAT or NAME.nc beside DATASET if left out."
)
@debug_option
def export(dataset: str, format: str, out: str | None) -> None:
    """Write DATASET in a format that other tools read."""
    from phigen.formats.exporting import default_path
    from phigen.formats.exporting import export as exported

    path = out if out is not None else default_path(dataset, format)
    with progress_bars() as progress:
        written = exported(dataset, path, format=format, progress=progress)
    click.echo(written)


@click.command(name="import")
@click.argument("format", type=click.Choice(["wang2022"]))
@click.argument("source")
@click.option(
    "--out", type=click.Path(), help="Zarr store to write; datasets/NAME.zarr for each set in SOURCE if left out."
)
@debug_option
def import_(format: str, source: str, out: str | None) -> None:
    """Convert datasets of another format to phigen's.

    SOURCE is a zip file, a folder of zip files, an unpacked folder, or hf://datasets/OWNER/NAME.  A source with several
    sets becomes several datasets.
    """
    from phigen.formats.wang2022.reader import import_dataset

    with progress_bars() as progress:
        written = import_dataset(source, out, format=format, progress=progress)
    for path in written:
        click.echo(path)
