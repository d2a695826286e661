"""Publishing: a finished store becomes a version of a dataset on the Hub, and the version's tag never moves.

The files come first, in commits that each build on the one before; then what is there is compared with what is
here; last comes the tag, which is the moment of publication.  Whatever stops it before leaves no version, and the same
command goes on with what is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from phigen.errors import HubError, StoreError
from phigen.hub import repository as hub
from phigen.hub.bundle import Bundle, bundled, stored
from phigen.hub.reference import LIST, STORE, Reference
from phigen.recipe.semver import is_semantic
from phigen.store import manifest
from phigen.store import reading as store

CHUNKS = f"{STORE}/**/c/**"
"""What is binary in a store, by name."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Publication:
    """What a publication did: nothing, if the version was there already with the same data."""

    reference: Reference
    commit: str
    uploaded: int
    bytes: int
    published: bool


@hub.quiet()
def publish(
    path: str | Path,
    repository: str,
    *,
    version: str | None = None,
    private: bool = False,
    progress: Progress | None = None,
) -> Publication:
    """Publish a finished dataset as a version of a repository of the Hub.

    A version that is there with the same data is left as it is.

    Parameters
    ----------
    path : str or Path
        Of the store.
    repository : str
        OWNER/NAME; made if it is not there.
    version : str, optional
        Semantic; the recipe's if left out.
    private : bool
        Whether the repository shall be private.
    progress : callable, optional
        Called with what is being done, how many files of it are done, and how many there are.

    Returns
    -------
    Publication
        With ``published`` false if there was nothing to do.

    Raises
    ------
    StoreError
        If the store is unfinished, damaged or a copy of some runs only.
    HubError
        If the version is not a semantic one or is there with other data, the repository holds something else, there is
        no token or it has no rights, or the Hub cannot be reached.  Nothing is published then; the same call goes on
        where it stopped.
    """
    path, tell = Path(path), progress or (lambda what, done, total: None)
    wanted = reference_for(path, repository, version)
    if hub.is_there(wanted.repository):
        if _is_published(path, wanted):
            return Publication(wanted, hub.resolve(wanted)[1], 0, 0, published=False)
        _refuse_strange_files(wanted.repository)
    head = hub.create(wanted.repository, private=private)
    with bundled(path, wanted) as bundle:
        head, uploaded = _upload(bundle, hub.mark_large(wanted.repository, CHUNKS, head), tell)
        _refuse_another_tree(bundle, head)
    tagged = head
    if not hub.tag(wanted.repository, wanted.tag, head, str(wanted)):
        if not _is_published(path, wanted):
            raise HubError(f"{wanted}: has appeared and gone meanwhile; run the same command again")
        tagged = hub.resolve(wanted)[1]
    return Publication(wanted, tagged, len(uploaded), sum(uploaded.values()), published=tagged == head)


def _upload(bundle: Bundle, head: str, tell: Progress) -> tuple[str, dict[str, int]]:
    """Bring a repository's head to what the bundle holds; give the new head, and the size of each file sent."""
    there = _without_kept(hub.fingerprints(bundle.reference.repository, head))
    changed = hub.differing(there, bundle.shas)
    sent = {name: bundle.files[name] for name in changed if name in bundle.files}
    if changed:
        head = hub.commit(
            bundle.reference.repository,
            str(bundle.reference),
            add={name: path for name, (path, _) in sent.items()},
            delete=[name for name in changed if name not in sent],
            parent=head,
            progress=partial(tell, "uploading"),
        )
    return head, {name: size for name, (_, (size, _)) in sent.items()}


def reference_for(path: Path, repository: str, version: str | None = None) -> Reference:
    """Give what a store is to be published as, after a check that it can be.

    Raises
    ------
    StoreError, HubError
        If it cannot.
    """
    attributes = store.open(path).attrs
    if manifest.chosen(path) is not None:
        raise StoreError(f"{path}: holds only some of its dataset's runs; download or build the others first")
    wanted = Reference.parse(repository)
    if wanted.version is not None:
        raise HubError(f"{repository}: names a version; give it as --version {wanted.version}, or leave it out")
    version = attributes["version"] if version is None else version
    if not is_semantic(version):
        raise HubError(f"{repository}: {version!r} is not a semantic version; write MAJOR.MINOR.PATCH, such as 1.0.0")
    store.refuse_corrupted(manifest.load(path))
    return wanted.at(version)


def _is_published(path: Path, wanted: Reference) -> bool:
    """Whether the version is there with this store's data; refuse one with others.

    The card, the index and the pictures are made of the data, by versions of libraries that may differ from those
    that made them then: they do not make it another dataset.
    """
    if wanted.version not in hub.commits_by_version(wanted):
        return False
    there = hub.fingerprints(wanted.repository, wanted.tag)
    own = {file: print_ for file, print_ in there.items() if file.startswith(f"{STORE}/")}
    others = hub.differing(own, {name: (file, sha256) for name, (file, (_, sha256)) in stored(path).items()})
    if others:
        some = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
        raise HubError(
            f"{wanted}: is published with other content, {len(others)} files differ: {some}; a version never changes: "
            "raise it in the recipe, or with --version"
        )
    return True


def _refuse_strange_files(repository: str) -> None:
    """Refuse a repository that is used for something else: a new version would replace its files."""
    there = hub.fingerprints(repository, "main")
    strange = sorted(there.keys() - {hub.ATTRIBUTES, "README.md"})
    if strange and LIST not in there:
        raise HubError(
            f"{repository}: holds files that phigen has not published, {strange[0]} for one, and a version would "
            "replace them; publish under another name"
        )


def _without_kept(there: dict[str, str]) -> dict[str, str]:
    return {file: fingerprint for file, fingerprint in there.items() if file != hub.ATTRIBUTES}


def _refuse_another_tree(bundle: Bundle, commit: str) -> None:
    """Compare what has arrived with what was sent, before it is tagged."""
    wanted = bundle.reference
    there = _without_kept(hub.fingerprints(wanted.repository, commit))
    others = hub.differing(there, bundle.shas)
    if others:
        raise HubError(
            f"{wanted}: {others[0]} arrived otherwise than it was sent ({len(others)} files in all), nothing is "
            "published; run the same command again"
        )
