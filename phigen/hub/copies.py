"""Copies of published versions on this machine: where they are, and which version each of them holds."""

from __future__ import annotations

from pathlib import Path

from phigen.hub import file_list
from phigen.hub.file_list import LIST
from phigen.hub.reference import Reference
from phigen.recipe.semver import is_semantic, newest


def cached(wanted: Reference) -> Path:
    """Return the folder in the Hub's cache for a version of a dataset."""
    return _cache(wanted.repository) / wanted.tag


def newest_cached(repository: str) -> Reference | None:
    """Return the newest version in the Hub's cache, chosen as on the Hub; None if there is none."""
    folders = _cache(repository).glob("v*")
    versions = [folder.name.removeprefix("v") for folder in folders if (folder / LIST).is_file()]
    version = newest(filter(is_semantic, versions))
    return Reference(repository, version) if version is not None else None


def held_by(folder: Path) -> Reference | None:
    """Return the version that a folder is a copy of; None if it is not a copy.

    Raises
    ------
    HubError
        If its list of files is damaged.
    """
    return file_list.read(folder).dataset if (folder / LIST).is_file() else None


def _cache(repository: str) -> Path:
    from huggingface_hub.constants import HF_HOME

    return Path(HF_HOME) / "phigen" / repository
