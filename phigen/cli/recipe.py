"""Commands that look at a recipe: what it would build, what its target errors need, and whether it is valid."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phigen.cli.options import debug_option, json_option, recipe_argument
from phigen.cli.output import print_facts, print_json, print_table, progress_bars
from phigen.errors import RecipeError

if TYPE_CHECKING:
    from phigen.planning.plans import Plan


@click.command()
@recipe_argument
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Say what N processes would take, each on a core like these; as many as save time if left out.",
)
@json_option
@debug_option
def plan(recipe: str, workers: int | None, as_json: bool) -> None:
    """Show what a build of RECIPE would do and cost.

    When it is first used on a machine, it measures for a few seconds how fast that is, and keeps the result.
    """
    from phigen.building.builder import default_path
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
        "bytes_before_compression": planned.bytes,
    }
    costs = _costs(planned, workers)
    if as_json:
        return print_json(facts | costs)
    facts["distinct_simulations"] = facts["distinct_simulations"] or "not known before its levels are calibrated"
    facts["bytes_before_compression"] = f"{planned.bytes / 1e6:.1f} MB"
    return print_facts(facts | _in_words(costs, workers))


def _costs(planned: Plan, workers: int | None) -> dict[str, Any]:
    """Return what a build costs."""
    from phigen.building.builder import default_path, processes_for
    from phigen.building.cost import Costs
    from phigen.building.fitting import rates_of_this_machine
    from phigen.building.footprint import memory_of, room_of
    from phigen.building.rates import BUILT_IN
    from phigen.building.work import Work

    with progress_bars() as progress:
        rates = rates_of_this_machine(progress=progress)
    costs = Costs(Work(default_path(planned.recipe), planned, range(len(planned.shards))), rates)
    tasks = len(costs.work.tasks)
    processes = min(workers, tasks) if workers is not None else processes_for(costs)
    kept, nothing_kept = costs.seconds(processes), costs.seconds(processes, programs_kept=False)
    room = room_of(planned)
    return {
        "bytes": room.bytes,
        "files": room.files,
        "tasks": tasks,
        "processes": processes,
        "memory_of_a_process": memory_of(planned, cluster=costs.needs_cluster(processes)),
        "seconds": round(kept.here, 1),
        "seconds_if_nothing_is_compiled": round(nothing_kept.here, 1),
        "seconds_of_processors": round(kept.of_processors, 1),
        "seconds_of_processors_if_nothing_is_compiled": round(nothing_kept.of_processors, 1),
        "speed": "built-in numbers of another machine" if rates is BUILT_IN else "measured on this machine",
    }


def _in_words(costs: dict[str, Any], workers: int | None) -> dict[str, Any]:
    words = {name: f"about {costs[name]:g}" for name in costs if name.startswith("seconds")}
    words["bytes"] = f"about {costs['bytes'] / 1e6:.1f} MB"
    words["memory_of_a_process"] = f"about {costs['memory_of_a_process'] / 1e6:.0f} MB"
    if workers is not None and workers > costs["tasks"]:
        words["processes"] = f"{costs['processes']}, one for each task, of {workers} that were asked for"
    return costs | words


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
