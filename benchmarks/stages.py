"""Where the time of a build goes: each stage of a build in one process, and what is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

STAGES = {
    "planning": ("phigen.building.builder:plan", "phigen.store.construction:index_of"),
    "tracing": ("phigen.simulation.compilation:_traced",),
    "compiling": ("phigen.simulation.compilation:_program",),
    "simulating": ("phigen.simulation.program:simulate",),
    "transforming": ("phigen.building.shards:act",),
    "measuring": ("phigen.building.shards:_errors", "phigen.building.shards:_moments"),
    "compressing and writing": ("phigen.building.shards:writing.write_shard", "phigen.store.template:_write"),
    "hashing": ("phigen.store.writing:fingerprint", "phigen.store.manifest:fingerprint"),
    "finishing": ("phigen.building.builder:writing.seal",),
}
"""The functions of each stage; time in a function that another one calls counts for the inner one."""

MODULES = ("xarray", "zarr", "jax", "jax.export", "dask.array", "numcodecs", "phigen.building.builder")
"""What a build imports; the rest is imported while it is traced."""


def stages(names: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Build shipped recipes, all if none are named, in one process each, with kept programs; return seconds."""
    from phigen.recipe.loading import shipped

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in shipped() if names is None else names:
            for turn in ("nothing kept", "programs kept"):
                path = Path(folder) / f"{name}-{turn}.zarr"
                environment = os.environ | {"XDG_CACHE_HOME": f"{folder}/cache"}
                command = [sys.executable, "-m", "benchmarks.stages", name, str(path)]
                done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
                rows.append({"recipe": name, "programs": turn, **json.loads(done.stdout)})
    return rows


def _in_this_process(recipe: str, path: str) -> dict[str, float]:
    began = time.perf_counter()
    for module in MODULES:
        import_module(module)
    seconds: Counter[str] = Counter({"imports": time.perf_counter() - began})
    running: list[str] = []
    since = time.perf_counter()

    def switch() -> None:
        nonlocal since
        now = time.perf_counter()
        seconds[running[-1] if running else "other"] += now - since
        since = now

    def timed(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            switch()
            running.append(stage)
            try:
                return function(*arguments, **options)
            finally:
                switch()
                running.pop()

        return call

    for stage, functions in STAGES.items():
        for function in functions:
            module, _, attribute = function.partition(":")
            *owners, name = attribute.split(".")
            owner = import_module(module)
            for each in owners:
                owner = getattr(owner, each)
            setattr(owner, name, timed(stage, getattr(owner, name)))
    import_module("phigen.building.cost").LONGEST_HERE = float("inf")
    import_module("phigen.building.builder").build(recipe, path, workers=1)
    switch()
    total = time.perf_counter() - began
    return {stage: seconds[stage] for stage in ("imports", *STAGES, "other")} | {"all": total}


if __name__ == "__main__":
    from phigen.simulation.separate_process import own_process

    os.environ.update(own_process())
    print(json.dumps(_in_this_process(*sys.argv[1:])))
