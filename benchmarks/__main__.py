"""Measure the numbers of docs/numbers.md: `make bench`, or `python -m benchmarks NAME...` for some of the tables."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

from tabulate import tabulate

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")


class Benchmark(NamedTuple):
    """A function of this package that returns the rows of a table, and its arguments at the smallest size."""

    module: str
    smallest: Mapping[str, Any]


BENCHMARKS = {
    "startup": Benchmark("startup", {"rounds": 1}),
    "planning": Benchmark("planning", {"cases": ((8, "C4", 10),)}),
    "steps": Benchmark("steps", {"steps": 10, "eager_steps": 1, "rounds": 1}),
    "command": Benchmark("builds", {"recipe": "rotation_eq3", "rounds": 1}),
    "cluster": Benchmark("builds", {"rounds": 1}),
    "recipes": Benchmark("builds", {"names": ("rotation_eq3",)}),
    "costs": Benchmark("costs", {"names": ("rotation_eq3",)}),
    "stages": Benchmark("stages", {"names": ("rotation_eq3",)}),
    "workers": Benchmark("builds", {"count": 2, "steps": 10}),
    "memory": Benchmark("builds", {"counts": (1, 2), "steps": 10}),
    "first_simulation": Benchmark("simulations", {"recipe": "rotation_eq3", "rounds": 1}),
    "compiling": Benchmark("simulations", {"stride": 40}),
    "calibrating": Benchmark("simulations", {"targets": (0, 0.3)}),
    "sampled": Benchmark("simulations", {"count": 2, "timed": 1}),
    "rounding_floor": Benchmark("simulations", {"frames": (1, 9)}),
    "storage": Benchmark("storage", {"recipe": "rotation_eq3", "windows": 2}),
    "loading": Benchmark(
        "loading",
        {
            "recipe": "rotation_eq3",
            "ways": ("phigen.torch.Windows", "all .pt files in memory"),
            "batches": 2,
            "filling": 1,
            "rounds": 1,
        },
    ),
    "window": Benchmark("reading", {"recipe": "rotation_eq3", "windows": 2}),
    "near": Benchmark("reading", {"recipe": "rotation_eq3", "batches": 1}),
    "batches": Benchmark("reading", {"recipe": "rotation_eq3", "count": 2, "filling": 1, "rounds": 1}),
    "hub": Benchmark("hub", {"recipe": "rotation_eq3"}),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(BENCHMARKS)}; all if left out")
    parser.add_argument("--smallest", action="store_true", help="measure next to nothing, to see that it runs")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark of the name {unknown[0]}; there are {', '.join(BENCHMARKS)}")
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    for name in asked.names or BENCHMARKS:
        module, smallest = BENCHMARKS[name]
        measure = getattr(import_module(f"benchmarks.{module}"), name)
        rows = measure(**smallest if asked.smallest else {})
        print(tabulate(rows, headers="keys", floatfmt=".3g"), "\n", flush=True)


if __name__ == "__main__":
    main()
