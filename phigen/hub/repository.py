"""A repository of datasets on the Hugging Face Hub, read: what it holds, and how its files get here.

The client is huggingface_hub's own, with the token and the endpoint that its tools use; nothing here sees the token.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from phigen.errors import HubError
from phigen.hub.reference import SCHEME, Reference
from phigen.hub.refusals import explained

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile, RepoFolder

KIND = "dataset"


def api() -> HfApi:
    """Return the Hub's own client."""
    from huggingface_hub import HfApi

    return HfApi(library_name="phigen")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the client from drawing progress bars of its own, one per file."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    if are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


def is_there(repository: str) -> bool:
    """Return whether there is such a dataset that the token may see; without a token nothing can be published.

    Raises
    ------
    HubError
        If there is no token, or the Hub cannot be reached.
    """
    with explained(repository):
        api().whoami()
        return bool(api().repo_exists(repository, repo_type=KIND))


def refuse_unreadable(wanted: Reference, file: str) -> None:
    """Ask for a file of a version without fetching it.

    Raises
    ------
    HubError
        If it does not exist, or may not be read because the dataset is gated.
    """
    from huggingface_hub import hf_hub_url

    with explained(wanted):
        api().get_hf_file_metadata(url=hf_hub_url(wanted.repository, file, repo_type=KIND, revision=wanted.tag))


def fingerprints(repository: str, revision: str) -> dict[str, str]:
    """Return git's fingerprint of each file of a revision: the sha256 of a large file, the sha1 of a blob."""
    with explained(repository):
        return _fingerprints(api().list_repo_tree(repository, repo_type=KIND, revision=revision, recursive=True))


def fingerprint(wanted: Reference, commit: str, file: str) -> str:
    """Return git's fingerprint of one file of a version.

    Raises
    ------
    HubError
        If the version has no such file, or the Hub cannot be reached.
    """
    with explained(wanted):
        found = _fingerprints(api().get_paths_info(wanted.repository, file, repo_type=KIND, revision=commit))
    if file not in found:
        raise HubError(f"{wanted}: has no {file}, so it was not published by phigen; name another dataset")
    return found[file]


def _fingerprints(entries: Iterable[RepoFile | RepoFolder]) -> dict[str, str]:
    from huggingface_hub.hf_api import RepoFile

    files = (entry for entry in entries if isinstance(entry, RepoFile))
    return {file.path: file.lfs.sha256 if file.lfs is not None else file.blob_id for file in files}


def differing(there: Mapping[str, str], here: Mapping[str, tuple[Path, str]]) -> list[str]:
    """Return the files that differ between the Hub and this machine, sorted.

    Parameters
    ----------
    there : mapping
        From `fingerprints`.
    here : mapping
        Path and sha256 of each file on this machine, by its path in the repository.
    """
    differ = list(there.keys() ^ here.keys())
    differ += [file for file in there.keys() & here.keys() if not is_same(there[file], *here[file])]
    return sorted(differ)


def is_same(fingerprint: str, path: Path, sha256: str) -> bool:
    """Return whether a file on this machine, with its sha256, is the one that git knows by a fingerprint."""
    from huggingface_hub.utils.sha import git_hash

    return fingerprint == (sha256 if len(fingerprint) == len(sha256) else git_hash(path.read_bytes()))


def fetch(wanted: Reference, commit: str, file: str, folder: Path, *, again: bool = False) -> Path:
    """Download one file of a version into a folder, continuing an earlier download that was interrupted.

    Parameters
    ----------
    wanted : Reference
        The dataset and its version.
    commit : str
        The version's commit.
    file : str
        Its path in the repository, and in the folder.
    folder : Path
        Where to put it.
    again : bool
        Whether to fetch it anew, even if it is there.

    Returns
    -------
    Path
        Of the file.
    """
    from huggingface_hub import hf_hub_download

    with explained(wanted):
        path = hf_hub_download(
            wanted.repository, file, repo_type=KIND, revision=commit, local_dir=folder, force_download=again
        )
    return Path(path)


def fetch_zipped(address: str) -> Path:
    """Download the zip files at an address of the Hub to its client's cache.

    Parameters
    ----------
    address : str
        ``hf://datasets/OWNER/NAME``, perhaps ``@REVISION``, perhaps with the path of a folder or of one zip file.

    Returns
    -------
    Path
        Of the file or folder that holds them.

    Raises
    ------
    HubError
        If it is not an address, there is nothing at it, or the Hub cannot be reached.
    """
    from huggingface_hub import snapshot_download

    parts = re.fullmatch(rf"{SCHEME}datasets/([^/@]+/[^/@]+)(?:@([^/]+))?(?:/(.*?))?/?", address)
    if parts is None:
        raise HubError(f"{address}: is not an address on the Hub; write hf://datasets/OWNER/NAME")
    repository, revision, place = parts[1], parts[2], parts[3] or ""
    wanted = [place, f"{place}/*.zip"] if place else ["*.zip"]
    with quiet(), explained(address):
        found = snapshot_download(repository, repo_type=KIND, revision=revision, allow_patterns=wanted)
    return Path(found) / place
