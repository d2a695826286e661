"""The published versions of a dataset: tags of its repository on the Hub."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from phigen.errors import HubError
from phigen.hub.reference import Reference
from phigen.hub.refusals import explained
from phigen.hub.repository import KIND, api
from phigen.recipe.semver import is_semantic, newest, precedence


@dataclass(frozen=True)
class Published:
    """A published version: its number, its commit, and the commit's date."""

    version: str
    commit: str
    date: datetime | None


def versions(wanted: Reference) -> list[Published]:
    """Return the published versions of a dataset, the newest first, each with the date of its commit.

    Raises
    ------
    HubError
        If one version is asked for, there is no such dataset, or the Hub cannot be reached.
    """
    if wanted.version is not None:
        raise HubError(f"{wanted}: names one version, and all are listed; leave out @{wanted.tag}")
    found = commits_by_version(wanted)
    with explained(wanted):
        commits = api().list_repo_commits(wanted.repository, repo_type=KIND)
    dates = {commit.commit_id: commit.created_at for commit in commits}
    return [Published(version, commit, dates.get(commit)) for version, commit in found.items()]


def commits_by_version(wanted: Reference) -> dict[str, str]:
    """Return the commit of each published version, the newest first; tags that are not versions are left out."""
    with explained(wanted):
        tags = api().list_repo_refs(wanted.repository, repo_type=KIND).tags
    found = {tag.name.removeprefix("v"): tag.target_commit for tag in tags if tag.name.startswith("v")}
    return {version: found[version] for version in sorted(filter(is_semantic, found), key=precedence, reverse=True)}


def resolve(wanted: Reference) -> tuple[Reference, str]:
    """Find the version that is asked for, or the newest one that is not a pre-release, and its commit.

    Returns
    -------
    Reference
        With its version; if all versions are pre-releases, the newest of them.
    str
        The commit.

    Raises
    ------
    HubError
        If there is no such dataset or version, or the Hub cannot be reached.
    """
    there = commits_by_version(wanted)
    if wanted.version is None:
        version = newest(there)
        if version is None:
            raise HubError(f"{wanted}: has no published version; publish one with phigen publish DATASET {wanted}")
        wanted = wanted.at(version)
    elif wanted.version not in there:
        known = ", ".join(f"v{version}" for version in there) or "none"
        raise HubError(f"{wanted}: there is no such version, published are {known}; name one of them")
    with explained(wanted):
        return wanted, str(api().repo_info(wanted.repository, repo_type=KIND, revision=wanted.tag).sha)


def tag(repository: str, name: str, commit: str, message: str) -> bool:
    """Tag a commit; return whether it was done, which it is not if the tag exists already.

    Raises
    ------
    HubError
        If the Hub refuses for another reason, or cannot be reached.
    """
    from huggingface_hub.errors import HfHubHTTPError

    with explained(repository):
        try:
            api().create_tag(repository, tag=name, tag_message=message, revision=commit, repo_type=KIND)
        except HfHubHTTPError as error:
            if error.response.status_code != 409:
                raise
            return False
    return True
