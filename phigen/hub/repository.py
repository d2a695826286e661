"""A repository of datasets on the Hugging Face Hub: what is in it, how to add to it, and what its refusals mean.

The client is huggingface_hub's own, with the token and the endpoint that its tools use; nothing here sees the token.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phigen.errors import HubError, UnreachableError
from phigen.hub.reference import SCHEME, Reference
from phigen.recipe.semver import is_prerelease, is_semantic, precedence

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile, RepoFolder

KIND = "dataset"
LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"

ATTRIBUTES = ".gitattributes"
"""The Hub's own file in a repository: which files it keeps as large ones."""

FILES_A_COMMIT = 250
"""One atomic commit bears a few hundred files."""

FILES_AT_ONCE = 25
"""So many files are uploaded between two reports of progress."""


@dataclass(frozen=True)
class Published:
    """A version that is there: its number, its commit, and when that was made."""

    version: str
    commit: str
    date: datetime | None = None


@contextmanager
def understood(what: Reference | str) -> Iterator[None]:
    """Put what the Hub refuses in one line, with what to do about it.

    Parameters
    ----------
    what : Reference or str
        The dataset that is asked for.
    """
    from huggingface_hub import errors
    from huggingface_hub.utils import httpx

    try:
        with _unwrapped():
            yield
    except errors.LocalTokenNotFoundError:
        raise HubError(f"{what}: the Hub needs to know you, there is no token; {LOG_IN}") from None
    except errors.GatedRepoError:
        raise HubError(f"{what}: is gated, you have no access yet; ask for it on its page, then {LOG_IN}") from None
    except errors.RepositoryNotFoundError:
        raise HubError(
            f"{what}: there is no such dataset, or it is private and you may not see it; check the name, or {LOG_IN}"
        ) from None
    except errors.RevisionNotFoundError:
        raise HubError(f"{what}: there is no such version; `phigen versions OWNER/NAME` lists what there is") from None
    except errors.RemoteEntryNotFoundError as error:
        file = str(error.response.url).rpartition("/")[2]
        raise HubError(f"{what}: holds no {file}, so phigen has not published it; name another dataset") from None
    except errors.HfHubHTTPError as error:
        raise HubError(f"{what}: {_refusal(error.response.status_code, error.server_message)}") from error
    except (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError, httpx.TransportError) as error:
        raise UnreachableError(
            f"{what}: the Hub cannot be reached, {type(error).__name__}; what has arrived is kept: run the same "
            "command again when it can"
        ) from error


@contextmanager
def _unwrapped() -> Iterator[None]:
    """Raise what befell a large file itself: the client wraps it in a RuntimeError."""
    try:
        yield
    except RuntimeError as error:
        raise error.__cause__ or error from None


def _refusal(status: int, said: str | None) -> str:
    """Put an HTTP status in words, and what to do."""
    known = {
        401: f"the Hub does not accept the token; {LOG_IN}",
        403: "your token has no right to do this; use one that may write there, made in your settings on the Hub",
        409: "somebody else has just made the same; run the same command again to see what is there",
        412: "somebody else has changed the repository meanwhile; run the same command again to continue",
        429: "the Hub has had too many requests from you; what has arrived is kept: run it again in some minutes",
    }
    reason = f", {' '.join(said.split())}" if said else ""
    other = f"the Hub answers with status {status}{reason}; what has arrived is kept: run the same command again later"
    return known.get(status, other)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the client from drawing bars of its own, one a file."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    if are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait until nobody else downloads to a folder, and keep others waiting."""
    from huggingface_hub.utils import WeakFileLock

    (folder / ".cache").mkdir(parents=True, exist_ok=True)
    with WeakFileLock(folder / ".cache" / "phigen.lock"):
        yield


def api() -> HfApi:
    """Give the Hub's own client."""
    from huggingface_hub import HfApi

    return HfApi(library_name="phigen")


def versions(wanted: Reference) -> list[Published]:
    """Give the published versions of a dataset, the newest first, each with the date of its commit.

    Raises
    ------
    HubError
        If there is no such dataset, or the Hub cannot be reached.
    """
    found = commits_by_version(wanted)
    with understood(wanted):
        commits = api().list_repo_commits(wanted.repository, repo_type=KIND)
    dates = {commit.commit_id: commit.created_at for commit in commits}
    return [Published(version, commit, dates.get(commit)) for version, commit in found.items()]


def commits_by_version(wanted: Reference) -> dict[str, str]:
    """Give the commit of each published version, the newest first; tags that are no versions are passed over."""
    with understood(wanted):
        tags = api().list_repo_refs(wanted.repository, repo_type=KIND).tags
    found = {tag.name.removeprefix("v"): tag.target_commit for tag in tags if tag.name.startswith("v")}
    return {version: found[version] for version in sorted(filter(is_semantic, found), key=precedence, reverse=True)}


def resolve(wanted: Reference) -> tuple[Reference, str]:
    """Find the version that is asked for, or the newest one that is no pre-release, and its commit.

    Raises
    ------
    HubError
        If it is not there.
    """
    there = commits_by_version(wanted)
    if wanted.version is None:
        newest = next((version for version in there if not is_prerelease(version)), next(iter(there), None))
        if newest is None:
            raise HubError(f"{wanted}: has no published version; publish one with phigen publish DATASET {wanted}")
        wanted = wanted.at(newest)
    elif wanted.version not in there:
        known = ", ".join(f"v{version}" for version in there) or "none"
        raise HubError(f"{wanted}: there is no such version, published are {known}; name one of them")
    with understood(wanted):
        return wanted, str(api().repo_info(wanted.repository, repo_type=KIND, revision=wanted.tag).sha)


def refuse_unreadable(wanted: Reference, commit: str, file: str) -> None:
    """Ask for a file of a version without fetching it.

    Raises
    ------
    HubError
        If it is not there, or may not be read, for the dataset is gated.
    """
    from huggingface_hub import hf_hub_url

    with understood(wanted):
        api().get_hf_file_metadata(url=hf_hub_url(wanted.repository, file, repo_type=KIND, revision=commit))


def fingerprints(repository: str, revision: str) -> dict[str, str]:
    """Give each file of a revision with what git knows it by: the sha256 of a large file, the sha1 of a blob."""
    with understood(repository):
        return _fingerprints(api().list_repo_tree(repository, repo_type=KIND, revision=revision, recursive=True))


def _fingerprints(entries: Iterable[RepoFile | RepoFolder]) -> dict[str, str]:
    from huggingface_hub.hf_api import RepoFile

    files = (entry for entry in entries if isinstance(entry, RepoFile))
    return {file.path: file.lfs.sha256 if file.lfs is not None else file.blob_id for file in files}


def fingerprint(wanted: Reference, commit: str, file: str) -> str:
    """Give what git knows one file of a version by."""
    with understood(wanted):
        found = _fingerprints(api().get_paths_info(wanted.repository, file, repo_type=KIND, revision=commit))
    if file not in found:
        raise HubError(f"{wanted}: has no {file}, so it is not phigen that published it; name another dataset")
    return found[file]


def differing(there: Mapping[str, str], here: Mapping[str, tuple[Path, str]]) -> list[str]:
    """Give the files that are not the same there and here, sorted; here, a path and the sha256 of each."""
    differ = list(there.keys() ^ here.keys())
    differ += [file for file in there.keys() & here.keys() if not is_same(there[file], *here[file])]
    return sorted(differ)


def is_same(fingerprint: str, path: Path, sha256: str) -> bool:
    """Whether a file here, of a sha256, is what git knows by a fingerprint."""
    from huggingface_hub.utils.sha import git_hash

    return fingerprint == (sha256 if len(fingerprint) == len(sha256) else git_hash(path.read_bytes()))


def is_there(repository: str) -> bool:
    """Whether there is such a dataset, as far as the token, without which nothing is published, may see.

    Raises
    ------
    HubError
        If there is no token, or the Hub cannot be reached.
    """
    with understood(repository):
        api().whoami()
        return bool(api().repo_exists(repository, repo_type=KIND))


def create(repository: str, *, private: bool) -> str:
    """Make sure that a dataset's repository is there, and give its head.

    Raises
    ------
    HubError
        If the token has no right to do so, or the repository shall be private and is not.
    """
    with understood(repository):
        api().create_repo(repository, repo_type=KIND, private=private or None, exist_ok=True)
        info = api().repo_info(repository, repo_type=KIND)
    if private and not info.private:
        raise HubError(f"{repository}: is public already; make it private on its page, or leave out --private")
    return str(info.sha)


def mark_large(repository: str, pattern: str, head: str) -> str:
    """Have files of a pattern kept as large ones, and give the head; otherwise the Hub notes each by its own name."""
    from huggingface_hub import CommitOperationAdd, hf_hub_download

    with understood(repository), tempfile.TemporaryDirectory() as folder:
        kept = hf_hub_download(repository, ATTRIBUTES, repo_type=KIND, revision=head, local_dir=folder)
        held = Path(kept).read_text(encoding="utf-8")
        line = f"{pattern} filter=lfs diff=lfs merge=lfs -text\n"
        if line in held:
            return head
        operation = CommitOperationAdd(ATTRIBUTES, (held + line).encode())
        message = f"Keep {pattern} as large files"
        return str(
            api().create_commit(repository, [operation], commit_message=message, repo_type=KIND, parent_commit=head).oid
        )


def commit(
    repository: str, message: str, *, add: Mapping[str, Path], delete: Iterable[str], parent: str, progress: Any
) -> str:
    """Add and delete files, in commits of a few hundred that each build on the one before, and give the last.

    Raises
    ------
    HubError
        If the Hub refuses, or the head is no longer the parent.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    additions = [CommitOperationAdd(name, path) for name, path in add.items()]
    deletions = [CommitOperationDelete(name, is_folder=False) for name in delete]
    progress(0, len(additions))
    for start in range(0, max(len(additions), 1), FILES_A_COMMIT):
        some = additions[start : start + FILES_A_COMMIT]
        with understood(repository):
            for first in range(0, len(some), FILES_AT_ONCE):
                few = some[first : first + FILES_AT_ONCE]
                api().preupload_lfs_files(repository, few, repo_type=KIND, free_memory=False)
                progress(start + first + len(few), len(additions))
            operations = [*some, *(deletions if start == 0 else ())]
            made = api().create_commit(
                repository, operations, commit_message=message, repo_type=KIND, parent_commit=parent
            )
        parent = made.oid
    return parent


def tag(repository: str, name: str, commit: str, message: str) -> bool:
    """Tag a commit, and say whether it was done; not if the tag is there already."""
    from huggingface_hub.errors import HfHubHTTPError

    with understood(repository):
        try:
            api().create_tag(repository, tag=name, tag_message=message, revision=commit, repo_type=KIND)
        except HfHubHTTPError as error:
            if error.response.status_code != 409:
                raise
            return False
    return True


def fetch(wanted: Reference, commit: str, file: str, folder: Path, *, again: bool = False) -> Path:
    """Download one file of a version into a folder, going on where an earlier download stopped.

    Parameters
    ----------
    wanted : Reference
        The dataset and its version.
    commit : str
        The version's commit.
    file : str
        Its path in the repository, and in the folder.
    folder : Path
        Where to.
    again : bool
        Whether to take it anew, even if it is there.
    """
    from huggingface_hub import hf_hub_download

    with understood(wanted):
        path = hf_hub_download(
            wanted.repository, file, repo_type=KIND, revision=commit, local_dir=folder, force_download=again
        )
    return Path(path)


def fetch_zipped(address: str) -> Path:
    """Download the zip files at an address of the Hub to its client's cache, and give where they lie.

    Parameters
    ----------
    address : str
        ``hf://datasets/OWNER/NAME``, perhaps ``@REVISION``, perhaps with the path of a folder or of one zip file.

    Raises
    ------
    HubError
        If that is no address, there is nothing at it, or the Hub cannot be reached.
    """
    from huggingface_hub import snapshot_download

    parts = re.fullmatch(rf"{SCHEME}datasets/([^/@]+/[^/@]+)(?:@([^/]+))?(?:/(.*?))?/?", address)
    if parts is None:
        raise HubError(f"{address}: is no address on the Hub; write hf://datasets/OWNER/NAME")
    repository, revision, place = parts[1], parts[2], parts[3] or ""
    wanted = [place, f"{place}/*.zip"] if place else ["*.zip"]
    with quiet(), understood(address):
        found = snapshot_download(repository, repo_type=KIND, revision=revision, allow_patterns=wanted)
    return Path(found) / place
