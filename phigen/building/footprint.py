"""How much room a build takes: bytes and files of the store, and the memory of a worker."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from phigen.building.cost import POINTS
from phigen.planning.plans import Plan
from phigen.planning.sizes import bytes_of
from phigen.recipe.values import spelled_out
from phigen.store import measured
from phigen.store.metadata import NOT_STORED
from phigen.store.template import rows_per_chunk
from phigen.symmetry.fields import ALWAYS, coordinates

STORED = {"smoke": 0.82}
"""Bytes of smoke in a whole box after compression, of one before (docs/numbers.md)."""

STORED_OF_OTHERS = 0.78
"""The same for other fields, which are in the whole box from the first step."""

STEPS_TO_FILL = 1.15
"""Steps until smoke is in all cells, for each cell of the longer side: numerical diffusion takes it about one cell
further in each step.  Where there is none yet, hardly anything is stored."""

METADATA = 1500
"""Bytes of an array's metadata, in its own file and again in the root's."""

PROCESS = 345e6
"""Bytes of a process that has imported what it computes and writes with."""

WORKER = 80e6
"""Bytes that a worker of a cluster has besides."""

OF_A_RUN, OF_A_SHARD = 14, 2.5
"""Times that the bytes of a run, and of the shard that it is in, are in memory at once: they are compared in double
precision, and zarr holds a shard two to three times while it writes."""

CALIBRATING = 500e6
"""Most bytes that a calibration keeps of its simulations."""


class Room(NamedTuple):
    """Of a finished store."""

    bytes: int
    files: int


def room_of(plan: Plan) -> Room:
    """Return the bytes, as estimated, and the number of files of a plan's finished store."""
    runs, shards = len(plan.runs), len(plan.shards)
    sharded = {name: field for name, field in plan.fields.items() if field.on_grid}
    dims = {dim for field in plan.fields.values() for dim in field.dims}
    along = [name for name in coordinates(plan.recipe.grid.shape, plan.recipe.time.kept) if name in dims]
    known = {name: values for name, values in plan.columns.items() if name not in NOT_STORED}
    group = measured.layout(errors=plan.has_errors)
    sizes = {"time": len(plan.recipe.time.kept), **measured.SIZES}
    sizes |= {name: len(names) for name, names in measured.coordinates(plan.fields).items()}
    rows = [bytes_of(plan.recipe, field) for name, field in plan.fields.items() if name in ALWAYS]
    rows += [8 * math.prod(sizes[dim] for dim in array.dims) for array in group.values()]
    per_run = rows_per_chunk(runs, max(rows), plan.runs_per_shard)
    once = len(along) + len(known) + 1 + len(measured.coordinates(plan.fields))
    arrays = once + len(sharded) + len(rows)
    empty = sum(values.dtype.kind == "i" and not values.any() for values in known.values())  # zarr leaves zeros out
    files = 3 + arrays + once - empty + len(sharded) * shards + len(rows) * math.ceil(runs / per_run)
    dense = sum(runs * bytes_of(plan.recipe, field) * _stored(plan, name) for name, field in sharded.items())
    return Room(round(dense + runs * (sum(rows) + 8 * len(known)) + arrays * METADATA), files)


def _stored(plan: Plan, name: str) -> float:
    """Return the bytes of a field after compression, of one before."""
    if name not in STORED:
        return STORED_OF_OTHERS
    filled = np.asarray(plan.recipe.time.kept) / (STEPS_TO_FILL * max(plan.recipe.grid.shape))
    return float(STORED[name] * np.minimum(filled, 1.0).mean())


def memory_of(plan: Plan, *, cluster: bool) -> int:
    """Return the most bytes that a worker holds at once; without a cluster, the one process."""
    run = plan.bytes / len(plan.runs)
    held = PROCESS + WORKER * cluster + OF_A_RUN * run
    if plan.runs_per_shard > 1:
        held += OF_A_SHARD * run * plan.runs_per_shard
    target = plan.recipe.symmetry.target_error
    if target is not None and plan.calibration is None:
        held += min(CALIBRATING, len(spelled_out(target)) * POINTS * run * (len(plan.recipe.symmetry.orbit) - 1))
    return round(held)
