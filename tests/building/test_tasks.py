"""A build is cut into tasks that make whole shards, and what several of them need is known."""

from __future__ import annotations

import pytest

from phigen.building.tasks import made_by, shared, tasks_of
from phigen.planning.plans import Plan, plan
from phigen.recipe.loading import parse
from phigen.recipe.model import Recipe
from tests.shared.recipes import TWO_ORBITS
from tests.shared.requests import RunsPerShard


@pytest.fixture
def in_threes(set_runs_per_shard: RunsPerShard) -> Plan:
    """Sixteen runs of two levels and two orbits, in shards of three: the last shard holds one."""
    set_runs_per_shard(3)
    return plan(parse(TWO_ORBITS))


def _needed(planned: Plan, runs: list[int]) -> set[object]:
    """Return the simulations of runs and of the first runs of their orbits; orbits have four runs."""
    return {planned.runs[run].simulation for one in runs for run in (one, one - one % 4)}


def test_each_shard_of_several_runs_is_a_task(in_threes: Plan) -> None:
    assert [task.shards for task in tasks_of(in_threes, [0, 2, 5])] == [(0,), (2,), (5,)]


def test_shards_of_one_run_that_are_made_from_one_simulation_are_a_task(small: Recipe) -> None:
    planned = plan(small)
    assert [task.shards for task in tasks_of(planned, range(8))] == [(0, 1, 2, 3, 4), (5,), (6,), (7,)]
    assert [task.shards for task in tasks_of(planned, [3, 6])] == [(3,), (6,)]


def test_every_run_of_a_task_is_made_once_with_the_first_run_of_its_orbit(in_threes: Plan) -> None:
    made = [one for task in tasks_of(in_threes, range(6)) for of in made_by(in_threes, task).values() for one in of]
    assert [one.run.index for one in made] == list(range(16))
    for one in made:
        first = one.run.index - one.run.index % 4
        if one.run.index == first:
            assert one.reference is None
        else:
            assert one.reference is not None
            assert one.reference[1] == in_threes.runs[first]
            assert one.run.simulation == in_threes.runs[one.run.index].simulation


def test_a_task_needs_the_simulations_of_its_runs_and_of_the_first_runs_of_their_orbits(in_threes: Plan) -> None:
    for task in tasks_of(in_threes, range(6)):
        made = [one for of in made_by(in_threes, task).values() for one in of]
        assert set(task.needs) == {number for one in made for number in one.needs}
        assert len(task.needs) == len(_needed(in_threes, [one.run.index for one in made]))


def test_a_simulation_is_shared_if_several_tasks_need_it(in_threes: Plan) -> None:
    tasks = tasks_of(in_threes, range(6))
    counts = shared(tasks)
    for number in {number for task in tasks for number in task.needs}:
        count = sum(number in task.needs for task in tasks)
        assert counts.get(number, 1) == count
    assert len(counts) > 1
    assert shared(tasks[:1]) == {}
