"""The manifest: a store's own list of what must be in it, because a deleted shard reads as NaN and raises no error.

It has one entry for each shard, which holds consecutive runs, and names every other file of the store with its size and
sha256.  While a dataset is built, each shard has a part of the list (`phigen.store.parts`); at the end the parts become
one file.  Every write is atomic.

A copy may hold only some of the runs on purpose, as a download of one level does: then a file of its own says which.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from phigen.atomic import write_json
from phigen.store import parts
from phigen.store.fingerprints import Files, fingerprint, is_intact, size_of
from phigen.store.layout import stored_attributes
from phigen.store.parts import blamed_on

LIST = "manifest.json"
CHOSEN = "manifest.chosen.json"


class Damage(NamedTuple):
    """A listed file that is missing or has another size; `found` is its size on disk, None if it is missing."""

    file: str
    size: int
    found: int | None


@dataclass(frozen=True)
class Manifest:
    """What a store must hold, read once and handed on.

    Parameters
    ----------
    store : Path
        Where the store is.
    runs : int
        The number of runs of the dataset, whether they are there or not.
    runs_per_shard : int
        How many runs a shard holds; the last one may hold fewer.
    shards : mapping of int to Files
        The files of every listed shard, one for each field, by its place in the dataset, rising.
    files_of_no_shard : mapping of str to Fingerprint
        Metadata, coordinates and other small arrays; empty while the store is built.
    digest : str or None
        sha256 of the list, and so of all content; None while the store is built.
    recipe_digest : str or None
        sha256 of the recipe that a finished store was built from; None if it was imported.
    chosen : frozenset of int or None
        The runs that a partial copy holds on purpose; None if it is to hold all.
    """

    store: Path
    runs: int
    runs_per_shard: int
    shards: Mapping[int, Files]
    files_of_no_shard: Files
    digest: str | None
    recipe_digest: str | None
    chosen: frozenset[int] | None

    @property
    def finished(self) -> bool:
        """Whether the list is complete, which it is only at the end of a build."""
        return self.digest is not None

    def runs_of(self, shard: int) -> range:
        """Return the runs of a shard."""
        first = shard * self.runs_per_shard
        return range(first, min(first + self.runs_per_shard, self.runs))

    @cached_property
    def held_runs(self) -> Sequence[int]:
        """The runs that the store, or a copy of some runs, must hold, rising."""
        if self.chosen is not None:
            return sorted(self.chosen)
        return range(self.runs) if self.finished else [*chain.from_iterable(map(self.runs_of, self.shards))]

    @cached_property
    def held_shards(self) -> Mapping[int, Files]:
        """The shards that the store, or a copy of some runs, must hold."""
        if self.chosen is None:
            return self.shards
        wanted = {run // self.runs_per_shard for run in self.chosen}
        return {shard: files for shard, files in self.shards.items() if shard in wanted}

    @property
    def held_files(self) -> Files:
        """The files that the store, or a copy of some runs, must hold."""
        return {**self.files_of_no_shard, **dict(chain.from_iterable(f.items() for f in self.held_shards.values()))}

    def damages(self) -> Iterator[Damage]:
        """Yield each file to be held that is missing or has another size; no file is read."""
        for file, (size, _) in self.held_files.items():
            found = size_of(self.store / file)
            if found != size:
                yield Damage(file, size, found)

    def corrupted(self) -> Iterator[str]:
        """Yield each file to be held that is missing or has a wrong bit; every file is read."""
        return (file for file, known in self.held_files.items() if not is_intact(self.store / file, known))

    def is_complete_copy(self) -> bool:
        """Check whether the store is finished, holds all runs, and no file is missing or has another size."""
        return self.finished and self.chosen is None and not any(self.damages())

    def runs_there(self) -> frozenset[int]:
        """Return the runs whose shards all are there and have the right size."""
        there = (
            shard
            for shard, files in self.shards.items()
            if all(size_of(self.store / file) == size for file, (size, _) in files.items())
        )
        return frozenset(chain.from_iterable(map(self.runs_of, there)))


def load(store: Path) -> Manifest:
    """Load the manifest of a store that is finished or being built; where there is none, it lists nothing.

    Raises
    ------
    StoreError
        If it is damaged.
    """
    file, partial = store / LIST, store / CHOSEN
    content = file.read_bytes() if file.is_file() else None
    with blamed_on(file):
        listed = _begun(store) if content is None else _of_todays_layout(json.loads(content))
        shards = {number: _fingerprints(files) for number, files in enumerate(listed["shards"])}
        others = _fingerprints(listed["files"])
        runs, per_shard, recipe = listed["runs"], listed["runs_per_shard"], listed.get("recipe_sha256")
    if content is None:
        shards = {parts.number_of(part): parts.files_of(part) for part in parts.listed(store)}
    with blamed_on(partial):
        chosen = _runs_in(json.loads(partial.read_bytes())) if partial.is_file() else None
    return Manifest(
        store=store,
        runs=runs,
        runs_per_shard=per_shard,
        shards=dict(sorted(shards.items())),
        files_of_no_shard=others,
        digest=None if content is None else hashlib.sha256(content).hexdigest(),
        recipe_digest=recipe,
        chosen=chosen,
    )


_OF_THE_LIST = (LIST, CHOSEN, parts.FOLDER)


def _begun(store: Path) -> dict[str, Any]:
    """Return the list of a store that is being built, or not there, without its parts."""
    about = stored_attributes(store) if (store / "zarr.json").is_file() else {"runs": 0}
    return {"shards": [], "files": {}, "runs": about["runs"], "runs_per_shard": about.get("runs_per_shard", 1)}


def _of_todays_layout(listed: dict[str, Any]) -> dict[str, Any]:
    """Return a list as layout 3 has it; that of layouts 1 and 2 has an entry for each run, which is a shard."""
    if "shards" in listed:
        return listed
    entries = sorted(listed["runs"], key=lambda entry: entry["run"])
    return {**listed, "shards": [entry["files"] for entry in entries], "runs": len(entries), "runs_per_shard": 1}


def finish(known: Manifest, about: Mapping[str, Any]) -> None:
    """Write the list of a store that has all its shards, with `about` and all files that belong to no shard."""
    store, of_shards = known.store, set(chain.from_iterable(known.shards.values()))
    files = (file.relative_to(store).as_posix() for file in store.rglob("*") if file.is_file())
    others = sorted(file for file in files if file not in of_shards and file.split("/")[0] not in _OF_THE_LIST)
    listed = {
        **about,
        "runs": known.runs,
        "runs_per_shard": known.runs_per_shard,
        "shards": list(known.shards.values()),
        "files": {file: fingerprint(store / file) for file in others},
    }
    write_json(store / LIST, listed)
    parts.remove(store)


def reopen(store: Path) -> None:
    """Turn a finished store whose parts are there again into one that is being built."""
    (store / CHOSEN).unlink(missing_ok=True)
    (store / LIST).unlink(missing_ok=True)


def choose(store: Path, runs: Iterable[int] | None) -> None:
    """Write down that a copy holds only these runs on purpose; None stands for all."""
    if runs is None:
        (store / CHOSEN).unlink(missing_ok=True)
    else:
        write_json(store / CHOSEN, _stretches(sorted(runs)))


def _stretches(runs: Sequence[int]) -> list[list[int]]:
    """Return the first and last run of each stretch without a gap."""
    stretches: list[list[int]] = []
    for run in runs:
        if stretches and run == stretches[-1][1] + 1:
            stretches[-1][1] = run
        else:
            stretches.append([run, run])
    return stretches


def _runs_in(stretches: Iterable[Any]) -> frozenset[int]:
    """Return the runs of stretches; layouts 1 and 2 list every run."""
    pairs = ((one, one) if isinstance(one, int) else one for one in stretches)
    return frozenset(chain.from_iterable(range(first, last + 1) for first, last in pairs))


def _fingerprints(files: Mapping[str, Any]) -> Files:
    return {file: (size, sha256) for file, (size, sha256) in files.items()}
