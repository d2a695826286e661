"""A repository of datasets on the Hugging Face Hub, written: created, and filled by commits on its head."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from phigen.errors import HubError
from phigen.hub.refusals import explained
from phigen.hub.repository import KIND, api
from phigen.progress import Progress, silent

ATTRIBUTES = ".gitattributes"
"""The file of a repository that says which files are kept as large ones; the Hub writes to it too."""

FILES_PER_COMMIT = 250
"""One atomic commit holds at most a few hundred files."""

FILES_PER_REPORT = 25
"""Files that are uploaded between two reports of progress."""


def create(repository: str, *, private: bool) -> str:
    """Create a dataset's repository unless it exists, and return its head.

    Raises
    ------
    HubError
        If the token does not have the right to, or the repository should be private and is public.
    """
    with explained(repository):
        api().create_repo(repository, repo_type=KIND, private=private or None, exist_ok=True)
        info = api().repo_info(repository, repo_type=KIND)
    if private and not info.private:
        raise HubError(f"{repository}: is public already; make it private on its page, or leave out --private")
    return str(info.sha)


def mark_large(repository: str, pattern: str, head: str) -> str:
    """Have the files of a pattern kept as large ones, and return the head.

    Without the pattern the Hub adds one line to .gitattributes for every such file.
    """
    from huggingface_hub import CommitOperationAdd

    held = _attributes(repository, head)
    rule = f"{pattern} filter=lfs diff=lfs merge=lfs -text".encode()
    if rule in held.splitlines():
        return head
    separator = b"\n" if held and not held.endswith(b"\n") else b""
    operation = CommitOperationAdd(ATTRIBUTES, held + separator + rule + b"\n")
    with explained(repository):
        made = api().create_commit(
            repository,
            [operation],
            commit_message=f"Keep {pattern} as large files",
            repo_type=KIND,
            parent_commit=head,
        )
    return str(made.oid)


def _attributes(repository: str, head: str) -> bytes:
    """Return the .gitattributes of a commit; where there is none, nothing."""
    from huggingface_hub import hf_hub_download

    with explained(repository), tempfile.TemporaryDirectory() as folder:
        if not api().file_exists(repository, ATTRIBUTES, repo_type=KIND, revision=head):
            return b""
        path = hf_hub_download(repository, ATTRIBUTES, repo_type=KIND, revision=head, local_dir=folder)
        return Path(path).read_bytes()


def commit(
    repository: str,
    message: str,
    *,
    add: Mapping[str, Path],
    delete: Iterable[str],
    parent: str,
    progress: Progress = silent,
) -> str:
    """Add and delete files, in commits of a few hundred that each build on the one before, and return the last.

    Parameters
    ----------
    repository : str
        OWNER/NAME.
    message : str
        Of each commit.
    add : mapping
        Files to add, by their paths in the repository.
    delete : iterable of str
        Paths of files to delete.
    parent : str
        The commit that is expected to be the head.
    progress : callable
        Called with "uploading", the number of files uploaded, and the number of all.

    Raises
    ------
    HubError
        If the Hub refuses, or the head is no longer the parent.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    additions = [CommitOperationAdd(name, path) for name, path in add.items()]
    deletions = [CommitOperationDelete(name, is_folder=False) for name in delete]
    progress("uploading", 0, len(additions))
    for start in range(0, max(len(additions), 1), FILES_PER_COMMIT):
        some = additions[start : start + FILES_PER_COMMIT]
        with explained(repository):
            for first in range(0, len(some), FILES_PER_REPORT):
                few = some[first : first + FILES_PER_REPORT]
                api().preupload_lfs_files(repository, few, repo_type=KIND, free_memory=False)
                progress("uploading", start + first + len(few), len(additions))
            made = api().create_commit(
                repository,
                [*some, *(deletions if start == 0 else ())],
                commit_message=message,
                repo_type=KIND,
                parent_commit=parent,
            )
        parent = str(made.oid)
    return parent
