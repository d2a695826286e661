"""One run and step at 64 x 64 on one core: ours, eager PhiFlow, and the practical limit, in turn."""

from __future__ import annotations

import os
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from phigen.planning.plans import plan
from phigen.planning.runs import Simulation
from phigen.recipe.loading import load
from phigen.simulation.program import simulate

ROUNDS = 9
STEPS = 310
EAGER_STEPS = 4


def steps() -> list[dict[str, Any]]:
    """Time a run of 310 steps with every frame kept, from a Simulation to arrays in memory."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    run = plan(load("rotation_eq10")).runs[20].simulation
    double = replace(run, force=run.force[:1] * STEPS, frames=range(STEPS))
    single = replace(double, precision="single")
    from benchmarks import numba_loop

    _refuse_another_physics(numba_loop.simulate, single)
    timed: dict[str, tuple[Callable[[], Any], int]] = {
        "phigen, double": (lambda: simulate(double), STEPS),
        "phigen, single": (lambda: simulate(single), STEPS),
        "numba loop, single": (lambda: numba_loop.simulate(single), STEPS),
        "eager PhiFlow on numpy, double": (_eager(double), EAGER_STEPS),
    }
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for turn in range(ROUNDS + 1):
        for name, (call, count) in timed.items():
            began = time.perf_counter()
            call()
            if turn:
                seconds[name].append((time.perf_counter() - began) / count)
    os.sched_setaffinity(0, cores)
    median = {name: statistics.median(times) for name, times in seconds.items()}
    return [
        {
            "one run and step, 64 x 64, one core": name,
            "ms (median)": 1e3 * median[name],
            "ms (least)": 1e3 * min(seconds[name]),
            "times faster than eager": _ratio(seconds["eager PhiFlow on numpy, double"], seconds[name]),
            "times the numba loop": _ratio(seconds[name], seconds["numba loop, single"]),
        }
        for name in timed
    ]


def _ratio(ours: list[float], theirs: list[float]) -> float:
    """Give the median of the ratios of neighbours in time, which a drifting machine disturbs least."""
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


def _eager(simulation: Simulation) -> Callable[[], None]:
    """Give a call that takes the next steps of one eager run, which goes on from call to call."""
    from tests.shared.phiflow_reference import Reference

    reference = Reference(simulation)

    def go_on() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for number in range(EAGER_STEPS):
                reference.step(number)

    return go_on


def _refuse_another_physics(loop: Callable[[Simulation], Any], simulation: Simulation) -> None:
    """Make sure that the loop computes what we do; after 10 steps only rounding may differ."""
    ours = simulate(simulation)["smoke"].values[9]
    theirs = loop(simulation)[0][9].T
    if np.abs(ours - theirs).max() > 1e-2:
        raise SystemExit("the numba loop is not the same physics")
