"""The small arrays of a store, with one row for each run: written once at the end, and read again to repair a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from phigen.store import measured, parts, template
from phigen.store.fingerprints import is_intact
from phigen.store.manifest import Manifest
from phigen.store.parts import Rows
from phigen.symmetry.fields import FIELDS

if TYPE_CHECKING:
    from pathlib import Path

    import zarr

    Arrays = dict[str, zarr.Array[Any]]

_PLACES = {name: name for name, field in FIELDS.items() if not template.is_sharded(field)} | {
    name: f"{measured.GROUP}/{name}" for name in (*measured.ERRORS, measured.MOMENTS)
}
"""Where each array that may have rows is in a store."""


def arrays(store: Path) -> Arrays:
    """Open the arrays of a store that have rows."""
    import zarr

    with template.quiet():
        root = zarr.open_group(store, mode="r+", use_consolidated=False)
        found: Any = {name: root[place] for name, place in _PLACES.items() if place in root}
    return dict(found)


def write(known: Manifest) -> None:
    """Write all rows of a store, chunk by chunk, from the parts of its shards."""
    import zarr

    into = arrays(known.store)
    per_chunk = next(iter(into.values())).chunks[0]
    with zarr.config.set({"array.write_empty_chunks": True}):
        for first in range(0, known.runs, per_chunk):
            stop = min(first + per_chunk, known.runs)
            shards = range(first // known.runs_per_shard, -(-stop // known.runs_per_shard))
            rows = [parts.rows(known.store, shard) for shard in shards]
            for name, array in into.items():
                array[first:stop] = np.concatenate([of_shard[name] for of_shard in rows])


def read(known: Manifest, shards: set[int]) -> dict[int, Rows]:
    """Read the rows of some shards of a finished store; those that are damaged are left out."""
    there = arrays(known.store)
    damaged = _damaged(known, there)
    whole = {name: np.asarray(array[:]) for name, array in there.items()} if shards else {}
    return {
        shard: {name: values[runs.start : runs.stop] for name, values in whole.items()}
        for shard in sorted(shards)
        if damaged.isdisjoint(runs := known.runs_of(shard))
    }


def _damaged(known: Manifest, there: Arrays) -> set[int]:
    """Return the runs whose rows lie in a chunk that is missing or has a wrong bit."""
    runs: set[int] = set()
    for name, array in there.items():
        folder = f"{_PLACES[name]}/c/"
        for file, listed in known.files_of_no_shard.items():
            if file.startswith(folder) and not is_intact(known.store / file, listed):
                first = int(file.removeprefix(folder).partition("/")[0]) * array.chunks[0]
                runs |= set(range(first, first + array.chunks[0]))
    return runs
