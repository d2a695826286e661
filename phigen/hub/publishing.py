"""Publishing: a finished store becomes a version of a dataset on the Hub, and the version's tag never moves.

The files come first, in commits that each build on the one before.  Then the files on the Hub are compared with those
on this machine.  The tag comes last: it is the moment of publication.  A publication that is interrupted earlier leaves
no version, and the same command continues with the files that are missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from phigen.errors import HubError, StoreError
from phigen.hub import committing
from phigen.hub import repository as hub
from phigen.hub.bundle import Bundle, bundled, stored
from phigen.hub.file_list import LIST
from phigen.hub.reference import STORE, Reference
from phigen.hub.versions import commits_by_version, resolve, tag
from phigen.progress import Progress, silent
from phigen.recipe.semver import is_semantic
from phigen.store import manifest
from phigen.store.layout import attributes_of
from phigen.store.manifest import Manifest
from phigen.store.reading import refuse_corrupted, refuse_unfinished

CHUNKS = f"{STORE}/**/c/**"
"""Which files of a store are binary, as a pattern of .gitattributes."""


@dataclass(frozen=True)
class Publication:
    """What a publication did: nothing, if the version had been published with the same data."""

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
    progress: Progress = silent,
) -> Publication:
    """Publish a finished dataset as a version of a repository on the Hub.

    A version that is published already with the same data is left as it is.

    Parameters
    ----------
    path : str or Path
        Of the store.
    repository : str
        OWNER/NAME; created if it does not exist.
    version : str, optional
        A semantic version; the recipe's if left out.
    private : bool
        Whether the repository must be private.
    progress : callable, optional
        Called with what is being done, the number of files done, and the number of all.

    Returns
    -------
    Publication
        With ``published`` false if there was nothing to do.

    Raises
    ------
    StoreError
        If the store is unfinished, damaged or a copy of only some runs.
    HubError
        If the version is not semantic or is published with other data, the repository holds something else, there is
        no token or it lacks rights, or the Hub cannot be reached.  Nothing is published then; the same call continues
        where it stopped.
    """
    known, wanted = publishable(path, repository, version)
    if hub.is_there(wanted.repository):
        if _is_published(known, wanted):
            return Publication(wanted, resolve(wanted)[1], 0, 0, published=False)
        _refuse_foreign_files(wanted.repository)
    head = committing.create(wanted.repository, private=private)
    with bundled(known, wanted) as bundle:
        head, uploaded = _upload(bundle, committing.mark_large(wanted.repository, CHUNKS, head), progress)
        _refuse_another_tree(bundle, head)
    tagged = head
    if not tag(wanted.repository, wanted.tag, head, str(wanted)):
        if not _is_published(known, wanted):
            raise HubError(
                f"{wanted}: was published by somebody else and removed meanwhile; run the same command again"
            )
        tagged = resolve(wanted)[1]
    return Publication(wanted, tagged, len(uploaded), sum(uploaded.values()), published=tagged == head)


def publishable(path: str | Path, repository: str, version: str | None = None) -> tuple[Manifest, Reference]:
    """Check that a store can be published; the Hub is not asked.

    Returns
    -------
    Manifest
        Of the store, of which every bit has been checked.
    Reference
        What it is to be published as.

    Raises
    ------
    StoreError
        If the store is unfinished, damaged or a copy of only some runs.
    HubError
        If the repository's name or the version cannot be used.
    """
    path = Path(path)
    attributes, known = attributes_of(path), manifest.load(path)
    refuse_unfinished(known)
    if known.chosen is not None:
        raise StoreError(f"{path}: holds only some of its dataset's runs; download or build the others first")
    wanted = Reference.parse(repository)
    if wanted.version is not None:
        raise HubError(f"{repository}: names a version; write it as --version {wanted.version}, or leave it out")
    version = attributes["version"] if version is None else version
    if not is_semantic(version):
        raise HubError(f"{repository}: {version!r} is not a semantic version; write MAJOR.MINOR.PATCH, such as 1.0.0")
    refuse_corrupted(known)
    return known, wanted.at(version)


def _upload(bundle: Bundle, head: str, progress: Progress) -> tuple[str, dict[str, int]]:
    """Make a repository's head equal to the bundle; return the new head, and the size of each file sent."""
    there = _without_attributes(hub.fingerprints(bundle.reference.repository, head))
    changed = hub.differing(there, bundle.sha256s)
    sent = {name: bundle.files[name] for name in changed if name in bundle.files}
    if changed:
        head = committing.commit(
            bundle.reference.repository,
            str(bundle.reference),
            add={name: path for name, (path, _) in sent.items()},
            delete=[name for name in changed if name not in sent],
            parent=head,
            progress=progress,
        )
    return head, {name: size for name, (_, (size, _)) in sent.items()}


def _is_published(known: Manifest, wanted: Reference) -> bool:
    """Return whether the version is published with this store's data; refuse one with other data.

    Card, run table and pictures are left out of the comparison: they are made from the data, and other versions of
    libraries may make other bytes of the same data.
    """
    if wanted.version not in commits_by_version(wanted):
        return False
    there = hub.fingerprints(wanted.repository, wanted.tag)
    of_store = {file: fingerprint for file, fingerprint in there.items() if file.startswith(f"{STORE}/")}
    others = hub.differing(of_store, {name: (file, sha256) for name, (file, (_, sha256)) in stored(known).items()})
    if others:
        some = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
        raise HubError(
            f"{wanted}: is published with other content, {len(others)} files differ: {some}; a version never changes: "
            "raise it in the recipe, or with --version"
        )
    return True


def _refuse_foreign_files(repository: str) -> None:
    """Refuse a repository that is used for something else, because a new version would replace its files."""
    there = hub.fingerprints(repository, "main")
    foreign = sorted(there.keys() - {committing.ATTRIBUTES, "README.md"})
    if foreign and LIST not in there:
        raise HubError(
            f"{repository}: holds files that phigen has not published, such as {foreign[0]}, and a version would "
            "replace them; publish under another name"
        )


def _refuse_another_tree(bundle: Bundle, commit: str) -> None:
    """Compare what has arrived with what was sent, before it is tagged."""
    wanted = bundle.reference
    there = _without_attributes(hub.fingerprints(wanted.repository, commit))
    others = hub.differing(there, bundle.sha256s)
    if others:
        raise HubError(
            f"{wanted}: {others[0]} has not arrived as it was sent ({len(others)} such files), nothing is published; "
            "run the same command again"
        )


def _without_attributes(there: dict[str, str]) -> dict[str, str]:
    return {file: fingerprint for file, fingerprint in there.items() if file != committing.ATTRIBUTES}
