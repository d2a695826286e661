"""A store's own list of what must be in it, for a deleted shard reads as NaN without a word.

While a dataset is built, each run has a part of the list, written when its data are on disk; at the end the parts
become one file, which names every other file of the store with its size and sha256.  Every write is atomic.

A copy may hold only some of the runs on purpose, as a download of one level does: then a file of its own says which.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from phigen.errors import StoreError

LIST = "manifest.json"
PARTS = "manifest"
CHOSEN = "manifest.chosen.json"

Fingerprint = tuple[int, str]
"""Size in bytes and sha256."""


@dataclass(frozen=True)
class Entry:
    """What the list holds of one run: what it is, and the fingerprint of each of its files."""

    run: int
    parameters: dict[str, Any]
    files: dict[str, Fingerprint]


def is_finished(store: Path) -> bool:
    """Whether the list is whole, which it is only at the end."""
    return (store / LIST).is_file()


def entries(store: Path) -> dict[int, Entry]:
    """Give the entries by run, of a finished store or one that is being built."""
    found = _read_list(store)["runs"] if is_finished(store) else []
    found += [_read(part) for part in sorted((store / PARTS).glob("*.json"))]
    return {entry["run"]: Entry(entry["run"], entry["parameters"], _fingerprints(entry["files"])) for entry in found}


def add(store: Path, run: int, parameters: dict[str, Any], files: Iterable[str]) -> None:
    """Write the entry of a run whose files, named by their paths in the store, are there."""
    _write_part(store, Entry(run, parameters, {file: fingerprint(store / file) for file in files}))


def gather(store: Path, about: Mapping[str, str]) -> None:
    """Make one list of the parts, with what it is about and all files that belong to no run: the store is finished."""
    known = entries(store)
    of_runs = {file for entry in known.values() for file in entry.files}
    files = (file.relative_to(store).as_posix() for file in store.rglob("*") if file.is_file())
    others = sorted(file for file in files if file not in of_runs and file.split("/")[0] not in (LIST, PARTS, CHOSEN))
    listed = {
        **about,
        "runs": [asdict(known[run]) for run in sorted(known)],
        "files": {file: fingerprint(store / file) for file in others},
    }
    write(store / LIST, listed)
    tidy(store)


def scatter(store: Path) -> None:
    """Turn a finished store into one that is being built: its list goes back into parts."""
    if is_finished(store):
        for entry in entries(store).values():
            _write_part(store, entry)
        (store / CHOSEN).unlink(missing_ok=True)
        (store / LIST).unlink()


def chosen(store: Path) -> frozenset[int] | None:
    """Give the runs that a copy shall hold; none if it is to hold all."""
    return frozenset(_read(store / CHOSEN)) if (store / CHOSEN).is_file() else None


def choose(store: Path, runs: Iterable[int] | None) -> None:
    """Note that a copy shall hold only these runs; or all, if none are given."""
    if runs is None:
        (store / CHOSEN).unlink(missing_ok=True)
    else:
        write(store / CHOSEN, sorted(runs))


def digest(store: Path) -> str:
    """Give the sha256 of a finished store's list, and so of all its content."""
    return fingerprint(store / LIST)[1]


def misfits(store: Path) -> Iterator[tuple[str, int, int | None]]:
    """Give each file to be held that is missing or of another size: path, size it should have, size found."""
    return _misfits(store, held(store))


def _misfits(store: Path, files: Iterable[tuple[str, Fingerprint]]) -> Iterator[tuple[str, int, int | None]]:
    for file, (size, _) in files:
        found = (store / file).stat().st_size if (store / file).is_file() else None
        if found != size:
            yield file, size, found


def runs_there(store: Path) -> frozenset[int]:
    """Give the listed runs of which every file is there, as long as it should be."""
    return frozenset(entry.run for entry in entries(store).values() if not any(_misfits(store, entry.files.items())))


def is_sound(store: Path, files: dict[str, Fingerprint]) -> bool:
    """Whether all files are there with every bit of theirs."""
    return all((store / file).is_file() and fingerprint(store / file) == known for file, known in files.items())


def files_of_no_run(store: Path) -> dict[str, Fingerprint]:
    """Give the fingerprints of a finished store's metadata and coordinates; of one that is being built, none."""
    return _fingerprints(_read_list(store)["files"]) if is_finished(store) else {}


def recipe_digest(store: Path) -> str | None:
    """Give the digest of the recipe that a finished store was built from, if its list says."""
    digest: str | None = _read_list(store).get("recipe_sha256")
    return digest


def fingerprint(file: Path) -> Fingerprint:
    """Give the size and sha256 of a file."""
    with file.open("rb") as handle:
        return file.stat().st_size, hashlib.file_digest(handle, "sha256").hexdigest()


def held(store: Path) -> Iterator[tuple[str, Fingerprint]]:
    """Give the listed files that the store, or a copy of some runs, shall hold."""
    yield from files_of_no_run(store).items()
    for entry in entries_held(store):
        yield from entry.files.items()


def entries_held(store: Path) -> list[Entry]:
    """Give the entries of the runs that the store, or a copy of some runs, shall hold."""
    runs = chosen(store)
    return [entry for entry in entries(store).values() if runs is None or entry.run in runs]


def _fingerprints(files: dict[str, list[Any]]) -> dict[str, Fingerprint]:
    return {file: (size, sha256) for file, (size, sha256) in files.items()}


def tidy(store: Path) -> None:
    """Remove the parts of a list that is whole, left where a build was killed between the two."""
    shutil.rmtree(store / PARTS, ignore_errors=True)


def _read_list(store: Path) -> Any:
    listed = _read(store / LIST)
    if not isinstance(listed, dict) or not {"runs", "files"} <= listed.keys():
        raise StoreError(f"{store / LIST}: is damaged, it lists no runs; delete it and run the same build again")
    return listed


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StoreError(f"{file}: is damaged, {error}; delete it and run the same build again") from error


def _write_part(store: Path, entry: Entry) -> None:
    write(store / PARTS / f"{entry.run:06d}.json", asdict(entry))


def write(file: Path, value: Any) -> None:
    """Write JSON to a file, whole and on disk or not at all."""
    file.parent.mkdir(exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}.partial")
    with draft.open("w", encoding="utf-8") as handle:
        json.dump(value, handle, indent=1, sort_keys=True)
        handle.write("\n")
        handle.flush()
        os.fsync(handle.fileno())
    draft.replace(file)
