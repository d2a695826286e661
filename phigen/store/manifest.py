"""The manifest: a store's own list of what must be in it, because a deleted shard reads as NaN and raises no error.

While a dataset is built, each run has a part of the list, written when its data are on disk; at the end the parts
become one file, which names every other file of the store with its size and sha256.  Every write is atomic.

A copy may hold only some of the runs on purpose, as a download of one level does: then a file of its own says which.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from phigen.atomic import write_json
from phigen.errors import StoreError

LIST = "manifest.json"
PARTS = "manifest"
CHOSEN = "manifest.chosen.json"

Fingerprint = tuple[int, str]
"""Size in bytes and sha256."""


@dataclass(frozen=True)
class Entry:
    """What is listed of one run: its parameters, and the fingerprint of each of its files."""

    run: int
    parameters: dict[str, Any]
    files: dict[str, Fingerprint]


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
    runs : mapping of int to Entry
        Every listed run by its position in the dataset, rising.
    files_of_no_run : mapping of str to Fingerprint
        Metadata and coordinates; empty while the store is built.
    digest : str or None
        sha256 of the list, and so of all content; None while the store is built.
    recipe_digest : str or None
        sha256 of the recipe that a finished store was built from; None if it was imported.
    chosen : frozenset of int or None
        The runs that a partial copy holds on purpose; None if it is to hold all.
    """

    store: Path
    runs: Mapping[int, Entry]
    files_of_no_run: Mapping[str, Fingerprint]
    digest: str | None
    recipe_digest: str | None
    chosen: frozenset[int] | None

    @property
    def finished(self) -> bool:
        """Whether the list is complete, which it is only at the end of a build."""
        return self.digest is not None

    @property
    def held_runs(self) -> list[Entry]:
        """The entries of the runs that the store, or a copy of some runs, must hold."""
        return [entry for run, entry in self.runs.items() if self.chosen is None or run in self.chosen]

    @property
    def held_files(self) -> dict[str, Fingerprint]:
        """The files that the store, or a copy of some runs, must hold."""
        of_runs = {file: known for entry in self.held_runs for file, known in entry.files.items()}
        return dict(self.files_of_no_run) | of_runs

    def damages(self) -> Iterator[Damage]:
        """Yield each file to be held that is missing or has another size; no file is read."""
        for file, (size, _) in self.held_files.items():
            found = _size(self.store / file)
            if found != size:
                yield Damage(file, size, found)

    def corrupted(self) -> Iterator[str]:
        """Yield each file to be held that is missing or has a wrong bit; every file is read."""
        return (file for file, known in self.held_files.items() if not is_intact(self.store / file, known))

    def is_complete_copy(self) -> bool:
        """Check whether the store is finished, holds all runs, and no file is missing or has another size."""
        return self.finished and self.chosen is None and not any(self.damages())

    def runs_there(self) -> frozenset[int]:
        """Return the listed runs whose files all are there and have the right size."""
        return frozenset(
            run
            for run, entry in self.runs.items()
            if all(_size(self.store / file) == size for file, (size, _) in entry.files.items())
        )


def load(store: Path) -> Manifest:
    """Load the manifest of a store that is finished or being built; where there is none, it lists nothing.

    Raises
    ------
    StoreError
        If it is damaged.
    """
    file, partial = store / LIST, store / CHOSEN
    content = file.read_bytes() if file.is_file() else None
    with _blamed_on(file):
        listed = {"runs": [], "files": {}} if content is None else json.loads(content)
        entries = [_entry(one) for one in listed["runs"]]
        others, recipe = _fingerprints(listed["files"]), listed.get("recipe_sha256")
    for part in sorted((store / PARTS).glob("[0-9]*.json")):
        with _blamed_on(part):
            entries.append(_entry(json.loads(part.read_bytes())))
    with _blamed_on(partial):
        chosen = frozenset(json.loads(partial.read_bytes())) if partial.is_file() else None
    return Manifest(
        store=store,
        runs={entry.run: entry for entry in sorted(entries, key=lambda entry: entry.run)},
        files_of_no_run=others,
        digest=None if content is None else hashlib.sha256(content).hexdigest(),
        recipe_digest=recipe,
        chosen=chosen,
    )


def add(store: Path, run: int, parameters: dict[str, Any], files: Iterable[str]) -> None:
    """Write the part of a run whose files, named by their paths in the store, are there."""
    _write_part(store, Entry(run, parameters, {file: fingerprint(store / file) for file in files}))


def gather(known: Manifest, about: Mapping[str, str]) -> None:
    """Join the parts into one list, with `about` and all files that belong to no run: the store is finished."""
    store = known.store
    of_runs = {file for entry in known.runs.values() for file in entry.files}
    files = (file.relative_to(store).as_posix() for file in store.rglob("*") if file.is_file())
    others = sorted(file for file in files if file not in of_runs and file.split("/")[0] not in (LIST, PARTS, CHOSEN))
    listed = {
        **about,
        "runs": [asdict(entry) for entry in known.runs.values()],
        "files": {file: fingerprint(store / file) for file in others},
    }
    write_json(store / LIST, listed)
    remove_parts(store)


def scatter(known: Manifest) -> None:
    """Turn a finished store into one that is being built: its list becomes parts again."""
    if known.finished:
        for entry in known.runs.values():
            _write_part(known.store, entry)
        (known.store / CHOSEN).unlink(missing_ok=True)
        (known.store / LIST).unlink()


def choose(store: Path, runs: Iterable[int] | None) -> None:
    """Write down that a copy holds only these runs on purpose; None stands for all."""
    if runs is None:
        (store / CHOSEN).unlink(missing_ok=True)
    else:
        write_json(store / CHOSEN, sorted(runs))


def remove_parts(store: Path) -> None:
    """Remove the parts of a complete list; a build that is killed between the two leaves them."""
    shutil.rmtree(store / PARTS, ignore_errors=True)


def fingerprint(file: Path) -> Fingerprint:
    """Compute the size and sha256 of a file."""
    with file.open("rb") as handle:
        return file.stat().st_size, hashlib.file_digest(handle, "sha256").hexdigest()


def is_intact(file: Path, known: Fingerprint) -> bool:
    """Check whether a file is there with every bit right."""
    return _size(file) == known[0] and fingerprint(file) == known


def _size(file: Path) -> int | None:
    return file.stat().st_size if file.is_file() else None


def _entry(listed: Any) -> Entry:
    return Entry(listed["run"], dict(listed["parameters"]), _fingerprints(listed["files"]))


def _fingerprints(files: Mapping[str, Any]) -> dict[str, Fingerprint]:
    return {file: (size, sha256) for file, (size, sha256) in files.items()}


@contextmanager
def _blamed_on(file: Path) -> Iterator[None]:
    """Turn whatever is wrong in a file of the manifest into an error that names the file."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise StoreError(f"{file}: is damaged, {what}; delete it and run the same build again") from error


def _write_part(store: Path, entry: Entry) -> None:
    write_json(store / PARTS / f"{entry.run:06d}.json", asdict(entry))
