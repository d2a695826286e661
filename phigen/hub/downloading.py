"""Downloading: a version of a dataset, or some runs of it, with every file checked against the published list."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from phigen.errors import HubError, UnreachableError
from phigen.hub import repository as hub
from phigen.hub.reference import LIST, STORE, Reference
from phigen.recipe.semver import is_semantic, precedence
from phigen.store import manifest

Progress = Callable[[str, int, int], None]

AT_ONCE = 8
"""So many files are fetched at once."""


@dataclass(frozen=True)
class Download:
    """What a download did: the version and where its store is, how many runs that has, and what was fetched for it."""

    reference: Reference
    path: Path
    runs: int
    files: int
    bytes: int
    mended: tuple[str, ...]
    """Files that had a wrong byte, here or when they arrived, and were fetched again."""


@hub.quiet()
def download(
    reference: str,
    path: str | Path | None = None,
    *,
    levels: Collection[float] | None = None,
    split: str | None = None,
    progress: Progress | None = None,
) -> Download:
    """Download a version of a dataset from the Hub, or some of its runs.

    Only what was asked for is fetched, and what is there already is not fetched again.  Every file is checked against
    the list that was published with it; one that is not as the list says is fetched once more.  Of several downloads
    to one folder, each waits for the one before.

    Parameters
    ----------
    reference : str
        OWNER/NAME@v1.0.0; without the version, the newest one.
    path : str or Path, optional
        The folder to put it in; one in the Hub's cache if left out, where `phigen.open` finds it.
    levels : collection of float, optional
        Whose runs are wanted; all if left out.
    split : str, optional
        Whose runs are wanted: train, validation or test; all if left out.
    progress : callable, optional
        Called with what is being done, how many files of it are done, and how many there are.

    Returns
    -------
    Download
        Of the version and what was fetched.  Runs that are there from before stay.

    Raises
    ------
    HubError
        If there is no such dataset, version, level or split, the folder holds something else or cannot be
        written, a file arrives wrong twice, or the Hub cannot be reached; what has arrived is kept, and the same call
        goes on.
    """
    folder = None if path is None else Path(path)
    wanted, commit = _resolved(Reference.parse(reference), folder)
    folder = cached(wanted) if folder is None else folder
    if path is not None:
        _refuse_another(folder, wanted, commit)
    try:
        with hub.alone_in(folder):
            return _download(_Fetching(wanted, commit, folder), levels, split, progress)
    except OSError as error:
        raise HubError(f"{folder}: cannot be written, {error.strerror}; choose another folder with --out") from error


def _download(
    fetching: _Fetching, levels: Collection[float] | None, split: str | None, progress: Progress | None
) -> Download:
    fetching.bring_list()
    store = fetching.folder / STORE
    fetching.make_sound([f"{STORE}/{manifest.LIST}"])
    manifest.choose(store, _runs_to_hold(store, fetching.wanted, levels, split))
    fetching.make_sound([f"{STORE}/{file}" for file in manifest.files_of_no_run(store)])
    beside = [file for file in fetching.listed if not file.startswith(f"{STORE}/")]
    fetching.make_sound([*beside, *(f"{STORE}/{file}" for file, _ in manifest.held(store))], progress)
    runs, sizes = len(manifest.entries_held(store)), fetching.sizes.values()
    return Download(fetching.wanted, store, runs, len(sizes), sum(sizes), tuple(fetching.mended))


def cached(wanted: Reference) -> Path:
    """Give the folder in the Hub's cache for a version of a dataset."""
    return _cache(wanted.repository) / wanted.tag


def newest_cached(repository: str) -> Reference | None:
    """Give the newest version of a dataset that is in the Hub's cache, if there is one."""
    folders = _cache(repository).glob("v*")
    versions = [folder.name.removeprefix("v") for folder in folders if (folder / LIST).is_file()]
    known = sorted(filter(is_semantic, versions), key=precedence)
    return Reference(repository, known[-1]) if known else None


def _cache(repository: str) -> Path:
    from huggingface_hub.constants import HF_HOME

    return Path(HF_HOME) / "phigen" / repository


def _resolved(wanted: Reference, folder: Path | None) -> tuple[Reference, str | None]:
    """Find the version that is asked for and its commit; if the Hub cannot be reached, what is here, and no commit."""
    try:
        return hub.resolve(wanted)
    except UnreachableError:
        if wanted.version is None:
            here = newest_cached(wanted.repository) if folder is None else _held_by(folder)
            wanted = here or wanted
        if wanted.version is None or not ((folder or cached(wanted)) / LIST).is_file():
            raise
        return wanted, None


def _held_by(folder: Path) -> Reference | None:
    """Say what a folder is a copy of."""
    return Reference.parse(_read(folder)["dataset"]) if (folder / LIST).is_file() else None


def _refuse_another(folder: Path, wanted: Reference, commit: str | None) -> None:
    if folder.exists() and not folder.is_dir():
        raise HubError(f"{folder}: is a file; choose another folder with --out")
    held = _held_by(folder)
    strange = folder.exists() and any(entry.name != ".cache" for entry in folder.iterdir())
    if held == wanted or not (held or strange):
        return
    # A repository that was renamed or copied still has the list that was published under its other name.
    if not (held and commit and _is_list(folder, hub.fingerprint(wanted, commit, LIST))):
        what = "something else" if held is None else str(held)
        raise HubError(f"{folder}: holds {what}, not {wanted}; choose another folder with --out")


def _runs_to_hold(
    store: Path, wanted: Reference, levels: Collection[float] | None, split: str | None
) -> frozenset[int] | None:
    """Give the runs that a copy shall hold: those of some levels and a split, and those that are there or were to be.

    None stands for all of them.
    """
    told = {run: entry.parameters for run, entry in manifest.entries(store).items()}
    for what, asked in (("level", levels), ("split", None if split is None else [split])):
        known = sorted({parameters[what] for parameters in told.values()})
        unknown = [one for one in asked or () if one not in known]
        if unknown:
            first, *there = (f"{one:g}" if isinstance(one, float | int) else one for one in (unknown[0], *known))
            raise HubError(
                f"{wanted}: has no {what} {first}, got {', '.join(there)}; name one of them, or leave it out"
            )
    runs = {
        run
        for run, parameters in told.items()
        if (levels is None or parameters["level"] in levels) and split in (None, parameters["split"])
    }
    if not runs:
        raise HubError(f"{wanted}: has no runs of these levels for {split}; leave out one of them")
    before = manifest.chosen(store)
    runs |= manifest.runs_there(store) if before is None else before
    return frozenset(runs) if len(runs) < len(told) else None


@dataclass
class _Fetching:
    """A version's files on their way to a folder, and what came of them."""

    wanted: Reference
    commit: str | None
    folder: Path
    listed: dict[str, manifest.Fingerprint] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    mended: list[str] = field(default_factory=list)

    def bring_list(self) -> None:
        """Fetch the list of the version's files, unless it is there, and compare it with what git knows it by."""
        if not (self.folder / LIST).is_file():
            commit = self._reachable()
            known = hub.fingerprint(self.wanted, commit, LIST)
            self._bring(LIST, lambda: _is_list(self.folder, known))
        self.listed = {name: (size, sha256) for name, (size, sha256) in _read(self.folder)["files"].items()}

    def make_sound(self, files: Collection[str], progress: Progress | None = None) -> None:
        """Fetch those of the files that are not there, or not as the list says."""
        tell = progress or (lambda what, done, total: None)
        lacking = [file for file in files if not self._is_sound(file)]
        for done, _ in enumerate(self._brought(lacking), start=len(files) - len(lacking)):
            tell("downloading", done, len(files))

    def _is_sound(self, file: str) -> bool:
        return manifest.is_sound(self.folder, {file: self.listed[file]})

    def _brought(self, files: Iterable[str]) -> Iterator[None]:
        """Fetch files, some at once; at first and after each, give nothing."""
        yield
        pool = ThreadPoolExecutor(AT_ONCE)
        try:
            futures = [pool.submit(self._bring, file, partial(self._is_sound, file)) for file in files]
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _bring(self, file: str, is_sound: Callable[[], bool]) -> None:
        """Fetch one file and check it; if it is not sound, once more."""
        damaged = (self.folder / file).is_file()
        for again in (damaged, True):
            path = hub.fetch(self.wanted, self._reachable(), file, self.folder, again=again)
            self.sizes[file] = self.sizes.get(file, 0) + path.stat().st_size
            if is_sound():
                if damaged:
                    self.mended.append(file)
                return
            damaged = True
        path.unlink()
        raise HubError(f"{self.wanted}: {file} arrived twice with other bytes than published; try again later")

    def _reachable(self) -> str:
        if self.commit is None:
            raise UnreachableError(
                f"{self.wanted}: the Hub cannot be reached, and the copy in {self.folder} lacks what is asked for; "
                "run the same command again when it can"
            )
        return self.commit


def _is_list(folder: Path, known: str) -> bool:
    """Whether the list in a folder is what git knows by a fingerprint."""
    return hub.is_same(known, folder / LIST, manifest.fingerprint(folder / LIST)[1])


def _read(folder: Path) -> Any:
    try:
        listed = json.loads((folder / LIST).read_text(encoding="utf-8"))
        _ = listed["dataset"], [(size, sha256) for size, sha256 in listed["files"].values()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HubError(f"{folder / LIST}: is damaged, {error}; delete it and download again") from None
    return listed
