"""How fast this machine is, measured in a few seconds: two processes, each of which traces and simulates a little.

They measure the time of their processor, so that other work on the machine hardly shows, and have a cache folder of
their own, so that nothing is found and nothing is left.  Two grids tell what a cell costs by itself from what it costs
for each cell along a side.  A process takes most of its seconds to import and to trace, so they run side by side.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from phigen.building import shards
from phigen.building.rates import BUILT_IN, Rates, keep, kept
from phigen.building.tasks import Task, made_by
from phigen.errors import PhigenError
from phigen.planning.plans import Plan, plan
from phigen.progress import Progress, silent
from phigen.recipe.loading import parse
from phigen.simulation import cache_folder, instruction_set, surroundings
from phigen.simulation.program import simulate
from phigen.simulation.separate_process import own_process
from phigen.store import construction, parts

if TYPE_CHECKING:
    import xarray as xr

STAGE = "measuring this machine"

SMALL, LARGE = 64, 208
"""Cells along each side of the two grids: the usual one, and one whose fields are not all in a core's own cache."""

_STEPS = {SMALL: 100, LARGE: 10}

_REPEATS = 5

_PERIODIC = {False: (1.9, 0.85), True: (0.94, 1.95)}
"""`Rates.periodic` and `Rates.periodic_axis`, with PhiML's own sampling and with phigen's (docs/numbers.md)."""

_NUMBERS = {SMALL: ("imports", "phiflow", "trace", "small", "own_sampling", "alone", "compared"), LARGE: ("large",)}
"""What the process with each grid measures, in order."""

_START = "import sys; sys.path[:] = {path!r}; from phigen.building.fitting import measure; measure({cells})"

_PLUME = """\
name: plume
version: 1.0.0
grid: {{cells: {cells}}}
time: {{steps: {steps}, dt_velocity: 0.5}}
scene:
  inflows: [{{center: [{middle}, 8], radius: 5}}]
  buoyancy: {{strength: 0.05}}
symmetry: {{group: C4}}
"""


def rates_of_this_machine(*, progress: Progress = silent) -> Rates:
    """Return how fast this machine is: as kept, or else measured now and kept.

    Where the cache folder cannot be used, a warning says why, and the built-in numbers are returned: nobody shall wait
    for the same measurement again and again.  `progress` and errors are those of `fitted`.
    """
    if (known := kept()) is not None:
        return known
    if cache_folder.usable() is None:
        return BUILT_IN
    found = fitted(progress=progress)
    keep(found)
    return found


def fitted(*, progress: Progress = silent) -> Rates:
    """Measure how fast this machine is, without the network; nothing is left behind.

    Parameters
    ----------
    progress : callable, optional
        Called with ``measuring this machine``, how many numbers are measured, and how many there are.

    Raises
    ------
    PhigenError
        If a process fails.
    """
    found: dict[str, float] = {}
    total = sum(map(len, _NUMBERS.values()))
    progress(STAGE, 0, total)
    with tempfile.TemporaryDirectory(prefix="phigen-") as folder:
        reading, writing = os.pipe()
        processes = {cells: _started(cells, Path(folder) / str(cells), writing) for cells in _NUMBERS}
        os.close(writing)
        try:
            with os.fdopen(reading, encoding="utf-8") as lines:
                for line in lines:
                    found.update(json.loads(line))
                    progress(STAGE, len(found), total)
            for cells, process in processes.items():
                if process.wait() != 0:
                    said = (Path(folder) / str(cells) / "errors").read_text(encoding="utf-8").split("\n")
                    raise PhigenError(f"this machine cannot be measured: {' '.join(said[-2:]).strip()}")
        finally:
            for process in processes.values():
                process.kill()
                process.wait()
    return _rates(found)


def _started(cells: int, own: Path, writing: int) -> subprocess.Popen[bytes]:
    """Start the process with a grid, in a folder of its own."""
    own.mkdir()
    settings = own_process() | {"XDG_CACHE_HOME": str(own), "TMPDIR": str(own), "OMP_NUM_THREADS": "1"}
    settings |= {"JAX_COMPILATION_CACHE_DIR": str(own / "xla")}
    if (name := instruction_set.wanted()) is not None:  # found out once, not by each process
        settings["XLA_FLAGS"] = f"{instruction_set.xla_flags()} {instruction_set.FLAG}={name}".strip()
    with (own / "errors").open("wb") as errors:
        return subprocess.Popen(
            [sys.executable, "-c", _START.format(path=sys.path, cells=cells)],
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=errors,
            env=os.environ | settings,
        )


def _rates(found: dict[str, float]) -> Rates:
    """Return rates from what was measured."""
    small, large = found["small"], found["large"]
    cell_and_side = max(0.0, (large - small) / (LARGE - SMALL))
    periodic, periodic_axis = _PERIODIC[bool(found["own_sampling"])]
    return Rates(
        imports=found["imports"],
        cell=small - SMALL * cell_and_side,
        cell_and_side=cell_and_side,
        trace=found["trace"],
        phiflow=found["phiflow"],
        handle=found["alone"],
        compare=max(0.0, found["compared"] - found["alone"]),
        periodic=periodic,
        periodic_axis=periodic_axis,
    )


def measure(cells: int) -> None:
    """Print what a process with a grid measures, in a line as soon as it is known."""
    for library in ("jax.export", "xarray", "zarr"):
        import_module(library)

    if cells == SMALL:
        _say(imports=time.process_time())
    planned = plan(parse(_PLUME.format(cells=cells, steps=_STEPS[cells], middle=cells / 2)))
    simulation = planned.runs[0].simulation

    def simulated() -> xr.Dataset:
        return simulate(simulation, fields=("smoke", "velocity"))

    phiflow = _least([surroundings.physics], 1)[0]
    first = _least([simulated], 1)[0]
    seconds = _least([simulated])[0]
    per_step = seconds / (_STEPS[cells] * cells**2)
    if cells == LARGE:
        return _say(large=per_step)
    _say(phiflow=phiflow, trace=first - seconds, small=per_step, own_sampling=not surroundings.has_fusion_emitters())
    alone, compared = _handling(planned, simulated())
    return _say(alone=alone, compared=compared)


def _handling(planned: Plan, flow: xr.Dataset) -> tuple[float, float]:
    """Return the seconds for each byte of a run whose simulation is at hand, until it is in a store.

    Of the first run of an orbit, and of one that is compared with it.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plume.zarr"
        construction.prepare(path, planned, known=None)
        store = shards.Store.of(path, planned, parts.claim(path))

        def making(run: int) -> Callable[[], object]:
            return partial(shards.make_shards, store, made_by(planned, Task((run,), ())), {0: flow})

        alone, compared = _least([making(0), making(1)])
        size = planned.bytes / len(planned.runs)
        return alone / size, compared / size


def _least(acts: Sequence[Callable[[], object]], repeats: int = _REPEATS) -> list[float]:
    """Return the least time of the processor that each of some acts takes, in turn.

    Other work on the machine makes an act take longer, and nothing makes it shorter.
    """
    seconds: list[list[float]] = [[] for _ in acts]
    for _ in range(repeats):
        for act, taken in zip(acts, seconds, strict=True):
            began = time.process_time()
            act()
            taken.append(time.process_time() - began)
    return [min(taken) for taken in seconds]


def _say(**numbers: float) -> None:
    print(json.dumps(numbers), flush=True)
