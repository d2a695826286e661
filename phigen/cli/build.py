"""The command that builds a dataset from a recipe."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from phigen.cli.options import debug_option, json_option, keeps, recipe_argument
from phigen.cli.output import print_errors, print_json, progress_bars


@click.command()
@recipe_argument
@click.option("--out", type=click.Path(), help="Zarr store to write; datasets/NAME.zarr if left out.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Processes to simulate with on this machine; as many as save time if left out.",
)
@click.option("--scheduler", metavar="ADDRESS", help="Simulate on the workers of a running dask.distributed scheduler.")
@json_option
@debug_option
def build(recipe: str, out: str | None, workers: int | None, scheduler: str | None, as_json: bool) -> None:
    """Build the dataset of RECIPE and measure it.

    Only runs that are not stored yet are simulated: run the command again to continue an interrupted build or to repair
    a damaged dataset.
    """
    from phigen.building.builder import build as build_dataset
    from phigen.building.builder import default_path
    from phigen.cli.rounding_floor import rounding_floor_of
    from phigen.hub.opening import open_with_errors
    from phigen.measurement.data_error import average, summarize
    from phigen.measurement.tables import rows_by_level
    from phigen.recipe.loading import load
    from phigen.simulation.separate_process import own_process

    if workers is not None and scheduler is not None:
        raise click.UsageError("--workers starts processes here, --scheduler uses running ones: give one of the two")
    loaded = load(recipe)
    path = Path(out) if out is not None else default_path(loaded)
    os.environ.update(own_process())
    began = time.monotonic()
    keeps("built")
    with progress_bars() as progress:
        built = build_dataset(loaded, path, workers=workers, scheduler=scheduler, progress=progress)
    seconds = time.monotonic() - began
    if not built.written and not as_json:
        return click.echo(f"{path}: already finished, {built.runs} runs; nothing to do")
    dataset, of_runs = open_with_errors(path)
    errors = summarize(average(of_runs)) if of_runs is not None else None
    measured = rounding_floor_of(dataset) if errors is not None else None
    rounding = summarize(measured) if measured is not None else None
    if as_json:
        facts = {"path": str(path), "runs": built.runs, "written": built.written, "seconds": seconds}
        return print_json(facts | {"errors": rows_by_level(errors, rounding) if errors is not None else []})
    click.echo(f"{path}: {built.runs} runs, {built.written} of them written in {seconds:.1f} s")
    return print_errors(errors, rounding) if errors is not None else click.echo("no symmetry group: nothing to measure")
