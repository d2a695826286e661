"""Commands that look at a recipe: what it would build, what its target errors need, and whether it is valid."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from phigen.cli.options import debug_option, json_option, recipe_argument
from phigen.cli.output import print_facts, print_json, print_table, progress_bars
from phigen.errors import RecipeError


@click.command()
@recipe_argument
@json_option
@debug_option
def plan(recipe: str, as_json: bool) -> None:
    """Show what a build of RECIPE would do; nothing is written."""
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
    facts["distinct_simulations"] = facts["distinct_simulations"] or "not known before its levels are calibrated"
    facts["bytes"] = f"{planned.bytes / 1e6:.1f} MB before compression"
    facts["seconds_on_one_core"] = f"about {planned.seconds:.1f}, and a few more for the first compilation"
    return print_facts(facts)


@click.command()
@recipe_argument
@click.option("--out", type=click.Path(), help="A .png to draw; NAME-calibration.png if left out.")
@json_option
@debug_option
def calibrate(recipe: str, out: str | None, as_json: bool) -> None:
    """Find the breaking that each target error of RECIPE needs.

    Prints and draws the error as a function of the breaking; no dataset is built.
    """
    from phigen.building.calibration import calibrate as calibrated
    from phigen.pictures.charts import draw_calibration
    from phigen.pictures.files import refuse_suffix
    from phigen.recipe.loading import load
    from phigen.simulation.separate_process import own_process

    loaded = load(recipe)
    path = Path(out if out is not None else f"{loaded.name}-calibration.png")
    refuse_suffix(path, ".png")
    os.environ.update(own_process())
    with progress_bars() as progress:
        calibration = calibrated(loaded, progress=progress)
    draw_calibration(calibration, loaded.name, path)
    rows = calibration.rows
    curve = [{"breaking": breaking, "error": error} for breaking, error in calibration.curve]
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
    """Check each RECIPE and report every error in it."""
    from phigen.planning.plans import runs_in
    from phigen.recipe.loading import load

    results: list[dict[str, Any]] = []
    for recipe in recipes:
        try:
            results.append({"recipe": recipe, "errors": [], "runs": runs_in(load(recipe))})
        except RecipeError as error:
            results.append({"recipe": recipe, "errors": list(error.errors)})
    if as_json:
        print_json(results)
    else:
        for result in results:
            if not result["errors"]:
                click.echo(f"{result['recipe']}: valid, {result['runs']} runs")
    errors = [error for result in results for error in result["errors"]]
    if errors:
        raise RecipeError(*errors)


@click.command()
@debug_option
def schema() -> None:
    """Print the JSON Schema of recipes, for editors."""
    from phigen.recipe.model import Recipe

    print_json(Recipe.model_json_schema())
