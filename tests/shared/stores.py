"""Stores that tests begin without a build, and how many runs a shard of them holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from phigen.building.shards import Store, make_shards
from phigen.building.tasks import Task, made_by
from phigen.planning.plans import Plan
from phigen.store import construction, manifest, measured, parts


def prepared(path: Path, planned: Plan) -> list[int]:
    """Prepare a store as a build does, and return the shards that it lacks."""
    return construction.prepare(path, planned, known=construction.begun(path, planned))


def write_shards(path: Path, planned: Plan, shards: Iterable[int]) -> None:
    """Make some shards of a store and write them, each as a worker does that is handed nothing."""
    for shard in shards:
        make_shards(Store.of(path, planned, parts.claim(path)), made_by(planned, Task((shard,), ())), {})


def reopen(path: Path) -> None:
    """Turn a finished store into one that is being built, and has all its shards."""
    known = manifest.load(path)
    for shard, of_shard in measured.read(known, known.shards).items():
        parts.add(path, shard, known.shards[shard], of_shard)
    manifest.reopen(path)


@contextmanager
def runs_per_shard(number: int) -> Iterator[None]:
    """Let every plan have this number of runs in a shard until the end of the block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Plan, "runs_per_shard", property(lambda _: number))
        yield
