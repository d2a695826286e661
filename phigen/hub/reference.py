"""What a dataset of the Hub is called: its repository, OWNER/NAME, and perhaps a version of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Self

from phigen.errors import HubError
from phigen.recipe.semver import is_semantic

SCHEME = "hf://"
LIST = "files.json"
"""In a published version: names every other file of it, with size and sha256."""

STORE = "store.zarr"
"""Where in a repository the store is."""

LONGEST = 96
"""Letters of OWNER/NAME."""

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"


@dataclass(frozen=True)
class Reference:
    """A repository of datasets, and a version such as 1.0.0; the newest one if there is none."""

    repository: str
    version: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `OWNER/NAME`, `OWNER/NAME@v1.0.0` or the same after `hf://datasets/`.

        Raises
        ------
        HubError
            If it is none of these.
        """
        plain = text.removeprefix(f"{SCHEME}datasets/").removesuffix("/").removesuffix(f"/{STORE}")
        repository, at, tag = plain.partition("@")
        if not re.fullmatch(f"{_NAME}/{_NAME}", repository):
            raise HubError(
                f"{text}: names no dataset of the Hub, got {repository!r}; write OWNER/NAME, OWNER/NAME@v1.0.0 or "
                "hf://datasets/OWNER/NAME@v1.0.0"
            )
        if len(repository) > LONGEST or re.search(r"--|\.\.|\.git$", repository):
            raise HubError(
                f"{text}: the Hub allows no such name; choose one of at most {LONGEST} letters, without -- and .., "
                "that does not end in .git"
            )
        version = tag.removeprefix("v")
        if at and not is_semantic(version):
            raise HubError(
                f"{text}: {tag!r} is not a semantic version; write OWNER/NAME@v1.0.0, "
                f"`phigen versions {repository}` lists what there is"
            )
        return cls(repository, version if at else None)

    @property
    def tag(self) -> str:
        """The tag that publishes the version."""
        return f"v{self.version}"

    @property
    def url(self) -> str:
        """Where fsspec finds the version's store."""
        return f"{SCHEME}datasets/{self.repository}@{self.tag}/{STORE}"

    def at(self, version: str) -> Self:
        """Give another version of the same dataset."""
        return replace(self, version=version)

    def __str__(self) -> str:
        return self.repository if self.version is None else f"{self.repository}@{self.tag}"
