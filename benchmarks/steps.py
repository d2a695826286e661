"""One run and step at 64 x 64 on one core: phigen, PhiML's own backend, eager PhiFlow, the practical limit, in turn."""

from __future__ import annotations

import os
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np

from phigen.planning.plans import plan
from phigen.planning.runs import Simulation
from phigen.recipe.loading import load
from phigen.simulation import instruction_set
from phigen.simulation.program import simulate
from phigen.symmetry.fields import SIMULATED
from tests.shared.traced import traced_with

ROUNDS = 9
STEPS = 310
EAGER_STEPS = 4
WITH_AVX2 = "haswell"
"""What LLVM calls a processor that has AVX2 and no AVX-512."""
OWN = {f"phigen, {precision}": f"with PhiML's own backend, {precision}" for precision in ("double", "single")}
EAGER, LOOP = "eager PhiFlow on numpy, double", "numba loop, single"


def steps(steps: int = STEPS, eager_steps: int = EAGER_STEPS, rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """Time a run with every frame kept, from a Simulation to arrays in memory.

    Without numba, which is an extra, the table has no numba loop.  It is compiled for the instruction set that XLA
    compiles for.
    """
    instruction_set.is_set_here()
    run = plan(load("rotation_eq10")).runs[20].simulation
    double = replace(run, frames=range(steps))
    single = replace(double, precision="single")
    timed: dict[str, tuple[Callable[[], Any], int]] = {
        "phigen, double": (lambda: simulate(double), steps),
        "phigen, single": (lambda: simulate(single), steps),
        OWN["phigen, double"]: (traced_with(nullcontext(), double, fields=SIMULATED), steps),
        OWN["phigen, single"]: (traced_with(nullcontext(), single, fields=SIMULATED), steps),
    }
    if find_spec("numba") is not None:
        if instruction_set.provenance() == "AVX2":
            os.environ["NUMBA_CPU_NAME"] = WITH_AVX2
        from benchmarks import numba_loop

        _refuse_another_physics(numba_loop.simulate, single)
        timed[LOOP] = (lambda: numba_loop.simulate(single), steps)
    timed[EAGER] = (_eager(double, eager_steps), eager_steps)
    with _one_core():
        seconds = _seconds_per_step(timed, rounds)
    rows = []
    for name, times in seconds.items():
        row = {
            "one run and step, 64 x 64, one core": name,
            "ms (median)": 1e3 * statistics.median(times),
            "ms (least)": 1e3 * min(times),
            "times faster than eager": _ratio(seconds[EAGER], times),
            "times PhiML's own": _ratio(times, seconds[OWN[name]]) if name in OWN else None,
        }
        rows.append(row | ({"times the numba loop": _ratio(times, seconds[LOOP])} if LOOP in seconds else {}))
    return rows


@contextmanager
def _one_core() -> Iterator[None]:
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _seconds_per_step(timed: dict[str, tuple[Callable[[], Any], int]], rounds: int) -> dict[str, list[float]]:
    """Time each call in turn by the processor time of its one core; a first round, which compiles, does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for number in range(rounds + 1):
        for name, (call, count) in timed.items():
            began = time.process_time()
            call()
            if number:
                seconds[name].append((time.process_time() - began) / count)
    return seconds


def _ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the median of the ratios of neighbours in time, which a drifting machine disturbs least."""
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


def _eager(simulation: Simulation, steps: int) -> Callable[[], None]:
    """Return a function that takes the next steps of one eager run, and goes on from call to call."""
    from tests.shared.phiflow_reference import Reference

    reference = Reference(simulation)

    def go_on() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for number in range(steps):
                reference.step(number)

    return go_on


def _refuse_another_physics(loop: Callable[[Simulation], Any], simulation: Simulation) -> None:
    """Check that the loop computes what phigen does: after 10 steps only rounding may differ."""
    ours = simulate(simulation)["smoke"].values[9]
    theirs = loop(simulation)[0][9].T
    if np.abs(ours - theirs).max() > 1e-2:
        raise SystemExit("the numba loop does not compute the same flow as phigen")
