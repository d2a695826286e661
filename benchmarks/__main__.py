"""Measure the numbers of docs/numbers.md: `make bench`, or `python -m benchmarks NAME...` for some of them."""

from __future__ import annotations

import os
import platform
import sys

from tabulate import tabulate

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

from benchmarks import builds, hub, loading, steps, storage  # noqa: E402

MEASURED = {
    "steps": steps.steps,
    "command": builds.command,
    "startup": builds.startup,
    "recipes": builds.recipes,
    "compiling": builds.compiling,
    "calibrating": builds.calibrating,
    "sampled": builds.sampled,
    "workers": builds.workers,
    "memory": builds.memory,
    "floor": builds.floor,
    "storage": storage.storage,
    "loading": loading.loading,
    "window": loading.window,
    "hub": hub.hub,
}


def main() -> None:
    chosen = sys.argv[1:] or list(MEASURED)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    for name in chosen:
        rows = MEASURED[name]()
        print(tabulate(rows, headers="keys", floatfmt=".3g"), "\n", flush=True)


if __name__ == "__main__":
    main()
