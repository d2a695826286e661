"""Commands that make a dataset from a recipe, and those that look at the recipe first."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from phigen.cli.measurement import floor_of
from phigen.cli.options import debug_option, json_option, recipe_argument
from phigen.cli.output import print_errors, print_facts, print_json, print_table, progress_bars
from phigen.errors import RecipeError


@click.command()
@recipe_argument
@json_option
@debug_option
def plan(recipe: str, as_json: bool) -> None:
    """Say what a build of RECIPE would do; nothing is written."""
    from phigen.building.builder import default_path, processes_for
    from phigen.planning.plans import plan as planned_from
    from phigen.recipe.loading import load

    planned = planned_from(load(recipe))
    kept = planned.recipe.time.kept
    facts: dict[str, Any] = {
        "name": planned.recipe.name,
        "version": planned.recipe.version,
        "path": str(default_path(planned.recipe)),
        "datasets": len(planned.levels),
        "levels": list(planned.levels),
        "runs": len(planned.runs),
        "distinct_simulations": len(planned.distinct) if not planned.provisional else None,
        "steps": planned.recipe.time.steps,
        "steps_simulated": kept[-1] + 1,
        "frames": len(kept),
        "first_frame": kept[0],
        "last_frame": kept[-1],
        "to_calibrate": len(planned.levels) if planned.provisional else 0,
        "bytes": planned.bytes,
        "seconds_on_one_core": round(planned.seconds, 1),
        "processes": processes_for(planned),
    }
    if as_json:
        return print_json(facts)
    facts["distinct_simulations"] = facts["distinct_simulations"] or "known once its levels are calibrated"
    facts["bytes"] = f"{planned.bytes / 1e6:.1f} MB before compression"
    facts["seconds_on_one_core"] = f"{planned.seconds:.1f} by estimate; a first compilation adds a few"
    return print_facts(facts)


@click.command()
@recipe_argument
@click.option("--out", type=click.Path(), help="Where to; datasets/NAME.zarr if left out.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes on this machine.")
@click.option("--scheduler", metavar="ADDRESS", help="A running dask.distributed scheduler.")
@json_option
@debug_option
def build(recipe: str, out: str | None, workers: int | None, scheduler: str | None, as_json: bool) -> None:
    """Simulate and store the runs of RECIPE that are not stored yet, then measure them."""
    from phigen.building.builder import build as build_dataset
    from phigen.building.builder import default_path
    from phigen.building.cluster import own_process
    from phigen.hub.opening import open as open_dataset
    from phigen.measurement.data_error import measure as errors_of
    from phigen.measurement.data_error import summarize
    from phigen.measurement.tables import rows_by_level
    from phigen.recipe.loading import load

    if workers is not None and scheduler is not None:
        raise click.UsageError("--workers starts processes here, --scheduler borrows others: give one of them")
    loaded = load(recipe)
    path = Path(out) if out is not None else default_path(loaded)
    os.environ.update(own_process())
    began = time.monotonic()
    with progress_bars() as progress:
        built = build_dataset(loaded, path, workers=workers, scheduler=scheduler, progress=progress)
    seconds = time.monotonic() - began
    if not built.written and not as_json:
        return click.echo(f"{path}: is finished, {built.runs} runs; nothing to do")
    dataset = open_dataset(path)
    errors = summarize(errors_of(dataset)) if len(dataset.attrs["elements"]) > 1 else None
    measured = floor_of(dataset, None, asked=False) if errors is not None else None
    floor = summarize(measured) if measured is not None else None
    if as_json:
        facts = {"path": str(path), "runs": built.runs, "written": built.written, "seconds": seconds}
        return print_json(facts | {"errors": rows_by_level(errors, floor) if errors is not None else []})
    click.echo(f"{path}: {built.runs} runs, {built.written} of them written in {seconds:.1f} s")
    return print_errors(errors, floor) if errors is not None else click.echo("no symmetry group: nothing to measure")


@click.command()
@recipe_argument
@click.option("--out", type=click.Path(), help="A .png; NAME-calibration.png if left out.")
@json_option
@debug_option
def calibrate(recipe: str, out: str | None, as_json: bool) -> None:
    """Find what the target errors of RECIPE need, and draw the curve; no dataset is built."""
    from phigen.building.calibration import calibrate as calibrated
    from phigen.building.cluster import own_process
    from phigen.pictures.charts import draw_calibration
    from phigen.recipe.loading import load

    loaded = load(recipe)
    os.environ.update(own_process())
    with progress_bars() as progress:
        found = calibrated(loaded, progress=progress)
    path = Path(out if out is not None else f"{loaded.name}-calibration.png")
    draw_calibration(found, loaded.name, path)
    rows = found.rows
    curve = [{"breaking": breaking, "error": error} for breaking, error in found.curve]
    if as_json:
        return print_json({"levels": rows, "curve": curve, "picture": str(path)})
    print_table(rows, "keys")
    click.echo()
    print_table(curve, "keys")
    return click.echo(path)


@click.command()
@click.argument("recipes", nargs=-1, required=True, metavar="RECIPE...")
@json_option
@debug_option
def validate(recipes: Sequence[str], as_json: bool) -> None:
    """Check each RECIPE and say every fault of it."""
    from phigen.planning.plans import runs_in
    from phigen.recipe.loading import load

    results: list[dict[str, Any]] = []
    for recipe in recipes:
        try:
            results.append({"recipe": recipe, "faults": [], "runs": runs_in(load(recipe))})
        except RecipeError as error:
            results.append({"recipe": recipe, "faults": list(error.faults)})
    faults = [fault for result in results for fault in result["faults"]]
    if as_json:
        print_json(results)
    else:
        for result in results:
            if not result["faults"]:
                click.echo(f"{result['recipe']}: sound, {result['runs']} runs")
    if faults:
        raise RecipeError(*faults)


@click.command()
@debug_option
def schema() -> None:
    """Print the recipe's JSON Schema, for editors."""
    from phigen.recipe.model import Recipe

    print_json(Recipe.model_json_schema())
