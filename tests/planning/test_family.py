"""The columns of a plan say of every run what the run itself says."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from phigen.planning.plans import Plan, plan
from phigen.recipe.loading import load, parse, shipped
from phigen.recipe.model import Recipe

SCENES = """\
name: columns
version: 1.0.0
grid: {{cells: 16, boundary: {boundary}}}
time: {{steps: 9, frames: {{first: 1, last: 7}}}}
scene:
  inflows: [{{center: [5, 3], radius: 2}}, {{center: [7, 9], radius: 1.5, rate: 2}}]
  buoyancy: {{direction: [1, 2], strength: 0.1}}{regions}
symmetry: {{{symmetry}, reference_frame: {frame}}}
sample:
  count: 5
  seed: 3
  inflow_x: {{kind: uniform, low: 4, high: 12}}
  inflow_rate: {{kind: loguniform, low: 0.1, high: 2}}
  strength: {{kind: choice, values: [0, 0.1, 0.2]}}
splits: {{by: run, train: 0.5, test: 0.5}}
"""
SYMMETRIES = [
    "group: D4, elements: distinct",
    "group: C4, breaking: {offsets: [0, 0.01, 0.02, 0.04], gains: [0, 0.1, 0.2, 0.3], levels: [0, 0.1, 1]}",
    "group: C2, regions: stay, breaking: {schedules: [{kind: constant}, {kind: ramp, first: 1, last: 5}], "
    "levels: [0, 0.3, 1]}",
    "group: translation, shifts: [[0, 0], [4, 3], [2, 5]], regions: stay",
    "group: scaling, factors: [1, 1.5, 2], scaling_method: resampled",
    "group: scaling, factors: [1, 2], scaling_method: rescaled, breaking: {offsets: [0, 0.1], levels: [0, 1]}",
]
REGIONS = "\n  regions: [{x: [0, 4], direction: [1, 0]}, {x: [4, 16], factor: 2}]"


@pytest.mark.parametrize("name", shipped())
def test_columns_of_a_shipped_recipe_are_those_of_its_runs(name: str) -> None:
    agree(plan(load(name)))


@pytest.mark.parametrize("frame", ["orbit", "lab"])
@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_columns_are_those_of_the_runs(symmetry: str, frame: str) -> None:
    regions = REGIONS if "stay" in symmetry else ""
    agree(plan(parse(SCENES.format(boundary="periodic", regions=regions, symmetry=symmetry, frame=frame))))


def agree(planned: Plan) -> None:
    """Check every column against the runs, and every number of a simulation against the simulations."""
    columns, numbers = planned.columns, dict[object, int]()
    for run in planned.runs:
        own = {name: values[run.index] for name, values in columns.items()}
        for name in ("level", "breaking", "orbit", "strength", "split"):
            assert own[name] == getattr(run, name)
        assert own["element"] == run.element.name
        for name, value in run.element.coordinates.items():
            assert own[name] == value
        places = zip(own["inflow_x"], own["inflow_y"], strict=True)
        assert [inflow.center for inflow in run.inflows] == list(places)
        assert [inflow.radius for inflow in run.inflows] == own["inflow_radius"].tolist()
        assert [inflow.rate for inflow in run.inflows] == own["inflow_rate"].tolist()
        if run.regions:
            assert [region.x for region in run.regions] == [*zip(own["region_left"], own["region_right"], strict=True)]
        assert own["simulations"] == numbers.setdefault(run.simulation, len(numbers))
        reference = planned.runs[own["reference"]]
        assert (reference.level, reference.orbit, reference.element.name) == (run.level, run.orbit, "identity")
    assert len(planned.distinct) == len(numbers)


def test_a_run_is_made_when_it_is_asked_for(small: Recipe) -> None:
    runs = plan(small).runs
    assert len(runs) == 8
    assert runs[7] == runs[-1] == list(runs)[7] == plan(small).runs[np.int64(7)]
    assert runs[7] is not plan(small).runs[7]
    assert [run.index for run in runs[1::3]] == [1, 4, 7]
    assert runs[5] in runs
    with pytest.raises(IndexError):
        _ = runs[8]


def test_some_runs_of_a_plan_keep_their_places_and_columns(small: Recipe) -> None:
    planned = plan(small)
    some = planned.of(planned.runs[2::3])
    assert [run.index for run in some.runs] == [2, 5]
    assert some.runs[1] == planned.runs[5]
    for name, values in planned.columns.items():
        np.testing.assert_array_equal(some.columns[name], values[[2, 5]])


def test_simulations_that_differ_in_their_schedule_alone_are_equal_without_strength() -> None:
    text = SCENES.format(boundary="closed", regions="", symmetry=SYMMETRIES[2].replace("stay", "move"), frame="orbit")
    planned = plan(parse(text.replace("values: [0, 0.1, 0.2]", "values: [0]")))
    assert len(planned.distinct) == 5


def test_a_runs_size_does_not_grow_with_its_steps() -> None:
    text = SCENES.format(boundary="closed", regions="", symmetry=SYMMETRIES[2].replace("stay", "move"), frame="orbit")
    few, many = (
        len(pickle.dumps(plan(parse(text.replace("steps: 9", f"steps: {steps}"))).runs[-1])) for steps in (9, 900_000)
    )
    assert many < few + 20
