"""Commands between phigen's datasets and the formats of others."""

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
    help="The layout of the published sets, The Well's HDF5, plain numpy, or netCDF.",
)
@click.option("--out", type=click.Path(), help="Where to; NAME-FORMAT or NAME.nc beside DATASET if left out.")
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
@click.option("--out", type=click.Path(), help="Where to; datasets/NAME.zarr for each set in SOURCE if left out.")
@debug_option
def import_(format: str, source: str, out: str | None) -> None:
    """Make datasets of the published ones in SOURCE: a zip file, a folder of them, an unpacked folder or hf://..."""
    from phigen.formats.wang2022.reader import import_dataset

    with progress_bars() as progress:
        written = import_dataset(source, out, format=format, progress=progress)
    for path in written:
        click.echo(path)
