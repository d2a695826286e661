"""Downloading: a version of a dataset, or some of its runs, with every file checked against the published list."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from phigen.errors import HubError, UnreachableError
from phigen.hub import file_list
from phigen.hub import repository as hub
from phigen.hub.copies import cached, held_by, newest_cached
from phigen.hub.file_list import LIST
from phigen.hub.reference import STORE, Reference
from phigen.hub.versions import resolve
from phigen.progress import Progress, silent
from phigen.store import manifest
from phigen.store.fingerprints import Fingerprint, fingerprint, is_intact
from phigen.store.manifest import Manifest
from phigen.store.reading import column

FILES_AT_ONCE = 8
"""Files that are fetched at the same time."""


@dataclass(frozen=True)
class Download:
    """What a download did: which version, where its store is, how many runs that holds, and what was fetched."""

    reference: Reference
    path: Path
    runs: int
    files: int
    bytes: int
    repaired: tuple[str, ...]
    """Files that had a wrong byte, here or when they arrived, and were fetched again."""


@hub.quiet()
def download(
    reference: str,
    path: str | Path | None = None,
    *,
    levels: Collection[float] | None = None,
    split: str | None = None,
    progress: Progress = silent,
) -> Download:
    """Download a version of a dataset from the Hub, or some of its runs.

    Only what is asked for is fetched, and files that are here already are not fetched again.  Every file is checked
    against the list that was published with it; a file that differs is fetched once more.  Downloads to the same
    folder wait for each other.

    Parameters
    ----------
    reference : str
        OWNER/NAME@v1.0.0; without the version, the newest one.
    path : str or Path, optional
        The folder to put it in; if left out, one in the Hub's cache, where `phigen.open` finds it.
    levels : collection of float, optional
        Levels whose runs are downloaded; all if left out.
    split : str, optional
        Split whose runs are downloaded, train, validation or test; all if left out.
    progress : callable, optional
        Called with what is being done, the number of files done, and the number of all.

    Returns
    -------
    Download
        The version and what was fetched.  Runs that were downloaded earlier stay.

    Raises
    ------
    HubError
        If there is no such dataset, version, level or split, the folder holds something else or cannot be
        written, a file arrives wrong twice, or the Hub cannot be reached.  What has arrived is kept, and the same call
        continues.
    """
    folder = None if path is None else Path(path)
    wanted, commit = _resolved(Reference.parse(reference), folder)
    if folder is None:
        folder = cached(wanted)
    else:
        _refuse_another(folder, wanted, commit)
    try:
        with _alone_in(folder):
            return _download(_Fetching(wanted, commit, folder), levels, split, progress)
    except OSError as error:
        raise HubError(f"{folder}: cannot be written, {error.strerror}; choose another folder with --out") from error


def _download(fetching: _Fetching, levels: Collection[float] | None, split: str | None, progress: Progress) -> Download:
    fetching.fetch_list()
    store = fetching.folder / STORE
    fetching.complete([f"{STORE}/{manifest.LIST}"])
    known = manifest.load(store)
    fetching.complete([f"{STORE}/{file}" for file in known.files_of_no_shard])
    known = replace(known, chosen=_runs_to_hold(known, fetching.wanted, levels, split))
    manifest.choose(store, known.chosen)
    beside = [file for file in fetching.listed if not file.startswith(f"{STORE}/")]
    fetching.complete([*beside, *(f"{STORE}/{file}" for file in known.held_files)], progress)
    sizes = fetching.sizes.values()
    return Download(fetching.wanted, store, len(known.held_runs), len(sizes), sum(sizes), tuple(fetching.repaired))


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other download writes to a folder, and make others wait."""
    from huggingface_hub.utils import WeakFileLock

    (folder / ".cache").mkdir(parents=True, exist_ok=True)
    with WeakFileLock(folder / ".cache" / "phigen.lock"):
        yield


def _resolved(wanted: Reference, folder: Path | None) -> tuple[Reference, str | None]:
    """Find the version that is asked for and its commit; if the Hub cannot be reached, the version here, and None."""
    try:
        return resolve(wanted)
    except UnreachableError:
        if wanted.version is None:
            here = newest_cached(wanted.repository) if folder is None else held_by(folder)
            wanted = here or wanted
        if wanted.version is None or not ((folder or cached(wanted)) / LIST).is_file():
            raise
        return wanted, None


def _refuse_another(folder: Path, wanted: Reference, commit: str | None) -> None:
    """Refuse a folder that holds something else than a copy of this version."""
    if folder.exists() and not folder.is_dir():
        raise HubError(f"{folder}: is a file; choose another folder with --out")
    held = held_by(folder)
    foreign = folder.exists() and any(entry.name != ".cache" for entry in folder.iterdir())
    if held == wanted or not (held or foreign):
        return
    # A repository that was renamed or copied still has the list that was published under its other name.
    if not (held and commit and _is_list(folder, hub.fingerprint(wanted, commit, LIST))):
        what = "something else" if held is None else str(held)
        raise HubError(f"{folder}: holds {what}, not {wanted}; choose another folder with --out")


def _runs_to_hold(
    known: Manifest, wanted: Reference, levels: Collection[float] | None, split: str | None
) -> frozenset[int] | None:
    """Return the runs that a copy must hold: those asked for and those it held before; None stands for all."""
    there = known.runs_there() if known.chosen is None else known.chosen
    wants = np.ones(known.runs, dtype=bool)
    asked_of: dict[str, Collection[Any] | None] = {"level": levels, "split": None if split is None else [split]}
    for what, asked in asked_of.items():
        if asked is not None:
            of_runs = column(known, what)
            _refuse_unknown(wanted, what, asked, np.unique(of_runs).tolist())
            wants &= np.isin(of_runs, list(asked))
    runs = frozenset(np.flatnonzero(wants).tolist())
    if not runs:
        raise HubError(f"{wanted}: has no runs of the levels and the split asked for; leave out one of them")
    return runs | there if len(runs | there) < known.runs else None


def _refuse_unknown(wanted: Reference, what: str, asked: Collection[Any], known: Collection[Any]) -> None:
    """Refuse a level or a split that the dataset does not have."""
    unknown = [one for one in asked if one not in known]
    if unknown:
        first, *others = (f"{one:g}" if isinstance(one, float | int) else one for one in (unknown[0], *known))
        raise HubError(f"{wanted}: has no {what} {first}, only {', '.join(others)}; name one of them, or leave it out")


@dataclass
class _Fetching:
    """The files of a version on their way to a folder, and what has been fetched so far."""

    wanted: Reference
    commit: str | None
    folder: Path
    listed: dict[str, Fingerprint] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    repaired: list[str] = field(default_factory=list)

    def fetch_list(self) -> None:
        """Fetch the list of the version's files unless it is here, and compare it with git's fingerprint of it."""
        if not (self.folder / LIST).is_file():
            known = hub.fingerprint(self.wanted, self._reachable(), LIST)
            self._fetch(LIST, lambda: _is_list(self.folder, known))
        self.listed = file_list.read(self.folder).files

    def complete(self, files: Collection[str], progress: Progress = silent) -> None:
        """Fetch those of the files that are missing, or differ from the list."""
        lacking = [file for file in files if not self._is_intact(file)]
        for done, _ in enumerate(self._fetched(lacking), start=len(files) - len(lacking)):
            progress("downloading", done, len(files))

    def _is_intact(self, file: str) -> bool:
        return is_intact(self.folder / file, self.listed[file])

    def _fetched(self, files: Iterable[str]) -> Iterator[None]:
        """Fetch files, some at the same time; yield once before the first and after each."""
        yield
        pool = ThreadPoolExecutor(FILES_AT_ONCE)
        try:
            futures = [pool.submit(self._fetch, file, partial(self._is_intact, file)) for file in files]
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _fetch(self, file: str, is_intact: Callable[[], bool]) -> None:
        """Fetch one file and check it; if a byte is wrong, fetch it once more."""
        damaged = (self.folder / file).is_file()
        for again in (damaged, True):
            path = hub.fetch(self.wanted, self._reachable(), file, self.folder, again=again)
            self.sizes[file] = self.sizes.get(file, 0) + path.stat().st_size
            if is_intact():
                if damaged:
                    self.repaired.append(file)
                return
            damaged = True
        path.unlink()
        raise HubError(f"{self.wanted}: {file} arrived twice with other bytes than published; try again later")

    def _reachable(self) -> str:
        if self.commit is None:
            raise UnreachableError(
                f"{self.wanted}: the Hub cannot be reached, and the copy in {self.folder} lacks what is asked for; "
                "run the same command again when it can be reached"
            )
        return self.commit


def _is_list(folder: Path, known: str) -> bool:
    """Return whether the list in a folder is the one that git knows by a fingerprint."""
    return hub.is_same(known, folder / LIST, fingerprint(folder / LIST)[1])
