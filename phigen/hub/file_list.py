"""The list of a published version's files, `files.json`: each with its size and sha256."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from phigen.atomic import write_json
from phigen.errors import HubError
from phigen.hub.reference import Reference
from phigen.store.fingerprints import Fingerprint

LIST = "files.json"


class FileList(NamedTuple):
    """What a version is called, and the fingerprint of each of its files but the list itself."""

    dataset: Reference
    files: dict[str, Fingerprint]


def read(folder: Path) -> FileList:
    """Read the list in a folder.

    Raises
    ------
    HubError
        If it is damaged.
    """
    try:
        listed = json.loads((folder / LIST).read_text(encoding="utf-8"))
        files = {name: (int(size), str(sha256)) for name, (size, sha256) in listed["files"].items()}
        return FileList(Reference.parse(listed["dataset"]), files)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HubError(
            f"{folder / LIST}: is damaged, got {type(error).__name__}: {error}; delete it and download again"
        ) from None


def write(folder: Path, dataset: Reference, *, content_sha256: str, files: Mapping[str, Fingerprint]) -> Path:
    """Write the list to a folder; return its path."""
    listed = {"dataset": str(dataset), "content_sha256": content_sha256, "files": dict(sorted(files.items()))}
    write_json(folder / LIST, listed)
    return folder / LIST
