"""How fast this machine is, in seconds of a processor: built-in numbers, or those that were measured here and are kept.

They are kept beside the compiled programs, under a key that names the processor and what computes and writes.  Files of
other keys stay until `phigen cache --clear`.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from phigen.atomic import written_whole
from phigen.recipe.grid import Boundaries
from phigen.simulation import cache_folder, instruction_set

_PACKAGES = ("phigen", "phiflow", "phiml", "jax", "jaxlib", "numpy", "xarray", "zarr", "numcodecs")


class Rates(NamedTuple):
    """What a build spends its time on; as built in, the numbers of one machine (docs/numbers.md)."""

    imports: float = 1.1
    """Seconds that a new process takes to import what it computes and writes with."""
    cell: float = 1.16e-7
    """Seconds for each cell and step of a closed box in double precision."""
    cell_and_side: float = 2.1e-10
    """The same for each cell along a side: the matrix products of the projection, and memory beyond the cache."""
    trace: float = 1.9
    """Seconds to trace and compile the program of a shape; the first of a process imports PhiFlow as well."""
    phiflow: float = 0.8
    """Seconds to import PhiFlow."""
    handle: float = 6.3e-9
    """Seconds for each byte of a run, before compression: acting on it, measuring, compressing, writing, hashing."""
    compare: float = 3.4e-9
    """Seconds for each byte of a run that is compared with the first of its orbit."""

    periodic: float = 1.9
    """A step in a box that is periodic along both axes takes so many times as long, because PhiML's indices wrap."""
    periodic_axis: float = 0.85
    """The same for a box that is periodic along one axis."""

    def simulation(self, cells: tuple[int, int], *, steps: int, precision: str, boundaries: Boundaries) -> float:
        """Return the seconds that one core takes for a simulation on a grid of some cells (x, y)."""
        axes = sum("periodic" in sides for sides in boundaries)
        factor = (SINGLE if precision == "single" else 1.0) * (1.0, self.periodic_axis, self.periodic)[axes]
        return steps * math.prod(cells) * (self.cell + self.cell_and_side * sum(cells) / 2) * factor


SINGLE = 0.82
"""A step in single precision takes this much of one in double, whatever the version of jax (docs/numbers.md)."""

BUILT_IN = Rates()


def of_this_machine() -> Rates:
    """Return what was measured on this machine, or else the built-in numbers; nothing is measured now."""
    return kept() or BUILT_IN


def kept() -> Rates | None:
    """Return what was measured on this machine; None if nothing was, or it is damaged, or the folder is not used."""
    folder = cache_folder.usable()
    if folder is None:
        return None
    with suppress(OSError, ValueError, TypeError):
        values = dict(json.loads(_file(folder).read_text(encoding="utf-8")))
        rates = Rates(**{name: float(value) for name, value in values.items()})
        if all(math.isfinite(value) and value >= 0 for value in rates) and len(values) == len(rates):
            return rates
    return None


def keep(rates: Rates) -> None:
    """Keep what was measured on this machine; where that is not possible, a warning says so."""
    folder = cache_folder.usable()
    if folder is None:
        return
    try:
        with written_whole(_file(folder), replace=True) as draft:
            draft.write_text(json.dumps(rates._asdict()), encoding="utf-8")
    except OSError as error:
        cache_folder.warn_of(folder, f"cannot be written ({error.strerror})", "make room")


def _file(folder: Path) -> Path:
    depends = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "instruction set": instruction_set.provenance(),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in _PACKAGES},
    }
    key = hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()
    return folder / f"{key}{cache_folder.RATES}"


def _processor() -> str:
    """Return the processor's name; Linux has it in a file, and Python does not look there."""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        if names:
            return names[0]
    return platform.processor() or platform.machine()
