"""What a build is said to cost follows from its own tasks; how many processes start follows from that."""

from __future__ import annotations

from pathlib import Path

import pytest

from phigen.building.cost import CLUSTER, COMMAND, LOAD, WORKER, Costs
from phigen.building.rates import BUILT_IN, Rates
from phigen.building.work import Work
from phigen.planning.plans import plan
from phigen.recipe.loading import load, parse
from phigen.recipe.model import Recipe
from tests.shared.recipes import GRADED, SMALL, TWO_ORBITS
from tests.shared.requests import RunsPerShard

ONLY_SIMULATING = Rates(imports=0, cell=1e-3, cell_and_side=0, trace=0, phiflow=0, handle=0, compare=0)
"""A step of 16 x 16 cells takes 0.256 s, six of them 1.536 s, and nothing else takes any time."""

ONE = 6 * 16 * 16 * 1e-3


def costs_of(recipe: Recipe | str, rates: Rates = BUILT_IN, missing: int | None = None) -> Costs:
    planned = plan(parse(recipe) if isinstance(recipe, str) else recipe)
    return Costs(Work(Path("not made"), planned, range(len(planned.shards))[:missing]), rates)


def test_simulations_are_spread_over_workers_and_handed_on() -> None:
    costs = costs_of(SMALL, ONLY_SIMULATING)
    assert len(costs.work.plan.distinct) == 4
    assert costs.seconds(1).here == pytest.approx(4 * ONE)
    assert costs.seconds(2).here == pytest.approx(3 * ONE)  # one for all, then three for two workers
    assert [costs.seconds(workers).of_processors for workers in (1, 2, 4)] == pytest.approx([4 * ONE] * 3)


def test_a_task_waits_for_the_simulation_that_is_handed_to_it() -> None:
    costs = costs_of(SMALL, ONLY_SIMULATING)
    assert [(item.makes, item.needs) for item in costs.items] == [(0, ()), *[(None, (0,))] * 4]
    assert costs.seconds(1000).here == pytest.approx(2 * ONE)


def test_the_longest_task_bounds_what_workers_gain() -> None:
    costs = costs_of(load("scaling"))
    alone, most = costs.seconds(1), costs.seconds(64)
    assert alone.here > 15 * costs.longest
    assert costs.longest < most.here < 4 * costs.longest
    assert costs.seconds(80).here == most.here


def test_each_worker_loads_each_program_that_it_uses() -> None:
    one = costs_of(SMALL, BUILT_IN._replace(cell=1e-9, cell_and_side=0, handle=0, compare=0, imports=1))
    assert one.seconds(1).here == pytest.approx(COMMAND + LOAD, abs=1e-4)
    assert one.seconds(2).here == pytest.approx(COMMAND + CLUSTER + LOAD, abs=1e-4)
    assert one.seconds(2).of_processors == pytest.approx(COMMAND + 2 * WORKER + 2 * LOAD, abs=1e-4)
    cold = one.seconds(1, programs_kept=False).here
    assert cold == pytest.approx(COMMAND + BUILT_IN.phiflow + BUILT_IN.trace, abs=1e-4)


def test_forty_grids_are_forty_programs() -> None:
    costs = costs_of(load("scaling"), ONLY_SIMULATING._replace(cell=0, trace=1.0))
    assert costs.seconds(1, programs_kept=False).here == pytest.approx(40)
    assert costs.seconds(4, programs_kept=False).here == pytest.approx(11)  # the first run's in each, then 39


def test_runs_that_are_compared_cost_more_and_where_fields_are_interpolated_most() -> None:
    comparing = ONLY_SIMULATING._replace(cell=0, compare=1e-6)
    compared = costs_of(SMALL, comparing)
    size = compared.work.plan.bytes / len(compared.work.plan.runs)
    assert compared.seconds(1).here == pytest.approx(6 * size * 1e-6)
    assert costs_of(SMALL.split("symmetry")[0], comparing).seconds(1).here == 0
    scaled = costs_of(load("scaling"), comparing)
    assert scaled.seconds(1).here == pytest.approx(3 * 39 / 40 * scaled.work.plan.bytes * 1e-6)


def test_a_calibration_that_is_still_to_be_made_is_part_of_it() -> None:
    graded, rates = costs_of(GRADED, ONLY_SIMULATING), ONLY_SIMULATING
    runs = costs_of(SMALL, rates).seconds(1).here
    assert graded.seconds(1).here == pytest.approx(runs + 2 * 2.4 * 3 * ONE)


def test_only_what_is_missing_costs_anything() -> None:
    assert costs_of(TWO_ORBITS, ONLY_SIMULATING, missing=0).seconds(2).here == 0
    assert costs_of(TWO_ORBITS, ONLY_SIMULATING, missing=1).seconds(1).here == pytest.approx(ONE)


def test_several_runs_of_a_shard_are_one_task(set_runs_per_shard: RunsPerShard) -> None:
    set_runs_per_shard(8)
    costs = costs_of(TWO_ORBITS, ONLY_SIMULATING)
    assert len(costs.work.tasks) == 2
    assert costs.seconds(64) == costs.seconds(2)


def test_a_simulation_that_is_long_is_left_to_a_worker() -> None:
    assert not costs_of(SMALL, ONLY_SIMULATING).needs_cluster(1)
    assert costs_of(SMALL, ONLY_SIMULATING).needs_cluster(2)
    assert costs_of(SMALL, ONLY_SIMULATING._replace(cell=1e-2)).needs_cluster(1)


def test_more_processes_are_for_jobs_that_outweigh_a_clusters_start() -> None:
    eq10, rotation = load("rotation_eq10"), load("rotation")
    assert costs_of(eq10).worth_starting(4) == 1
    longer = rotation.time.model_copy(update={"steps": 20_000})
    large = rotation.model_copy(update={"time": longer})
    assert costs_of(large).worth_starting(4) == 4
    assert costs_of(large, missing=1).worth_starting(4) < 4
